"""What a network says of any image, from its weights alone, within milliseconds."""

import contextlib
import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from .. import places
from ..runs import Run
from ..signals import signals_blocked
from ..support import DataError
from ..training import predict, trained

# Records that keep their weights, one of each kind, as they are called here.
_RECORDED = {
    "linear": "linear, on file",
    "mlp_small": "MLP of 100, on file",
    "dropout_small": "dropout of 100, on file",
    "cnn": "CNN, on file",
}


class Network(NamedTuple):
    """One of the lab's networks at one moment.

    Attributes
    ----------
    name : str
        What it is called.
    weights : sequence of numpy.ndarray
        In Keras' order.
    linear : bool
        Whether it is the linear network, in which nothing lies between the layers.
    """

    name: str
    weights: Sequence[np.ndarray]
    linear: bool

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """What it says of images, dropout off.

        Layer by layer in NumPy: a compiled network would have to be traced, and be kept, for each
        run, and TensorFlow's operations take thirty times as long for one image.

        Parameters
        ----------
        images
            float32 of shape (images, 784), scaled as those that it was trained on.

        Returns
        -------
        numpy.ndarray
            Class probabilities, float32 of shape (images, classes).
        """
        *hidden, (kernel, bias) = zip(self.weights[::2], self.weights[1::2], strict=True)
        x = images.reshape(-1, 28, 28, 1)
        for inner, offset in hidden:
            if inner.ndim == 4:
                x = _pooled(_relu(_convolved(x, inner) + offset))
            else:
                x = product(_flat(x), inner) + offset
                x = x if self.linear else _relu(x)
        logits = product(_flat(x), kernel) + bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def said_by_cells(digit: np.ndarray, classes: int) -> list[tuple[str, np.ndarray]]:
    """What the networks that `train` has trained in cells say of a digit: names, probabilities.

    Of whatever kind they are, Keras knows how to ask them.

    Parameters
    ----------
    digit
        Pixels from 0 to 255, uint8 of shape (28, 28).
    classes
        Only networks that tell as many apart are asked.
    """
    said = []
    for model, about in trained.items():
        if math.prod(about.input_shape) == digit.size and about.classes == classes:
            image = digit.reshape(1, *about.input_shape) * np.float32(about.white / 255)
            said.append((f"{about.name}, from a cell", predict(model, image)))
    return said


@functools.cache
def recorded_networks() -> list[Network]:
    """The networks whose records hold their weights; MNIST's. Those not on file are left out."""
    runs = {}
    for key in _RECORDED:
        with contextlib.suppress(DataError):
            runs[key] = Run.load(places.here.records / f"{key}-seed0.npz")
    return [Network(_RECORDED[key], run.weights, key == "linear") for key, run in runs.items()]


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The product of two matrices, on this thread alone.

    After `x @ y` OpenBLAS keeps a second processor waiting for more, fully busy, for 0.14 s. The
    training and the browser need that processor. Only a few rows are multiplied here at a time, so
    the slower way costs a millisecond or two.
    """
    return np.einsum("ij,jk->ik", x, y)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    with signals_blocked():
        return tf.nn.conv2d(x, kernel, 1, "SAME").numpy()


def _pooled(x: np.ndarray) -> np.ndarray:
    """The largest of each two by two; the images have even sides."""
    count, height, width, channels = x.shape
    return x.reshape(count, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
