"""The runs that have to be on file, and whether they are."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import models
from ..course import NEEDS
from ..data import Dataset, load_mnist
from ..descriptions import Description, describe, differences, in_words
from ..runs import Run, fingerprint
from ..support import DataError
from .variants import Images, Variant, variants

BATCH_SIZE = 100  # as in the sheet
LARGEST_KEPT = 120_000  # parameters; a larger network's weights are not kept in its record


@dataclasses.dataclass(frozen=True)
class Job:
    """One run that has to be on file.

    Attributes
    ----------
    variant : Variant
        What is trained, and on which images.
    seed : int
        Where the training starts.
    """

    variant: Variant
    seed: int

    @functools.cached_property
    def wanted(self) -> Description:
        """The fingerprint that its record must have. Digesting the images takes a moment."""
        return fingerprint(
            _description(*self.variant.network),
            epochs=self.variant.epochs,
            batch_size=BATCH_SIZE,
            precision="float32",
            data_sha256=_digest(self.variant.images, self.seed),
            seed=self.seed,
        )

    @property
    def keeps_probabilities(self) -> bool:
        """Whether the record holds the outputs for the validation images."""
        return self.variant.images.training is None and self.seed < self.variant.kept

    def keeps_weights(self, run: Run) -> bool:
        """Whether the record of its run holds the weights: if they are few and finite."""
        few = run.settings.parameters <= LARGEST_KEPT
        return self.keeps_probabilities and few and not run.diverged

    @property
    def name(self) -> str:
        """The name of the record's file, without its ending."""
        return f"{self.variant.name}-seed{self.seed}"

    def file(self, folder: Path) -> Path:
        """The record's file in a folder of records."""
        return folder / f"{self.name}.npz"

    def checkpoint(self, folder: Path) -> Path:
        """The file of the unfinished training; its name depends on the model and the data."""
        mark = hashlib.sha256(json.dumps(self.wanted, sort_keys=True).encode()).hexdigest()
        return folder / f".{self.name}-{mark[:12]}.npz"

    def shortcoming(self, folder: Path) -> str:
        """Say why its record has to be made; empty if it is on file as it should be."""
        if not self.file(folder).exists():
            return "missing"
        try:
            settings = Run.load(self.file(folder)).settings
        except DataError as problem:
            return str(problem)
        for key, (recorded, now) in differences(settings.fingerprint, self.wanted).items():
            return f"stale: {key} {in_words(recorded)}, now {in_words(now)}"
        return ""

    def finished_epochs(self, folder: Path) -> int:
        """Count the epochs of its training that are finished."""
        try:
            return Run.load(self.checkpoint(folder)).epochs
        except DataError:
            return 0


def list_jobs(needs: Sequence[str] = NEEDS, seeds: int | None = None) -> list[Job]:
    """List the runs that have to be on file, in the order in which they are made.

    Parameters
    ----------
    needs
        Whose runs, of `NEEDS`.
    seeds
        Seeds 0 to seeds - 1 of each network, where one run is not enough; by default as many as
        are on file. Seed 0 of all comes first.
    """
    listed = [
        Job(variant, seed)
        for variant in variants()
        if variant.need in needs
        for seed in range(variant.seeds if seeds is None or variant.seeds == 1 else seeds)
    ]
    return sorted(listed, key=lambda job: job.seed)


@functools.cache
def mnist() -> Dataset:
    """MNIST, read once in each process."""
    return load_mnist()


@functools.cache
def _digest(images: Images, seed: int) -> str:
    return images.of(mnist(), seed).sha256


@functools.cache
def _description(builder: str, figures: tuple[tuple[str, Any], ...]) -> Description:
    return describe(getattr(models, builder)(**dict(figures)))
