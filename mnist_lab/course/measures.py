"""What several answers are computed from: MNIST, and what a recorded run read right."""

import dataclasses
import functools
from typing import Any

import numpy as np

from ..data import Dataset, load_mnist
from ..runs import Run


@functools.cache
def mnist() -> Dataset:
    """Of the training part the first image only; kept, for loading takes a third of a second."""
    data = load_mnist()
    return dataclasses.replace(data, x_train=data.x_train[:1].copy(), y_train=data.y_train[:1])


def said(run: Run) -> np.ndarray:
    """What the network said of the validation images: float64 of shape (images, classes)."""
    return run.val_probabilities.astype(np.float64)


def wrong(run: Run) -> np.ndarray:
    """Which validation images of MNIST it read wrong: bool of shape (images,)."""
    return said(run).argmax(axis=1) != mnist().y_valid


def start() -> dict[str, Any]:
    """How the sheet starts the layers of its MLP and its CNN, as keywords of a Keras layer."""
    from keras import initializers

    return {
        "kernel_initializer": initializers.TruncatedNormal(0.0, 0.01),
        "bias_initializer": initializers.Constant(0.1),
    }


def drawn(low: int, high: int) -> int:
    """A whole number, drawn anew each time."""
    return int(np.random.default_rng().integers(low, high + 1))
