"""`Run`: what a training did, iteration by iteration, to save, plot and compare."""

import hashlib
import json
import math
import os
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import places
from .descriptions import Description, describe, differences, in_words, mathematics
from .progress import duration
from .support import DataError, read_arrays, whole_file

if TYPE_CHECKING:
    import keras

HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "fit_accuracy")
FORMAT = 2
FROM_KERAS = "given to model.fit"  # what `Settings.data` says of such a run
# The names under which Keras reports the share of right answers, by the metric that is asked for.
_ACCURACIES = ("accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy")
_IMAGES = 60_000  # of MNIST's training part
# The arrays of a file, with their types and numbers of axes; the weights follow.
_ARRAYS = {
    "history": (np.float64, 2),
    "batch_loss": (np.float32, 1),
    "batch_accuracy": (np.float32, 1),
    "val_probabilities": (np.float16, 2),
}
_LARGEST = 2**30  # bytes of all arrays
_MOST_WEIGHTS = 1000  # arrays of weights
_LONGEST = 2**22  # bytes of the metadata, which take more memory once they are parsed


@dataclass(frozen=True)
class Settings:
    """The model, data and figures of a training, and where it ran.

    Attributes
    ----------
    model : dict
        The result of `describe`.
    parameters : int
        Number of its weights and biases, frozen ones included.
    data, data_sha256 : str
        The data set's name and digest.
    epochs, batch_size, steps_per_epoch : int
        Requested epochs, images in a batch, and iterations in an epoch.
    seed : int or None
        None if the training continued from the model's weights.
    precision : str
        "float32" or "bfloat16".
    tensorflow, keras : str
        Their versions.
    machine, date : str
        Where and when (year-month-day) the training began.
    """

    model: Description
    parameters: int
    data: str
    data_sha256: str
    epochs: int
    batch_size: int
    steps_per_epoch: int
    seed: int | None
    precision: str
    tensorflow: str
    keras: str
    machine: str
    date: str

    @property
    def fingerprint(self) -> Description:
        """Everything that decides the run; see the function `fingerprint`."""
        return fingerprint(
            self.model,
            epochs=self.epochs,
            batch_size=self.batch_size,
            precision=self.precision,
            data_sha256=self.data_sha256,
            seed=self.seed,
        )


@dataclass(eq=False, repr=False)
class Run:
    """What a training did. Accuracies are shares from 0 to 1.

    Attributes
    ----------
    name : str
        The run's name in legends and reports.
    settings : Settings
        The model, data and figures of the training, and where it ran.
    history : dict of list of float
        One value for each finished epoch: `loss` and `accuracy` (means over the epoch's training
        images, each measured just before its batch was learned, dropout on), `val_loss` and
        `val_accuracy` (on the validation images at the epoch's end, dropout off), `fit_accuracy`
        (the same on a fixed sample of the training images).
    batch_loss, batch_accuracy : numpy.ndarray
        float32 of shape (iterations,): each batch's own values, not running means.
    val_probabilities : numpy.ndarray
        Class probabilities of each validation image at the end of the last finished epoch, dropout
        off: float16 of shape (images, classes). Rounding to float16 never changes which class is
        largest. No rows if no epoch was finished.
    weights : list of numpy.ndarray
        The network's weights at the end, in Keras' order. Empty unless the run is a record of a
        small network or was trained in the laboratory.
    seconds, compile_seconds : float
        Time spent training (validation included), and compiling before it.
    diverged : bool
        Whether the loss of the last iteration is no longer a finite number.
    interrupted : bool
        Whether it was stopped before its last epoch was finished.
    held_out : str
        As in `Dataset`: whether plots say "validation" or "test". It is not kept in a file.
    expected : dict of list of float
        What was drawn into the laboratory's chart before the training: `val_loss`, `val_accuracy`
        or both, one value for each epoch. It is not kept in a file.
    """

    name: str
    settings: Settings
    history: dict[str, list[float]] = field(default_factory=lambda: {key: [] for key in HISTORY})
    batch_loss: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    batch_accuracy: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    val_probabilities: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float16))
    weights: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    compile_seconds: float = 0.0
    diverged: bool = False
    interrupted: bool = False
    held_out: str = "validation"
    expected: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def from_keras(
        cls,
        history: "keras.callbacks.History",
        batch_loss: Sequence[float] = (),
        batch_accuracy: Sequence[float] = (),
        *,
        name: str = "my program",
    ) -> "Run":
        """Make a run of what Keras' own `fit` returned, to plot and compare it like any other.

        Parameters
        ----------
        history
            What `model.fit` returned.
        batch_loss, batch_accuracy
            What a callback of yours kept: one value for each iteration.
        name
            What the run is called in legends and reports.

        Returns
        -------
        Run
            Without seed, weights and `val_probabilities`; what `history` does not say is nan. The
            batch size follows from the number of iterations, for 60,000 training images.

        Raises
        ------
        TypeError
            If `history` is something else, such as its own dictionary `history.history`.
        """
        import keras
        import tensorflow as tf

        if not isinstance(history, keras.callbacks.History):
            kind = type(history).__name__
            raise TypeError(
                f"history is a {kind}: give what model.fit returned, as in history = model.fit(...)"
            )
        epochs, steps = len(history.epoch), history.params["steps"] or 0
        settings = Settings(
            model=describe(history.model),
            parameters=history.model.count_params(),
            data=FROM_KERAS,
            data_sha256="",
            epochs=history.params["epochs"],
            batch_size=round(_IMAGES / steps) if steps else 0,
            steps_per_epoch=steps,
            seed=None,
            precision=keras.config.dtype_policy().name,
            tensorflow=tf.__version__,
            keras=keras.__version__,
            machine=f"{platform.system()} {platform.machine()}",
            date=time.strftime("%Y-%m-%d"),
        )
        said = {_key(key): list(values) for key, values in history.history.items()}
        run = cls(
            name,
            settings,
            {key: said.get(key, [math.nan] * epochs) for key in HISTORY},
            np.array(batch_loss, np.float32),
            np.array(batch_accuracy, np.float32),
            interrupted=epochs < history.params["epochs"],
        )
        run.diverged = not np.isfinite(run.history["loss"][-1:]).all()
        return run

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history["loss"])

    @property
    def val_accuracy(self) -> float:
        """Validation accuracy at the end of the last finished epoch.

        Not a number (nan) if no epoch was finished or if the training diverged; earlier values are
        in `history`, but the weights are lost.
        """
        if self.diverged or not self.epochs:
            return math.nan
        return self.history["val_accuracy"][-1]

    @property
    def surprise(self) -> dict[str, float]:
        """For each measure in `expected`, its mean distance from what came, epoch by epoch."""
        pairs = {
            key: list(zip(values, self.history[key], strict=False))
            for key, values in self.expected.items()
        }
        return {
            key: sum(abs(one - other) for one, other in both) / len(both)
            for key, both in pairs.items()
            if both
        }

    def __repr__(self) -> str:
        end = "diverged" if self.diverged else f"validation accuracy {self.val_accuracy:.1%}"
        epochs = f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        return f"Run {self.name}: {epochs}, {len(self.batch_loss):,} iterations, {end}"

    def save(self, path: str | os.PathLike, *, compressed: bool = True) -> None:
        """Write the run to an `.npz` file, completely or not at all.

        Parameters
        ----------
        path
            The file.
        compressed
            Whether to spend time to make the file smaller.

        Raises
        ------
        OSError
            If it cannot be written; says why. An existing file stays as it was.
        """
        arrays = {
            "history": np.array([self.history[key] for key in HISTORY], np.float64),
            "batch_loss": self.batch_loss,
            "batch_accuracy": self.batch_accuracy,
            "val_probabilities": self.val_probabilities,
            **{f"weights_{index}": array for index, array in enumerate(self.weights)},
        }
        about = {
            "format": FORMAT,
            "settings": {"name": self.name, **vars(self.settings)},
            "weights": len(self.weights),
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "diverged": self.diverged,
            "interrupted": self.interrupted,
        }
        sealed = {"about": about, "sha256": seal(about, arrays)}
        with whole_file(path) as beside, beside.open("wb") as file:
            text = np.frombuffer(json.dumps(sealed).encode(), np.uint8)
            write = np.savez_compressed if compressed else np.savez
            write(file, about=text, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Run":
        """Read a run that `save` wrote.

        Raises
        ------
        DataError
            If the file is missing, damaged, of another format version, or not a run.
        """
        path = Path(path)
        about, sha256 = _read_run_about(path)
        arrays = _read_arrays(path, about["weights"])
        if seal(about, arrays) != sha256:
            raise DataError(f"{path} was changed or damaged: its contents have another SHA-256")
        found = {name: arrays.pop(name) for name in _ARRAYS}
        found["history"] = dict(zip(HISTORY, found["history"].tolist(), strict=True))
        found |= {key: value for key, value in about.items() if key != "format"}
        found |= {"name": about["settings"]["name"], "settings": _settings(about)}
        return cls(**{**found, "weights": list(arrays.values())})


def _key(name: str) -> str:
    """The lab's name for one of the values that Keras reports."""
    own = name.removeprefix("val_")
    return name.removesuffix(own) + ("accuracy" if own in _ACCURACIES else own)


def fingerprint(
    model: Description,
    *,
    epochs: int,
    batch_size: int,
    precision: str,
    data_sha256: str,
    seed: int | None,
) -> Description:
    """Return everything that decides a run: model's description, training's figures, data."""
    return mathematics(model) | {
        "epochs": epochs,
        "batch size": batch_size,
        "precision": precision,
        "data sha256": data_sha256,
        "seed": seed,
    }


def find_record(settings: Settings, folder: Path | None = None) -> tuple[Run | None, str]:
    """Find the recorded run of exactly these settings.

    Parameters
    ----------
    settings
        As in `Run.settings`.
    folder
        The folder of records; the default is the lab's own.

    Returns
    -------
    Run or None
        The record, if there is one.
    str
        A summary of the record; or why none fits: the first difference from the nearest record.
    """
    wanted = settings.fingerprint
    unlike: list[dict[str, tuple[Any, Any]]] = []
    damaged = ""
    for path in record_files(folder or places.here.records):
        try:
            # The metadata are quick to read; the whole file is read only if they fit.
            about, _ = _read_run_about(path)
            found = differences(wanted, _settings(about).fingerprint)
            if not found:
                run = Run.load(path)
                return run, _summary(run)
        except DataError as problem:
            damaged = damaged or f" ({problem})"
            continue
        unlike.append(found)
    if not unlike:
        return None, f"there are no recorded runs{damaged}"
    nearest = min(unlike, key=len)
    key, (this, _) = next(iter(nearest.items()))
    # Several records may be equally near, such as those of other seeds.
    others = {in_words(other[key][1]) for other in unlike if list(other) == list(nearest)}
    if key == "data sha256":
        return None, f"the data are not those of the recorded run{damaged}"
    key = key.replace(":", "")  # "dropout rate 0.4"
    return None, f"{key} {in_words(this)}, recorded {', '.join(sorted(others))}{damaged}"


def record_files(folder: Path) -> list[Path]:
    """List the files of recorded runs in a folder, without hidden ones, which are unfinished."""
    return sorted(folder.glob("[!.]*.npz"))


def load_records(part: str, folder: Path | None = None) -> list[Run]:
    """Load the recorded runs of a part, one for each seed on file, in the order of the seeds.

    Parameters
    ----------
    part
        A key of `PARTS`, or another name in docs/records.md, such as "mlp_small", "mlp_on_300" or
        "modern".
    folder
        The folder of records; the default is the lab's own.

    Raises
    ------
    DataError
        If there are no such records, or one is damaged.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> len(lab.load_records("cnn"))
    5
    >>> lab.load_records("cnn")[0]
    Run cnn: 34 epochs, 20,400 iterations, validation accuracy 99.1%
    """
    folder = folder or places.here.records
    name = re.compile(rf"{re.escape(part)}-seed\d+")
    paths = [path for path in record_files(folder) if name.fullmatch(path.stem)]
    if not paths:
        raise DataError(f"{folder} holds no recorded run of {part!r}: run `mnist-lab solutions`")
    try:
        return sorted(map(Run.load, paths), key=lambda run: run.settings.seed)
    except DataError as problem:
        cure = "get the file again, or make it again with `mnist-lab solutions`"
        raise DataError(f"{problem}: {cure}") from None


def band(runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """Return between which values runs lie that differ in their seeds only.

    Parameters
    ----------
    runs
        Of the same number of epochs.

    Returns
    -------
    dict of numpy.ndarray
        `val_loss` and `val_accuracy`: float32 of shape (2, epochs), the lowest and the highest.
    """
    found = {}
    for key in ("val_loss", "val_accuracy"):
        values = np.array([run.history[key] for run in runs], np.float32)
        found[key] = np.stack([values.min(axis=0), values.max(axis=0)])
    return found


def _summary(run: Run) -> str:
    return (
        f"{run.name}, {run.epochs} epochs, trained in {duration(run.seconds)} "
        f"on {run.settings.date}, {run.settings.machine}"
    )


def seal(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of a file's metadata and arrays, so that a changed figure is noticed."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def read_about(path: Path, version: int, kinds: dict[str, type]) -> tuple[dict[str, Any], str]:
    """Return a file's metadata, and the seal of all its contents.

    Parameters
    ----------
    path
        A file of a run, or of many.
    version
        The format version that it has to have.
    kinds
        What the metadata hold besides the version and the settings, and of which type.

    Raises
    ------
    DataError
        If the file cannot be read, or if its metadata are others.
    """
    text = read_arrays(path, ("about",), _LONGEST)["about"]
    refused = f"{path} is not a run that this lab can read"
    incomplete = DataError(f"{refused} (what it says of itself is incomplete)")
    try:
        sealed = json.loads(text.tobytes())
        about, found, sha256 = sealed["about"], sealed["about"]["format"], sealed["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise incomplete from None
    if found != version:
        raise DataError(f"{refused} (another version of the lab wrote it)")
    kinds = {"format": int, "settings": dict, **kinds}
    if {key: type(value) for key, value in about.items()} != kinds:
        raise incomplete
    if about["settings"].keys() != {"name", *(field.name for field in fields(Settings))}:
        raise incomplete
    return about, sha256


def _read_run_about(path: Path) -> tuple[dict[str, Any], str]:
    kinds = {"weights": int, "seconds": float, "compile_seconds": float}
    about, sha256 = read_about(path, FORMAT, kinds | {"diverged": bool, "interrupted": bool})
    if not 0 <= about["weights"] <= _MOST_WEIGHTS:
        raise DataError(f"{path} is not a run that this lab can read (it has too many weights)")
    return about, sha256


def _settings(about: dict[str, Any]) -> Settings:
    return Settings(**{key: value for key, value in about["settings"].items() if key != "name"})


def _read_arrays(path: Path, weights: int) -> dict[str, np.ndarray]:
    names = (*_ARRAYS, *(f"weights_{index}" for index in range(weights)))
    arrays = read_arrays(path, names, _LARGEST)
    for name, array in arrays.items():
        dtype, axes = _ARRAYS.get(name, (array.dtype, array.ndim))
        if array.dtype != dtype or array.ndim != axes or array.dtype.kind not in "fiu":
            right = f"{np.dtype(dtype)} with ndim={axes}" if name in _ARRAYS else "numbers"
            raise DataError(f"{path}: {name} is {array.dtype} of shape {array.shape}, not {right}")
    if len(arrays["history"]) != len(HISTORY):
        raise DataError(f"{path}: history has {len(arrays['history'])} rows, not {len(HISTORY)}")
    if arrays["batch_loss"].shape != arrays["batch_accuracy"].shape:
        raise DataError(f"{path} has different numbers of batch losses and batch accuracies")
    return arrays
