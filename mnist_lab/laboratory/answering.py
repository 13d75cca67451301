"""What all the networks at hand say of a drawn digit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import Dataset
from .insight import Digits
from .networks import Network, recorded_networks, said_by_cells
from .rows import Row


def answers(
    digit: np.ndarray, digits: Digits, data: Dataset, rows: Sequence[Row]
) -> list[dict[str, Any]]:
    """Ask the networks on file, those of runs in the laboratory, and those of cells.

    Parameters
    ----------
    digit
        Pixels from 0 to 255, uint8 of shape (28, 28).
    digits
        The validation digits, which are given to networks in the same way.
    data
        What the runs were trained on. The networks on file know MNIST's classes alone.
    rows
        The runs; those without weights say nothing.

    Returns
    -------
    list of dict
        For each network its `name`, and `probabilities`: float32 of shape (classes,).
    """
    networks = recorded_networks() if data.name == "MNIST" else []
    networks = networks + [
        Network(row.run.name, row.run.weights, row.setup.part.key == "linear")
        for row in rows
        if row.run.weights
    ]
    image = digits.as_input(digit)
    said = [(each.name, each.probabilities(image)) for each in networks]
    said += said_by_cells(digit, data.classes)
    return [{"name": name, "probabilities": each[0]} for name, each in said]
