"""What is to be on file: the sheet's parts, and what the notebooks compare them with."""

import dataclasses
import math
from typing import Any, NamedTuple

from ..data import Dataset
from ..parts import BEYOND, PARTS, Part

# Learning rates of the linear network, to choose from; and what its validation images chose.
RATES = {"fast": 0.5, "medium": 0.1, "slow": 0.02}
CHOSEN_RATE, CHOSEN_EPOCHS = 0.1, 15


class Images(NamedTuple):
    """Which of MNIST's images a network is trained and validated on; by default, as they are.

    Attributes
    ----------
    training, validation : int or None
        As in `Dataset.split`, with the run's own seed.
    """

    training: int | None = None
    validation: int | None = None

    def of(self, mnist: Dataset, seed: int) -> Dataset:
        """The images; where they are few, each as often as makes an epoch of 60,000."""
        if self.validation is None:
            return mnist
        some = mnist.split(self.validation, training=self.training, seed=seed)
        return some if self.training is None else some.repeated(60_000 // self.training)


class Variant(NamedTuple):
    """A network that is trained from several seeds.

    Attributes
    ----------
    part : Part
        The network, for how long it is trained, and what the records are called.
    need : str
        Who needs it, one of `NEEDS`.
    images : Images
        What it is trained on.
    single : bool
        Whether one run is enough, from seed 0.
    """

    part: Part
    need: str
    images: Images = Images()
    single: bool = False


def variants() -> list[Variant]:
    """All that is to be on file; the sheet's parts first."""
    return [*_of_the_sheet(), *_beyond()]


def _of_the_sheet() -> list[Variant]:
    """The parts; the linear one with today's loss, which diverges; and small networks.

    The small ones have as many parameters as the CNN, few enough for their weights to be kept.
    """
    today = _like("linear", "linear_today", 7_960, loss="categorical_crossentropy")
    small = {"hidden_units": 100}
    return [
        *(Variant(part, key) for key, part in PARTS.items()),
        Variant(today, "linear", single=True),
        Variant(_like("mlp", "mlp_small", 99_710, **small), "mlp", single=True),
        Variant(_like("dropout", "dropout_small", 99_710, **small), "dropout", single=True),
    ]


def _beyond() -> list[Variant]:
    """The linear network with validation images of its own, and a test part for the chosen one."""
    kept = Images(validation=10_000)
    tried = [
        _like("linear", f"linear_{name}", 7_960, learning_rate=rate) for name, rate in RATES.items()
    ]
    chosen = _like("linear", "linear_chosen", 7_960, CHOSEN_EPOCHS, learning_rate=CHOSEN_RATE)
    return [Variant(part, BEYOND, kept, single=True) for part in [*tried, chosen]]


def _like(key: str, name: str, parameters: int, epochs: int | None = None, **figures: Any) -> Part:
    """A part with other figures; the sheet printed nothing of it."""
    part = PARTS[key]
    return dataclasses.replace(
        part,
        key=name,
        parameters=parameters,
        epochs=epochs or part.epochs,
        sheet_accuracy=math.nan,
        figures=part.figures | figures,
    )
