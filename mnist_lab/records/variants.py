"""What is to be on file: the sheet's parts, and what the notebooks compare them with."""

import dataclasses
import math
from typing import Any, NamedTuple

from ..course import BEST, PARTS, TEST, Part
from ..data import Dataset

# Learning rates of the linear network, to choose from; and what its validation images chose.
RATES = {"fast": 0.5, "medium": 0.1, "slow": 0.02}
CHOSEN_RATE, CHOSEN_EPOCHS = 0.1, 15
# Numbers of training images; and the one on which cures of overfitting are compared.
SIZES = (100, 300, 1_000, 3_000, 10_000, 60_000)
FEW = 3_000
# The MLP with a third of the sheet's units, so that a student trains one in half a minute. All
# sizes get as many iterations, 3,000: images up to that many are all read right long before.
NARROW, WEIGHTS, LONG = 500, 898_510, 5
# The CNN takes longer for an iteration; after 600 it reads nearly all of 3,000 images.
SHORT = 1
OFTEN = 6_000  # images from one look to the next, where the moment to stop is sought
# What is held against overfitting, by name, and the parameters that it adds.
CURES: dict[str, tuple[dict[str, Any], int]] = {
    "decay": ({"weight_decay": 0.5}, 0),
    "moved": ({"degrees": 10, "shift": 2}, 0),
    "normalized": ({"batch_normalization": True}, 6_000),
}

# All cures together, trained on all images; chosen on validation images, see docs/records.md.
MODERN = Part("modern", "Modern convolutional network", "build_modern_cnn", 25, 113_898, math.nan)


class Images(NamedTuple):
    """Which of MNIST's images a network is trained and validated on; by default, as they are.

    Attributes
    ----------
    training, validation : int or None
        As in `Dataset.split`, with the run's own seed.
    epoch : int
        Where they are few, each is repeated as often as makes an epoch of this many.
    """

    training: int | None = None
    validation: int | None = None
    epoch: int = 60_000

    def of(self, mnist: Dataset, seed: int) -> Dataset:
        """The images, of all of MNIST's."""
        if self.validation is None:
            return mnist
        some = mnist.split(self.validation, training=self.training, seed=seed)
        return some if self.training is None else some.repeated(self.epoch // self.training)


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
    return [*_chosen(), *_by_size(), *_cures(), Variant(MODERN, BEST)]


def _chosen() -> list[Variant]:
    """The linear network with validation images of its own, and a test part for the chosen one."""
    kept = Images(validation=10_000)
    tried = [
        _like("linear", f"linear_{name}", 7_960, learning_rate=rate) for name, rate in RATES.items()
    ]
    chosen = _like("linear", "linear_chosen", 7_960, CHOSEN_EPOCHS, learning_rate=CHOSEN_RATE)
    return [Variant(part, TEST, kept, single=True) for part in [*tried, chosen]]


def _by_size() -> list[Variant]:
    """The MLP without and with dropout, and the CNN, on fewer and fewer images.

    The CNN's runs on all images are the sheet's; they are longer, and begin like these.
    """
    rows = []
    for size in SIZES:
        few = Images(size, validation=0)
        rows += [Variant(_narrow(key, f"{key}_on_{size}"), TEST, few) for key in ("mlp", "dropout")]
        if size < SIZES[-1]:
            rows.append(Variant(_like("cnn", f"cnn_on_{size}", 83_466, SHORT), TEST, few))
    return rows


def _cures() -> list[Variant]:
    """The same MLP on few images with one cure at a time; dropout is in `_by_size`.

    For early stopping it is trained twice, from the same weights on the same images in the same
    order, and measured often: "watched" on validation images, which say when to stop, and "judged"
    on the test images.
    """
    few = Images(FEW, validation=0)
    cures = [
        Variant(_narrow("mlp", f"{name}_on_{FEW}", more, **figures), TEST, few)
        for name, (figures, more) in CURES.items()
    ]
    twice = {"watched": Images(FEW, 10_000, OFTEN), "judged": Images(FEW, 0, OFTEN)}
    return cures + [
        Variant(_narrow("mlp", f"{name}_on_{FEW}", epochs=20), TEST, images)
        for name, images in twice.items()
    ]


def _narrow(key: str, name: str, more: int = 0, epochs: int = LONG, **figures: Any) -> Part:
    return _like(key, name, WEIGHTS + more, epochs, hidden_units=NARROW, **figures)


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
