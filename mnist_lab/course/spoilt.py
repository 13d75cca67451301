"""Notebook 10: spoilt digits."""

import functools
from collections.abc import Mapping

import numpy as np

from ..corruptions import CORRUPTIONS, corrupt
from .measures import drawn, mnist
from .tasks import Answer, Function, Notebook, Slip


def _brighter(images: np.ndarray, more: int, *, most: int = 255) -> np.ndarray:
    return np.minimum(images.astype(int) + more, most).astype(np.uint8)


def _bright_probes() -> list[tuple[np.ndarray, int]]:
    images = mnist().x_valid
    return [(images[:3], 60), (images[drawn(3, 9_999)], drawn(120, 200)), (images[:1], 0)]


def _corruption_error(
    errors: Mapping[str, float], baseline: Mapping[str, float], *, clean: bool = False
) -> float:
    kinds = [kind for kind in errors if clean or kind != "clean"]
    return float(np.mean([errors[kind] / baseline[kind] for kind in kinds]))


def _ratio_of_means(errors: Mapping[str, float], baseline: Mapping[str, float]) -> float:
    kinds = [kind for kind in errors if kind != "clean"]
    return sum(errors[kind] for kind in kinds) / sum(baseline[kind] for kind in kinds)


def _some_errors(seed: int | None = 0) -> tuple[dict[str, float], dict[str, float]]:
    random = np.random.default_rng(seed)
    kinds = ("clean", *random.permutation(CORRUPTIONS)[: random.integers(3, 9)])
    errors, baseline = random.uniform(2, 80, (2, len(kinds))).tolist()
    return dict(zip(kinds, errors, strict=True)), dict(zip(kinds, baseline, strict=True))


def _with_spoilt(
    images: np.ndarray, labels: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    copies = corrupt(images, kind)
    return np.concatenate([images, copies]), np.concatenate([labels, labels])


def _mixed_probes() -> list[tuple[np.ndarray, np.ndarray, str]]:
    data = mnist()
    return [
        (data.x_valid[first : first + 5], data.y_valid[first : first + 5], kind)
        for first, kind in ((0, "noise"), (drawn(5, 9_000), CORRUPTIONS[drawn(1, 7)]))
    ]


_ANSWERS = {
    "brighter": Answer(
        "all numbers are raised, and none goes beyond 255",
        Function(
            _brighter,
            (
                Slip(
                    lambda images, more: (images.astype(int) + more).astype(np.uint8),
                    "sums beyond 255 go round, and ink becomes blank paper",
                    "cut them off at 255 before they become bytes: np.minimum(..., 255)",
                ),
                Slip(
                    lambda images, more: np.minimum(images.astype(int) + more, 255) / 255,
                    "these are shares from 0 to 1",
                    "return bytes from 0 to 255",
                ),
                Slip(
                    functools.partial(_brighter, most=254),
                    "the largest number is 255",
                    "cut off at 255",
                ),
                Slip(
                    lambda images, more: np.where(images > 0, _brighter(images, more), 0),
                    "blank paper stays blank",
                    "all numbers rise, 0 as well",
                ),
                Slip(
                    lambda images, more: np.maximum(images.astype(int) - more, 0).astype(np.uint8),
                    "these numbers are lower",
                    "add, rather than subtract",
                ),
            ),
            _bright_probes,
        ),
        (
            "images.astype(int) has room for sums beyond 255.",
            'np.minimum(..., 255) cuts off, and .astype("uint8") goes back to bytes.',
        ),
    ),
    "mce": Answer(
        "this is the mean corruption error",
        Function(
            _corruption_error,
            (
                Slip(
                    functools.partial(_corruption_error, clean=True),
                    "the clean digits are in it",
                    'leave "clean" out',
                ),
                Slip(
                    _ratio_of_means,
                    "that is a ratio of means",
                    "divide kind by kind, and then take the mean, so that each kind counts alike",
                ),
                Slip(
                    lambda errors, baseline: _corruption_error(baseline, errors),
                    "that is upside down",
                    "the network's error divided by the baseline's",
                ),
                Slip(lambda *given: 100 * _corruption_error(*given), "a ratio, not percent"),
            ),
            lambda: [_some_errors(0), _some_errors(1), _some_errors(None)],
        ),
        (
            'Go through the kinds in errors, but for "clean".',
            "errors[kind] / baseline[kind] of each; then np.mean.",
        ),
    ),
    "mixed": Answer(
        "these are the images, their spoilt copies, and the labels of both",
        Function(
            _with_spoilt,
            (
                Slip(
                    lambda images, labels, kind: (corrupt(images, kind), labels),
                    "these are the spoilt copies alone",
                    "the clean images come first",
                    free=True,
                ),
                Slip(
                    lambda images, labels, kind: (_with_spoilt(images, labels, kind)[0], labels),
                    "there are labels for half of the images alone",
                    "each copy has the label of its image",
                ),
                Slip(
                    lambda images, labels, kind: (
                        _with_spoilt(images, labels, kind)[0],
                        np.repeat(labels, 2),
                    ),
                    "the labels are in another order than the images",
                    "first all labels, then all of them again",
                ),
                Slip(
                    lambda images, labels, kind: (
                        _with_spoilt(images, labels, kind)[0][
                            np.r_[len(images) : 2 * len(images), 0 : len(images)]
                        ],
                        np.concatenate([labels, labels]),
                    ),
                    "the copies come first",
                    "the clean images first",
                ),
            ),
            _mixed_probes,
            names=("the images", "the labels"),
        ),
        (
            "lab.corrupt(images, kind) makes the copies.",
            "np.concatenate([one, other]) joins two arrays.",
        ),
        weights={"the images": 3, "the labels": 1},
    ),
}
NOTEBOOK = Notebook("spoilt", answers=_ANSWERS)
