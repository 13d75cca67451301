"""Through a network: what each layer makes of a digit, and what one value is computed from."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from ..layers import Layers, Seen, activation_of, idle, passes_on
from .answering import AtHand, of_model
from .networks import Network, softmax
from .pacing import Pace
from .validation import Digits, scaled

MAPS, UNITS = 64, 4096  # of a layer that are sent
SAMPLE = 50  # validation images that decide which units are dead
MARKING = 0.0005  # share of the training's time in which units are looked at that may be dead
NEWEST = "the newest network"


class Wish(NamedTuple):
    """What a page wants to see; `drawn`: the drawn digit, if there is one, not the selected one."""

    network: str = NEWEST
    drawn: bool = True
    masks: bool = False  # whether dropout drops units
    at: tuple[int, list[int]] | None = None  # layer and place of a value to be explained


class Opened:
    """A network that is seen through; with `masks`, its dropout drops units."""

    def __init__(self, network: AtHand, masks: bool, digits: Digits):
        model = network.model()
        self.network, self.masks = network, masks
        self._shape = network.input_shape or model.input_shape[1:]
        self.layers = Layers(model, self._shape, masks)
        layers = [step.layer for step in self.layers.steps]
        self.about = [_about(layer) for layer in layers]
        self.dropout = any(isinstance(layer, keras.layers.Dropout) for layer in layers)
        self.marks: list[np.ndarray] = []
        self.marking = Pace(0, MARKING)
        self.mark(digits)

    def shows(self, source: Any, masks: bool) -> bool:
        """Whether it was opened for the same."""
        return self.network.source is source and self.masks == masks

    def look(self, pixels: np.ndarray) -> Seen:
        """Return what the network computes from images of bytes."""
        return self.layers.look(scaled(pixels, self.network.white).reshape(-1, *self._shape))

    def glance(self, network: Network, pixels: np.ndarray) -> Seen:
        """Return what the network computes, by its weights: for one image in half the time."""
        images = scaled(pixels, self.network.white).reshape(-1, *self._shape)
        *hidden, scores = network.layers(images)
        computed, values = iter([*hidden, softmax(scores)]), []
        for about in self.about:
            values.append(values[-1].reshape(1, -1) if about["why"] else next(computed))
        return Seen([*values, images], {}, scores, values[-1])

    def mark(self, digits: Digits) -> None:
        """Find the units that say nothing about any of some digits, unless that was just done."""
        if self.marking.due:
            with self.marking.turn():
                self.marks = list(idle(self.layers.steps, self.look(digits.pixels[:SAMPLE])))


class Through:
    """Looks through one network at a time, as long as a page wants to see it.

    `send` is called with values for the pages, by name; `at_hand` returns the networks by name, the
    newest as the last.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        digits: Digits,
        at_hand: Callable[[], dict[str, AtHand]],
    ):
        self._send, self._digits, self._at_hand = send, digits, at_hand
        self.drawn: np.ndarray | None = None  # the last drawn digit
        self.training = False  # whether a network is in training
        self.asked = False  # whether a page waits to see it anew: another digit, or another value
        self._wish: Wish | None = None
        # One for each thread: that of the training, and that which hears the page.
        self._opened: Opened | None = None
        self._live: Opened | None = None

    def want(self, wish: dict[str, Any] | None) -> None:
        """Show what a page wants to see, until it wants something else, or nothing."""
        self._wish = None if wish is None else Wish(**wish)
        if wish is None:
            self._opened = self._live = None
        self.show()

    def ended(self) -> None:
        """Show a network that is no longer in training."""
        self.training, live = False, self._live
        if live is not None:  # when it begins anew, no unit is dead
            live.marks = [np.zeros_like(each) for each in live.marks]
        self.show()

    def show(self) -> None:
        """Show what is wanted; the network in training is shown as soon as it can be looked at."""
        wish = self._wish
        self.asked = wish is not None and self.training and wish.network == NEWEST
        if wish is None or self.asked:
            return
        networks = self._at_hand()
        if not networks:
            self._send({"through": {"problem": "There is no network yet: train one."}})
            return
        name = wish.network if wish.network in networks else list(networks)[-1]
        digit = self._digit(wish)
        try:
            opened = self._opened
            if opened is None or not opened.shows(networks[name].source, wish.masks):
                opened = self._opened = Opened(networks[name], wish.masks, self._digits)
            seen = opened.look(digit["digit"])
            pixels = opened.layers.speaking(seen.values[-1]).ravel()
            values = self._values(opened, wish, seen) | digit | {"pixels": pixels}
        except ValueError as problem:
            values = {"problem": str(problem)}
        self._send({"through": values | {"networks": [NEWEST, *networks], "network": name}})

    def watched(self, model: keras.Model) -> Opened | None:
        """Return a network in training, opened, if a page wants to see it."""
        wish = self._wish
        if wish is None or wish.network != NEWEST:
            return None
        opened = self._live  # which `want` may let go at any moment
        if opened is None or not opened.shows(model, wish.masks):
            network = of_model(model, model.input_shape[1:], self._digits.white)
            opened = self._live = Opened(network, wish.masks, self._digits)
        return opened

    def live(self, opened: Opened, network: Network) -> dict[str, Any]:
        """Return what to show of a network in training, which `watched` has opened."""
        self.asked = False
        wish = self._wish or Wish()  # which `want` may take back at any moment
        digit = self._digit(wish)
        pixels = digit["digit"]
        seen = opened.look(pixels) if opened.masks else opened.glance(network, pixels)
        values = self._values(opened, wish, seen) | digit | {"pixels": None}
        opened.mark(self._digits)
        names = {"networks": [NEWEST, *self._at_hand()], "network": f"{network.name} (training)"}
        news, answer = {"through": values | names}, {"probabilities": seen.probabilities[0]}
        if digit["drawn"] and not opened.masks:  # else this is not its answer
            news["training"] = {"name": network.name} | answer
        elif not opened.masks:
            news["said"] = {"index": digit["index"]} | answer
        return news

    def _digit(self, wish: Wish) -> dict[str, Any]:
        """Return the digit that is looked at."""
        drawn, index = wish.drawn and self.drawn is not None, self._digits.index
        return {
            "drawn": drawn,
            "index": index,
            "count": len(self._digits.labels),
            "label": None if drawn else int(self._digits.labels[index]),
            "digit": self.drawn.ravel() if drawn else self._digits.pixels[index],
        }

    def _values(self, opened: Opened, wish: Wish, seen: Seen) -> dict[str, Any]:
        """Return what the page shows of a network, but for its name and the digit."""
        layers = zip(opened.about, seen.values, opened.marks, strict=False)  # then comes the image
        return {
            "problem": "",
            "layers": [
                _layer(about, value, seen.masks.get(number), marks)
                for number, (about, value, marks) in enumerate(layers)
            ],
            "dropout": opened.dropout,
            "scores": seen.scores[0],
            "probabilities": seen.probabilities[0],
            "linear": opened.layers.linear,
            "sum": _sum(opened.layers, seen, wish.at),
        }


def _about(layer: Any) -> dict[str, str]:
    """Return what is said of a layer, whatever its values."""
    return {
        "name": layer.name,
        "kind": type(layer).__name__,
        "activation": activation_of(layer),
        "why": passes_on(layer),
    }


def _layer(
    about: dict[str, str], value: np.ndarray | None, mask: np.ndarray | None, marks: np.ndarray
) -> dict[str, Any]:
    """Return a layer's values as bytes, -127 to 127, or why it has none to show."""
    if mask is not None:
        about = about | {"why": "", "dropped": f"{np.mean(mask == 0):.0%} dropped"}
    if value is None or value.ndim > 4:
        return about | {"why": "gives values that do not form a list or maps"}
    if about["why"]:
        return about
    value = value[0]
    shown = value[..., :MAPS] if value.ndim == 3 else value[:UNITS] if value.ndim == 1 else value
    most = float(max(shown.max(), -shown.min())) or 1.0
    if not math.isfinite(most):
        return about | {"why": "gives values that are no longer numbers"}
    values = np.rint(shown * np.float32(127 / most)).astype(np.int8)
    values = np.moveaxis(values, -1, 0) if value.ndim == 3 else values
    return about | {"shape": value.shape, "most": most, "values": values, "marks": marks}


def _sum(layers: Layers, seen: Seen, at: tuple[int, list[int]] | None) -> dict[str, Any] | None:
    """Return what a value is computed from, if the network has a value there."""
    if at is None or at[0] >= len(layers.steps):
        return None
    number, place = at[0], tuple(at[1])
    value = seen.values[number]
    inside = value is not None and len(place) == value.ndim - 1
    if not inside or any(i >= n for i, n in zip(place, value.shape[1:], strict=True)):
        return None
    about = {"at": [number, list(place)], "value": float(value[0][place])}
    try:
        return about | layers.sum_at(seen, number, place)._asdict()
    except ValueError as problem:
        return about | {"why": str(problem)}
