"""What the page shows of a network in training: first-layer weights, answers for digits."""

import math
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..runs import Run
from ..signals import signals_blocked
from .networks import Network, product
from .through import Opened, Through
from .validation import Digits

UNITS = 16  # hidden units of an MLP that are shown
LATE = 0.25  # seconds by which a glimpse waits for a chunk's end, and the next one may come sooner
# Seconds from a glimpse to the next, at least, and the share of the training's time that glimpses
# may take: without, and with a look through all layers, which is to be live, five times a second.
LOOKING, INSIDE = (0.1, 0.004), (0.15, 0.025)
_SAMPLE = 50  # validation images on which the activity of hidden units is measured


class Glimpses:
    """Looks at a network between chunks of its training, rarely enough not to slow it down.

    Parameters
    ----------
    model
        One of the sheet's networks, in training.
    digits
        The digits, one of them selected.
    through
        Looks through all layers, if a page wants that; a glimpse then has its answers from there.
    """

    def __init__(self, model: keras.Model, digits: Digits, through: Through):
        self._model, self._variables = model, [each.value for each in model.weights]
        self._digits, self._through = digits, through
        self._next, self._epoch = -math.inf, -1
        self._units = np.arange(UNITS)

    def look(self, run: Run) -> dict[str, Any]:
        """Return weights and answers to show; nothing if the last glimpse was too recent."""
        early = time.perf_counter() < self._next and run.epochs == self._epoch
        if early and not self._through.asked:
            return {}
        opened = self._through.watched(self._model)
        began = time.perf_counter()
        with signals_blocked():
            news = self._seen(run, opened)
        ended = time.perf_counter()
        seconds, share = LOOKING if opened is None else INSIDE
        due = min(max(self._next, began - LATE), began)
        self._next = due + max(seconds, (ended - began) / share)
        # What comes seldom does not delay the next glimpse: opening, the matrix, and dead units.
        if run.epochs != self._epoch and run.epochs:
            news |= self._digits.confusion(run)
        if opened is not None:
            opened.mark(self._digits)
        self._epoch = run.epochs
        return news

    def _seen(self, run: Run, opened: Opened | None) -> dict[str, Any]:
        index, drawn = self._digits.index, self._through.drawn
        asked = [self._digits.pixels[index], *([] if drawn is None else [drawn.ravel()])]
        pixels = np.stack(asked)
        news, said = {}, None
        if opened is not None:
            news, said = self._through.live(opened, run, pixels)
        read = self._variables if said is None else self._variables[:3]  # the images need no more
        network = Network.of(run, [_values(each) for each in read])
        if said is None:
            said = network.probabilities(self._digits.as_input(pixels))
        news["said"] = {"index": index, "probabilities": said[0]}
        if drawn is not None:
            news["training"] = {"name": run.name, "probabilities": said[1]}
        return news | {"weights": self._images(network, run.epochs)}

    def _images(self, network: Network, epoch: int) -> dict[str, Any]:
        """Return the first layer's weights, a row for each digit, hidden unit or filter."""
        first, bias, *others = network.weights
        if first.ndim == 4:
            images = first.reshape(-1, first.shape[3]).T.copy()
            return {"of": "filter", "numbers": list(range(len(images))), "images": images}
        if network.linear:
            images = product(others[0].T, first.T.copy())
            return {"of": "digit", "numbers": list(range(len(images))), "images": images}
        if epoch != self._epoch:  # choosing units more often would make the images jump
            sample = self._digits.as_input(self._digits.pixels[:_SAMPLE])
            sums = tf.matmul(sample, first).numpy()  # so much is faster than NumPy's `product`
            activity = np.maximum(sums + bias, 0).mean(axis=0)
            self._units = np.argsort(-activity, kind="stable")[:UNITS]
        images = first[:, self._units].T
        return {"of": "hidden unit", "numbers": self._units.tolist(), "images": images}


def _values(variable: tf.Variable) -> np.ndarray:
    """Return a view of a variable's values; the next iteration changes them.

    A copy, or reading it the usual way, would take longer than the rest of a glimpse.
    """
    tensor = tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)
    return np.asarray(memoryview(tensor))
