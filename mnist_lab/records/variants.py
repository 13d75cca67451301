"""Which networks are on file: the sheet's parts, and those that the notebooks compare with them."""

from typing import Any, NamedTuple

import keras

from .. import models
from ..course import BEST, PARTS, SPOILT, TEST
from ..data import Dataset

# Learning rates of the linear network to choose from, and the choice of the validation images.
RATES = {"fast": 0.5, "medium": 0.1, "slow": 0.02}
CHOSEN_RATE, CHOSEN_EPOCHS = 0.1, 15
SIZES = (100, 300, 1_000, 3_000, 10_000, 60_000)  # numbers of training images
SEEDS = 5  # runs of most networks
# Runs of those that are compared in pairs, seed by seed: with five pairs, no test can give a
# p-value below 2 / 2**5 = 0.06.
PAIRS = 10


class Images(NamedTuple):
    """Which of MNIST's images a network is trained and validated on; by default, all as they are.

    Attributes
    ----------
    training, validation : int or None
        As in `Dataset.split`, with the run's own seed.
    epoch : int
        Few images are repeated until an epoch has this many.
    """

    training: int | None = None
    validation: int | None = None
    epoch: int = 60_000

    def of(self, mnist: Dataset, seed: int) -> Dataset:
        """Take these images from all of MNIST's."""
        if self.validation is None:
            return mnist
        some = mnist.split(self.validation, training=self.training, seed=seed)
        return some if self.training is None else some.repeated(self.epoch // self.training)


class Variant(NamedTuple):
    """A network that is trained from several seeds.

    Attributes
    ----------
    name : str
        What its records are called; for a part of the sheet, the part's key.
    builder : str
        The function of `mnist_lab.models` that builds it.
    figures : dict
        Keywords of the builder.
    epochs : int
        How long it is trained.
    need : str
        Who needs it, one of `NEEDS`.
    images : Images
        What it is trained on.
    seeds : int
        How many runs are on file, from seeds 0, 1, 2, ...
    kept : int
        Of how many of them the record holds the answers to the validation images and, of a small
        network, the weights. These take most of the space.
    """

    name: str
    builder: str
    figures: dict[str, Any]
    epochs: int
    need: str
    images: Images = Images()
    seeds: int = SEEDS
    kept: int = PAIRS

    @property
    def network(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        """Builder and figures, by which networks are told apart."""
        return self.builder, tuple(sorted(self.figures.items()))

    def build(self) -> keras.Model:
        """Build the compiled model."""
        return getattr(models, self.builder)(**self.figures)


def variants() -> list[Variant]:
    """List all networks that are on file; the sheet's parts come first."""
    linear, mlp, dropout, cnn = (
        Variant(part.key, part.builder, part.figures, part.epochs, part.key)
        for part in PARTS.values()
    )
    # As many parameters as the CNN has, few enough to keep the weights.
    small = {"hidden_units": 100}
    kept = {"need": TEST, "images": Images(validation=10_000), "seeds": 1}
    # A third of the sheet's units, so that a student trains one in half a minute. All sizes get
    # 3,000 iterations: long before, the network classifies up to 3,000 images without an error.
    narrow, short = {"hidden_units": 500}, {"need": TEST, "epochs": 5}
    narrow_mlp = _like(mlp, "mlp", narrow, **short)
    narrow_dropout = _like(dropout, "dropout", narrow, **short)
    # An iteration of the CNN takes longer; after 600, nearly all of 3,000 images are right.
    short_cnn = _like(cnn, "cnn", {}, need=TEST, epochs=1)
    remedy = _like(narrow_mlp, "mlp", {}, images=Images(3_000, validation=0), seeds=PAIRS)
    # Early stopping: one training, measured often, on validation images that say when to stop
    # ("watched"), and on the test images ("judged").
    often = Images(3_000, 10_000, epoch=6_000)
    return [
        *(linear, mlp, dropout, cnn),
        # Today's loss instead of that of 2020: it diverges.
        _like(linear, "linear_today", {"loss": "categorical_crossentropy"}, seeds=1),
        # The same with steps that are short enough: what students' own programs are compared with.
        _like(
            linear,
            "linear_gentle",
            {"loss": "categorical_crossentropy", "learning_rate": 0.1},
            kept=0,
        ),
        _like(mlp, "mlp_small", small, kept=1),
        _like(dropout, "dropout_small", small, kept=1),
        # Other remedies, whose networks read spoilt digits in notebook 10.
        *(
            _like(mlp, f"{name}_small", small | figures, need=SPOILT, seeds=1)
            for name, figures in (
                ("decay", {"weight_decay": 0.1}),
                ("normalized", {"batch_normalization": True}),
                ("moved", {"degrees": 10, "shift": 2}),
            )
        ),
        *(
            _like(linear, f"linear_{name}", {"learning_rate": rate}, **kept)
            for name, rate in RATES.items()
        ),
        _like(
            linear, "linear_chosen", {"learning_rate": CHOSEN_RATE}, epochs=CHOSEN_EPOCHS, **kept
        ),
        *(
            _like(
                network,
                f"{network.name}_on_{size}",
                {},
                images=Images(size, validation=0),
                seeds=PAIRS if size == 3_000 and network is not short_cnn else SEEDS,
            )
            for size in SIZES
            for network in (narrow_mlp, narrow_dropout, short_cnn)
            # On all images there are the sheet's own, longer runs of the CNN.
            if network is not short_cnn or size < SIZES[-1]
        ),
        # Few images once more, with the initial weights and biases that are usual in Keras.
        *(
            _like(
                network,
                f"{network.name}_usual_on_{size}",
                {"kernel_stddev": None, "bias": 0.0},
                need=TEST,
                images=Images(size, validation=0),
            )
            for size in (100, 300)
            for network in (narrow_mlp, narrow_dropout)
        ),
        # Remedies for overfitting, one at a time; dropout is among the sizes.
        _like(remedy, "decay_on_3000", {"weight_decay": 0.5}),
        _like(remedy, "moved_on_3000", {"degrees": 10, "shift": 2}),
        _like(remedy, "normalized_on_3000", {"batch_normalization": True}),
        _like(remedy, "watched_on_3000", {}, epochs=20, images=often),
        _like(remedy, "judged_on_3000", {}, epochs=20, images=often._replace(validation=0)),
        # All remedies together, on all images; docs/records.md says how it was chosen.
        Variant("modern", "build_modern_cnn", {}, 25, BEST),
    ]


def _like(variant: Variant, name: str, figures: dict[str, Any], **others: Any) -> Variant:
    """The same network with another name, and with some figures and attributes changed."""
    return variant._replace(name=name, figures=variant.figures | figures, **others)
