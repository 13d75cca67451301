"""What a check answers: a verdict and its findings, as text, as a card, and as data."""

import html
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..course import PLAIN, share
from .findings import REMARK, Finding, faults
from .hints import next_hint

WIDTH = 100  # characters in a line
MIME = "application/vnd.mnist-lab.check+json"
# For each outcome a colour and a sign; the verdict itself says it in words.
_SIGNS = {
    "right": ("#1a7f37", "✓"),
    "wrong": ("#bc4c00", "✗"),
    "not attempted": ("#6e7781", "○"),
    "crashed": ("#8250df", "!"),
}
OUTCOMES = tuple(_SIGNS)
WITHHELD = "Solutions are switched off by your instructor."
_INSTEAD = "For a hint, write this check with .hint() behind it in a cell of your own."
_HELP = "<small>For a hint, run this check with <code>.hint()</code> behind it.</small>"

_withheld = False  # whether solutions are switched off


class NotRightError(AssertionError):
    """An answer is not right; a notebook shows this without a traceback, as no code has failed."""

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython prints."""
        return [*str(self).splitlines(), "", _INSTEAD]


@dataclass(eq=False, repr=False)
class CheckResult:
    """The answer of a check; true if what was checked is right.

    Attributes
    ----------
    outcome : str
        "right", "wrong", "not attempted" or "crashed" (the check itself, never the student).
    verdict : str
        The answer in one sentence.
    findings : list of Finding
        All that was found, as data: what is wrong, and remarks.
    parts : dict of str to float
        The share that is right of each part of the answer, from 0 to 1.
    weights : dict of str to float
        What each part is worth, beside the others.
    """

    outcome: str
    verdict: str
    findings: list[Finding] = field(default_factory=list)
    parts: dict[str, float] = field(default_factory=dict, init=False)
    weights: dict[str, float] = field(default_factory=lambda: dict(PLAIN.weights), init=False)
    _question: str = field(default="", init=False)
    _hints: tuple[str, ...] = field(default=(), init=False)
    _solution: Callable[[], str] = field(default=str, init=False)
    _traceback: str = field(default="", init=False)

    def __bool__(self) -> bool:
        return self.outcome == "right"

    @property
    def differences(self) -> list[str]:
        """What is wrong, one thing each.

        For example `hidden layer 2: activation is linear, the part asks for relu`.
        """
        return [fault.words for fault in faults(self.findings)]

    @property
    def reasons(self) -> dict[str, str]:
        """For some of the differences: why it matters, or what to do."""
        return {fault.words: fault.reason for fault in faults(self.findings) if fault.reason}

    @property
    def remarks(self) -> list[str]:
        """What else is worth saying, but is not wrong."""
        return [each.words for each in self.findings if each.topic == REMARK]

    def __repr__(self) -> str:
        lines = textwrap.wrap(self.verdict, WIDTH)
        for words, reason in self._faults_in_words():
            lines += _item(words, "  - ")
            lines += _item(reason, "    ") if reason else []
        for remark in self.remarks:
            lines += _item(remark, "  * ")
        return "\n".join([*lines, *self._so_far()])

    def __float__(self) -> float:
        """The share of the points, from 0 to 1: what is right of the parts, by their weights."""
        return share(self.weights, self.parts)

    def _repr_html_(self) -> str:
        """A card for a notebook; words of the student's are escaped."""
        colour, sign = _SIGNS[self.outcome]
        items = []
        for words, reason in self._faults_in_words():
            why = f'<br><span style="opacity:.75">{html.escape(reason)}</span>'
            items.append(html.escape(words) + (why if reason else ""))
        items += [f"<i>{html.escape(remark)}</i>" for remark in self.remarks]
        listed = "".join(f'<li style="margin:.2em 0">{item}</li>' for item in items)
        so_far = "".join(f'<p style="margin:.3em 0">{line}</p>' for line in self._so_far())
        help_on = "" if self or not self._hints else _HELP
        return (
            f'<div role="status" style="border-left:.4em solid {colour};padding:.3em .8em;'
            f'max-width:50em"><b>{sign} {html.escape(self.verdict)}</b>'
            f'<ul style="margin:.3em 0 .3em 1.2em;padding:0">{listed}</ul>{so_far}{help_on}</div>'
        )

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON can hold it; a notebook keeps it beside the card."""
        return {
            "outcome": self.outcome,
            "verdict": self.verdict,
            "parts": self.parts,
            "weights": self.weights,
            "findings": [each.as_dict() for each in self.findings],
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._repr_html_(), MIME: self.as_dict()}

    def require(self, part: str = "", least: float = 1) -> None:
        """Raise if it is not right, or a part of it is not: what a grader such as Otter needs.

        Parameters
        ----------
        part
            One of `parts`; empty for all.
        least
            The share of the part that must be right, from 0 to 1.

        Raises
        ------
        AssertionError
            With the verdict, and all that differs, as its message.
        """
        if not (self.parts[part] >= least if part else self):
            raise NotRightError(str(self))

    def points(self, worth: float, weights: Mapping[str, float] | None = None) -> "Points":
        """The points that it gets: what a grader such as nbgrader needs, which reads a number.

        Parameters
        ----------
        worth
            What the question is worth.
        weights
            What each part is worth, beside the others, where that is not as in the course.

        Raises
        ------
        AssertionError
            If nothing is right, with the verdict, and all that differs, as its message.
        """
        self.weights = dict(weights or self.weights)
        if not float(self):
            raise NotRightError(str(self))
        return Points(self, worth)

    def hint(self) -> None:
        """Print the next hint for this question: from vague to concrete, never the solution."""
        if self:
            text = "It is right; no hint needed."
        elif not (text := next_hint(self._question, self._hints)):
            text = "That was the last hint. "
            text += unless_withheld(".solution() shows one way to do it.")
        print(textwrap.fill(text, WIDTH))

    def solution(self) -> None:
        """Print one right answer, as code that can be run."""
        print(unless_withheld(self._solution()))

    def traceback(self) -> None:
        """Print where the check itself crashed, to be sent with a report of it."""
        print(self._traceback or "The check did not crash.")

    def _so_far(self) -> list[str]:
        """A line that says how much of a wrong answer is right, where something is."""
        if self or not float(self):
            return []
        total = sum(self.weights.values())
        return [f"Right so far: {float(self) * total:.3g} of {total:g}."]

    def _faults_in_words(self) -> list[tuple[str, str]]:
        """Each fault, and its reason where no fault before it has the same."""
        lines, given = [], {""}
        for fault in faults(self.findings):
            lines.append((fault.words, "" if fault.reason in given else fault.reason))
            given.add(fault.reason)
        return lines


class Points(float):
    """The points of an answer: a number as text, and in a notebook the check's card."""

    def __new__(cls, result: CheckResult, worth: float) -> "Points":
        """Round them, so that nobody sees a third of a point with sixteen digits."""
        points = super().__new__(cls, round(float(result) * worth, 4))
        points._result = result
        return points

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {**self._result._repr_mimebundle_(), "text/plain": repr(self)}


def verdict(findings: list[Finding], right: str, wrong: str) -> CheckResult:
    """The answer that follows from what was found."""
    if faults(findings):
        return CheckResult("wrong", wrong, findings)
    return CheckResult("right", right, findings)


def first_fault(result: dict[str, Any]) -> tuple[str, str]:
    """The first thing that is wrong, and why it matters, of a `CheckResult.as_dict`.

    Without findings the verdict says what is wrong.
    """
    for each in result["findings"]:
        if each["topic"] != REMARK:
            return each["words"], each["reason"]
    return result["verdict"], ""


def withhold_solutions() -> None:
    """Switch `.solution()` and model answers off, as in a notebook that is graded; hints stay.

    It lasts until the kernel is restarted. It locks nothing: the solutions come with the lab, and
    whoever looks for them finds them.
    """
    global _withheld
    _withheld = True


def unless_withheld(solution: str) -> str:
    """A solution; or, if the instructor has switched them off, a sentence that says so."""
    return WITHHELD if _withheld else solution


def _item(text: str, bullet: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=bullet, subsequent_indent="    ")
