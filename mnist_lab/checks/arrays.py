"""`check_data`: judge arrays of images and labels that a student prepared."""

import functools
from typing import Any

import numpy as np

from ..course import DATA, DATA_CODE, DATA_HINTS
from ..data import Dataset, as_stored, is_one_hot, load_mnist
from .findings import Finding, faults, remark, with_reasons
from .judging import judged, not_judged
from .verdicts import CheckResult, verdict

_PLAIN = "as they are"
_VIEWS = {
    _PLAIN: lambda images: images,
    "transposed (rows and columns swapped)": lambda images: images.transpose(0, 2, 1),
    "inverted (ink is 0, paper is 1)": lambda images: 255 - images,
    "upside down": lambda images: images[:, ::-1],
    "mirrored": lambda images: images[:, :, ::-1],
}
_SHAPES = ((784,), (28, 28), (28, 28, 1))


def check_data(dataset: Any) -> CheckResult:
    """Judge arrays that you prepared from MNIST: shape, scale, labels, order.

    Parameters
    ----------
    dataset
        `lab.Dataset(x_train, y_train, x_valid, y_valid)`, or a function without arguments that
        makes it. Images are flat (784) or 28 × 28 or 28 × 28 × 1, from 0 to 1; labels are one-hot
        or class numbers. As `load_mnist` gives it, it is right, too.
    """
    return judged(dataset, _judge, DATA_HINTS, lambda: DATA_CODE, rubric=DATA, question="data")


def _judge(data: Any) -> CheckResult:
    if not isinstance(data, Dataset):
        return not_judged(data, "data")
    return verdict(
        with_reasons(_findings(data)),
        "Right: these are MNIST's images and labels, ready to train on.",
        "Not yet: something is wrong with these arrays.",
    )


def _findings(data: Dataset) -> list[Finding]:
    findings = unusable_images(data) or unscaled(data)
    # Images that are not scaled can be recognised all the same.
    recognisable = not findings or any(each.figure == "not scaled" for each in findings)
    if data.x_train.dtype == np.float64:
        findings.append(remark("float64"))
    labels = {}
    for side, y in (("train", data.y_train), ("valid", data.y_valid)):
        fault, labels[side] = _class_numbers(y, f"y_{side}")
        findings += fault
    if recognisable:
        findings += _contents(data, labels)
    if not faults(findings) and not is_one_hot(data.y_train):
        findings.append(remark("labels as numbers"))
    return findings


def unusable_images(data: Dataset) -> list[Finding]:
    """Faults of type and shape; with them the images cannot be compared with MNIST's."""
    x = data.x_train
    if x.dtype.kind not in "buif":
        return [_of_images("no numbers", str(x.dtype))]
    if x.shape[1:] not in _SHAPES:
        return [_of_images("shape of images", x.shape)]
    for side, images in (("train", x), ("valid", data.x_valid)):
        if not np.isfinite(images).all():
            return [_of_images("not finite", side=side)]
    return []


def unscaled(data: Dataset, divides: bool = False) -> list[Finding]:
    """Faults in the scale of the pixels; images as the file has them are scaled by the lab.

    Parameters
    ----------
    data
        Images and labels.
    divides
        Whether the network itself divides pixels by 255.
    """
    x = data.x_train
    if as_stored(x) or x.dtype.kind not in "buif":
        return []
    train, valid = (_scale(images, divides) for images in (x, data.x_valid))
    sides = {"train": train, "valid": None if valid == train else valid}
    return [_of_images(*fault, side=side) for side, fault in sides.items() if fault]


def misplaced(data: Dataset, images: np.ndarray, labels: np.ndarray) -> list[Finding]:
    """Faults in what arrays hold, by the images and labels that they were made from.

    Parameters
    ----------
    data
        Usable images, in whatever order.
    images, labels
        What they were made from: uint8 of shape (n, 28, 28), and class numbers.
    """
    known, digits = _marks(images), labels.astype(int)
    findings, found = [], {}
    for side, x, y in (
        ("train", data.x_train, data.y_train),
        ("valid", data.x_valid, data.y_valid),
    ):
        view, found[side] = _recognised(x, known)
        if view != _PLAIN:
            return [_of_images("view", view, side=side) if view else _of_images("other", side=side)]
        faults, own = _class_numbers(y, f"y_{side}")
        findings += faults if own is None else _mismatch(own, digits[found[side]], f"y_{side}")
    both = int(np.isin(found["valid"], found["train"]).sum())
    return findings + ([_of_images("training images", both, side="valid")] if both else [])


def _scale(x: np.ndarray, divides: bool) -> tuple[str, Any] | None:
    """What is wrong with the scale of some images: the figure, and what was found."""
    low, high = float(x.min()), float(x.max())
    some = x[:1000].astype(np.float32)
    if divides:
        return ("scaled again", None) if high <= 1 else None
    if high <= 1 and low >= 0 and _zeros_and_ones(some):
        return "black and white", None
    if low >= 0 and 200 < high <= 255:
        return "not scaled", None
    if low >= 0 and 0 < high < 0.01:
        return "scaled twice", float(f"{high:.2g}")
    if low < -1e-6 and abs(some.mean()) < 0.1 and 0.8 < some.std() < 1.2:
        return "standardised", None
    divisor = 255 / high if high > 0 else 255
    if low == 0 and 200 < divisor < 300 and not _whole(some * 255) and _whole(some * divisor):
        return "divided", round(divisor)
    if low < -1e-6 or not 0.9 < high < 1.001:
        return "range", [low, high]
    return None


def _whole(pixels: np.ndarray) -> bool:
    """Whether pixels are whole numbers, within the rounding of float16."""
    return bool(np.abs(pixels - np.rint(pixels)).max() < 0.2)


def _of_images(
    figure: str, found: Any = None, asked: Any = None, *, side: str = "train"
) -> Finding:
    return Finding(figure, found, asked, f"x_{side}", "images")


def _class_numbers(y: np.ndarray, place: str) -> tuple[list[Finding], np.ndarray | None]:
    """Faults of labels by themselves, and the digits that they name; None if they name none."""

    def wrong(figure: str, found: Any = None) -> list[Finding]:
        return [Finding(figure, found, place=place, topic="labels")]

    if y.dtype.kind not in "buif":
        return wrong("type of labels", str(y.dtype)), None
    if y.ndim == 3:
        return wrong("one-hot twice", y.shape), None
    if not np.isfinite(y).all():
        return wrong("labels not finite"), None
    if is_one_hot(y):
        if y.shape[1] != 10:
            return wrong("columns", y.shape[1]), None
        if not (_zeros_and_ones(y) and (y.sum(axis=1) == 1).all()):
            return wrong("rows"), None
        return [], y.argmax(axis=1)
    y = y.reshape(-1)  # as a column, too
    if y.dtype.kind != "f":
        return [], y.astype(int)
    return wrong("floats"), y.astype(int) if (y == np.rint(y)).all() else None


def _zeros_and_ones(values: np.ndarray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _contents(data: Dataset, labels: dict) -> list[Finding]:
    """Compare with MNIST's images and labels, in whatever order they are."""
    known, digits, first = _mnist()
    findings, outside, in_order = [], {}, True
    for side, x, own in (
        ("train", data.x_train, range(first)),
        ("valid", data.x_valid, range(first, len(known))),
    ):
        view, places = _recognised(x, known)
        if view is None:
            return [*findings, _of_images(_unknown(x, side), side=side)]
        if view != _PLAIN:
            findings.append(_of_images("view", view, side=side))
        if len(x) != len(own):
            findings.append(_of_images("number of images", len(x), len(own), side=side))
        outside[side] = int(((places < own.start) | (places >= own.stop)).sum())
        if labels[side] is not None:
            findings += _mismatch(labels[side], digits[places], f"y_{side}")
        in_order = in_order and np.array_equal(places, own)
    if outside == {"train": len(data.x_train), "valid": len(data.x_valid)}:
        return [Finding("sides", place="x_train and x_valid", topic="images")]
    for (side, count), other in zip(outside.items(), ("validation", "training"), strict=True):
        if count:
            findings.append(_of_images(f"{other} images", count, side=side))
    return findings if findings or in_order else [remark("another order")]


@functools.cache
def _mnist() -> tuple[np.ndarray, np.ndarray, int]:
    """Return the mark and the class of each image of MNIST; how many of them are training images.

    Cached, as loading and marking all images takes a third of a second.
    """
    real = load_mnist()
    known = np.concatenate([_marks(real.x_train), _marks(real.x_valid)])
    return known, np.concatenate([real.y_train, real.y_valid]).astype(int), len(real.x_train)


def _unknown(x: np.ndarray, side: str) -> str:
    """Guess what was done to images that are not MNIST's."""
    originals = getattr(load_mnist(), f"x_{side}")
    some = slice(50)
    if x.ndim == 2 and len(x) == len(originals):
        mixed = originals.reshape(784, -1).T[some]
        if np.array_equal(np.rint(x[some].astype(np.float32) * 255), mixed):
            return "mixed pixels"
    inks = [_marks((images > 0).astype(np.uint8)) for images in (x[some], originals)]
    return "own scale" if np.isin(*inks).all() else "not MNIST"


def _mismatch(found: np.ndarray, right: np.ndarray, place: str) -> list[Finding]:
    shifts, wrong = (found - right) % 10, float(np.mean(found != right))
    if shifts[0] and np.ptp(shifts) == 0:
        return [Finding("shifted", int(shifts[0]), place=place, topic="labels")]
    return [Finding("mixed up", wrong, place=place, topic="labels")] if wrong else []


def _recognised(x: np.ndarray, known: np.ndarray) -> tuple[str | None, np.ndarray]:
    """Find the view in which the images are MNIST's, and the place of each in the file."""
    order = np.argsort(known)
    scale = np.float32(1 if x.max() > 1.5 else 255)
    for view in _VIEWS:
        for images in (x[:50], x):
            marks = _marks(images, view, scale)
            places = order[np.searchsorted(known, marks, sorter=order).clip(max=len(known) - 1)]
            if (known[places] != marks).any():
                break
        else:
            return view, places
    return None, order


def _marks(images: np.ndarray, view: str = _PLAIN, scale: float = 1) -> np.ndarray:
    """Return one number for each image that identifies it: a sum of whole numbers, so exact."""
    factors = np.random.default_rng(0).integers(1, 2**30, 784).astype(np.float64)
    marks = []
    for start in range(0, len(images), 5000):  # a piece at a time, to save memory
        pixels = images[start : start + 5000].reshape(-1, 28, 28).astype(np.float32) * scale
        seen = _VIEWS[view](np.rint(pixels))
        marks.append(seen.reshape(-1, 784).astype(np.float64) @ factors)
    return np.concatenate(marks)
