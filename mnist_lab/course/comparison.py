"""Notebook 5: the four networks compared, and the sheet's claims."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..runs import Run, load_records
from . import cnn, dropout, linear, mlp
from .measures import drawn, wrong
from .tasks import Answer, Function, GivenRun, GivenRuns, Notebook, Slip, Value

_PARTS = tuple(each.PART.key for each in (linear, mlp, dropout, cnn))
_COUNTS = mlp.PART.parameters, cnn.PART.parameters
_RATIO, _ROOTS = _COUNTS[0] / _COUNTS[1], tuple(map(math.sqrt, _COUNTS))


def _finals(part: str, what: str, runs: dict[str, list[Run]]) -> np.ndarray:
    return np.array([100 * run.history[what][-1] for run in runs[part]])


def _right(runs: dict[str, list[Run]]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(~wrong(runs[part][0]) for part in ("mlp", "dropout"))


def _mcnemar(only_first: int, only_second: int, sides: int = 2, last: int = 1) -> float:
    n, fewer = only_first + only_second, min(only_first, only_second)
    return sides * sum(math.comb(n, k) for k in range(fewer + last)) / 2**n


def _permutation(
    first: np.ndarray, second: np.ndarray, sign: Any = abs, least: float = -1e-9
) -> float:
    """The share of ways to choose a group that differs by `least` more than the observed one."""
    numbers, ways = np.concatenate([first, second]), []
    for chosen in itertools.combinations(range(len(numbers)), len(first)):
        others = [index for index in range(len(numbers)) if index not in chosen]
        ways.append(sign(numbers[list(chosen)].mean() - numbers[others].mean()))
    observed = abs(np.mean(first) - np.mean(second))
    return float(np.mean([difference >= observed + least for difference in ways]))


def _needed(
    spread: float,
    difference: float,
    *,
    power: int = 2,
    factor: int = 16,
    whole: Callable[[float], float] = math.ceil,
) -> float:
    """Runs of each recipe that find a difference in four of five experiments (Lehr 1992)."""
    return whole(factor * (spread / difference) ** power)


def _faces(run: Run, means: bool = True) -> tuple[float, float, float]:
    """Gap and fall in points, rise of the loss as a ratio."""
    fit, accuracy, loss = (
        np.array(run.history[key]) for key in ("fit_accuracy", "val_accuracy", "val_loss")
    )
    smooth = np.convolve(accuracy, np.ones(5) / 5, "valid") if means else accuracy
    return (
        100 * (fit[-1] - accuracy[-1]),
        100 * (smooth.max() - smooth[-1]),
        loss[-1] / loss.min(),
    )


def _only(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    return (first & ~second).sum(), (~first & second).sum()


_ANSWERS = {
    "finals": Answer(
        "one number in percent for each run",
        Function(
            _finals,
            (
                Slip(
                    lambda part, what, runs: _finals(part, what, runs) / 100,
                    "these are shares",
                    "multiply by 100",
                ),
                Slip(
                    lambda part, what, runs: np.array(
                        [100 * run.history[what][0] for run in runs[part]]
                    ),
                    "that is the first epoch; the last one is [-1]",
                    free=True,
                ),
                Slip(
                    lambda part, what, runs: np.array(
                        [100 * max(run.history[what]) for run in runs[part]]
                    ),
                    "that is the best epoch of each run, not its last",
                ),
                Slip(
                    lambda part, what, runs: np.array(
                        [100 * np.mean(run.history[what]) for run in runs[part]]
                    ),
                    "that is the mean over all epochs",
                    "only the last one counts",
                ),
                Slip(
                    lambda part, what, runs: _finals(part, what, runs).mean(),
                    "that is their mean",
                    "one number for each run is asked for",
                ),
            ),
            [(part, what) for part in _PARTS for what in ("val_accuracy", "fit_accuracy")],
        ),
        ("runs[part] is a list of runs.", "run.history[what][-1] is the last value, a share."),
        {"runs": GivenRuns(_PARTS, several=True, each=GivenRun(images=0))},
    ),
    "pairs": Answer(
        "these are the images that only one of the two reads right",
        Value(
            lambda runs: _only(*_right(runs)),
            (
                Slip(
                    lambda runs: _only(*_right(runs))[::-1],
                    "the two are swapped",
                    "only the MLP comes first",
                ),
                Slip(
                    lambda runs: tuple(one.sum() for one in _right(runs)),
                    "these are all that each network reads right",
                ),
                Slip(
                    lambda runs: tuple((~one).sum() for one in _right(runs)),
                    "these are the images that each network gets wrong",
                ),
            ),
            names=("only_mlp", "only_dropout"),
        ),
        ("True of one and not of the other.", "~ turns True and False round, & joins two."),
        {"runs": GivenRuns(("mlp", "dropout"), several=True)},
    ),
    "mcnemar": Answer(
        "this is the exact two-sided p-value",
        Function(
            lambda *pair: min(1, _mcnemar(*pair)),
            (
                Slip(
                    functools.partial(_mcnemar, sides=1),
                    "one-sided",
                    "the other side is as unequal, so twice that",
                ),
                Slip(_mcnemar, "a probability is never above 1", "min(1, ...)"),
                Slip(
                    lambda *pair: min(1, _mcnemar(*pair, last=0)),
                    "the case that was seen is left out",
                    "`at least as unequal` includes it",
                ),
                Slip(
                    functools.partial(_mcnemar, sides=1, last=0),
                    "one-sided, and the case that was seen is left out",
                ),
                Slip(
                    lambda *pair: min(1, _mcnemar(*pair) * 2 ** sum(pair) / max(sum(pair), 1)),
                    "it is divided by the number of tosses",
                    "there are 2**n ways",
                ),
            ),
            lambda: [
                *((3, 11), (11, 3), (5, 5), (0, 7), (20, 9), (1, 2)),
                tuple(np.random.default_rng().integers(30, 60, 2).tolist()),
            ],
        ),
        (
            "Add up comb(n, k) for all k that are at most `fewer`, and divide by 2**n.",
            "The other side is just as unequal: twice that, but never more than 1.",
        ),
    ),
    "needed": Answer(
        "so many runs of each recipe are needed",
        Function(
            _needed,
            (
                Slip(
                    functools.partial(_needed, power=1),
                    "the ratio has to be squared",
                    "for half the difference four times as many runs are needed",
                ),
                Slip(
                    lambda spread, difference: _needed(difference, spread),
                    "that is upside down",
                    "the smaller the difference, the more runs",
                ),
                Slip(
                    functools.partial(_needed, factor=8),
                    "that finds the difference in about half of all experiments",
                    "16 times the square",
                ),
                Slip(
                    functools.partial(_needed, whole=math.floor),
                    "it is rounded down",
                    "a part of a run is a whole run more: np.ceil, or math.ceil",
                ),
                Slip(
                    functools.partial(_needed, whole=float),
                    "that is no whole number",
                    "round it up",
                ),
            ),
            lambda: [(0.5, 0.3), (0.14, 0.1), (drawn(20, 90) / 97, drawn(6, 19) / 101)],
        ),
        (
            "(spread / difference) ** 2, times 16.",
            "np.ceil or math.ceil rounds up.",
        ),
    ),
    "permutation": Answer(
        "this is the exact two-sided p-value",
        Function(
            _permutation,
            (
                Slip(
                    functools.partial(_permutation, sign=lambda difference: difference),
                    "one-sided",
                    "a difference counts whatever its sign, so take abs(...)",
                ),
                Slip(
                    functools.partial(_permutation, least=1e-9),
                    "ties are left out",
                    "`at least as much` includes them",
                ),
                Slip(
                    functools.partial(_permutation, least=0),
                    "rounding hides some ties",
                    "compare with observed - 1e-9",
                ),
                Slip(
                    lambda *groups: 1.0,
                    "it counts every way, whether the groups differ or not",
                    free=True,
                ),
            ),
            lambda: [
                (np.array([1.0, 2, 3]), np.array([4.0, 5, 6])),
                (np.array([98.1, 98.3, 98.2]), np.array([98.2, 98.4, 98.5])),
                # Here rounding hides a tie.
                (np.array([99.1, 97.4, 97.2]), np.array([99.1, 97.0, 98.3])),
                (np.array([0.3, 0.1, 0.2, 0.7]), np.array([0.6, 0.4])),
                tuple(np.random.default_rng().normal(size=(2, 4))),
            ],
        ),
        ("numbers[list(chosen)] is one group, numbers[others] the other.", "Compare the means."),
    ),
    "faces": Answer(
        "gap, fall and rise of each run",
        Function(
            _faces,
            (
                Slip(
                    lambda run: (-_faces(run)[0], *_faces(run)[1:]),
                    "the sign of the gap",
                    "training minus validation",
                ),
                Slip(
                    lambda run: (_faces(run)[0], -_faces(run)[1], _faces(run)[2]),
                    "the sign of the fall",
                    "the highest mean minus the last one",
                ),
                Slip(
                    functools.partial(_faces, means=False),
                    "the fall is that of single epochs",
                    "take the means over five",
                ),
                Slip(
                    lambda run: (*_faces(run)[:2], 1 / _faces(run)[2]),
                    "the rise is upside down",
                    "the last loss divided by the lowest",
                ),
                Slip(
                    lambda run: (
                        *_faces(run)[:2],
                        run.history["val_loss"][-1] - min(run.history["val_loss"]),
                    ),
                    "the rise is a difference",
                    "divide the last loss by the lowest",
                ),
                Slip(
                    lambda run: (
                        *_faces(run)[:2],
                        run.history["val_loss"][-1] / run.history["val_loss"][0],
                    ),
                    "the loss is divided by the first one",
                    "divide by loss.min()",
                ),
                Slip(
                    lambda run: tuple(np.divide(_faces(run), (100, 100, 1))),
                    "gap and fall are shares",
                    "fit, validation and means are in percent already",
                ),
            ),
            lambda: [(run,) for part in ("linear", "mlp") for run in load_records(part)[:2]],
            names=("gap", "fall", "rise"),
        ),
        (
            "The last value of an array is [-1]; .max() and .min() find the largest and smallest.",
            "gap: fit[-1] - validation[-1]. fall: from means.max() to means[-1].",
        ),
    ),
    "claim6-numbers": Answer(
        "this is the ratio, and these are the roots",
        Value(
            (_RATIO, _ROOTS),
            (
                Slip(
                    (1 / _RATIO, _ROOTS),
                    "the ratio is the wrong way round",
                    "MLP by CNN",
                ),
                Slip(
                    (_RATIO, _ROOTS[::-1]),
                    "the roots are swapped",
                    "the MLP's comes first",
                ),
                Slip(
                    (_RATIO, np.square(_COUNTS, dtype=float)),
                    "those are the squares",
                    "np.sqrt is the square root",
                ),
            ),
            names=("ratio", "roots"),
        ),
        ("Divide, and see np.sqrt.", "np.sqrt takes a list of both numbers."),
    ),
}
NOTEBOOK = Notebook("comparison", answers=_ANSWERS)
