"""Judges of small answers: whether one satisfies what the course asks for, and what is wrong."""

import copy
import functools
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..course import PARTS, Estimate, Function, Layer, Slip, Task, Trained, Value
from ..descriptions import describe, describe_network, mathematics
from ..runs import Run
from .building import judge_built, judge_layers, judge_schedule
from .comparing import compare, perhaps_the_same
from .findings import Finding, slipped
from .judging import raised
from .reading import overlook


@functools.singledispatch
def judge(task: Task, attempt: Any, **given: Any) -> list[Finding]:
    """Find what is wrong with an answer.

    Parameters
    ----------
    task
        What it has to satisfy.
    attempt
        The answer.
    **given
        What the check is given besides.

    Raises
    ------
    NotImplementedError
        If there is no answer yet.
    """
    raise TypeError(f"no judge of a {type(task).__name__}")


judge.register(judge_layers)
judge.register(judge_schedule)
judge.register(judge_built)


@judge.register
def _(task: Value, attempt: Any, **given: Any) -> list[Finding]:
    def of(answer: Any) -> Any:
        return answer(**given) if callable(answer) else answer

    if any(part is Ellipsis for part in (attempt if isinstance(attempt, tuple) else ())):
        raise NotImplementedError
    if task.before is not None and _same(attempt, of(task.before)):
        raise NotImplementedError
    expected = of(task.right)
    if _same(attempt, expected):
        return []
    slip = next((slip for slip in task.slips if _same(attempt, of(slip.answer))), None)
    return [slipped(slip) if slip else _difference(attempt, expected)]


@judge.register
def _(task: Estimate, attempt: Any) -> list[Finding]:
    try:
        number = float(attempt)
    except (TypeError, ValueError):
        return [slipped(task.several)]
    if number == task.right:
        return [slipped(task.exactly)]

    def near(wanted: float) -> bool:
        return abs(number - wanted) < task.within

    if near(task.right):
        return []
    slip = next((slip for slip in task.slips if near(slip.answer)), None)
    return [slipped(slip) if slip else Finding("estimate", number, task.what)]


@judge.register
def _(task: Function, attempt: Any, **given: Any) -> list[Finding]:
    if not callable(attempt):
        return [Finding("no function", _kind(attempt))]
    probes = list(task.probes() if callable(task.probes) else task.probes)
    try:
        found = [attempt(*copy.deepcopy(probe)) for probe in probes]
    except NotImplementedError:
        raise
    except Exception as problem:  # whatever a student's own function raises
        return [Finding("raises", *raised(problem))]
    expected = [task.right(*probe, **given) for probe in probes]
    wrong = [each for each in zip(probes, found, expected, strict=True) if not _same(*each[1:])]
    if not wrong:
        return []

    def makes(slip: Slip) -> bool:
        made = (slip.answer(*probe, **given) for probe in probes)
        return all(itertools.starmap(_same, zip(found, made, strict=True)))

    slip = next(filter(makes, task.slips), None)
    probe, it, wanted = wrong[0]
    return [slipped(slip) if slip else _difference(it, wanted, probe)]


@judge.register
def _(task: Layer, attempt: Any) -> list[Finding]:
    import keras

    for probe in task.probes:
        try:
            made, again = attempt(*probe), attempt(*probe)
        except NotImplementedError:
            raise
        except Exception as problem:  # whatever a student's own function raises
            return [Finding("raises", *raised(problem))]
        if not isinstance(made, keras.Layer):
            return [Finding("no layer", _kind(made))]
        if made is again:
            return [Finding("same layer")]
        found, asked = (_described(each, task.shape) for each in (made, task.right(*probe)))
        if unlike := compare(found, asked):
            own = "hidden layer 1"  # the only one, so it needs no name
            return [replace(each, place="") if each.place == own else each for each in unlike]
    return []


def _described(it: Any, shape: tuple[int, ...]) -> dict:
    import keras

    layers = [keras.Input(shape), it, keras.layers.Flatten(), keras.layers.Dense(10)]
    return describe_network(keras.Sequential(layers), shape)


@judge.register
def _(task: Trained, run: Any) -> list[Finding]:
    if not isinstance(run, Run):
        return [Finding("no run", _kind(run))]
    part = PARTS[task.part]
    asked = mathematics(describe(part.build(loss="categorical_crossentropy")))
    found = mathematics(overlook(run.settings.model)[0])
    findings = compare(found, asked)
    layers = [each["layers"] for each in (found, asked)]  # in words, where they cannot be read
    alike = isinstance(layers[0], str) or len({"dropout" in each for each in layers}) == 1
    comparable = alike and run.settings.parameters == part.parameters
    if comparable and perhaps_the_same(found, asked):
        findings = []  # another way of writing it: the check of the network tries it out
    figures = {"epochs": part.epochs, "batch_size": 100, "seed": 0}
    findings += [
        Finding(key, getattr(run.settings, key), wanted, topic="run")
        for key, wanted in figures.items()
        if getattr(run.settings, key) != wanted
    ]
    if run.interrupted and not run.diverged:
        findings.append(Finding("stopped", run.epochs))
    return findings + ([Finding("diverged")] if run.diverged else [])


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


def _difference(found: Any, expected: Any, probe: Sequence[Any] | None = None) -> Finding:
    """What is wrong, without giving away what would be right but for a function's own calls."""
    if isinstance(expected, tuple):
        if not isinstance(found, tuple | list) or len(found) != len(expected):
            return Finding("not so many numbers", _kind(found), len(expected))
        names = ("first", "second", "third", "fourth")
        pairs = zip(names, found, expected, strict=False)
        name, it, wanted = next(pair for pair in pairs if not _same(*pair[1:]))
        inner = _difference(it, wanted)
        return replace(inner, place=": ".join(filter(None, [f"the {name} one", inner.place])))
    place = "" if probe is None else f"for {', '.join(map(_brief, probe))}"
    return replace(_of_one(found, expected, called=probe is not None), place=place)


def _of_one(found: Any, expected: Any, *, called: bool) -> Finding:
    """What is wrong with one number or array; of a call, what comes out is said."""
    if isinstance(expected, np.ndarray) and isinstance(found, list | tuple):
        return Finding("list", type(found).__name__)
    numbers, wanted = _numbers(found), np.asarray(expected)
    if numbers is None:
        return Finding("kind", _kind(found), "an array" if wanted.ndim else "a number")
    if numbers.shape != wanted.shape:
        return Finding("shape", numbers.shape, wanted.shape)
    if called and wanted.size <= 8:
        return Finding("call", _brief(found), _brief(expected))
    if not wanted.ndim:
        number = float(numbers)
        return Finding("too small" if number < wanted else "too large", number)
    count = int((~np.isclose(numbers, wanted, rtol=1e-5)).sum())
    return Finding("numbers not right", count, wanted.size)


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
