"""Load MNIST and data sets stored like it, check them, and download only when asked."""

import dataclasses
import hashlib
import os
import re
import sys
import urllib.request
from pathlib import Path
from typing import Literal

import numpy as np

from . import places
from .support import (
    ArgumentError,
    DataError,
    MissingArrayError,
    in_range,
    read_arrays,
    read_idx,
    write_whole,
)

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
MOST_CLASSES = 1000
# The four files of MNIST, Fashion-MNIST, KMNIST, and of EMNIST, which puts its own name first.
# macOS keeps its own notes on a file beside it, under a name that begins with "._".
_IDX = re.compile(r"(?!\._)(.*?)(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?")
_GIVE_ARRAYS = "give the arrays as lab.Dataset(x_train, y_train, x_valid, y_valid)"
# Other kinds of files, by the end of their name: what they are, and what to do.
_FOREIGN = {
    ".csv": (
        "is a table in text, as Kaggle has MNIST: labels first, then the pixels. Read it with "
        'numpy.loadtxt(path, delimiter=",", skiprows=1, dtype="uint8"), and give table[:, 1:]'
        f".reshape(-1, 28, 28) as images and table[:, 0] as labels: {_GIVE_ARRAYS}"
    ),
    ".mat": f"is a file of MATLAB. Read it with scipy.io.loadmat, and {_GIVE_ARRAYS}",
    ".pkl": f"holds pickled Python objects, which the lab never loads: {_GIVE_ARRAYS}",
    ".parquet": f"is a table. Read it with pandas.read_parquet, and {_GIVE_ARRAYS}",
    ".npy": f"holds a single array. Read it with numpy.load, and {_GIVE_ARRAYS}",
    ".tar": "is an archive: unpack it, and name the folder",
}
_FOREIGN |= {".pkl.gz": _FOREIGN[".pkl"], ".pickle": _FOREIGN[".pkl"]}
_FOREIGN |= dict.fromkeys((".tar.gz", ".tgz", ".rar", ".7z"), _FOREIGN[".tar"])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels to train on, and others to validate on.

    As `load_mnist` gives it, the arrays are those of the file: images of 28 x 28 pixels from 0 to
    255 (uint8) and class numbers (uint8), in MNIST the digits 0 to 9. `train` scales, reshapes and
    one-hot encodes such arrays as the model needs them. Arrays that you prepared yourself (flat,
    scaled, one-hot, ...) are used as they are.

    Parameters
    ----------
    x_train, x_valid : numpy.ndarray
        Images, shape (images, ...).
    y_train, y_valid : numpy.ndarray
        Labels: shape (images,) or (images, 1) for class numbers, (images, classes) for one-hot
        rows.
    name : str
        Names the data in reports.
    x_test, y_test : numpy.ndarray or None
        Images that are never used in training, and their labels; see `split`.
    held_out : str
        What plots call the accuracy on `x_valid`: "validation"; or "test", where these images took
        no part in any choice.
    writer_train, writer_valid, writer_test : numpy.ndarray or None
        Who wrote each image, as a number: uint16 of shape (images,). MNIST's are NIST's numbers;
        of other data it is not known.

    Raises
    ------
    DataError
        If there are not as many labels as images, none at all, or if the training, validation
        and test arrays differ in more than the number of images.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    name: str = "your data"
    x_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    held_out: str = "validation"
    writer_train: np.ndarray | None = None
    writer_valid: np.ndarray | None = None
    writer_test: np.ndarray | None = None

    def __post_init__(self) -> None:
        parts = ("train", "valid") if self.x_test is None else ("train", "valid", "test")
        for part in parts:
            x, y = np.asarray(getattr(self, f"x_{part}")), np.asarray(getattr(self, f"y_{part}"))
            object.__setattr__(self, f"x_{part}", x)
            object.__setattr__(self, f"y_{part}", y)
            # Labels that were made one-hot twice have three axes: `check_data` says so.
            if x.ndim < 2 or y.ndim not in (1, 2, 3) or len(x) != len(y) or not len(x):
                raise DataError(
                    f"x_{part} has shape {x.shape} and y_{part} has shape {y.shape}: there must be "
                    "one label for each image, and at least one image"
                )
            for axis, train, other in (("x", self.x_train, x), ("y", self.y_train, y)):
                # Bytes are scaled and floats are not; any two kinds of labels can be compared.
                other_kind = axis == "x" and train.dtype != other.dtype
                if train.shape[1:] != other.shape[1:] or other_kind:
                    raise DataError(
                        f"{axis}_train ({train.dtype}, shape {train.shape}) and {axis}_{part} "
                        f"({other.dtype}, shape {other.shape}) must be prepared in the same way"
                    )

    @property
    def classes(self) -> int:
        """Number of classes: one more than the largest label, or the columns of one-hot rows.

        EMNIST's letters, with labels from 1 to 26, have 27; none of their images is of class 0.
        """
        if is_one_hot(self.y_train):
            return self.y_train.shape[1]
        return int(max(self.y_train.max(), self.y_valid.max())) + 1

    @property
    def white(self) -> float:
        """The value of a white pixel as the network gets it: stored images are scaled to 1."""
        return 1.0 if as_stored(self.x_valid) else float(self.x_valid.max())

    def transposed(self) -> "Dataset":
        """The same with the rows and the columns of each image swapped.

        EMNIST's files have its images lying: `load_mnist(path).transposed()` turns them upright.

        Raises
        ------
        DataError
            If the images are flat.
        """
        if self.x_train.ndim < 3:
            raise DataError(f"images of shape {self.x_train.shape[1:]} have no rows and columns")
        keys = ("x_train", "x_valid", *(["x_test"] if self.x_test is not None else []))
        turned = {key: getattr(self, key).swapaxes(1, 2) for key in keys}
        return dataclasses.replace(self, **turned)

    def split(
        self,
        validation: int = 10_000,
        *,
        training: int | None = None,
        seed: int = 0,
        by: Literal["image", "writer"] = "image",
        fold: int = 0,
    ) -> "Dataset":
        """Turn some training images into validation images; the old ones become the test part.

        What is chosen by looking at the validation images, such as the best epoch, is then judged
        by test images that took no part in the choice.

        Parameters
        ----------
        validation
            How many training images become validation images. With 0 the validation images stay
            what they are and choose nothing, so they are called "test", as MNIST's makers meant
            them; there is no other test part.
        training
            How many images are left to train on; without it, all others.
        seed
            The images are drawn at random, and this says which. With the same seed, a smaller
            number of training images is a part of a larger one, and none of them is among the
            validation images.
        by
            With "image", each image is drawn by itself, and most writers have images in both
            parts. With "writer", all images of a writer are drawn together, so that nobody has
            written both training and validation images; there are as many validation images as
            asked for, or a few more or less.
        fold
            Which images become validation images, of the same random order: with 10,000 of 60,000,
            the folds 0 to 5 are six sixths, and each image is in one of them (cross-validation).

        Raises
        ------
        ValueError
            If there are not as many training images; or if it is not known who wrote them.

        Examples
        --------
        >>> import mnist_lab as lab
        >>> lab.load_mnist().split(validation=10_000)
        MNIST, split: 50,000 training, 10,000 validation and 10,000 test images of ...
        """
        train, valid = self.drawn(validation, training=training, seed=seed, by=by, fold=fold)
        parts = {f"{kind}_train": array[train] for kind, array in self._training().items()}
        if len(valid):
            for kind, array in self._training().items():
                parts[f"{kind}_valid"] = array[valid]
                parts[f"{kind}_test"] = getattr(self, f"{kind}_valid")
        held_out = "validation" if len(valid) else "test"
        return dataclasses.replace(self, **parts, name=f"{self.name}, split", held_out=held_out)

    def drawn(
        self,
        validation: int = 10_000,
        *,
        training: int | None = None,
        seed: int = 0,
        by: Literal["image", "writer"] = "image",
        fold: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Say which images `split` takes: the arguments are its own.

        Returns
        -------
        numpy.ndarray, numpy.ndarray
            Indices of the training images that stay, and of those that become validation images,
            both ascending.
        """
        images = len(self.x_train)
        validation = in_range("validation", validation, 0, images - 1, whole=True)
        folds = images // validation if validation else 1
        fold = in_range("fold", fold, 0, folds - 1, whole=True)
        order, starts = self._order(seed, by)
        # The first images in this order are trained on: with fewer, they are part of the same.
        end, start = images - fold * validation, images - (fold + 1) * validation
        end, start = (starts[np.searchsorted(starts, place, "right") - 1] for place in (end, start))
        valid, others = order[start:end], np.concatenate([order[:start], order[end:]])
        training = len(others) if training is None else training
        training = in_range("training", training, 1, len(others), whole=True)
        # In the order of the file, so that all images are all images, whatever the seed.
        return np.sort(others[:training]), np.sort(valid)

    def _order(self, seed: int, by: str) -> tuple[np.ndarray, np.ndarray]:
        """Put the training images into a random order; return it, and where it may be cut."""
        random, images = np.random.default_rng(seed), len(self.x_train)
        if by == "image":
            return random.permutation(images), np.arange(images + 1)
        if by != "writer":
            raise ArgumentError(f"by={by!r}: it must be image or writer")
        if self.writer_train is None:
            raise ArgumentError(f"by='writer': it is not known who wrote the images of {self.name}")
        ranks = random.permutation(int(self.writer_train.max()) + 1)[self.writer_train]
        order = np.argsort(ranks, kind="stable")
        cuts = 1 + np.flatnonzero(np.diff(ranks[order]))
        return order, np.concatenate([[0], cuts, [images]])

    def repeated(self, times: int) -> "Dataset":
        """Repeat each training image this many times.

        An epoch of few images is over in a moment, and to validate after each would take longer
        than to train. Repeated, they make an epoch of the usual length.
        """
        times = in_range("times", times, 1, 100_000, whole=True)
        parts = {
            f"{kind}_train": np.concatenate([array] * times)
            for kind, array in self._training().items()
        }
        return dataclasses.replace(self, **parts)

    def _training(self) -> dict[str, np.ndarray]:
        """The training images, their labels and, where they are known, their writers."""
        arrays = {"x": self.x_train, "y": self.y_train, "writer": self.writer_train}
        return {kind: array for kind, array in arrays.items() if array is not None}

    @property
    def sha256(self) -> str:
        """SHA-256 of the training and validation arrays with their types and shapes."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_valid, self.y_valid):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.x_train.shape[1:]))
        kind = "one-hot" if is_one_hot(self.y_train) else "class numbers"
        parts = f"{len(self.x_train):,} training and {len(self.x_valid):,} {self.held_out}"
        if self.x_test is not None:
            parts = f"{parts.replace(' and', ',')} and {len(self.x_test):,} test"
        return (
            f"{self.name}: {parts} images of {shape} ({self.x_train.dtype}), "
            f"labels are {kind} ({self.y_train.dtype})"
        )


def as_stored(images: np.ndarray) -> bool:
    """Whether images are as MNIST is stored, bytes in rows and columns, and not yet prepared.

    Only these are scaled and reshaped for a network, in training and in prediction.
    """
    return images.dtype == np.uint8 and images.ndim == 3


def is_one_hot(labels: np.ndarray) -> bool:
    """Whether labels have a column for each class; a single column holds class numbers."""
    return labels.ndim == 2 and labels.shape[1] > 1


def as_dataset(data: object) -> Dataset:
    """Return a data set, made from the two pairs of arrays of `keras.datasets` if need be.

    Raises
    ------
    ValueError
        If it is something else; the message says what to give.
    """
    if isinstance(data, Dataset):
        return data
    pairs = data if isinstance(data, tuple | list) else ()
    if len(pairs) == 2 and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        return Dataset(*pairs[0], *pairs[1])
    raise ValueError(
        f"data is a {type(data).__name__}: give lab.load_mnist(), your own arrays as "
        "lab.Dataset(x_train, y_train, x_valid, y_valid), or the two pairs that "
        "keras.datasets.mnist.load_data() returns"
    )


def mnist_file() -> Path:
    """Where the MNIST file that comes with the lab lies, for `numpy.load` and other programs.

    It is Keras' own `mnist.npz`, with the arrays `x_train`, `y_train`, `x_test` and `y_test`.
    """
    return places.here.data / "mnist.npz"


def load_mnist(path: str | os.PathLike | None = None, *, download: bool = False) -> Dataset:
    """Load MNIST, or any other data set stored in the same way, and check it.

    Parameters
    ----------
    path
        An `.npz` file with the arrays `x_train`, `y_train`, `x_test` and `y_test`; or the four
        files in which MNIST, Fashion-MNIST, KMNIST and EMNIST are published
        (`train-images-idx3-ubyte.gz` and so on, gzipped or not, each in a folder of its own name
        or not): their folder, or any one of them. Without it, the MNIST file that comes with the
        lab.
    download
        Whether to download MNIST to that place if no file is there. Nothing is ever downloaded
        otherwise.

    Returns
    -------
    Dataset
        The arrays as stored: images uint8 of shape (n, 28, 28), labels of shape (n,). The test
        set serves as the validation set, as in the exercise sheet. It is called by the name of
        its file or folder. EMNIST's images lie on their side; see `Dataset.transposed`.

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
    file = mnist_file() if path is None else Path(path)
    cure = "run `mnist-lab download` to get it again" if path is None else "get the file again"
    if download and not os.path.exists(file):
        download_mnist(file)
    if not os.path.lexists(file):
        raise DataError(
            f"{file} is missing: run `mnist-lab download` or call load_mnist(download=True) "
            "to get MNIST (11 MB)"
            + ("" if path is None else f", or correct the path (now in {Path.cwd()})")
        )
    _refuse_foreign(file)
    four = _find_idx(file) if file.is_dir() or _IDX.fullmatch(file.name) else {}
    try:
        arrays = _read(file, four)
    except MissingArrayError as problem:
        cure = _cure_of_contents(problem.found) or cure if path else cure
        raise DataError(f"{problem}: {cure}") from None
    except DataError as problem:
        raise DataError(f"{problem}: {cure}") from None
    try:
        _check_arrays(file, arrays)
    except DataError as problem:
        raise DataError(f"{problem}: {cure if path is None else _GIVE_ARRAYS}") from None
    changed = [name for name, digest in DIGESTS.items() if _digest(arrays[name]) != digest]
    if path is None and changed:
        raise DataError(f"{file} is not MNIST: its {changed[0]} has another SHA-256: {cure}")
    if changed:
        return Dataset(*arrays.values(), name=_name(file))
    return Dataset(*arrays.values(), name="MNIST", **_writers())


def _writers() -> dict[str, np.ndarray]:
    names = {"train_writer": "writer_train", "test_writer": "writer_valid"}
    found = read_arrays(places.here.data / "mnist_writers.npz", tuple(names), LARGEST)
    return {names[key]: array for key, array in found.items()}


def load_reviews() -> np.ndarray:
    """Load what people said of the 100 MNIST test images whose labels are doubted most.

    Five people each were shown the image, its label and what a program guesses. On 13 images the
    guess is the label, and those who say so are counted in both columns. Northcutt, Athalye and
    Mueller, "Pervasive label errors in test sets destabilize machine learning benchmarks", 2021,
    arXiv 2103.14749.

    Returns
    -------
    numpy.ndarray
        A structured array of shape (100,) with whole numbers: `index` among the test images, the
        `label` on file, the program's `guess`, and how many people said that it is the label
        (`says_label`), the guess, neither or both.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> reviews = lab.load_reviews()
    >>> int((reviews["says_label"] < 3).sum())
    15
    """
    path = places.here.data / "mnist_label_review.csv"
    return np.genfromtxt(path, np.int64, delimiter=",", names=True)


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
    file = mnist_file() if path is None else Path(path)
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
    write_whole(file, content)
    return file


def _refuse_foreign(file: Path) -> None:
    """Refuse a file of another kind, and say what to do with it.

    Raises
    ------
    DataError
        If it is of a known kind that is not read here.
    """
    if file.name.startswith("._"):
        raise DataError(
            f"{file} is what macOS keeps beside the file {file.name[2:]}: name that one instead"
        )
    for end, what in _FOREIGN.items():
        if file.name.lower().endswith(end) and file.is_file():
            raise DataError(f"{file} {what}")


def _cure_of_contents(found: list[str]) -> str:
    """What to do with an archive that does not hold the four arrays; "" if it holds some."""
    if any(f"{name}.npy" in found for name in DIGESTS):
        return ""
    if all(name.endswith(".npy") for name in found):
        return f"read it with numpy.load, and {_GIVE_ARRAYS}"
    return "it is an archive of other files: unpack it, and name the folder"


def _find_idx(file: Path) -> dict[str, Path]:
    """The four IDX files of a data set that lie in a folder, or beside one of them, by array.

    Each may lie in a folder of its own name, as in Kaggle's archive.
    """
    chosen = _IDX.fullmatch(file.name)
    folder = file.parent if chosen else file
    if chosen and folder.name == file.name:
        folder = folder.parent
    found: dict[str, dict[str, Path]] = {}
    # Where a file is there plain and gzipped, the plain one comes first.
    for path in sorted(folder.iterdir(), key=lambda path: path.suffix == ".gz"):
        if match := _IDX.fullmatch(path.name):
            begin, part, kind = match.groups()
            array = f"{'x' if kind == 'images' else 'y'}_{'train' if part == 'train' else 'test'}"
            path = path / path.name if path.is_dir() else path
            if path.exists():
                found.setdefault(begin, {}).setdefault(array, path)
    if not chosen and len(found) > 1:
        sets = ", ".join(begin.strip("-_") for begin in sorted(found))
        raise DataError(f"{folder} holds several data sets ({sets}): name a file of one of them")
    files = found.get(chosen[1], {}) if chosen else next(iter(found.values()), {})
    if not files:
        for path in sorted(folder.glob("[!.]*")):
            _refuse_foreign(path)
            if path.suffix == ".npz":
                raise DataError(f"{file} is a folder: name a file in it, such as {path.name}")
        raise DataError(f"{file} is a folder without the four files of a data set like MNIST")
    missing = [array for array in DIGESTS if array not in files]
    if missing:
        kind = "images" if missing[0][0] == "x" else "labels"
        part = "training" if "train" in missing[0] else "test"
        there = ", ".join(path.name for path in files.values())
        raise DataError(f"{folder} lacks the file of the {part} {kind}; it goes with {there}")
    return files


def _read(file: Path, four: dict[str, Path]) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file, or of four IDX files."""
    if not four:
        return read_arrays(file, tuple(DIGESTS), LARGEST)
    arrays, left = {}, LARGEST
    for array in DIGESTS:
        arrays[array] = read_idx(four[array], 3 if array[0] == "x" else 1, left)
        left -= arrays[array].nbytes
    return arrays


def _name(file: Path) -> str:
    """What the data set in a file or a folder is called."""
    idx = _IDX.fullmatch(file.name)
    if idx:
        folders = file.resolve().parents
        return idx[1].strip("-_") or folders[folders[0].name == file.name].name
    return file.resolve().name if file.is_dir() else file.stem


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
        if y.min() < 0 or y.max() >= MOST_CLASSES:
            raise DataError(
                f"{file}: y_{part} has labels from {y.min()} to {y.max()}, not from 0 to at most "
                f"{MOST_CLASSES - 1}"
            )


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
