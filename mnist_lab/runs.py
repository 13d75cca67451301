"""One training, from the first iteration to the last, as something to keep, plot and compare."""

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .support import DataError, read_arrays, whole_file

HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "fit_accuracy")
FORMAT = 1
_ARRAYS = ("about", "history", "batch_loss", "batch_accuracy")
_LARGEST = 2**28  # bytes; 30 million iterations


@dataclass(eq=False, repr=False)
class Run:
    """What a training did. Accuracies are shares from 0 to 1.

    Attributes
    ----------
    settings : dict
        How it was trained: name, parameters, data, epochs, batch_size, steps_per_epoch, seed, ...
    history : dict of list of float
        One value for each finished epoch: `loss` and `accuracy` (means over the epoch's training
        images, each measured just before its batch was learned, dropout on), `val_loss` and
        `val_accuracy` (on the validation images at the epoch's end, dropout off), `fit_accuracy`
        (the same on a fixed sample of the training images).
    batch_loss, batch_accuracy : numpy.ndarray
        float32 of shape (iterations,): each batch's own values, not running means.
    seconds, compile_seconds : float
        Time spent training (validation included), and compiling before it.
    diverged : bool
        Whether the loss of the last iteration is no longer a finite number.
    interrupted : bool
        Whether it was stopped before its last epoch was finished.
    """

    settings: dict[str, Any]
    history: dict[str, list[float]] = field(default_factory=lambda: {key: [] for key in HISTORY})
    batch_loss: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    batch_accuracy: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    seconds: float = 0.0
    compile_seconds: float = 0.0
    diverged: bool = False
    interrupted: bool = False

    @property
    def name(self) -> str:
        """What the run is called in legends and reports."""
        return self.settings["name"]

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history["loss"])

    @property
    def val_accuracy(self) -> float:
        """Validation accuracy at the end of the last finished epoch.

        Not a number (nan) if no epoch was finished, or if the training diverged: what it learned
        before is in `history`, but its weights are lost.
        """
        if self.diverged or not self.epochs:
            return math.nan
        return self.history["val_accuracy"][-1]

    def __repr__(self) -> str:
        end = "diverged" if self.diverged else f"validation accuracy {self.val_accuracy:.1%}"
        return f"Run {self.name}: {self.epochs} epochs, {len(self.batch_loss):,} iterations, {end}"

    def save(self, path: str | os.PathLike) -> None:
        """Write the run to an `.npz` file, whole or not at all.

        Raises
        ------
        OSError
            If the folder is missing or cannot be written; a file that was there is unharmed.
        """
        about = {
            "format": FORMAT,
            "settings": self.settings,
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "diverged": self.diverged,
            "interrupted": self.interrupted,
        }
        with whole_file(path) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file,
                about=np.frombuffer(json.dumps(about).encode(), np.uint8),
                history=np.array([self.history[key] for key in HISTORY], np.float64),
                batch_loss=self.batch_loss,
                batch_accuracy=self.batch_accuracy,
            )

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Run":
        """Read a run that `save` wrote.

        Raises
        ------
        DataError
            If the file is missing, damaged, of another format version, or not a run.
        """
        path = Path(path)
        arrays = read_arrays(path, _ARRAYS, _LARGEST)
        try:
            about = json.loads(arrays["about"].tobytes())
            if about.pop("format") != FORMAT:
                raise ValueError("another version of the lab wrote it")
            history, loss, accuracy = (arrays[name] for name in _ARRAYS[1:])
            if history.dtype != np.float64 or history.ndim != 2 or len(history) != len(HISTORY):
                raise ValueError(f"its history is {history.dtype} of shape {history.shape}")
            if loss.dtype != np.float32 or accuracy.dtype != np.float32 or loss.ndim != 1:
                raise ValueError(f"its batch losses are {loss.dtype} of shape {loss.shape}")
            if loss.shape != accuracy.shape:
                raise ValueError("it has not as many batch losses as batch accuracies")
            return cls(
                history=dict(zip(HISTORY, history.tolist(), strict=True)),
                batch_loss=loss,
                batch_accuracy=accuracy,
                **about,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise DataError(f"{path} is not a run that this lab can read ({problem})") from None
