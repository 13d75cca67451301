"""Networks that are trained from many seeds: making their files, and proving samples of them."""

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ..course import NEEDS
from ..data import Dataset
from ..descriptions import differences
from ..progress import MovingLine, time_left
from ..runs import Settings, load_records
from ..seeds import Seeds
from ..support import DataError
from ..training import CompiledLoop, Training, epoch_order
from .jobs import BATCH_SIZE, Job
from .variants import Variant, variants
from .verification import ITERATIONS, beyond, relative

KEPT = 200  # losses of each training
SAVED_AFTER = 120.0  # seconds; how often the file of an unfinished network is written
# Of a cross-validation. A few training images are left out, so that all trainings have as many.
FOLDS, VALIDATION, TRAINING = 6, 10_000, 49_800
SAMPLES = 10  # trainings that are verified


class Many(NamedTuple):
    """A network that is trained from many seeds.

    Attributes
    ----------
    name : str
        Of its file.
    variant : Variant
        What is trained, and for how long.
    seeds : int
        Seeds 0 to seeds - 1.
    by : str
        With "image" or "writer", each seed is a cross-validation on MNIST's training images: six
        trainings, each validated on the images that it did not train on, drawn as in
        `Dataset.split`. Empty for a training on all of them.
    """

    name: str
    variant: Variant
    seeds: int
    by: Literal["", "image", "writer"] = ""

    @property
    def folds(self) -> range:
        """The folds of each seed."""
        return range(FOLDS if self.by else 1)

    def drawn(self, data: Dataset, seed: int, fold: int) -> tuple[Dataset, np.ndarray]:
        """The images of one training, and which of `Seeds.right` are its validation images."""
        if not self.by:
            return data, np.arange(len(data.x_valid))
        how = {"training": TRAINING, "seed": seed, "by": self.by, "fold": fold}
        _, valid = data.drawn(VALIDATION, **how)
        return data.split(VALIDATION, **how), valid

    def file(self, folder: Path) -> Path:
        """Its file in a folder."""
        return folder / f"{self.name}.npz"

    def shortcoming(self, folder: Path, data: Dataset) -> str:
        """Say why its file has to be made; empty if it is there as it should be."""
        if not self.file(folder).exists():
            return "missing"
        try:
            found = Seeds.load(self.file(folder)).settings.fingerprint
        except DataError as problem:
            return str(problem)
        images, _ = self.drawn(data, 0, 0)
        wanted = Job(self.variant, 0).wanted | {"data sha256": images.sha256}
        return f"stale: {next(iter(unlike))}" if (unlike := differences(found, wanted)) else ""

    def unfinished(self, folder: Path) -> Path:
        """The file of the trainings so far, from which a later call goes on."""
        return folder / f".{self.name}.npz"


def list_many(needs: Sequence[str] = NEEDS) -> list[Many]:
    """List the networks that are on file from many seeds, for these notebooks and parts."""
    known = {each.name: each for each in variants()}
    crossed = {
        # With the sheet's learning rate, chance ends some of these trainings early.
        "linear": (known["linear_medium"], 3),
        "mlp": (known["mlp_on_60000"], 3),
        "cnn": (known["cnn"]._replace(epochs=1), 1),
    }
    listed = [
        Many("linear", known["linear"], 1000),
        Many("mlp_small", known["mlp_small"], 100),
        *(
            Many(f"{name}_by_{by}", variant, seeds, by)
            for name, (variant, seeds) in crossed.items()
            for by in ("image", "writer")
        ),
    ]
    return [each for each in listed if each.variant.need in needs]


def make_seeds(many: Many, folder: Path, data: Dataset) -> None:
    """Train a network from all its seeds and write the file; go on where a call was stopped.

    An interrupted call loses what it did in the last two minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainings = _Trainings(many, data)
    settings = trainings.training(0, 0).run.settings
    losses, rights = _so_far(many.unfinished(folder), settings)
    began, first, saved = time.perf_counter(), len(rights), time.perf_counter()
    with MovingLine() as line:
        for seed in range(first, many.seeds):
            right = np.zeros(len(data.x_train if many.by else data.x_valid), bool)
            for fold in many.folds:
                loss, own, places = trainings.whole(seed, fold)
                losses.append(loss)
                right[places] = own
            rights.append(right)
            now, last = time.perf_counter(), seed + 1 == many.seeds
            left = time_left(now - began, seed + 1 - first, many.seeds - first)
            line.show(f"{many.name}: seed {seed}, accuracy {right.mean():.2%}, {left}")
            if last or now - saved > SAVED_AFTER:
                path, saved = many.file(folder) if last else many.unfinished(folder), now
                Seeds(many.name, settings, np.stack(losses), np.stack(rights)).save(path)
    many.unfinished(folder).unlink(missing_ok=True)


def _so_far(path: Path, settings: Settings) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return what an unfinished file of the same trainings holds."""
    with contextlib.suppress(DataError):
        done = Seeds.load(path)
        if not differences(done.settings.fingerprint, settings.fingerprint):
            return list(done.batch_loss), list(done.right)
    return [], []


def verify_many(listed: Sequence[Many], folder: Path, data: Dataset) -> bool:
    """Verify samples of each file, print what was found, and say whether all are right."""
    wrong = 0
    for many in listed:
        problems = verify_seeds(many, folder, data)
        wrong += bool(problems)
        for problem in problems:
            print(f"{many.name}, many seeds: WRONG, {problem}")
        if not problems:
            trainings = many.seeds * len(many.folds)
            print(f"{many.name}, many seeds: samples of {trainings:,} trainings are right")
        sys.stdout.flush()
    return not wrong


def verify_seeds(many: Many, folder: Path, data: Dataset) -> list[str]:
    """Retrain the first iterations from some of the seeds, and compare every loss.

    Seeds that have a record of their own are compared with it, too.

    Notes
    -----
    Other seeds are drawn at each call. What the others say is protected by the file's seal alone.

    Returns
    -------
    list of str
        What is wrong, in words; empty if all is right.
    """
    if why := many.shortcoming(folder, data):
        return [why]
    seeds = Seeds.load(many.file(folder))
    if problems := _shapes(many, seeds, data):
        return problems
    trainings = _Trainings(many, data)
    rows = len(seeds.batch_loss)
    drawn = np.random.default_rng().choice(rows, min(SAMPLES, rows), replace=False)
    problems = []
    for row in np.sort(drawn):
        seed, fold = divmod(int(row), len(many.folds))
        apart = relative(seeds.batch_loss[row, :ITERATIONS], trainings.beginning(seed, fold))
        where = f"seed {seed}, fold {fold}" if many.by else f"seed {seed}"
        problems += [f"{where}: {problem}" for problem in beyond(apart)]
    return problems or ([] if many.by else _records(many, seeds))


def _shapes(many: Many, seeds: Seeds, data: Dataset) -> list[str]:
    wanted = (many.seeds, len(data.x_train if many.by else data.x_valid))
    losses = (many.seeds * len(many.folds), KEPT)
    shapes = seeds.right.shape, seeds.batch_loss.shape
    return [f"its arrays have the shapes {shapes}"] if shapes != (wanted, losses) else []


def _records(many: Many, seeds: Seeds) -> list[str]:
    """Say which of the seeds are not as in their own records.

    These may come from another processor, where a later loss and the end may differ. If all losses
    are equal, so is the end.
    """
    problems = []
    for run in load_records(many.name):
        seed, theirs = run.settings.seed, run.batch_loss[:KEPT]
        own = seeds.batch_loss[seed]
        apart = relative(own[:ITERATIONS], theirs[:ITERATIONS])
        found = beyond(apart)
        if (own == theirs).all() and not np.isclose(seeds.accuracies[seed], run.val_accuracy):
            found.append("the accuracy is not that of its record")
        problems += [f"seed {seed}, beside its record: {problem}" for problem in found]
    return problems


class _Trainings:
    """Trains one network from any seed, compiled once."""

    def __init__(self, many: Many, data: Dataset):
        self._many, self._data, self._variant = many, data, many.variant
        images, self._places = many.drawn(data, 0, 0)
        self._loop = CompiledLoop(self._variant.build(), images, BATCH_SIZE, "float32")
        self._loop.compile()

    def training(self, seed: int, fold: int) -> Training:
        """Return a training that begins, and exchange the images for its own."""
        images, self._places = self._many.drawn(self._data, seed, fold)
        if images is not self._data:
            self._loop.exchange(images)
        training = Training(
            self._loop, epochs=self._variant.epochs, seed=seed, name=self._variant.name
        )
        training.start()
        return training

    def beginning(self, seed: int, fold: int) -> np.ndarray:
        """Return the losses of the first iterations."""
        loop = self.training(seed, fold).loop
        order = epoch_order(seed, 0, loop.images)[: ITERATIONS * BATCH_SIZE]
        return np.concatenate([chunk.loss for chunk in loop.epoch(order, seed, 0)])

    def whole(self, seed: int, fold: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the first losses, which validation images are right, and where these belong."""
        loop = self.training(seed, fold).loop
        losses = [
            chunk.loss
            for epoch in range(self._variant.epochs)
            for chunk in loop.epoch(
                epoch_order(seed, epoch, loop.images), seed, epoch * loop.steps_per_epoch
            )
        ]
        *_, said = loop.validate()
        right = said.argmax(axis=1) == loop.data.y_valid
        return np.concatenate(losses)[:KEPT], right, self._places
