"""Judges of the small answers, one for each kind of task."""

import copy
import functools
import inspect
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..course import PARTS, Estimate, Function, Layer, Slip, Task, Trained, Value, cure_of
from ..descriptions import describe, describe_network, mathematics
from ..runs import Run
from .building import judge_built, judge_layers, judge_schedule
from .comparing import compare, perhaps_the_same
from .findings import Finding, slipped
from .judging import raised, type_of
from .mending import judge_mended
from .programs import judge_program
from .reading import overlook
from .values import arguments_in_words, difference, same, unchanged, wrong_parts


@functools.singledispatch
def judge(task: Task, attempt: Any, **given: Any) -> list[Finding]:
    """Find what is wrong with an answer.

    Parameters
    ----------
    task
        What the answer has to satisfy.
    attempt
        The answer.
    **given
        What else the check was given.

    Raises
    ------
    NotImplementedError
        If there is no answer yet.
    """
    raise TypeError(f"no judge of a {type(task).__name__}")


judge.register(judge_layers)
judge.register(judge_schedule)
judge.register(judge_built)
judge.register(judge_program)
judge.register(judge_mended)


@judge.register
def _(task: Value, attempt: Any, **given: Any) -> list[Finding]:
    def of(answer: Any) -> Any:
        return answer(**given) if callable(answer) else answer

    if any(part is Ellipsis for part in (attempt if isinstance(attempt, tuple) else ())):
        raise NotImplementedError
    if task.before is not None and same(attempt, of(task.before)):
        raise NotImplementedError
    expected = of(task.right)
    if same(attempt, expected):
        return []
    slip = next((slip for slip in task.slips if same(attempt, of(slip.answer))), None)
    parts = wrong_parts(task.names, [(attempt, expected)])
    if slip:
        return [slipped(slip, parts=parts)]
    return [replace(difference(attempt, expected, task.names), parts=parts)]


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
    return [slipped(slip) if slip else Finding("far", number, task.far)]


@judge.register
def _(task: Function, attempt: Any, **given: Any) -> list[Finding]:
    if not callable(attempt):
        return [Finding("no function", type_of(attempt))]
    probes = list(task.probes() if callable(task.probes) else task.probes)
    # One by one: what two probes share, a function that changes it must not change for both.
    given_to = [copy.deepcopy(probe) for probe in probes]
    found: list[Any] = []
    for probe in given_to:
        try:
            found.append(attempt(*probe))
        except NotImplementedError:
            raise
        except Exception as problem:  # whatever a student's own function raises
            return [_error(problem, probes[len(found)])]
    expected = [task.right(*probe, **given) for probe in probes]
    wrong = [each for each in zip(probes, found, expected, strict=True) if not same(*each[1:])]
    if not wrong:
        return _changed(attempt, probes, given_to)

    def makes(slip: Slip) -> bool:
        made = (slip.answer(*probe, **given) for probe in probes)
        return all(itertools.starmap(same, zip(found, made, strict=True)))

    slip = next(filter(makes, task.slips), None)
    parts = wrong_parts(task.names, [pair for _, *pair in wrong])
    if slip:
        return [slipped(slip, parts=parts)]
    probe, it, wanted = wrong[0]
    return [replace(difference(it, wanted, task.names, probe), parts=parts)]


def _error(problem: Exception, probe: Sequence[Any]) -> Finding:
    """What a student's function raised, for which arguments, and what to do about it."""
    kind, words = raised(problem)
    return Finding("raises", kind, words, place=arguments_in_words(probe), reason=cure_of(problem))


def _changed(function: Any, before: list[tuple], after: list[tuple]) -> list[Finding]:
    """Which argument a function has changed, if any."""
    for each in zip(before, after, strict=True):
        for place, (one, other) in enumerate(zip(*each, strict=True)):
            if not unchanged(one, other):
                names = [*inspect.signature(function).parameters]
                name = names[place] if place < len(names) else "its argument"
                return [Finding("changes", name)]
    return []


@judge.register
def _(task: Layer, attempt: Any) -> list[Finding]:
    import keras

    first: dict = {}
    for probe in task.probes:
        try:
            made, again = attempt(*probe), attempt(*probe)
        except NotImplementedError:
            raise
        except Exception as problem:  # whatever a student's own function raises
            return [_error(problem, probe)]
        if made is None:
            return [Finding("returns nothing")]
        if not isinstance(made, keras.Layer):
            return [Finding("no layer", type_of(made))]
        if made is again:
            return [Finding("same layer")]
        found, asked = (_described(each, task.shape) for each in (made, task.right(*probe)))
        if found == first:
            before = arguments_in_words(task.probes[0])
            return [Finding("same for all", asked=before, place=arguments_in_words(probe))]
        if unlike := compare(found, asked):
            own = "hidden layer 1"  # the only one, so it needs no name
            return [replace(each, place="") if each.place == own else each for each in unlike]
        first = found
    return []


def _described(it: Any, shape: tuple[int, ...]) -> dict:
    import keras

    # Names of their own, which the layer has not.
    end = [keras.layers.Flatten(name="its pixels"), keras.layers.Dense(10, name="its scores")]
    return describe_network(keras.Sequential([keras.Input(shape), it, *end]), shape)


@judge.register
def _(task: Trained, run: Any) -> list[Finding]:
    if not isinstance(run, Run):
        return [Finding("no run", type_of(run))]
    part = PARTS[task.part]
    asked = mathematics(describe(part.build(loss="categorical_crossentropy")))
    found = mathematics(overlook(run.settings.model)[0])
    findings = compare(found, asked)
    layers = [each["layers"] for each in (found, asked)]  # in words, where they cannot be read
    alike = isinstance(layers[0], str) or len({"dropout" in each for each in layers}) == 1
    comparable = alike and run.settings.parameters == part.parameters
    if comparable and perhaps_the_same(found, asked):
        findings = []  # written differently: `check`, on the model, decides by calling it
    figures = {"epochs": part.epochs, "batch_size": 100, "seed": 0}
    findings += [
        Finding(key, getattr(run.settings, key), wanted, topic="run")
        for key, wanted in figures.items()
        if getattr(run.settings, key) != wanted
    ]
    if run.interrupted and not run.diverged:
        findings.append(Finding("stopped", run.epochs))
    return findings + ([Finding("diverged")] if run.diverged else [])
