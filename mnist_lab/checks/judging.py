"""How any attempt is judged: what is missing, or fails, is kept apart from what is wrong."""

import contextlib
import inspect
import random
import re
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..course import PLAIN, Rubric, cure_of
from ..data import Dataset
from ..runs import Run
from .shares import reached
from .verdicts import CheckResult

_LONGEST = 200  # characters of an error's own words
# What to do with a list, with an array and with anything else, where a model or data is wanted.
_CURES = {
    "model": ("give a Keras model, or a function that builds one",) * 3,
    "data": (
        "lab.Dataset(x_train, y_train, x_valid, y_valid) makes data",
        "lab.Dataset(x_train, y_train, x_valid, y_valid) takes all four",
        "give a lab.Dataset",
    ),
}
_NOTHING = (
    "This is None: what you assigned returns nothing. Methods that change an array in place, such "
    "as resize and sort, return nothing; reshape and np.sort make a new array."
)


def judged(
    attempt: object,
    judge: Callable[[object], CheckResult],
    hints: Sequence[str],
    solution: Callable[[], str],
    *,
    rubric: Rubric = PLAIN,
    question: str = "",
    call: bool = True,
    nothing: str = _NOTHING,
) -> CheckResult:
    """Run a judge on an attempt; "not attempted" and "crashed" are outcomes of their own.

    Parameters
    ----------
    attempt
        What a student made, or a function without arguments that makes it.
    judge
        Called with it, if there is something to judge. What it raises is a mistake of the lab.
    hints
        For the student to ask for.
    solution
        Gives one right answer, if the student asks for it.
    rubric
        How the points are divided.
    question
        By which the hints that were given are remembered.
    call
        Whether a function is called for what it makes, or is itself the answer.
    nothing
        What to say of None.
    """
    try:
        with untouched(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would be about the lab's own experiments
            made, result = attempt, None
            if call and inspect.isroutine(attempt):
                made, result = _called(attempt)
            if result is None and made is None:
                result = CheckResult("wrong", nothing)
            elif result is None and made is Ellipsis:
                result = CheckResult("not attempted", "Not attempted yet: nothing to check.")
            elif result is None:
                result = judge(made)
    except Exception as problem:
        result = CheckResult(
            "crashed",
            "Our check crashed. This is not your fault, and says nothing about your answer: "
            f"{in_one_line(problem)}. Go on without it, and please report it, with what "
            ".traceback() prints behind this check.",
        )
        result._traceback = traceback.format_exc()
    result._question, result._hints, result._solution = question, tuple(hints), solution
    result.weights = dict(rubric.weights)
    result.parts = _parts(result, rubric)
    return result


def _parts(result: CheckResult, rubric: Rubric) -> dict[str, float]:
    """The share that is reached of each part; without findings, all or nothing."""
    if result.outcome == "wrong" and result.findings:
        return reached(result.findings, rubric)
    return dict.fromkeys(rubric.weights, float(bool(result)))


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Put the global random states back at the end.

    New layers draw their seeds from there; a student's next layers must not depend on a check.
    """
    drawn = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])


def _called(function: Callable) -> tuple[object, CheckResult | None]:
    """What a student's function returns, and the verdict on one that returns nothing."""
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return None, CheckResult(
            "wrong",
            f"This is a function, {function.__name__}, that needs arguments: call it and give "
            "what it returns.",
        )
    try:
        made = function()
    except NotImplementedError:
        return Ellipsis, None
    except Exception as problem:  # whatever a student's own function raises
        error, cure = in_one_line(problem), cure_of(problem)
        words = f"{cure}. The error was {error}" if cure else error
        return None, CheckResult("wrong", f"Your function raised an error: {words}.")
    if made is None:
        return None, CheckResult(
            "wrong",
            f"Your function {function.__name__} returns nothing: end it with return and what it "
            "has made.",
        )
    return made, None


def raised(problem: Exception) -> tuple[str, str]:
    """An exception's kind and the first line of its words, without Keras' bold frame around it."""
    lines = re.sub(r"\x1b\[\d*m", "", str(problem)).splitlines()
    own = [line for line in lines if line and not line.startswith("Exception encountered")]
    words = textwrap.shorten(own[0], _LONGEST, placeholder=" ...") if own else ""
    return type(problem).__name__, words.rstrip(".")


def in_one_line(problem: Exception) -> str:
    """An exception's kind and the first line of its words."""
    return ": ".join(filter(None, raised(problem)))


def type_of(thing: Any) -> str:
    """The type of something, with its article: "an int", "a dict"; of None "None"."""
    if thing is None:
        return "None"
    name = type(thing).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def kind_of(thing: Any, wanted: str = "model") -> tuple[str, str]:
    """What something is that cannot be judged, and what to do.

    Parameters
    ----------
    thing
        Anything.
    wanted
        "model" or "data": what it should have been.
    """
    import keras

    name = type(thing).__name__
    if isinstance(thing, type):
        return f"the class {thing.__name__} itself", f"call it, as in {thing.__name__}(...)"
    if type(thing).__module__.startswith("torch") or "torch.nn" in str(type(thing).__mro__):
        return f"a PyTorch module ({name})", "build the network with Keras, which this lab uses"
    if isinstance(thing, list | tuple) and any(isinstance(each, keras.Layer) for each in thing):
        return f"a {name} of layers", "put it into keras.Sequential([...])"
    of_list, of_array, of_other = _CURES[wanted]
    kinds = {
        keras.Model: ("a Keras model", "give it to lab.check"),
        keras.Layer: (
            f"a layer ({name}), not a model",
            "put your layers into keras.Sequential([...])",
        ),
        keras.KerasTensor: (
            "the output of a layer",
            "make a model with keras.Model(inputs, outputs)",
        ),
        Run: ("a Run, which is what lab.train returns", "give the model that you trained"),
        Dataset: ("a Dataset", "give it to lab.check_data"),
        (list, tuple): (f"a {name}", of_list),
        np.ndarray: ("an array", of_array),
        object: (f"{textwrap.shorten(repr(thing), 40)} (of type {name})", of_other),
    }
    return next(words for kind, words in kinds.items() if isinstance(thing, kind))


def not_judged(thing: Any, wanted: str = "model") -> CheckResult:
    """The verdict on something that cannot be judged at all."""
    return CheckResult("wrong", f"This is {': '.join(kind_of(thing, wanted))}.")
