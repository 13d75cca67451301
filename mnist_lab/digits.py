"""`Digits`: drawn digits with their labels, kept in a file, and prepared as MNIST's were."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .support import ArgumentError, DataError, MissingArrayError, in_range, read_arrays, whole_file

SIDE, FIELD = 28, 140  # pixels of an image, and of a drawing before it is prepared
MOST_BY_ONE, MOST = 2_000, 20_000  # digits by one writer, and in a file
_BOX = 20  # pixels that the longer side of a digit is scaled to
# Type and shape of each digit's part of the arrays.
_ARRAYS: dict[str, tuple[type, tuple[int, ...]]] = {
    "images": (np.uint8, (SIDE, SIDE)),
    "labels": (np.uint8, ()),
    "drawings": (np.uint8, (FIELD, FIELD)),
    "writers": (np.uint16, ()),
}
_SIZE = SIDE**2 + FIELD**2 + 3  # bytes of a digit in all arrays
_LONGEST = 2**22  # bytes of all names
_CURE = "keep the digits in the laboratory again, or get the file again"


def _none(name: str) -> np.ndarray:
    dtype, shape = _ARRAYS[name]
    return np.zeros((0, *shape), dtype)


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Drawn digits with their labels: a test set of your own, or of a class.

    `Digits()` holds none; `added` and `without` return another one, with a digit more or less.

    Parameters
    ----------
    images : numpy.ndarray
        The digits as the networks get them: uint8 of shape (n, 28, 28), 0 (paper) to 255 (ink).
    labels : numpy.ndarray
        Which digits they are, 0 to 9: uint8 of shape (n,).
    drawings : numpy.ndarray
        The digits as they were drawn, before `prepare`: uint8 of shape (n, 140, 140).
    writers : numpy.ndarray
        Who wrote each: 0, 1, 2, ..., one number for each file that they were collected from;
        uint16 of shape (n,).
    names : tuple of str
        A name for each writer, or none at all.

    Raises
    ------
    DataError
        If an array has another type or shape, if there are not as many of each, or if there are
        more than 2,000 digits by one writer, or 20,000 in all.
    """

    images: np.ndarray = field(default_factory=lambda: _none("images"))
    labels: np.ndarray = field(default_factory=lambda: _none("labels"))
    drawings: np.ndarray = field(default_factory=lambda: _none("drawings"))
    writers: np.ndarray = field(default_factory=lambda: _none("writers"))
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (dtype, shape) in _ARRAYS.items():
            array = getattr(self, name)
            if array.dtype != dtype or not array.ndim or array.shape[1:] != shape:
                right = f"{np.dtype(dtype)} of shape ({', '.join(['n', *map(str, shape)])})"
                raise DataError(f"{name} is {array.dtype} of shape {array.shape}, not {right}")
            if len(array) != len(self):
                raise DataError(f"there are {len(self):,} images, but {len(array):,} {name}")
        if len(self) > MOST:
            raise DataError(f"there are {len(self):,} digits, more than {MOST:,}")
        if self.labels.max(initial=0) > 9:
            raise DataError(f"labels has a {self.labels.max()}, which is not a digit from 0 to 9")
        by_writer = np.bincount(self.writers)
        if by_writer.max(initial=0) > MOST_BY_ONE:
            raise DataError(
                f"there are {by_writer.max():,} digits by one writer, more than {MOST_BY_ONE:,}"
            )
        if self.names and len(self.names) < len(by_writer):
            raise DataError(f"there are {len(self.names)} names for {len(by_writer)} writers")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        writers = len(np.unique(self.writers))
        return f"{len(self):,} digits by {writers} writer{'s' * (writers != 1)}"

    def added(self, image: np.ndarray, label: int, drawing: np.ndarray) -> "Digits":
        """Return these and one more, by writer 0.

        Parameters
        ----------
        image, drawing
            uint8 of shape (28, 28) and (140, 140).
        label
            0 to 9.

        Raises
        ------
        DataError
            If the arrays are others, or if there are too many digits.
        ArgumentError
            If the label is another.
        """
        labels = np.array([in_range("label", label, 0, 9, whole=True)], np.uint8)
        one = Digits(image[None], labels, drawing[None], np.zeros(1, np.uint16))
        arrays = ([getattr(each, name) for each in (self, one)] for name in _ARRAYS)
        return Digits(*map(np.concatenate, arrays), self.names)

    def without(self, index: int) -> "Digits":
        """Return these without the digit at this index; -1 is the last.

        Raises
        ------
        IndexError
            If there is no such digit.
        """
        return self.where(np.delete(np.arange(len(self)), index))

    def where(self, chosen: np.ndarray) -> "Digits":
        """Return some of these.

        Parameters
        ----------
        chosen
            Whether to take each: bool of shape (n,), such as `digits.writers == 3`; or the indices
            of those to take.
        """
        return Digits(*(getattr(self, name)[chosen] for name in _ARRAYS), self.names)

    def save(self, path: str | os.PathLike) -> None:
        """Write them to an `.npz` file, completely or not at all.

        Raises
        ------
        OSError
            If it cannot be written; says why. An existing file stays as it was.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        if self.names:
            arrays["names"] = np.array(self.names)
        with whole_file(path) as beside, beside.open("wb") as file:
            np.savez_compressed(file, **arrays)


def load_digits(path: str | os.PathLike = "my_digits.npz", *, most: int = MOST) -> Digits:
    """Load digits that were kept in the laboratory, or those of a class.

    Parameters
    ----------
    path
        A file that the laboratory, `mnist-lab collect` or `Digits.save` wrote.
    most
        The largest number of digits that is read.

    Raises
    ------
    DataError
        If the file is missing, damaged, has too many digits or none, or holds something else. One
        sentence that says which file, what is wrong and what to do. Nothing in it is ever
        unpickled, and nothing larger is read than so many digits are.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> example = lab.load_digits(lab.mnist_file().with_name("class_digits.npz"))
    >>> example
    160 digits by 8 writers
    >>> example.images.shape, example.drawings.shape
    ((160, 28, 28), (160, 140, 140))
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise DataError(
            f"{path} is missing (in {Path.cwd()}): draw digits in the laboratory, "
            'lab.explore("mlp"), and press "Keep it as a ..."'
        )
    try:
        arrays = read_arrays(path, tuple(_ARRAYS), most * _SIZE)
        names = _read_names(path)
    except DataError as problem:
        raise DataError(f"{problem}: {_CURE}") from None
    try:
        digits = Digits(**arrays, names=names)
    except DataError as problem:
        raise DataError(f"{path}: {problem}: {_CURE}") from None
    if not len(digits):
        raise DataError(f"{path} holds no digits: keep some in the laboratory first")
    return digits


def _read_names(path: Path) -> tuple[str, ...]:
    try:
        names = read_arrays(path, ("names",), _LONGEST)["names"]
    except MissingArrayError:
        return ()
    if names.dtype.kind != "U" or names.ndim != 1:
        raise DataError(
            f"{path}: names is {names.dtype} of shape {names.shape}, not texts in a row"
        )
    try:
        names.tobytes().decode("utf-32-le")  # Python may crash on numbers that are no character's
        return tuple(names.tolist())
    except UnicodeDecodeError:
        raise DataError(f"{path}: names holds something else than text") from None


def prepare(
    drawings: np.ndarray, *, scale: bool = True, centre: bool = True, blur: bool = True
) -> np.ndarray:
    """Prepare drawings as MNIST's makers prepared their digits, and as the laboratory does.

    Each is scaled to a box of 20 x 20 pixels with its proportions kept, which makes its edges grey,
    and placed in 28 x 28 so that its centre of mass is at pixel 14, 14 (from 0); see
    yann.lecun.com/exdb/mnist. MNIST's own digits, enlarged, come out unchanged.

    Parameters
    ----------
    drawings
        uint8 of shape (n, side, side), 0 (paper) to 255 (ink), such as `Digits.drawings`.
    scale
        False reduces the whole field to 28 x 28 and leaves the digit as large as it was drawn.
    centre
        False puts the middle of the box in the middle of the image, wherever the ink is. With
        `scale=False` as well, the digit stays where it was drawn.
    blur
        False makes each pixel black or white, as the drawing is in the pixel's middle, where
        otherwise it is the mean over the pixel's area.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (n, 28, 28).

    Raises
    ------
    ArgumentError
        If the drawings are not such an array.

    Examples
    --------
    >>> import numpy as np
    >>> import mnist_lab as lab
    >>> line = np.zeros((1, 140, 140), np.uint8)
    >>> line[0, 30:110, 60:68] = 255  # 80 pixels high
    >>> rows, columns = np.nonzero(lab.prepare(line)[0])
    >>> int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    (20, 2)
    """
    shape = drawings.shape
    if drawings.dtype != np.uint8 or len(shape) != 3 or shape[1] != shape[2]:
        raise ArgumentError(
            f"drawings is {drawings.dtype} of shape {shape}: it must be uint8 of shape (n, side, "
            "side), such as (n, 140, 140)"
        )
    images = np.zeros((len(drawings), SIDE, SIDE), np.uint8)
    for image, drawing in zip(images, drawings, strict=True):
        # Sums in another order, as other processors have them, must not round a half down.
        image[:] = np.floor(_prepared(drawing, scale, centre, blur).round(6) + 0.5)
    return images


def _prepared(drawing: np.ndarray, scale: bool, centre: bool, blur: bool) -> np.ndarray:
    """A drawing in 28 x 28 pixels, from 0 to 255."""
    field = len(drawing)
    rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros((SIDE, SIDE))
    if scale:
        stretches = [(inked[0], np.ptp(inked) + 1) for inked in (rows, columns)]
        factor = _BOX / max(length for _, length in stretches)
    else:
        stretches, factor = [(0, field)] * 2, SIDE / field
    weights = _means if blur else _middles
    down, across = (weights(*stretch, factor, field) for stretch in stretches)
    image = down @ drawing @ across.T
    if not blur:
        image = 255.0 * (image >= 128)
    return _centred(image) if centre and image.any() else image


def _borders(start: int, length: int, factor: float) -> np.ndarray:
    """The borders of 28 pixels, in those of a stretch that lies in their middle when scaled."""
    margin = np.floor((SIDE - length * factor) / 2)
    return start + (np.arange(SIDE + 1) - margin) / factor


def _means(start: int, length: int, factor: float, field: int) -> np.ndarray:
    """A matrix that averages a stretch of a line of pixels over the area of each of 28."""
    borders = np.clip(_borders(start, length, factor), start, start + length)
    pixels = np.arange(field)
    ends = np.minimum(borders[1:, None], pixels + 1)
    return factor * np.maximum(ends - np.maximum(borders[:-1, None], pixels), 0)


def _middles(start: int, length: int, factor: float, field: int) -> np.ndarray:
    """A matrix that takes the pixel of a stretch which is in the middle of each of 28."""
    borders = _borders(start, length, factor)
    middles = np.floor((borders[:-1] + borders[1:]) / 2)
    inside = (middles >= start) & (middles < start + length)
    return (middles[:, None] == np.arange(field)) & inside[:, None]


def _centred(image: np.ndarray) -> np.ndarray:
    """Shift an image by whole pixels, its centre of mass to its middle; what leaves it is lost."""
    centre = [image.sum(axis=axis) @ np.arange(SIDE) / image.sum() for axis in (1, 0)]
    down, right = (int(np.floor(SIDE / 2 - place + 0.5)) for place in centre)
    whole = np.pad(image, SIDE)
    return whole[SIDE - down : 2 * SIDE - down, SIDE - right : 2 * SIDE - right]
