"""Judges of small answers: a number or an array, a function, a layer, a training."""

import copy
import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..descriptions import describe, describe_network, mathematics
from ..parts import PARTS
from ..runs import Run
from . import diagnoses
from .verdicts import in_one_line

# Says what is wrong with an answer, one line each; raises NotImplementedError if there is none yet.
Judge = Callable[..., list[str]]
Slips = dict[str, Callable[..., Any]]


def value(
    right: Callable[..., Any], slips: Slips, before: Callable[..., Any] | None = None
) -> Judge:
    """Make the judge of a number, an array, or a tuple of these.

    Parameters
    ----------
    right
        Computes what is right, from what the check is given besides the answer.
    slips
        Common mistakes: what to say, and what comes out of them, computed as `right` is.
    before
        Computes what stands there before anybody answers.
    """

    def judge(attempt: Any, **given: Any) -> list[str]:
        if any(part is Ellipsis for part in (attempt if isinstance(attempt, tuple) else ())):
            raise NotImplementedError
        if before and _same(attempt, before(**given)):
            raise NotImplementedError
        expected = right(**given)
        if _same(attempt, expected):
            return []
        named = [words for words, slip in slips.items() if _same(attempt, slip(**given))]
        return named[:1] or [_differs(attempt, expected)]

    return judge


def function(right: Callable[..., Any], slips: Slips, probes: Iterable[tuple]) -> Judge:
    """Make the judge of a function, which is called with each of the probes.

    Parameters
    ----------
    right
        Does what the function is to do. What the check is given goes to both as keywords.
    slips
        Common mistakes: what to say, and a function that makes them.
    probes
        Arguments, a tuple for each call; or a function without arguments that makes them.
    """

    def judge(attempt: Any, **given: Any) -> list[str]:
        if not callable(attempt):
            return [f"this is {_kind(attempt)}: give the function itself, without brackets"]
        tried = list(probes() if callable(probes) else probes)
        try:
            found = [attempt(*copy.deepcopy(probe)) for probe in tried]
        except NotImplementedError:
            raise
        except Exception as problem:  # whatever a student's own function raises
            return [f"it raises {in_one_line(problem)}"]
        expected = [right(*probe, **given) for probe in tried]
        pairs = list(zip(tried, found, expected, strict=True))
        wrong = [pair for pair in pairs if not _same(*pair[1:])]
        if not wrong:
            return []
        for words, slip in slips.items():
            if all(_same(it, slip(*probe, **given)) for probe, it, _ in pairs):
                return [words]
        probe, it, wanted = wrong[0]
        return [_differs(it, wanted, ", ".join(map(_brief, probe)))]

    return judge


def layer(right: Callable[..., Any], shape: tuple[int, ...], probes: Iterable[tuple]) -> Judge:
    """Make the judge of a function that returns a layer for images of a shape."""

    def judge(attempt: Callable[..., Any]) -> list[str]:
        import keras

        for probe in probes:
            try:
                made, again = attempt(*probe), attempt(*probe)
            except NotImplementedError:
                raise
            except Exception as problem:  # whatever a student's own function raises
                return [f"it raises {in_one_line(problem)}"]
            if not isinstance(made, keras.Layer):
                return [f"it returns {_kind(made)}, not a layer"]
            if made is again:
                return ["it returns the same layer each time: make a new one in the function"]
            lines = diagnoses.told(_described(made, shape), _described(right(*probe), shape))
            if lines:
                return [re.sub("^hidden layer 1: ", "", line) for line in lines]
        return []

    return judge


def _described(it: Any, shape: tuple[int, ...]) -> dict:
    import keras

    layers = [keras.Input(shape), it, keras.layers.Flatten(), keras.layers.Dense(10)]
    return describe_network(keras.Sequential(layers), shape)


def training(part: str) -> Judge:
    """Make the judge of a run: is it the training that the sheet asks for?"""

    def judge(run: Any) -> list[str]:
        if not isinstance(run, Run):
            return [f"this is {_kind(run)}: give the Run that lab.train returns"]
        asked = describe(PARTS[part].build(loss="categorical_crossentropy"))
        found = dict(run.settings.model)
        diagnoses.overlook(found)
        found, asked = mathematics(found), mathematics(asked)
        lines = diagnoses.told(found, asked)
        dropped = [str(each["layers"]).count("dropout") > 0 for each in (found, asked)]
        parameters = [run.settings.parameters, PARTS[part].parameters]
        if len({*dropped}) == len({*parameters}) == 1 and diagnoses.perhaps_the_same(found, asked):
            lines = []  # another way of writing it: the check of the network tries it out
        figures = {"epochs": PARTS[part].epochs, "batch_size": 100, "seed": 0}
        lines += [
            f"{key} is {getattr(run.settings, key)}, the notebook asks for {key}={wanted}"
            for key, wanted in figures.items()
            if getattr(run.settings, key) != wanted
        ]
        if run.interrupted and not run.diverged:
            lines.append(f"it was stopped after {run.epochs} epochs")
        return lines + (["it diverged"] if run.diverged else [])

    return judge


def _same(found: Any, expected: Any) -> bool:
    """Whether two are equal within rounding, in shape as well; a list is no array."""
    if isinstance(expected, tuple):
        alike = isinstance(found, tuple | list | np.ndarray) and len(found) == len(expected)
        return alike and all(itertools.starmap(_same, zip(found, expected, strict=True)))
    if isinstance(expected, np.ndarray) and isinstance(found, list | tuple):
        return False
    numbers, wanted = _numbers(found), np.asarray(expected, np.float64)
    if numbers is None or numbers.shape != wanted.shape:
        return False
    # float32 matrix products differ in their last digits with the order of the additions.
    near = 1e-5 * float(np.abs(wanted).max(initial=0))
    return bool(np.allclose(numbers, wanted, rtol=1e-5, atol=near))


def _numbers(found: Any) -> np.ndarray | None:
    try:
        array = np.asarray(found)
    except (TypeError, ValueError):  # a ragged list
        return None
    return array.astype(np.float64) if array.dtype.kind in "buif" else None


def _differs(found: Any, expected: Any, arguments: str = "") -> str:
    """What is wrong, without giving away what would be right but for a function's own calls."""
    place = f"for {arguments}: " if arguments else ""
    if isinstance(expected, tuple):
        if not isinstance(found, tuple | list) or len(found) != len(expected):
            return f"it is {_kind(found)}, not {len(expected)} numbers"
        pairs = zip(("first", "second"), found, expected, strict=True)
        name, it, wanted = next(pair for pair in pairs if not _same(*pair[1:]))
        return f"the {name} one: {_differs(it, wanted)}"
    if isinstance(expected, np.ndarray) and isinstance(found, list | tuple):
        return f"{place}it is a {type(found).__name__}: make an array of it, np.array(...)"
    numbers, wanted = _numbers(found), np.asarray(expected)
    if numbers is None:
        return f"{place}it is {_kind(found)}, not {'an array' if wanted.ndim else 'a number'}"
    if numbers.shape != wanted.shape:
        return f"{place}its shape is {numbers.shape}, it must be {wanted.shape}"
    if arguments and wanted.size <= 8:
        return f"{place}it is {_brief(found)}, it must be {_brief(expected)}"
    if not wanted.ndim:
        return f"{float(numbers):,.6g} is too {'small' if numbers < wanted else 'large'}"
    count = int((~np.isclose(numbers, wanted, rtol=1e-5)).sum())
    return f"{place}{count:,} of its {wanted.size:,} numbers are not right"


def _brief(thing: Any) -> str:
    if isinstance(thing, int | float | np.number):
        return f"{thing:.6g}"
    if isinstance(thing, np.ndarray) and thing.size <= 8:
        return "[" + " ".join(f"{number:.6g}" for number in thing.ravel()) + "]"
    if isinstance(thing, np.ndarray):
        return "an array of shape " + str(thing.shape)
    name = getattr(thing, "name", None)
    return f"the network {name}" if name else repr(thing)


def _kind(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
