"""A part of the exercise sheet: its network, its figures, and the results the sheet printed."""

import csv
import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import places
from ..runs import HISTORY

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Part:
    """One part of exercise sheet 6.1, "Convolutional neural networks" (2020).

    Attributes
    ----------
    key, title : str
        Its short name, as in `PARTS`, and its name for people.
    builder : str
        The function of `mnist_lab.models` that builds its network.
    epochs : int
        For how long the sheet trained it.
    parameters : int
        Number of weights and biases.
    sheet_accuracy : float
        Validation accuracy that the sheet printed after its one run, from 0 to 1.
    figures : dict
        Replace the builder's defaults.
    """

    key: str
    title: str
    builder: str
    epochs: int
    parameters: int
    sheet_accuracy: float
    figures: dict[str, Any] = field(default_factory=dict)

    def build(self, **changes: Any) -> "keras.Model":
        """Build the part's compiled model with the sheet's figures, except for these changes.

        Raises
        ------
        ValueError
            If a figure lies outside its range.
        TypeError
            If the part's builder does not know the figure.
        """
        from .. import models  # not above: TensorFlow takes seconds to load

        return getattr(models, self.builder)(**{**self.figures, **changes})

    def sheet_figures(self) -> dict[str, Any]:
        """Every keyword of the part's builder, with the sheet's figure."""
        from .. import models

        keywords = inspect.signature(getattr(models, self.builder)).parameters.values()
        return {keyword.name: keyword.default for keyword in keywords} | self.figures

    @property
    def clips(self) -> bool:
        """Whether its network is compiled with the clipped loss of 2020 by default."""
        return self.sheet_figures()["loss"] is None

    def sheet_history(self) -> dict[str, list[float]]:
        """The figures that the sheet's solution printed of its one run.

        Returns
        -------
        dict of list of float
            One value for each printed epoch: `epoch`, from 1, and `loss`, `accuracy`, `val_loss`
            and `val_accuracy` as in `Run.history`. The CNN's first two epochs were not printed.
        """
        with (places.here.data / "sheet.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["part"] == self.key]
        keys = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
        return {key: [float(row[key]) for row in rows] for key in keys}

    def sheet_curve(self) -> dict[str, list[float]]:
        """What it printed as a `Run.history`: a value for each epoch, nan where there is none."""
        printed = self.sheet_history()
        missing, nothing = [math.nan] * (int(printed["epoch"][0]) - 1), [math.nan] * self.epochs
        return {key: missing + printed[key] if key in printed else nothing for key in HISTORY}
