"""Whether a check was given what the answer was computed from: a run, runs or a model."""

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..course import PARTS, GivenModel, GivenRun, GivenRuns
from ..runs import Run
from .judging import type_of


@functools.singledispatch
def missing(need: Any, thing: Any) -> str:
    """Say what is wrong with it, in words that follow its name; "" if nothing is."""
    raise TypeError(f"nothing is known of a {type(need).__name__}")


@missing.register
def _(need: GivenRun, thing: Any) -> str:
    if not isinstance(thing, Run):
        return f"is {type_of(thing)}: give the Run that lab.train returned"
    if not thing.epochs and thing.diverged:
        return "diverged in its first epoch: give a run that has finished one"
    if not thing.epochs:
        return "was stopped in its first epoch: train it again, and let it finish one"
    if need.images and thing.val_probabilities.shape != (need.images, 10):
        return f"does not say what it read of MNIST's {need.images:,} validation images"
    return ""


@missing.register
def _(need: GivenRuns, thing: Any) -> str:
    words = "give the runs as the notebook has them, by part or by learning rate"
    if not isinstance(thing, dict):
        return f"is {type_of(thing)}: {words}"
    if absent := [key for key in need.keys if key not in thing]:
        return f"has no {absent[0]!r}: {words}"
    if not thing:
        return f"is empty: {words}"
    for key in need.keys or thing:
        runs = thing[key]
        if need.several and not (isinstance(runs, list | tuple) and runs):
            return f"has no list of runs for {key!r}: {words}"
        if problem := _first(missing(need.each, run) for run in (runs if need.several else [runs])):
            return f"has for {key!r} one that {problem}"
    return ""


@missing.register
def _(need: GivenModel, thing: Any) -> str:
    import keras

    if not isinstance(thing, keras.Model):
        return f"is {type_of(thing)}: give the Keras model"
    if not need.part:
        return ""
    weights, fresh = thing.get_weights(), PARTS[need.part].build().get_weights()
    if [weight.shape for weight in weights] != [weight.shape for weight in fresh]:
        return f"is not the network of part {need.part}: give the model of this notebook"
    # Whatever the initial weights are, biases begin as one number, and training moves them apart.
    if need.trained and not all(map(np.ptp, weights)):
        return "has not been trained: run the cell that trains it, then this one"
    return ""


def _first(problems: Iterable[str]) -> str:
    return next(filter(None, problems), "")
