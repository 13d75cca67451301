"""What the page shows of a network in training: first-layer weights, answers for digits."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..runs import Run
from ..signals import signals_blocked
from .networks import Network, product
from .pacing import Pace
from .through import Through
from .validation import Digits, scaled

UNITS = 16  # hidden units of an MLP that are shown
APART = 0.1  # seconds between two messages of a training, at least
GLIMPSES = 0.004  # share of the training's time
# All layers are to be seen live, five times a second, whatever it takes. Glimpses, which show the
# weights and the answers for both digits, then come the less often.
LOOKS, MEANWHILE = 0.196, 0.0005
_SAMPLE = 50  # validation images on which the activity of hidden units is measured


class Glimpses:
    """Looks at a network between chunks of its training, rarely enough not to slow it down."""

    def __init__(self, model: keras.Model, digits: Digits, through: Through):
        self._model, self._variables = model, [each.value for each in model.weights]
        self._digits, self._through = digits, through
        self._messages, self._glimpses = Pace(APART, 1), Pace(APART, GLIMPSES)
        self._epoch, self._units = -1, np.arange(UNITS)

    @property
    def due(self) -> bool:
        """Whether it is time to look. Short epochs are over sooner."""
        return self._through.asked or self._messages.due

    def look(self, run: Run, last: bool = False) -> dict[str, Any]:
        """Return what to show; in any case a glimpse, if it is the last."""
        news, opened = {}, self._through.watched(self._model)
        self._messages.seconds = APART if opened is None else LOOKS
        self._glimpses.share = GLIMPSES if opened is None else MEANWHILE
        glimpse = last or self._glimpses.due
        with signals_blocked(), self._messages.turn():
            if opened is not None or glimpse:
                network = Network.of(run, [_values(each) for each in self._variables])
            if opened is not None:
                news |= self._through.live(opened, network)
            if glimpse:
                with self._glimpses.turn():
                    news |= self._seen(run, network)
        return news

    def _seen(self, run: Run, network: Network) -> dict[str, Any]:
        index, drawn = self._digits.index, self._through.drawn
        asked = [self._digits.pixels[index], *([] if drawn is None else [drawn.ravel()])]
        said = network.probabilities(scaled(np.stack(asked), self._digits.white))
        news = {"said": {"index": index, "probabilities": said[0]}}
        if drawn is not None:
            news["training"] = {"name": run.name, "probabilities": said[1]}
        news["weights"] = self._images(network, run.epochs)
        if run.epochs not in (0, self._epoch):
            news |= self._digits.confusion(run)
        self._epoch = run.epochs
        return news

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
            sample = scaled(self._digits.pixels[:_SAMPLE], self._digits.white)
            sums = tf.matmul(sample, first).numpy()  # so much is faster than by `product`
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
