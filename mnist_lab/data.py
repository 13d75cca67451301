"""MNIST from a file: found, checked, and downloaded only when asked."""

import hashlib
import os
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .support import DataError, read_arrays, whole_file

# A clone keeps its data beside the package, an installed wheel inside it.
_SHIPPED = Path(__file__).parent / "shipped"
FOLDER = _SHIPPED if _SHIPPED.is_dir() else Path(__file__).parents[1] / "data"

# The file that Keras' own keras.datasets.mnist downloads, and its published SHA-256.
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

# SHA-256 of each MNIST array's bytes in C order; data/README.md says where they come from.
DIGESTS = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
LARGEST = 2**30  # bytes of all arrays; 20 times MNIST


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels to train on, and others to validate on.

    As `load_mnist` gives it, the arrays are those of the file: images of 28 x 28 pixels from 0 to
    255 (uint8) and labels from 0 to 9 (uint8). `train` scales, reshapes and one-hot encodes such
    arrays as the model needs them. Arrays that you prepared yourself (flat, scaled, one-hot, ...)
    are used as they are.

    Parameters
    ----------
    x_train, x_valid : numpy.ndarray
        Images, shape (images, ...).
    y_train, y_valid : numpy.ndarray
        Labels: shape (images,) for class numbers, (images, classes) for one-hot rows.
    name : str
        What the data are called in reports.

    Raises
    ------
    DataError
        If there are not as many labels as images, none at all, or if the training and the
        validation arrays differ in more than the number of images.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    name: str = "your data"

    def __post_init__(self) -> None:
        for field in ("x_train", "y_train", "x_valid", "y_valid"):
            object.__setattr__(self, field, np.asarray(getattr(self, field)))
        for x, y, part in (
            (self.x_train, self.y_train, "train"),
            (self.x_valid, self.y_valid, "valid"),
        ):
            if x.ndim < 2 or y.ndim not in (1, 2) or len(x) != len(y) or not len(x):
                raise DataError(
                    f"x_{part} has shape {x.shape} and y_{part} has shape {y.shape}: there must be "
                    "one label for each image, and at least one image"
                )
        for train, valid, axis in (
            (self.x_train, self.x_valid, "x"),
            (self.y_train, self.y_valid, "y"),
        ):
            # Bytes are scaled and floats are not; any two kinds of labels can be compared.
            other_kind = axis == "x" and train.dtype != valid.dtype
            if train.shape[1:] != valid.shape[1:] or other_kind:
                raise DataError(
                    f"{axis}_train ({train.dtype}, shape {train.shape}) and {axis}_valid "
                    f"({valid.dtype}, shape {valid.shape}) must be prepared in the same way"
                )

    @property
    def sha256(self) -> str:
        """Of all four arrays with their types and shapes: which data these are, exactly."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_valid, self.y_valid):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.x_train.shape[1:]))
        kind = "class numbers" if self.y_train.ndim == 1 else "one-hot"
        return (
            f"{self.name}: {len(self.x_train):,} training and {len(self.x_valid):,} validation "
            f"images of {shape} ({self.x_train.dtype}), labels are {kind} ({self.y_train.dtype})"
        )


def load_mnist(path: str | os.PathLike | None = None, *, download: bool = False) -> Dataset:
    """Load MNIST, or any other data set stored in the same way, and check it.

    Parameters
    ----------
    path
        An `.npz` file with the arrays `x_train`, `y_train`, `x_test` and `y_test`; without it,
        the MNIST file that comes with the lab. Fashion-MNIST and Kuzushiji-MNIST in this form
        work as well, and are called by their file's name.
    download
        Whether to download MNIST to that place if no file is there. Nothing is ever downloaded
        otherwise.

    Returns
    -------
    Dataset
        The arrays as stored: images uint8 of shape (n, 28, 28), labels of shape (n,).
        The file's test set serves as the validation set, as in the exercise sheet.

    Raises
    ------
    DataError
        If the file is missing, damaged, or holds something else. The message says which file,
        what is wrong and what to do.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> data = lab.load_mnist()
    >>> data.x_train.shape, data.y_valid.shape
    ((60000, 28, 28), (10000,))
    """
    file = FOLDER / "mnist.npz" if path is None else Path(path)
    cure = "run `mnist-lab download` to get it again" if path is None else "get the file again"
    if download and not os.path.exists(file):
        download_mnist(file)
    if not os.path.lexists(file):
        raise DataError(
            f"{file} is missing: run `mnist-lab download` or call load_mnist(download=True) "
            "to get MNIST (11 MB)"
            + ("" if path is None else f", or correct the path (now in {Path.cwd()})")
        )
    try:
        arrays = read_arrays(file, tuple(DIGESTS), LARGEST)
        _check_arrays(file, arrays)
    except DataError as problem:
        raise DataError(f"{problem}: {cure}") from None
    changed = [name for name, digest in DIGESTS.items() if _digest(arrays[name]) != digest]
    if path is None and changed:
        raise DataError(f"{file} is not MNIST: its {changed[0]} has another SHA-256: {cure}")
    return Dataset(*arrays.values(), name=file.stem if changed else "MNIST")


def download_mnist(path: str | os.PathLike | None = None) -> Path:
    """Download Keras' official `mnist.npz` and check its SHA-256.

    The file appears at `path` (without it: where `load_mnist` looks) only when it is complete
    and right; until then a file that was there stays.

    Raises
    ------
    DataError
        If the network refuses, or if the file is not the expected one.
    OSError
        If the file cannot be written.
    """
    file = FOLDER / "mnist.npz" if path is None else Path(path)
    print(f"downloading MNIST (11 MB) from {URL}", file=sys.stderr)
    by_hand = f"get {URL} by other means and put it at {file}"
    try:
        with urllib.request.urlopen(URL, timeout=30) as source:
            if source.url != URL:  # perhaps without https; what comes is judged by its SHA-256
                print(f"sent on to {source.url}", file=sys.stderr)
            content = source.read(LARGEST)
    except OSError as problem:
        raise DataError(f"MNIST cannot be downloaded ({problem}): {by_hand}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataError(
            f"{URL} sent {len(content):,} bytes with SHA-256 {found}, not {SHA256}: "
            f"try again later, or {by_hand}"
        )
    with whole_file(file) as beside:
        beside.write_bytes(content)
    return file


def _check_arrays(file: Path, arrays: dict[str, np.ndarray]) -> None:
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.dtype != np.uint8 or x.ndim != 3 or x.shape[1:] != (28, 28) or not len(x):
            raise DataError(
                f"{file}: x_{part} is {x.dtype} of shape {x.shape}, not uint8 images of shape "
                "(n, 28, 28)"
            )
        if y.dtype.kind not in "iu" or y.shape != (len(x),):
            raise DataError(
                f"{file}: y_{part} is {y.dtype} of shape {y.shape}, not {len(x):,} whole numbers"
            )
        if y.min() < 0 or y.max() > 9:
            raise DataError(
                f"{file}: y_{part} has labels from {y.min()} to {y.max()}, not from 0 to 9"
            )


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
