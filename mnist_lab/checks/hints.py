"""Hints, one at a time: which of them each question has had since the kernel started.

A notebook writes `lab.check(...).hint()`, which makes a new result each time; the count is kept
here, by question.
"""

from collections.abc import Sequence

_given: dict[str, set[str]] = {}


def next_hint(question: str, hints: Sequence[str]) -> str:
    """Return the first hint that the question has not had yet, with its number.

    An attempt that is wrong in another way may have other hints; those that it shares are not
    repeated. Once all were given it returns "", and the next call begins again.
    """
    given = _given.setdefault(question, set())
    for number, hint in enumerate(hints, 1):
        if hint not in given:
            given.add(hint)
            return f"Hint {number} of {len(hints)}: {hint}"
    given.clear()
    return ""


def forget_all() -> None:
    """Begin again with every question."""
    _given.clear()
