"""Notebook 12: a project on the student's own digits."""

import functools
import math

import numpy as np

from .measures import p_by_people
from .tasks import Answer, Function, Notebook, Slip

Z = 1.96  # as the notebook gives it
_MIDDLE = 14  # where MNIST has the centre of mass, in rows and in columns


def _interval(right: np.ndarray, *, z: float = Z, root: float = 0.5) -> tuple[float, float, float]:
    """A share with the ends of Wilson's interval, in percent."""
    number, share = len(right), right.mean()
    middle = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * (share * (1 - share) / number + (z / number) ** 2 / 4) ** root
    return 100 * share, 100 * (middle - half), 100 * (middle + half)


def _two_errors(right: np.ndarray, *, z: float = Z) -> tuple[float, float, float]:
    share = right.mean()
    half = z * math.sqrt(share * (1 - share) / len(right))
    return 100 * share, 100 * (share - half), 100 * (share + half)


def _some_right(seed: int | None = 0) -> np.ndarray:
    """Which of a few dozen digits are right, at least one and not all."""
    random = np.random.default_rng(seed)
    right = random.random(random.integers(12, 60)) < random.uniform(0.2, 0.95)
    right[:2] = True, False
    return right


def _by_writer(wrong: np.ndarray, writers: np.ndarray, *, of: str = "own") -> np.ndarray:
    people, whose = np.unique(writers, return_inverse=True)
    mistakes, digits = np.bincount(whose, wrong), np.bincount(whose)
    if of == "everybody":
        return np.array([100 * wrong[writers == each].sum() / len(wrong) for each in people])
    return {"own": 100 * mistakes / digits, "count": mistakes, "share": mistakes / digits}[of]


def _some_writers(seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Which of some digits are wrong, and who wrote them: not everybody as many."""
    random = np.random.default_rng(seed)
    people = random.choice(40, 6, replace=False)
    writers = random.permutation(np.repeat(people, random.integers(4, 21, 6))).astype(np.uint16)
    hard = random.uniform(0.1, 0.8, 40)
    wrong = random.random(len(writers)) < hard[writers]
    wrong[:2] = True, False
    return wrong, writers


def _centred(
    image: np.ndarray, *, middle: float = _MIDDLE, way: int = 1, swapped: bool = False
) -> np.ndarray:
    places = np.arange(28)
    centre = [image.sum(axis=axis) @ places / image.sum() for axis in (1, 0)]
    shifts = [way * math.floor(middle - place + 0.5) for place in centre]
    return np.roll(image, shifts[::-1] if swapped else shifts, axis=(0, 1))


def _centred_box(image: np.ndarray) -> np.ndarray:
    inked = [np.flatnonzero(image.any(axis=axis)) for axis in (1, 0)]
    shifts = [_MIDDLE - math.floor((each[0] + each[-1] + 1) / 2) for each in inked]
    return np.roll(image, shifts, axis=(0, 1))


def _some_image(seed: int | None = 0) -> np.ndarray:
    """Ink in a box off the middle, most of it in a corner of the box."""
    random = np.random.default_rng(seed)
    high, wide = random.integers(8, 12, 2)
    # To the left by more than it is off above, so that no slip looks right.
    top, left = random.integers(5, 8), random.integers(1, 3)
    box = random.integers(0, 40, (high, wide))
    box[:4, :4] += 200
    image = np.zeros((28, 28), np.uint8)
    image[top : top + high, left : left + wide] = box
    return image


def _by_flips(
    first: np.ndarray, second: np.ndarray, writers: np.ndarray, signs: np.ndarray, **how: float
) -> np.floating:
    return p_by_people(second.astype(float) - first, writers, signs, **how)


def _some_pairs(seed: int | None = 0) -> tuple[np.ndarray, ...]:
    wrong, writers = _some_writers(seed)
    random = np.random.default_rng(seed)
    first = ~wrong
    second = first ^ (random.random(len(first)) < np.where(first, 0.15, 0.3))
    return first, second, writers, random.choice([-1, 1], (400, len(np.unique(writers))))


_ANSWERS = {
    "interval": Answer(
        "this is Wilson's interval",
        Function(
            _interval,
            (
                Slip(
                    _two_errors,
                    "that is the accuracy plus and minus 1.96 standard errors",
                    "for few digits use Wilson's formula",
                ),
                Slip(
                    lambda right: tuple(each / 100 for each in _interval(right)),
                    "these are shares",
                    "multiply by 100",
                ),
                Slip(
                    functools.partial(_interval, z=1),
                    "that is the interval for z = 1",
                    "z is 1.96, for 95 %",
                ),
                Slip(
                    functools.partial(_interval, root=1),
                    "the square root is missing",
                    "np.sqrt(...) over the whole sum",
                ),
            ),
            lambda: [
                (np.arange(20) < 18,),
                (np.arange(20) < 20,),
                (_some_right(),),
                (_some_right(None),),
            ],
            names=("the accuracy", "the lower end", "the upper end"),
        ),
        (
            "right.mean() is the share p, len(right) the number n.",
            "Compute the centre and the half-width on two lines, as in the formula; the ends are "
            "the centre minus and plus the half-width.",
        ),
        weights={"the accuracy": 1, "the lower end": 2, "the upper end": 2},
    ),
    "people": Answer(
        "these are the errors by writer",
        Function(
            _by_writer,
            (
                Slip(
                    functools.partial(_by_writer, of="count"),
                    "these are numbers of mistakes",
                    "divide by the number of digits of that writer",
                ),
                Slip(
                    functools.partial(_by_writer, of="share"), "these are shares", "multiply by 100"
                ),
                Slip(
                    functools.partial(_by_writer, of="everybody"),
                    "these are divided by the number of all digits",
                    "by that of the writer's own",
                ),
                Slip(
                    lambda wrong, writers: 100 - _by_writer(wrong, writers),
                    "these are accuracies",
                    "errors are asked for",
                ),
            ),
            lambda: [_some_writers(), _some_writers(None)],
        ),
        (
            "np.unique(writers) lists the writers, each once.",
            "wrong[writers == writer] are the answers for one writer; its mean is a share.",
        ),
    ),
    "centre": Answer(
        "the centre of mass is at pixel 14, 14",
        Function(
            _centred,
            (
                Slip(
                    functools.partial(_centred, way=-1),
                    "it is moved the wrong way",
                    "by 14 minus the centre, down and to the right",
                ),
                Slip(
                    functools.partial(_centred, swapped=True),
                    "rows and columns are swapped",
                    "axis 0 goes down",
                ),
                Slip(
                    _centred_box,
                    "that is the middle of the box",
                    "the centre of mass counts each pixel by its ink",
                ),
                Slip(
                    lambda image: image,
                    "nothing has moved",
                    "np.roll returns the moved image",
                    free=True,
                ),
            ),
            lambda: [(_some_image(seed),) for seed in (0, None, None)],
        ),
        (
            "image.sum(axis=1) is the ink of each row.",
            "The centre, in rows, is the sum of the row numbers times their ink, divided by all "
            "ink.",
            "np.roll(image, (down, right), axis=(0, 1)), with whole numbers.",
        ),
    ),
    "paired": Answer(
        "this is the p-value of writers whose signs are flipped",
        Function(
            _by_flips,
            (
                Slip(
                    functools.partial(_by_flips, sides=1),
                    "that counts in one direction only",
                    "compare absolute values",
                ),
                Slip(
                    functools.partial(_by_flips, ties=1e-9),
                    "what is equal counts, too",
                    ">= instead of >",
                ),
                Slip(
                    lambda *given: len(given[-1]) * _by_flips(*given),
                    "that is a number of rows",
                    "the share of the rows is asked for",
                ),
            ),
            lambda: [_some_pairs(), _some_pairs(1), _some_pairs(None)],
        ),
        (
            "First the gain of each writer: how many more digits are right.",
            "signs @ gains is the sum for each row of signs.",
            "The p-value is the mean of abs(...) >= abs(...).",
        ),
    ),
}
NOTEBOOK = Notebook("yours", answers=_ANSWERS, points={"report": 10})
