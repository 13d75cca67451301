"""Networks computed in NumPy from their weights: an answer for one image takes milliseconds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ..runs import Run
from ..signals import signals_blocked


class Network(NamedTuple):
    """One of the sheet's networks with its weights at one moment, in Keras' order."""

    name: str
    weights: Sequence[np.ndarray]
    linear: bool  # whether its hidden layers have no activation

    @classmethod
    def of(cls, run: Run, weights: Sequence[np.ndarray]) -> "Network":
        """The network that a run trains, with these weights."""
        activation = run.settings.model["hidden layer 1: activation"]
        return cls(run.name, weights, activation == "linear")

    def layers(self, images: np.ndarray) -> list[np.ndarray]:
        """Compute what each layer makes of images, up to the scores before the softmax.

        The images are float32 of shape (images, 784), scaled like the training images. Layers that
        pass on what they get, as dropout does, have no values here.

        NumPy computes layer by layer. A compiled network would have to be traced and kept for each
        run, and TensorFlow takes several times as long for one image.
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
