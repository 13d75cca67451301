"""`check_answer`: judge the small answers of the notebooks."""

import functools
from typing import Any

from ..course import ANSWERS, rubric
from .given import missing
from .judges import judge
from .judging import judged
from .model_answers import solution
from .verdicts import CheckResult, verdict


def check_answer(name: str, attempt: Any, **given: Any) -> CheckResult:
    """Judge one of the small answers of the notebooks, and find the slip in a wrong one.

    Parameters
    ----------
    name
        Which answer: notebook and cell, such as "linear.flat".
    attempt
        The answer: a number, an array, a tuple of these, a function that is then tried, or a Run.
    **given
        What the answer was computed from: `model`, `run` or `runs`, where the notebook says so.

    Raises
    ------
    ValueError
        If there is no such answer.

    Examples
    --------
    >>> import mnist_lab as lab, numpy as np
    >>> lab.check_answer("mlp.relu", lambda x: np.minimum(x, 0))
    Not yet: mlp.relu is not right.
      - the sign: it keeps the negative numbers, and the positive ones become 0
    Right so far: 1 of 2.
    """
    if name not in ANSWERS:
        raise ValueError(f"name={name!r}: it must be one of {', '.join(map(repr, ANSWERS))}")
    return judged(
        attempt,
        functools.partial(_judge, name, given),
        ANSWERS[name].hints,
        functools.partial(solution, name),
        rubric=rubric(name),
        question=name,
        call=False,
    )


def _judge(name: str, given: dict[str, Any], attempt: Any) -> CheckResult:
    answer = ANSWERS[name]
    for key in answer.given.keys() ^ given.keys():
        what = f"is computed from {key}" if key in answer.given else f"needs no {key}"
        keywords = "".join(f", {each}={each}" for each in answer.given)
        call = f"lab.check_answer({name!r}, ...{keywords})"
        return CheckResult("wrong", f"The answer {what}: check it as in {call}.")
    for key, thing in given.items():
        if thing is Ellipsis:
            return CheckResult("not attempted", f"Not attempted yet: {key} comes first.")
        if problem := missing(answer.given[key], thing):
            return CheckResult("wrong", f"{key} {problem}.")
    try:
        findings = judge(answer.task, attempt, **given)
    except NotImplementedError:
        return CheckResult("not attempted", "Not attempted yet: nothing to check.")
    own = getattr(attempt, "__name__", "")  # of a function; a lambda's is "<lambda>"
    what = own if own.isidentifier() else name
    return verdict(findings, f"Right: {answer.right}.", f"Not yet: {what} is not right.")
