"""All networks at hand: what they say of a drawn digit, and their models to see through."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from .. import places
from ..data import Dataset
from ..training import predict, trained
from .networks import Network, recorded_model, recorded_networks
from .rows import Row


class AtHand(NamedTuple):
    """A network that answers for digits and can be seen through.

    Attributes
    ----------
    source : object
        What it is made from; the same object for the same weights.
    model : callable
        Builds the Keras model, or returns it.
    input_shape : tuple of int or None
        Shape of an image as it takes it; None if the model says so itself.
    white : float
        Value of a white pixel.
    answer : callable
        Takes images in that scale, in rows of 784; returns their class probabilities.
    """

    source: Any
    model: Callable[[], keras.Model]
    input_shape: tuple[int, ...] | None
    white: float
    answer: Callable[[np.ndarray], np.ndarray]

    def says(self, digit: np.ndarray) -> np.ndarray:
        """Return the class probabilities of a digit, whose pixels are bytes; float32."""
        return self.answer(digit.reshape(1, -1) * np.float32(self.white / 255))[0]


def at_hand(data: Dataset, rows: Sequence[Row]) -> dict[str, AtHand]:
    """List the recorded networks, those trained in cells and those of runs; the newest last.

    Parameters
    ----------
    data
        What the runs were trained on. Recorded networks are left out where it is not MNIST, those
        of cells where they have another number of classes.
    rows
        The runs; those without weights are left out.

    Returns
    -------
    dict
        By name. Those of the sheet compute their answers in NumPy, without building a model.
    """
    found = {}
    for network in recorded_networks(places.here.records) if data.name == "MNIST" else ():
        model = functools.partial(recorded_model, network)
        found[network.name] = AtHand(
            network.weights, model, None, data.white, network.probabilities
        )
    for model, about in trained.items():
        if math.prod(about.input_shape) == 784 and about.classes == data.classes:
            found[f"{about.name}, from a cell"] = of_model(model, about.input_shape, about.white)
    for row in rows:
        if row.run.weights:
            again = sum(other.split(" · ")[0] == row.run.name for other in found)
            name = f"{row.run.name} · {again + 1}" if again else row.run.name
            answer = Network.of(row.run, row.run.weights).probabilities
            found[name] = AtHand(row.run, row.model, None, data.white, answer)
    return found


def of_model(model: keras.Model, shape: tuple[int, ...], white: float) -> AtHand:
    """Describe a model that is there; Keras computes its answers."""
    return AtHand(
        source=model,
        model=lambda: model,
        input_shape=shape,
        white=white,
        answer=lambda images: predict(model, images.reshape(-1, *shape)),
    )
