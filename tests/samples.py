"""Small examples of data, runs and findings, which tests store and damage."""

import numpy as np

import mnist_lab as lab
from mnist_lab.checks import Finding
from mnist_lab.runs import Settings


def arrays(**changes):
    """Return a tiny valid data set with these changes; None omits an array."""
    right = {
        "x_train": np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28),
        "y_train": np.array([0, 5, 9], np.uint8),
        "x_test": np.zeros((2, 28, 28), np.uint8),
        "y_test": np.array([1, 2], np.uint8),
    }
    return {name: array for name, array in {**right, **changes}.items() if array is not None}


def settings(**changes):
    """Return the settings of a run of two short epochs, with these changes."""
    right = {"model": {}, "parameters": 7, "data": "example", "data_sha256": "0"}
    right |= {"epochs": 2, "batch_size": 1, "steps_per_epoch": 2, "seed": None}
    right |= {"precision": "float32", "tensorflow": "2", "keras": "3"}
    return Settings(**right | {"machine": "here", "date": "2020-01-01"} | changes)


def example_run():
    history = {key: [0.5, 0.25] for key in ("loss", "accuracy", "val_loss", "fit_accuracy")}
    return lab.Run(
        "example",
        settings(),
        history={**history, "val_accuracy": [0.9, 0.91]},
        batch_loss=np.array([0.7, 0.5, 0.3, 0.2], np.float32),
        batch_accuracy=np.array([0.5, 0.6, 0.7, 0.8], np.float32),
        val_probabilities=np.array([[0.25, 0.75], [1, 0]], np.float16),
        weights=[np.ones((2, 3), np.float32), np.array(7)],
        seconds=1.5,
        compile_seconds=0.5,
    )


def fault(words: str, reason: str = "") -> Finding:
    """Return a finding of a check with these words."""
    return Finding(words, asked="", topic="slip", reason=reason)
