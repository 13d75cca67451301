"""What is wrong with arrays of images and labels that a student prepared from MNIST."""

import numpy as np

from ..data import Dataset, load_mnist

_VIEWS = {
    "as they are": lambda images: images,
    "transposed (rows and columns swapped)": lambda images: images.transpose(0, 2, 1),
    "inverted (ink is 0, paper is 1)": lambda images: 255 - images,
    "upside down": lambda images: images[:, ::-1],
    "mirrored": lambda images: images[:, :, ::-1],
}
_SHAPES = ((784,), (28, 28), (28, 28, 1))


def faults(data: Dataset) -> tuple[list[str], list[str]]:
    """Say what is wrong with prepared arrays, and what is worth saying besides.

    Returns
    -------
    list of str, list of str
        Faults, one line each (empty if there are none), and remarks.
    """
    lines = unusable_images(data) + unscaled(data)
    remarks = []
    if data.x_train.dtype == np.float64:
        remarks.append("float64 takes twice the memory of float32 and makes nothing better.")
    labels = {}
    for side, y in (("train", data.y_train), ("valid", data.y_valid)):
        fault, labels[side] = _class_numbers(y)
        lines += [f"y_{side}: {fault}"] if fault else []
    if not any(line.startswith("x_") for line in lines) or "not scaled" in " ".join(lines):
        lines += _contents(data, labels, remarks)
    if not lines and data.y_train.ndim == 1:
        remarks.append("Class numbers are right, too: lab.train makes them one-hot if need be.")
    return lines, remarks


def unusable_images(data: Dataset) -> list[str]:
    """Faults of type and shape, which leave nothing to look at."""
    x = data.x_train
    if x.dtype.kind not in "buif":
        return [f"x_train: its type is {x.dtype}, an image is made of numbers"]
    if x.shape[1:] not in _SHAPES:
        return [
            f"x_train: its shape is {x.shape}, an image is 784 numbers in a row, or 28 × 28, or "
            "28 × 28 × 1: x.reshape(-1, 784)"
        ]
    for side, images in (("train", x), ("valid", data.x_valid)):
        if not np.isfinite(images).all():
            return [f"x_{side}: holds NaN or infinity, which makes every loss NaN"]
    return []


def unscaled(data: Dataset, divides: bool = False) -> list[str]:
    """Faults in the scale of the pixels; images as the file has them are scaled by the lab.

    Parameters
    ----------
    data
        Images and labels.
    divides
        Whether the network itself divides pixels by 255.
    """
    x = data.x_train
    if (x.dtype == np.uint8 and x.ndim == 3) or x.dtype.kind not in "buif":
        return []
    low, high = float(x.min()), float(x.max())
    if divides:
        twice = "x_train: pixels are scaled twice, here and in the network: leave Rescaling out"
        return [twice] if high <= 1 else []
    if high <= 1 and low >= 0 and _zeros_and_ones(x[:1000]):
        return ["x_train: holds only 0 and 1, the grey is lost: divide with / rather than //"]
    if low >= 0 and 200 < high <= 255:
        return ["x_train: pixels are not scaled, they go up to 255: divide them by 255"]
    if low >= 0 and 0 < high < 0.01:
        return [f"x_train: pixels are scaled twice, they go up to {high:.2g}: divide only once"]
    if low < -1e-6 or not 0.9 < high < 1.001:
        return [f"x_train: pixels go from {low:.3g} to {high:.3g}, not from 0 to 1"]
    return []


def _class_numbers(y: np.ndarray) -> tuple[str, np.ndarray | None]:
    """What is wrong with labels as such; and the digits that they name, if they name any."""
    if y.dtype.kind not in "buif":
        return f"its type is {y.dtype}, a label is a number", None
    if not np.isfinite(y).all():
        return "holds NaN or infinity", None
    if y.ndim == 2:
        if y.shape[1] != 10:
            return f"has {y.shape[1]} columns, one-hot labels have ten, one for each digit", None
        if not (_zeros_and_ones(y) and (y.sum(axis=1) == 1).all()):
            return "a one-hot row holds one 1 and nine 0; here some do not", None
        return "", y.argmax(axis=1)
    if y.dtype.kind != "f":
        return "", y.astype(int)
    whole = y.astype(int) if (y == np.rint(y)).all() else None
    return "class numbers are whole numbers, here they are floats: y.astype(int)", whole


def _zeros_and_ones(values: np.ndarray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _contents(data: Dataset, labels: dict, remarks: list[str]) -> list[str]:
    """Compare with the real images and their labels, wherever these now stand."""
    real = load_mnist()
    first = len(real.x_train)
    known = np.concatenate([_marks(real.x_train), _marks(real.x_valid)])
    digits = np.concatenate([real.y_train, real.y_valid]).astype(int)
    lines, outside, in_order = [], {}, True
    for side, x, own in (
        ("train", data.x_train, range(first)),
        ("valid", data.x_valid, range(first, len(known))),
    ):
        view, places = _recognised(x, known)
        if view is None:
            return [*lines, f"x_{side}: these are not (all) images of MNIST"]
        if view != "as they are":
            lines.append(f"x_{side}: the images are {view}")
        if len(x) != len(own):
            lines.append(f"x_{side}: has {len(x):,} images, the sheet's has {len(own):,}")
        outside[side] = int(((places < own.start) | (places >= own.stop)).sum())
        if labels[side] is not None and (fault := _mismatch(labels[side], digits[places])):
            lines.append(f"y_{side}: {fault}")
        in_order = in_order and np.array_equal(places, own)
    if outside == {"train": len(data.x_train), "valid": len(data.x_valid)}:
        return ["x_train and x_valid: training and validation images are swapped"]
    for (side, count), other in zip(outside.items(), ("validation", "training"), strict=True):
        if count:
            lines.append(f"x_{side}: {count:,} of its images are {other} images")
    if not lines and not in_order:
        remarks.append("The images are in another order than in the file; no recorded run fits.")
    return lines


def _mismatch(found: np.ndarray, right: np.ndarray) -> str:
    shifts, wrong = (found - right) % 10, float(np.mean(found != right))
    if shifts[0] and np.ptp(shifts) == 0:
        return f"every label is shifted by {shifts[0]}; a 0 is called {shifts[0]}"
    if wrong:
        return (
            f"{wrong:.0%} of the labels are not those of the images; images and labels must keep "
            "the same order"
        )
    return ""


def _recognised(x: np.ndarray, known: np.ndarray) -> tuple[str | None, np.ndarray]:
    """In which view the images are MNIST's, and where each one stands in the file."""
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


def _marks(images: np.ndarray, view: str = "as they are", scale: float = 1) -> np.ndarray:
    """One number for each image by which it is known again: a sum of whole numbers, so exact."""
    factors = np.random.default_rng(0).integers(1, 2**30, 784).astype(np.float64)
    marks = []
    for start in range(0, len(images), 5000):  # a piece at a time, for the sake of memory
        pixels = images[start : start + 5000].reshape(-1, 28, 28).astype(np.float32) * scale
        seen = _VIEWS[view](np.rint(pixels))
        marks.append(seen.reshape(-1, 784).astype(np.float64) @ factors)
    return np.concatenate(marks)
