"""Judges of answers that build with Keras: layers, a learning-rate schedule, a whole network.

Each looks at the structure first and at the figures only once that is right.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..course import Built, Layers, Schedule, Slip
from ..descriptions import (
    Description,
    describe,
    describe_network,
    describe_training,
    mathematics,
)
from .comparing import compare
from .findings import Finding, faults, said, slipped
from .judging import raised, type_of
from .reading import read
from .values import arguments_in_words

_STRUCTURE = ("structure", "number")  # topics
_NEAR = 1e-4  # of the largest learning rate: Keras computes schedules in float32


def judge_layers(task: Layers, attempt: Any) -> list[Finding]:
    """Find what is wrong with a function that returns layers."""
    for probe in task.probes:
        made, findings = called(attempt, probe)
        made, findings = (made, findings) if findings else _listed(made)
        findings = findings or _made_anew(made, attempt, probe)
        if not findings:
            findings = _unlike(task, made, probe)
        if findings:
            return findings
    return []


def judge_schedule(task: Schedule, attempt: Any) -> list[Finding]:
    """Find what is wrong with a function that returns a learning-rate schedule."""
    import keras

    found, wrong = [], []
    for probe in task.probes:
        made, findings = called(attempt, probe)
        if findings:
            return findings
        if not isinstance(made, keras.optimizers.schedules.LearningRateSchedule):
            return [said(f"it returns {type_of(made)}", "return a schedule, which Keras calls")]
        for iteration in task.iterations(*probe):
            rate, findings = called(made.__call__, (iteration,))
            if findings:
                return findings
            found.append((iteration, probe, float(rate)))
    for iteration, probe, rate in found:
        wanted = task.right(iteration, *probe)
        if not _near(rate, wanted, probe):
            place = f"in iteration {iteration:,} of {probe[-1]:,}"
            wrong.append(Finding("call", f"{rate:.6g}", f"{wanted:.6g}", place))
    slip = next((slip for slip in task.slips if _slips(slip, found)), None)
    return [slipped(slip)] if wrong and slip else wrong[:1]


def judge_built(task: Built, attempt: Any) -> list[Finding]:
    """Find what is wrong with a function that builds a network, or with the network."""
    import keras

    is_model = isinstance(attempt, keras.Model)  # which can be called, too
    model, findings = (attempt, []) if is_model else called(attempt, ())
    if findings:
        return findings
    if not isinstance(model, keras.Model):
        return [said(f"it returns {type_of(model)}", "return the model")]
    right = task.right()
    shape = right.input_shape[1:]
    if not model.built or getattr(model, "input_shape", (None,))[1:] != shape:
        return [said("it does not take images of shape (28, 28, 1)", "keras.Input comes first")]
    layers = compare(describe_network(model, shape), describe_network(right))
    if any(each.topic in _STRUCTURE for each in layers):
        return _structure_first(layers)
    if not model.compiled:
        return [*layers, Finding("uncompiled", topic="compile")]
    findings = faults(read(model, shape, describe_training(right)).findings)
    if any(each.topic == "compile" for each in findings):
        return [*layers, *findings]
    return compare(mathematics(describe(model)), mathematics(describe(right))) + findings


def called(function: Any, arguments: Sequence[Any]) -> tuple[Any, list[Finding]]:
    """What a student's function makes, or what is wrong with calling it."""
    import keras

    made_already = keras.Layer, keras.optimizers.schedules.LearningRateSchedule
    if not callable(function) or isinstance(function, made_already):
        return None, [Finding("no function", type_of(function))]
    try:
        made = function(*arguments)
    except NotImplementedError:
        raise
    except Exception as problem:  # whatever a student's own function raises
        return None, [Finding("raises", *raised(problem))]
    if made is None:
        return None, [said("it returns nothing", "end it with return and what it has made")]
    return made, []


def _listed(made: Any) -> tuple[list, list[Finding]]:
    """The layers of a list, a tuple or a sequential model; or what else was made."""
    import keras

    made = made.layers if isinstance(made, keras.Sequential) else made
    if isinstance(made, keras.Layer):
        return [], [said("it returns one layer", "return a list of layers, [...]")]
    if not isinstance(made, list | tuple):
        return [], [said(f"it returns {type_of(made)}", "return a list of layers, [...]")]
    others = [each for each in made if not isinstance(each, keras.Layer)]
    if others:
        what = others[0].__name__ if isinstance(others[0], type) else type_of(others[0])
        cure = f"call it, {what}(...)" if isinstance(others[0], type) else "layers only"
        return [], [said(f"the list holds {what}, which is no layer", cure)]
    return list(made), []


def _made_anew(made: list, attempt: Callable, probe: tuple) -> list[Finding]:
    """Whether each call makes new layers: a layer that stands twice has one set of weights."""
    again, _ = _listed(called(attempt, probe)[0])
    if any(layer is other for layer in made for other in again):
        return [said("it returns the same layers each time", "make new ones in the function")]
    return []


def _unlike(task: Layers, made: list, probe: tuple) -> list[Finding]:
    """What differs from the layers that are right: structure, then shape and figures."""
    try:
        found, shape = _described(made, task.shape)
    except Exception as problem:  # what Keras says of layers that do not fit each other
        return [Finding("raises", *raised(problem))]
    asked, wanted = _described(task.right(*probe), task.shape)
    if found == asked:
        return []
    for slip in task.slips:
        if found == _described(slip.answer(*probe), task.shape)[0]:
            return [slipped(slip)]
    unlike = _structure_first(compare(found, asked))
    if found["layers"] == asked["layers"] and shape != wanted:
        unlike.insert(0, Finding("shape", shape, wanted, arguments_in_words(probe)))
    return unlike


def _described(made: list, shape: tuple[int, ...]) -> tuple[Description, tuple[int, ...]]:
    """What layers are, and the shape of what comes out of them, without the batch."""
    import keras

    # Names of their own, which none of the layers has.
    end = [keras.layers.Flatten(name="its pixels"), keras.layers.Dense(10, name="its scores")]
    model = keras.Sequential([keras.Input(shape), *made, *end])
    out = made[-1].output.shape[1:] if made else shape
    return describe_network(model, shape), tuple(out)


def _structure_first(unlike: list[Finding]) -> list[Finding]:
    """Of what differs, the structure alone where that differs; figures of one layer by its kind."""
    structure = [each for each in unlike if each.topic in _STRUCTURE]
    own = {"hidden layer 1": "convolution"}
    return structure or [replace(each, place=own.get(each.place, each.place)) for each in unlike]


def _slips(slip: Slip, found: list[tuple[int, tuple, float]]) -> bool:
    return all(_near(rate, slip.answer(at, *probe), probe) for at, probe, rate in found)


def _near(rate: float, wanted: float, probe: tuple) -> bool:
    return bool(np.isclose(rate, wanted, rtol=1e-3, atol=_NEAR * probe[0]))
