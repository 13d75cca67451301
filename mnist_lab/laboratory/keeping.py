"""The digits that a student draws and keeps, in a file beside the notebook."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from ..digits import Digits, load_digits
from ..support import DataError

FILE = "my_digits.npz"
SHOWN = 100  # of the newest digits, the page shows pictures
WAIT = 10  # seconds for another process that writes the file


class Kept:
    """The digits in `my_digits.npz` of the current folder.

    Each change reads the file first, since another notebook may have changed it, and writes it
    whole or not at all. A file that cannot be read is never overwritten.
    """

    def __init__(self) -> None:
        self._path = Path(FILE).absolute()
        self._digits, self._problem = Digits(), ""
        try:
            self._digits = self._read()
        except DataError as problem:
            self._problem = str(problem)

    def values(self) -> dict[str, Any]:
        """Return all labels, the newest images, where they are kept, and what went wrong last."""
        return {
            "labels": self._digits.labels,
            "images": self._digits.images[-SHOWN:],
            "where": f"in {FILE}",
            "problem": self._problem,
        }

    def add(self, image: np.ndarray, label: int, drawing: np.ndarray) -> dict[str, Any]:
        """Add a digit to the file; see `Digits.added`. Return the values."""
        return self._change(lambda digits: digits.added(image, label, drawing))

    def remove(self, index: int) -> dict[str, Any]:
        """Remove a digit from the file, if it is still there; `index` is its place in `values`."""
        label, drawing = self._digits.labels[index], self._digits.drawings[index]

        def without(digits: Digits) -> Digits:
            same = (digits.labels == label) & (digits.drawings == drawing).all(axis=(1, 2))
            return digits.without(np.flatnonzero(same)[-1]) if same.any() else digits

        return self._change(without)

    def _change(self, change: Callable[[Digits], Digits]) -> dict[str, Any]:
        self._problem = ""
        try:
            with FileLock(self._path.with_name(f".{FILE}.lock"), timeout=WAIT):
                changed = change(self._read())
                if len(changed):
                    changed.save(self._path)
                else:
                    self._path.unlink(missing_ok=True)
                self._digits = changed
        except ValueError as problem:
            self._problem = str(problem)
        except OSError as problem:  # of the lock, or of the file, which is a sentence already
            why = problem.strerror and f"{self._path} cannot be written ({problem.strerror})"
            self._problem = why or str(problem)
        return self.values()

    def _read(self) -> Digits:
        if not self._path.exists():
            return Digits()
        try:
            return load_digits(self._path)
        except DataError as problem:
            raise DataError(
                f"{problem}. To keep digits here, first move that file elsewhere: the laboratory "
                "does not overwrite it"
            ) from None
