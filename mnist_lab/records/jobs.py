"""The runs that are to be on file, and whether they are."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ..course import NEEDS, SEEDS, Part
from ..data import Dataset
from ..descriptions import Description, describe, differences, in_words
from ..runs import Run, fingerprint
from ..support import DataError
from .variants import Images, Variant, variants

BATCH_SIZE = 100  # as in the sheet
LARGEST_KEPT = 120_000  # parameters of a network whose weights are kept in its record


@dataclasses.dataclass(frozen=True)
class Job:
    """One run that is to be on file.

    Attributes
    ----------
    variant : Variant
        What is trained, and on which images.
    seed : int
        From which seed.
    wanted : dict
        The fingerprint that its record has to have.
    """

    variant: Variant
    seed: int
    wanted: Description

    @property
    def part(self) -> Part:
        """The network, and for how long it is trained."""
        return self.variant.part

    @property
    def keeps_probabilities(self) -> bool:
        """Whether the record holds what was said of each validation image; not of small samples."""
        return self.variant.images.training is None

    def keeps_weights(self, run: Run) -> bool:
        """Whether the record of its run holds the weights: if they are few, and numbers."""
        few = run.settings.parameters <= LARGEST_KEPT
        return self.keeps_probabilities and few and not run.diverged

    @property
    def name(self) -> str:
        """What the record's file is called, without its ending."""
        return f"{self.part.key}-seed{self.seed}"

    def file(self, folder: Path) -> Path:
        """The record's file in a folder of records."""
        return folder / f"{self.name}.npz"

    def checkpoint(self, folder: Path) -> Path:
        """Where the unfinished training is kept: another file for another model or other data."""
        mark = hashlib.sha256(json.dumps(self.wanted, sort_keys=True).encode()).hexdigest()
        return folder / f".{self.name}-{mark[:12]}.npz"

    def shortcoming(self, folder: Path) -> str:
        """Why its record has to be made, in words; nothing if it is on file as it should be."""
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
        """How many epochs of its training are done already."""
        try:
            return Run.load(self.checkpoint(folder)).epochs
        except DataError:
            return 0


def list_jobs(data: Dataset, needs: Sequence[str] = NEEDS, seeds: int = SEEDS) -> list[Job]:
    """List the runs that are to be on file, in the order in which they are made.

    Parameters
    ----------
    data
        MNIST.
    needs
        Whose runs, of `NEEDS`.
    seeds
        Seeds 0 to seeds - 1 of each network, where one run is not enough; seed 0 of all comes
        first.
    """

    @functools.cache
    def digest(images: Images, seed: int) -> str:
        return images.of(data, seed).sha256

    listed = []
    for variant in variants():
        if variant.need not in needs:
            continue
        model = describe(variant.part.build())
        for seed in range(1 if variant.single else seeds):
            wanted = fingerprint(
                model,
                epochs=variant.part.epochs,
                batch_size=BATCH_SIZE,
                precision="float32",
                data_sha256=digest(variant.images, seed),
                seed=seed,
            )
            listed.append(Job(variant, seed, wanted))
    return sorted(listed, key=lambda job: job.seed)
