"""The validation digits as the page shows them: mistakes first, and what a matrix counts."""

from typing import Any

import numpy as np

from ..data import Dataset, is_one_hot
from ..runs import Run

IN_ROW = 8  # digits in the row
BEHIND = 24  # digits shown for a field of the confusion matrix


def scaled(pixels: np.ndarray, white: float) -> np.ndarray:
    """Scale images of bytes like those in which a white pixel has this value; float32, in rows."""
    return pixels.reshape(-1, 784) * np.float32(white / 255)


class Digits:
    """The validation digits of a data set, a network's worst mistakes first; one is selected.

    `white` is the value of a white pixel in training; the digits are kept as bytes.
    """

    def __init__(self, data: Dataset):
        images = data.x_valid.reshape(len(data.x_valid), -1)
        self.white, stored = data.white, images.dtype == np.uint8
        self.pixels = images if stored else np.rint(images * (255 / self.white)).astype(np.uint8)
        labels = data.y_valid
        self.labels = labels.argmax(axis=1) if is_one_hot(labels) else labels.reshape(-1)
        self.index, self._chosen = 0, False
        self._order = np.arange(len(self.labels))
        self._probabilities: np.ndarray | None = None
        self._confused: Run | None = None  # the run whose confusion matrix is shown

    def see(self, run: Run) -> dict[str, Any]:
        """Sort the digits by a run's last validation: surest mistakes first, surest hits last."""
        self._probabilities = run.val_probabilities
        said, sure = run.val_probabilities.argmax(axis=1), run.val_probabilities.max(axis=1)
        right = said == self.labels
        self._order = np.lexsort((np.where(right, sure, -sure), right))
        if not self._chosen:
            self.index = int(self._order[0])
        return self.sight()

    def look_at(self, index: int) -> dict[str, Any]:
        """Select a digit. It stays selected, whatever is trained next."""
        self.index, self._chosen = index, True
        return self.sight()

    def go_on(self, by: int) -> dict[str, Any]:
        """Select the next digit, or the one before."""
        return self.look_at(int(self._order[(self._place() + by) % len(self._order)]))

    def sight(self) -> dict[str, Any]:
        """Return the selected digit, its neighbours, and the last answers for them."""
        place = self._place()
        first = place // IN_ROW * IN_ROW
        sight = self._some(self._order[first : first + IN_ROW], self._probabilities)
        sight |= {"index": self.index, "words": "from the validation images"}
        if self._probabilities is None:
            return {"sight": sight}
        wrong = int((self._probabilities.argmax(axis=1) != self.labels).sum())
        right = len(self.labels) - wrong
        sight["words"] = (
            f"mistake {place + 1:,} of {wrong:,}"
            if place < wrong
            else f"one that is right, {place + 1 - wrong:,} of {right:,}"
        )
        said = self._probabilities[self.index].astype(np.float32)
        return {"sight": sight, "said": {"index": self.index, "probabilities": said}}

    def behind(self, label: int, said: int) -> dict[str, Any]:
        """Return the digits that a field of the confusion matrix counts, the surest first."""
        probabilities = self._confused.val_probabilities
        sure = probabilities[:, said]
        found = np.flatnonzero((self.labels == label) & (probabilities.argmax(axis=1) == said))
        found = found[np.argsort(-sure[found], kind="stable")]
        counted = {"label": label, "said": said, "count": len(found)}
        return {"behind": counted | self._some(found[:BEHIND], probabilities)}

    def confusion(self, run: Run) -> dict[str, Any]:
        """Count how often digits of each class were taken for each class, after the last epoch."""
        self._confused = run
        classes = run.val_probabilities.shape[1]
        pairs = classes * self.labels.astype(np.int64) + run.val_probabilities.argmax(axis=1)
        counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        matrix = {"name": run.name, "epoch": run.epochs, "counts": counts.astype(np.int32)}
        return {"confusion": matrix}

    def _place(self) -> int:
        return int(np.flatnonzero(self._order == self.index)[0])

    def _some(self, indices: np.ndarray, probabilities: np.ndarray | None) -> dict[str, Any]:
        """Return digits with their labels, and with a network's answers if there are any."""
        some = {"indices": indices.tolist(), "labels": self.labels[indices].tolist()}
        if probabilities is not None:
            said = probabilities[indices]
            some["saids"] = said.argmax(axis=1).tolist()
            some["sure"] = said.max(axis=1).astype(float).tolist()
        return some | {"pixels": self.pixels[indices]}
