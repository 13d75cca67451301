"""Compare the value of an answer with the right one, and say how it differs."""

import itertools
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..course import HALF
from ..runs import Run
from .findings import Finding
from .judging import type_of


def same(found: Any, expected: Any) -> bool:
    """Whether two are equal within rounding, in shape as well; a list does not equal an array."""
    if isinstance(expected, tuple):
        alike = isinstance(found, tuple | list | np.ndarray) and len(found) == len(expected)
        return alike and all(itertools.starmap(same, zip(found, expected, strict=True)))
    if isinstance(expected, np.ndarray) and isinstance(found, list | tuple):
        return False
    numbers, wanted = _numbers(found), np.asarray(expected)
    if numbers is None or numbers.shape != wanted.shape:
        return False
    # float32 matrix products differ in their last digits with the order of the additions.
    near = 1e-5 * float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0))
    return bool(np.allclose(numbers, wanted, rtol=1e-5, atol=near, equal_nan=True))


def unchanged(one: Any, other: Any) -> bool:
    """Whether an argument is still what it was; only arrays, lists and runs are compared."""
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(itertools.starmap(unchanged, pairs))
    return not isinstance(one, Run) or (
        one.history == other.history
        and np.array_equal(one.val_probabilities, other.val_probabilities)
    )


def _numbers(found: Any) -> np.ndarray | None:
    """As an array of float64; None if they are not numbers, or not as many in each row."""
    try:
        array = np.asarray(found)
    except (TypeError, ValueError):  # a ragged list
        return None
    if isinstance(found, int) and array.dtype.kind == "O":  # too large for 64 bits
        return np.array(float(found) if found.bit_length() < 1024 else np.inf)
    if array.dtype.kind == "c":  # the root of a negative number in plain Python
        return np.full(array.shape, np.nan)
    return array.astype(np.float64) if array.dtype.kind in "buif" else None


def wrong_parts(names: Sequence[str], answers: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """Which parts of a tuple are wrong in any of the answers.

    Parameters
    ----------
    names
        Of the parts; none if the answer is no tuple.
    answers
        Pairs of what was found and what is right.

    Returns
    -------
    tuple of str
        All names where an answer has not as many parts; none where there are no names.
    """
    wrong = set()
    for found, expected in answers:
        if not isinstance(found, tuple | list | np.ndarray) or len(found) != len(names):
            return tuple(names)
        parts = zip(names, found, expected, strict=True)
        wrong |= {name for name, *pair in parts if not same(*pair)}
    return tuple(name for name in names if name in wrong)


def difference(
    found: Any, expected: Any, names: Sequence[str] = (), probe: Sequence[Any] | None = None
) -> Finding:
    """Find what is wrong. Only for the calls of a function does it say what would be right.

    Parameters
    ----------
    found, expected
        Which are not the same.
    names
        Of the parts of a tuple.
    probe
        The arguments with which a function was called.
    """
    if isinstance(expected, tuple):
        if found is None:
            return Finding("returns nothing")
        if not isinstance(found, tuple | list | np.ndarray):
            return Finding("not so many numbers", type_of(found), len(expected))
        if len(found) != len(expected):
            kind = f"{type_of(found)} of {len(found)}"
            return Finding("not so many numbers", kind, len(expected))
        pairs = zip(names, found, expected, strict=True)
        name, it, wanted = next(pair for pair in pairs if not same(*pair[1:]))
        inner = difference(it, wanted, ("the first one", "the second one"))
        return replace(inner, place=": ".join(filter(None, [name, inner.place])))
    place = "" if probe is None else arguments_in_words(probe)
    return replace(_of_one(found, expected, called=probe is not None), place=place)


def _of_one(found: Any, expected: Any, *, called: bool) -> Finding:
    """What is wrong with one number or one array; for a call also what is right."""
    numbers, wanted = _numbers(found), np.asarray(expected)
    if numbers is None or (wanted.ndim and isinstance(found, list | tuple)):
        return _of_another_kind(found, wanted, called)
    if numbers.shape != wanted.shape:
        return _of_another_shape(numbers, wanted, np.asarray(found).dtype == bool)
    if wanted.ndim == 1 and same(np.sort(numbers), np.sort(wanted)):
        ascending = (np.diff(wanted) >= 0).all()
        return Finding("other order", asked="sort them, np.sort(...)" if ascending else "")
    if _is_rounded(numbers, wanted):
        return Finding("rounded")
    if called and wanted.size <= 8:
        return Finding("call", _brief(found), _brief(expected))
    if not wanted.ndim:
        return _of_another_size(float(numbers), float(wanted))
    if factor := _factor(numbers, wanted):
        return Finding("factor", factor)
    count = int((~np.isclose(numbers, wanted, rtol=1e-5)).sum())
    return Finding("numbers not right", count, wanted.size)


def _of_another_kind(found: Any, wanted: np.ndarray, called: bool) -> Finding:
    if found is None and called:
        return Finding("returns nothing")
    if isinstance(found, tuple) and len(found) == 1 and np.ndim(found[0]):
        return Finding("tuple of one", cost=_cost(found[0], wanted))
    if wanted.ndim and isinstance(found, list | tuple):
        return Finding("list", type(found).__name__, cost=_cost(found, wanted))
    return Finding("kind", type_of(found), "an array" if wanted.ndim else "a number")


def _cost(content: Any, wanted: np.ndarray) -> float:
    """Half of the points, where the numbers are right and only what holds them is not."""
    numbers = _numbers(content)
    return HALF if numbers is not None and same(numbers, wanted) else 1


def _of_another_shape(numbers: np.ndarray, wanted: np.ndarray, truths: bool) -> Finding:
    if wanted.ndim:
        return Finding("shape", numbers.shape, wanted.shape)
    if truths:
        return Finding("several truths", numbers.size)
    return Finding("several", numbers.shape)


def _of_another_size(number: float, wanted: float) -> Finding:
    if not math.isfinite(number):
        return Finding("not finite number", _brief(number))
    return Finding("too small" if number < wanted else "too large", number)


def _is_rounded(numbers: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether all are what is wanted, with fewer digits."""
    if not numbers.size or not numbers.any() or not np.isfinite(numbers).all():
        return False
    if wanted.dtype == bool:  # which NumPy does not round
        return False
    least = 0 if np.abs(wanted).min() >= 10 else 1  # decimals
    return any(np.allclose(numbers, wanted.round(to), rtol=1e-7) for to in range(least, 7))


def _factor(numbers: np.ndarray, wanted: np.ndarray) -> float | None:
    """By what all numbers are multiplied, if it is the same for all."""
    if not wanted.any() or not np.isfinite(numbers).all():
        return None
    at = np.abs(wanted).argmax()
    factor = float(numbers.flat[at] / wanted.flat[at])
    return factor if factor and same(numbers, factor * wanted) else None


def arguments_in_words(probe: Sequence[Any]) -> str:
    """The arguments of a call, as in "for 3, 11"; empty if there are none."""
    return f"for {', '.join(map(_brief, probe))}" if probe else ""


def _brief(thing: Any) -> str:
    """A number, an array, a network, a run or a list of runs in a few words."""
    if isinstance(thing, int | float | np.number):
        return f"{thing:.6g}"
    if isinstance(thing, np.ndarray) and thing.ndim < 2 and thing.size <= 8:
        return "[" + " ".join(f"{number:.6g}" for number in thing.ravel()) + "]"
    if isinstance(thing, np.ndarray) and thing.size <= 8:
        return "[" + " ".join(map(_brief, thing)) + "]"
    if isinstance(thing, np.ndarray):
        return "an array of shape " + str(thing.shape)
    if isinstance(thing, Run):
        return f"a run of {thing.name}"
    if isinstance(thing, list) and thing and isinstance(thing[0], Run):
        return f"{len(thing)} runs of {thing[0].name}"
    if hasattr(thing, "input_shape"):
        return f"a network that takes {thing.input_shape[1:]}"
    return textwrap.shorten(repr(thing), 40, placeholder="...")
