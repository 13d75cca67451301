"""What the page shows of a network: first-layer weights, confusion matrix, answers for digits."""

import math
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..data import Dataset, is_one_hot
from ..runs import Run
from ..signals import signals_blocked
from .networks import Network, product

UNITS = 16  # hidden units of an MLP that are shown
IN_ROW = 8  # digits in the row
BEHIND = 24  # digits shown for a field of the confusion matrix
SECONDS_BETWEEN = 0.1  # at least, between two glimpses of a network in training
LOOKING = 0.004  # share of the training's time that glimpses may take
_SAMPLE = 50  # validation images on which the activity of hidden units is measured


class Digits:
    """The validation digits, a network's worst mistakes first, and the selected digit.

    Parameters
    ----------
    data
        Whose validation images are shown.

    Attributes
    ----------
    index : int
        Of the selected digit.
    """

    def __init__(self, data: Dataset):
        images = data.x_valid.reshape(len(data.x_valid), -1)
        self._white, stored = data.white, images.dtype == np.uint8
        self.pixels = images if stored else np.rint(images * (255 / self._white)).astype(np.uint8)
        labels = data.y_valid
        self.labels = labels.argmax(axis=1) if is_one_hot(labels) else labels.reshape(-1)
        self.index, self._chosen = 0, False
        self._order = np.arange(len(self.labels))
        self._probabilities: np.ndarray | None = None

    def as_input(self, pixels: np.ndarray) -> np.ndarray:
        """Scale images of 784 pixels from 0 to 255 like the training images; float32."""
        return pixels.reshape(-1, 784) * np.float32(self._white / 255)

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

    def behind(self, run: Run, label: int, said: int) -> dict[str, Any]:
        """Return the digits that a field of a run's confusion matrix counts, the surest first."""
        sure = run.val_probabilities[:, said]
        found = (self.labels == label) & (run.val_probabilities.argmax(axis=1) == said)
        found = np.flatnonzero(found)
        found = found[np.argsort(-sure[found], kind="stable")]
        counted = {"label": label, "said": said, "count": len(found)}
        return {"behind": counted | self._some(found[:BEHIND], run.val_probabilities)}

    def confusion(self, run: Run) -> dict[str, Any]:
        """Count how often digits of each class were taken for each class, after the last epoch."""
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


class Glimpses:
    """Looks at a network between chunks of its training, rarely enough not to slow it down.

    Parameters
    ----------
    model
        One of the sheet's networks, in training.
    digits
        The digits, one of them selected.
    """

    def __init__(self, model: keras.Model, digits: Digits):
        self._variables = [each.value for each in model.weights]
        self._digits = digits
        self._next, self._epoch = -math.inf, -1
        self._units = np.arange(UNITS)

    def look(self, run: Run, drawn: np.ndarray | None) -> dict[str, Any]:
        """Return weights and answers to show; nothing if the last glimpse was too recent.

        Parameters
        ----------
        run
            The run so far.
        drawn
            The pixels of a drawn digit, which the network is to answer for too.
        """
        began = time.perf_counter()
        if began < self._next and run.epochs == self._epoch:
            return {}
        with signals_blocked():
            news = self._seen(run, drawn)
        ended = time.perf_counter()
        self._next = ended + max(SECONDS_BETWEEN, (ended - began) / LOOKING)
        # The matrix comes once an epoch and does not delay the next glimpse.
        if run.epochs != self._epoch and run.epochs:
            news |= self._digits.confusion(run)
        self._epoch = run.epochs
        return news

    def _seen(self, run: Run, drawn: np.ndarray | None) -> dict[str, Any]:
        index = self._digits.index
        asked = [self._digits.pixels[index], *([] if drawn is None else [drawn.ravel()])]
        network = Network.of(run, [_values(each) for each in self._variables])
        said = network.probabilities(self._digits.as_input(np.stack(asked)))
        news = {"said": {"index": index, "probabilities": said[0]}}
        if drawn is not None:
            news["training"] = {"name": run.name, "probabilities": said[1]}
        return news | {"weights": self._images(network, run.epochs)}

    def _images(self, network: Network, epoch: int) -> dict[str, Any]:
        """Return the first layer's weights, a row for each digit, hidden unit or filter."""
        first, bias, *others = network.weights
        if first.ndim == 4:
            images = first.reshape(-1, first.shape[3]).T.copy()
            return {"of": "filter", "numbers": list(range(len(images))), "images": images}
        if network.linear:
            images = product(others[0].T, first.T.copy())
            return {"of": "digit", "numbers": list(range(len(images))), "images": images}
        if epoch != self._epoch:  # choosing units more often would make the images jump
            sample = self._digits.as_input(self._digits.pixels[:_SAMPLE])
            activity = np.maximum(product(sample, first) + bias, 0).mean(axis=0)
            self._units = np.argsort(-activity)[:UNITS]
        images = first[:, self._units].T
        return {"of": "hidden unit", "numbers": self._units.tolist(), "images": images}


def _values(variable: tf.Variable) -> np.ndarray:
    """Return a view of a variable's values; the next iteration changes them.

    A copy, or reading it the usual way, would take longer than the rest of a glimpse.
    """
    tensor = tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)
    return np.asarray(memoryview(tensor))
