"""`Seeds`: one network trained from many seeds, and what chance alone makes of it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import places
from .runs import Settings, read_about, seal
from .support import DataError, read_arrays, whole_file

_FORMAT = 1
_LARGEST = 2**28  # bytes of all arrays


@dataclass(frozen=True, eq=False, repr=False)
class Seeds:
    """Trainings of one network that differ in their seed alone: seeds 0, 1, 2, ...

    Attributes
    ----------
    name : str
        The network's name, as in docs/records.md.
    settings : Settings
        Of the first of them.
    batch_loss : numpy.ndarray
        The loss of each of the first batches: float32 of shape (seeds, batches).
    right : numpy.ndarray
        Whether each validation image was read correctly at the end of the last epoch: bool of
        shape (seeds, images).
    """

    name: str
    settings: Settings
    batch_loss: np.ndarray
    right: np.ndarray

    @property
    def accuracies(self) -> np.ndarray:
        """The validation accuracy of each seed at the end: float64 from 0 to 1, (seeds,)."""
        return self.right.mean(axis=1)

    def __len__(self) -> int:
        return len(self.right)

    def __repr__(self) -> str:
        low, high = 100 * self.accuracies.min(), 100 * self.accuracies.max()
        return (
            f"Seeds of {self.name}: {len(self):,} runs, validation accuracy {low:.1f} to "
            f"{high:.1f} %"
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write them to an `.npz` file, completely or not at all.

        Raises
        ------
        OSError
            If it cannot be written; says why. An existing file stays as it was.
        """
        about = {
            "format": _FORMAT,
            "settings": {"name": self.name, **vars(self.settings)},
            "images": self.right.shape[1],
        }
        arrays = {"batch_loss": self.batch_loss, "right": np.packbits(self.right, axis=1)}
        text = json.dumps({"about": about, "sha256": seal(about, arrays)}).encode()
        with whole_file(path) as beside, beside.open("wb") as file:
            np.savez_compressed(file, about=np.frombuffer(text, np.uint8), **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Seeds":
        """Read what `save` wrote.

        Raises
        ------
        DataError
            If the file is missing, damaged, of another format version, or something else.
        """
        path = Path(path)
        about, sha256 = read_about(path, _FORMAT, {"images": int})
        arrays = read_arrays(path, ("batch_loss", "right"), _LARGEST)
        if seal(about, arrays) != sha256:
            raise DataError(f"{path} was changed or damaged: its contents have another SHA-256")
        bits, losses, images = arrays["right"], arrays["batch_loss"], about["images"]
        kinds = (bits.dtype, bits.ndim, losses.dtype, losses.ndim)
        if kinds != (np.uint8, 2, np.float32, 2) or bits.shape[1] != -(-images // 8):
            raise DataError(f"{path} is not a file of many seeds: its arrays have other shapes")
        right = np.unpackbits(bits, axis=1, count=images).astype(bool)
        settings = about["settings"]
        return cls(settings.pop("name"), Settings(**settings), losses, right)


def load_seeds(name: str, folder: Path | None = None) -> Seeds:
    """Load the many runs of a network: "linear" from 1,000 seeds, "mlp_small" from 100.

    Parameters
    ----------
    name
        Of the network.
    folder
        The folder of the files; the default is the lab's own.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> len(lab.load_seeds("linear"))
    1000
    """
    return Seeds.load((folder or places.here.seeds) / f"{name}.npz")
