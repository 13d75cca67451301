"""The answers of all networks at hand for a drawn digit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import places
from ..data import Dataset
from .insight import Digits
from .networks import Network, recorded_networks, said_by_cells
from .rows import Row


def answers(
    digit: np.ndarray, digits: Digits, data: Dataset, rows: Sequence[Row]
) -> list[dict[str, Any]]:
    """Ask the recorded networks, those of runs in the laboratory, and those trained in cells.

    Parameters
    ----------
    digit
        Pixels from 0 to 255, uint8 of shape (28, 28).
    digits
        The validation digits; they scale a digit like the training images.
    data
        What the runs were trained on. Recorded networks answer only where it is MNIST.
    rows
        The runs; those without weights are left out.

    Returns
    -------
    list of dict
        For each network its `name`, and `probabilities`: float32 of shape (classes,).
    """
    networks = recorded_networks(places.here.records) if data.name == "MNIST" else []
    networks = networks + [Network.of(row.run, row.run.weights) for row in rows if row.run.weights]
    image = digits.as_input(digit)
    said = [(each.name, each.probabilities(image)) for each in networks]
    said += said_by_cells(digit, data.classes)
    return [{"name": name, "probabilities": each[0]} for name, each in said]
