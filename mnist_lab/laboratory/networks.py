"""What a network says of any image, from its weights alone, within milliseconds."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ..runs import RECORDS, Run
from ..signals import signals_blocked

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
    weights : sequence of tensorflow.Tensor
        In Keras' order.
    linear : bool
        Whether it is the linear network, in which nothing lies between the layers.
    """

    name: str
    weights: Sequence[tf.Tensor]
    linear: bool

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """What it says of images, dropout off.

        Layer by layer: a compiled network would have to be traced, and be kept, for each run.

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
        between = tf.identity if self.linear else tf.nn.relu
        with signals_blocked():
            x = tf.reshape(images, (-1, 28, 28, 1))
            for inner, offset in hidden:
                if inner.ndim == 4:
                    x = tf.nn.conv2d(x, inner, 1, "SAME") + offset
                    x = tf.nn.max_pool2d(between(x), 2, 2, "SAME")
                else:
                    x = between(_flat(x) @ inner + offset)
            return tf.nn.softmax(_flat(x) @ kernel + bias).numpy()


@functools.cache
def recorded_networks() -> list[Network]:
    """The networks whose records hold their weights; MNIST's."""
    runs = {key: Run.load(RECORDS / f"{key}-seed0.npz") for key in _RECORDED}
    return [
        Network(_RECORDED[key], tuple(map(tf.constant, run.weights)), key == "linear")
        for key, run in runs.items()
    ]


def _flat(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, (len(x), -1))
