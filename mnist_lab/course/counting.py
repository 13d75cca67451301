"""Counting a network's parameters by hand: the usual slips, and the hints."""

from collections.abc import Sequence
from typing import NamedTuple

from .tasks import Slip

OPTIMISER = Slip(None, "the optimiser's own numbers are no parameters", free=True)


class CountedLayer(NamedTuple):
    """The figures from which the parameters of a layer are counted.

    Attributes
    ----------
    name : str
        What it is called.
    window : int
        Pixels of a convolution's kernel; 1 in a dense layer.
    inputs : int
        Numbers that come in at each pixel of the window.
    units, biases : int
        Of the layer.
    positions : int
        Pixels at which a convolution's kernel is applied; 1 in a dense layer.
    flattened : bool
        Whether its inputs are pixels of maps.
    """

    name: str
    window: int
    inputs: int
    units: int
    biases: int
    positions: int
    flattened: bool

    @property
    def sum(self) -> int:
        """Number of its parameters."""
        return self.window * self.inputs * self.units + self.biases

    def times(self, factors: dict[str, float]) -> "CountedLayer":
        """The layer with some of its figures multiplied."""
        return self._replace(**{k: round(getattr(self, k) * by) for k, by in factors.items()})


def count_hints(layers: Sequence[CountedLayer]) -> tuple[str, ...]:
    """Hints for counting the parameters of these layers, from vague to concrete."""
    hints = (
        "Count layer by layer, weights and biases; layers without weights have no parameters.",
        "Each unit has one weight for each number that comes in, and one bias.",
    )
    if not any(layer.window > 1 for layer in layers):
        return hints
    return (
        *hints,
        "A kernel of a convolution has a weight for each of its pixels in each channel of its "
        "input, and each filter one bias. Flatten and pooling have no weights.",
    )


def no_slip(layers: Sequence[CountedLayer]) -> Slip:
    """What to say of a number to which none of the usual slips leads."""
    dense = "inputs · units + biases"
    if not any(layer.window > 1 for layer in layers):
        return Slip(None, "count layer by layer", dense, free=True)
    convolution = "5 · 5 · channels · filters + biases"
    cure = f"a convolution has {convolution}, Dense {dense}"
    return Slip(None, "count layer by layer", cure, free=True)


def _if(layer: CountedLayer, inputs: int, factor: float) -> float:
    return factor if layer.inputs == inputs else 1


def _half(layer: CountedLayer) -> float:
    return 0.5 if layer.units == 1500 else 1


_PER_PIXEL = "a convolution uses one kernel for all pixels, so it is not counted for each pixel"
_DROPOUT = "dropout takes no parameters away", "it only pauses units, in training"
# The answer of a slip is a function that returns the factors by which it multiplies the figures of
# a layer. In the last two, dropout halves the inputs of the next layer, or the layers themselves.
SLIPS = (
    Slip(lambda _: {"biases": 0}, "the biases are forgotten"),
    Slip(lambda it: {"inputs": _if(it, 784, 1 / 28)}, "an image has 28 · 28 = 784 pixels, not 28"),
    Slip(lambda it: {"window": it.positions}, _PER_PIXEL),
    Slip(lambda it: {"window": it.positions, "biases": it.positions}, _PER_PIXEL),
    Slip(
        lambda it: {"inputs": 1 / it.inputs if it.window > 1 else 1},
        "the input channels are forgotten",
        "a kernel reaches through all maps that come in",
    ),
    Slip(
        lambda it: {"inputs": 4 if it.flattened else 1},
        "the second pooling is forgotten",
        "it leaves a quarter of the pixels",
    ),
    Slip(
        lambda it: {"inputs": 16 if it.flattened else 1},
        "pooling is forgotten",
        "each leaves a quarter of the pixels",
    ),
    Slip(
        lambda it: {"inputs": 1 / 49 if it.flattened else 1},
        "the output layer gets more than one number of each map",
        "Flatten makes a row of all pixels of all maps",
    ),
    Slip(
        lambda it: {"biases": 1 / it.biases},
        "there is only one bias for each layer",
        "each unit and each filter has its own",
    ),
    Slip(lambda it: {"inputs": _if(it, 1500, 0.5)}, *_DROPOUT),
    Slip(
        lambda it: {"inputs": _if(it, 1500, 0.5), **dict.fromkeys(("units", "biases"), _half(it))},
        *_DROPOUT,
    ),
)
