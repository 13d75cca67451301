"""Values that several answers are computed from: MNIST, and the answers of a run."""

import dataclasses
import functools
from typing import Any

import numpy as np

from ..data import Dataset, load_mnist
from ..runs import Run


@functools.cache
def mnist() -> Dataset:
    """MNIST with the first training image only; cached, as loading takes a third of a second."""
    data = load_mnist()
    return dataclasses.replace(data, x_train=data.x_train[:1].copy(), y_train=data.y_train[:1])


def test_images() -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test images as stored, uint8 of shape (10000, 28, 28), and their labels."""
    return mnist().x_valid, mnist().y_valid


def said(run: Run) -> np.ndarray:
    """A run's probabilities for the validation images: float64 of shape (images, classes)."""
    return run.val_probabilities.astype(np.float64)


def wrong(run: Run) -> np.ndarray:
    """Which validation images of MNIST a run reads wrong: bool of shape (images,)."""
    return said(run).argmax(axis=1) != mnist().y_valid


def start() -> dict[str, Any]:
    """The initialisers of the sheet's MLP and CNN, as keywords of a Keras layer."""
    from keras import initializers

    return {
        "kernel_initializer": initializers.TruncatedNormal(0.0, 0.01),
        "bias_initializer": initializers.Constant(0.1),
    }


def drawn(low: int, high: int) -> int:
    """A whole number, drawn anew each time."""
    return int(np.random.default_rng().integers(low, high + 1))


def p_value(
    by_chance: np.ndarray, observed: float, *, sides: int = 2, ties: float = -1e-9
) -> np.floating:
    """The share of sums or means by chance that are at least as far from zero as the observed one.

    With one side, those at least as large; `ties` is what a value has to lie beyond the observed.
    """
    if sides == 2:
        by_chance, observed = abs(by_chance), abs(observed)
    return np.mean(by_chance >= observed + ties)


def p_by_people(
    differences: np.ndarray, writers: np.ndarray, signs: np.ndarray, **how: float
) -> np.floating:
    """The p-value of a sum of differences, by flipping the signs of each writer's total.

    The signs are 1 or -1, of shape (draws, writers); for the other arguments see `p_value`.
    """
    totals = np.bincount(np.unique(writers, return_inverse=True)[1], differences)
    return p_value(signs @ totals, totals.sum(), **how)
