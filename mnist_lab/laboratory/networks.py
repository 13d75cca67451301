"""Networks computed in NumPy from their weights: an answer for one image takes milliseconds."""

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..course import PARTS
from ..runs import Run
from ..signals import signals_blocked
from ..support import DataError

# Records with weights, one of each kind: their names in the table of answers, their parts, and
# what differs from these.
_SMALL = {"hidden_units": 100}
RECORDED = {
    "linear": ("linear, on file", "linear", {}),
    "mlp_small": ("MLP of 100, on file", "mlp", _SMALL),
    "dropout_small": ("dropout of 100, on file", "dropout", _SMALL),
    "cnn": ("CNN, on file", "cnn", {}),
}


class Network(NamedTuple):
    """One of the sheet's networks with its weights at one moment.

    Attributes
    ----------
    name : str
        Its name in the table of answers.
    weights : sequence of numpy.ndarray
        In Keras' order.
    linear : bool
        Whether its hidden layers have no activation.
    """

    name: str
    weights: Sequence[np.ndarray]
    linear: bool

    @classmethod
    def of(cls, run: Run, weights: Sequence[np.ndarray]) -> "Network":
        """The network that a run trains, with these weights."""
        activation = run.settings.model["hidden layer 1: activation"]
        return cls(run.name, weights, activation == "linear")

    def layers(self, images: np.ndarray) -> list[np.ndarray]:
        """Compute what each layer makes of images, up to the scores before the softmax.

        NumPy computes layer by layer. A compiled network would have to be traced and kept for each
        run, and TensorFlow takes several times as long for one image.

        Parameters
        ----------
        images
            float32 of shape (images, 784), scaled like the training images.

        Returns
        -------
        list of numpy.ndarray
            Layers that pass on what they get, as dropout does, have none.
        """
        *hidden, (kernel, bias) = zip(self.weights[::2], self.weights[1::2], strict=True)
        values = [images.reshape(-1, 28, 28, 1)]
        for inner, offset in hidden:
            x, convolution = values[-1], inner.ndim == 4
            x = (_convolved(x, inner) if convolution else _weighted(x, inner)) + offset
            values.append(x if self.linear else np.maximum(x, 0))
            if convolution:
                values.append(_pooled(values[-1]))
        return [*values[1:], _weighted(values[-1], kernel) + bias]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Compute the class probabilities of images, as `layers` takes them; float32."""
        return softmax(self.layers(images)[-1])


@functools.cache
def recorded_networks(folder: Path) -> list[Network]:
    """Load the networks among these records, one of each kind; missing ones are left out."""
    networks = []
    for key, (name, _, _) in RECORDED.items():
        with contextlib.suppress(DataError):
            run = Run.load(folder / f"{key}-seed0.npz")
            networks.append(Network.of(run, run.weights)._replace(name=name))
    return networks


def recorded_model(network: Network) -> keras.Model:
    """Build one of the recorded networks as a Keras model."""
    ((part, figures),) = (of for name, *of in RECORDED.values() if name == network.name)
    model = PARTS[part].build(**figures)
    model.set_weights(network.weights)
    return model


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multiply two matrices on this thread alone.

    After `x @ y` OpenBLAS keeps a second processor busy for 0.14 s, waiting for more. The training
    and the browser need that processor. Only a few rows are multiplied here at a time, so this
    slower way costs a millisecond or two.
    """
    return np.einsum("ij,jk->ik", x, y)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn scores into probabilities, a row for each image."""
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _weighted(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Multiply inputs by weights; where all inputs are zero, as most are, these are not read."""
    x = x.reshape(len(x), -1)
    used = np.flatnonzero(x.any(axis=0))
    return product(x[:, used], kernel[used])


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    with signals_blocked():
        return tf.nn.conv2d(x, kernel, 1, "SAME").numpy()


def _pooled(x: np.ndarray) -> np.ndarray:
    """Take the largest of each two by two pixels; the sides are even."""
    rows = np.maximum(x[:, ::2], x[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])
