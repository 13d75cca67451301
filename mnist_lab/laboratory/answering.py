"""All networks at hand: what they say of a drawn digit, and their models to see through."""

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from .. import places
from ..course import PARTS
from ..data import Dataset
from ..runs import Run
from ..support import DataError
from ..training import predict, trained
from .networks import Network
from .rows import Row
from .validation import scaled

# Records with weights, one of each kind: their names in the table of answers, their parts, and
# what differs from these.
RECORDED = {
    "linear": ("linear, on file", "linear", {}),
    "mlp_small": ("MLP of 100, on file", "mlp", {"hidden_units": 100}),
    "dropout_small": ("dropout of 100, on file", "dropout", {"hidden_units": 100}),
    "cnn": ("CNN, on file", "cnn", {}),
}


class AtHand(NamedTuple):
    """A network that answers for digits and can be seen through."""

    source: Any  # what it is made from; the same object for the same weights
    model: Callable[[], keras.Model]  # builds the Keras model, or returns it
    answer: Callable[[np.ndarray], np.ndarray]  # class probabilities of images, rows of 784
    white: float = 1  # value of a white pixel in these images
    input_shape: tuple[int, ...] | None = None  # of an image, if the model does not say so itself

    def says(self, digit: np.ndarray) -> np.ndarray:
        """Return the class probabilities of a digit, whose pixels are bytes; float32."""
        return self.answer(scaled(digit, self.white))[0]


def at_hand(data: Dataset, rows: Sequence[Row]) -> dict[str, AtHand]:
    """Return the recorded networks, those trained in cells and those of runs, by name.

    The newest is the last. Recorded networks are left out where the data are not MNIST, those of
    cells where they have another number of classes, and runs that have no weights.
    """
    found = dict(recorded_networks(places.here.records)) if data.name == "MNIST" else {}
    for model, about in trained.items():
        if math.prod(about.input_shape) == 784 and about.classes == data.classes:
            found[f"{about.name}, from a cell"] = of_model(model, about.input_shape, about.white)
    for row in rows:
        if row.run.weights:
            again = sum(other.split(" · ")[0] == row.run.name for other in found)
            name = f"{row.run.name} · {again + 1}" if again else row.run.name
            found[name] = of_run(row.run, row.model, data.white)
    return found


@functools.cache
def recorded_networks(folder: Path) -> dict[str, AtHand]:
    """Load the networks among these records, one of each kind; missing ones are left out."""
    found = {}
    for key, (name, part, figures) in RECORDED.items():
        with contextlib.suppress(DataError):
            run = Run.load(folder / f"{key}-seed0.npz")
            found[name] = of_run(run, functools.partial(_rebuilt, part, figures, run.weights))
    return found


def of_run(run: Run, model: Callable[[], keras.Model], white: float = 1) -> AtHand:
    """Describe the network of a run; NumPy computes its answers, without building a model."""
    return AtHand(run.weights, model, Network.of(run, run.weights).probabilities, white)


def of_model(model: keras.Model, shape: tuple[int, ...], white: float) -> AtHand:
    """Describe a model that is there; Keras computes its answers."""

    def answer(images: np.ndarray) -> np.ndarray:
        return predict(model, images.reshape(-1, *shape))

    return AtHand(model, lambda: model, answer, white, shape)


def _rebuilt(part: str, figures: dict[str, Any], weights: Sequence[np.ndarray]) -> keras.Model:
    model = PARTS[part].build(**figures)
    model.set_weights(weights)
    return model
