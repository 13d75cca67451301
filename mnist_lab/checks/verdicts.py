"""What a check answers: a verdict in plain words, hints one at a time, a solution on demand."""

import contextlib
import html
import inspect
import random
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

WIDTH = 100  # characters in a line
# For each outcome a colour and a sign; the verdict itself says it in words.
_SIGNS = {
    "right": ("#1a7f37", "✓"),
    "wrong": ("#bc4c00", "✗"),
    "not attempted": ("#6e7781", "○"),
    "crashed": ("#8250df", "!"),
}
WITHHELD = "Solutions are switched off by your instructor."
_INSTEAD = "For a hint, write this check with .hint() instead of .require() in a cell of your own."
_HELP = "<small>For a hint, run this check with <code>.hint()</code> behind it.</small>"

_withheld = False  # whether solutions are switched off


class NotRightError(AssertionError):
    """What is not right; a notebook shows it without a traceback, for no code of anybody failed."""

    def _render_traceback_(self) -> list[str]:
        """What IPython prints of it."""
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
    differences : list of str
        What is wrong, one thing each, for example `hidden layer 2: activation is linear, the
        part asks for relu`.
    reasons : dict of str to str
        For some of the differences: why it matters, or what to do.
    remarks : list of str
        What is worth saying besides; nothing of it is wrong.
    """

    outcome: str
    verdict: str
    differences: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _hints: list[str] = field(default_factory=list, init=False)
    _solution: Callable[[], str] = field(default=str, init=False)
    _hints_given: int = field(default=0, init=False)

    def __bool__(self) -> bool:
        return self.outcome == "right"

    def __repr__(self) -> str:
        lines, said = textwrap.wrap(self.verdict, WIDTH), set()
        for difference in self.differences:
            lines += _item(difference, "  - ")
            reason = self.reasons.get(difference, "")
            if reason and reason not in said:
                lines += _item(reason, "    ")
                said.add(reason)
        for remark in self.remarks:
            lines += _item(remark, "  * ")
        return "\n".join(lines)

    def __float__(self) -> float:
        """The share of the points: 1 if it is right, else 0."""
        return float(bool(self))

    def _repr_html_(self) -> str:
        """A card, for a notebook; nothing of it is interpreted but what stands here."""
        colour, sign = _SIGNS[self.outcome]
        items, said = [], set()
        for difference in self.differences:
            reason = self.reasons.get(difference, "")
            why = f'<br><span style="opacity:.75">{html.escape(reason)}</span>'
            items.append(html.escape(difference) + (why if reason and reason not in said else ""))
            said.add(reason)
        items += [f"<i>{html.escape(remark)}</i>" for remark in self.remarks]
        listed = "".join(f'<li style="margin:.2em 0">{item}</li>' for item in items)
        help_on = "" if self or not self._hints else _HELP
        return (
            f'<div role="status" style="border-left:.4em solid {colour};padding:.3em .8em;'
            f'max-width:50em"><b>{sign} {html.escape(self.verdict)}</b>'
            f'<ul style="margin:.3em 0 .3em 1.2em;padding:0">{listed}</ul>{help_on}</div>'
        )

    def require(self) -> None:
        """Raise if it is not right: what a grader, such as nbgrader or Otter, needs.

        Raises
        ------
        AssertionError
            With the verdict, and all that differs, as its message.
        """
        if not self:
            raise NotRightError(str(self))

    def hint(self) -> None:
        """Print the next hint; the first is vague, the last concrete, none is the solution."""
        hints = [] if self else list(self._hints)
        if self.differences:
            first = self.differences[0]
            own = [f"Begin with one thing: {first.split(':')[0]}.", self.reasons.get(first, "")]
            hints = [*filter(None, own), *hints]
        if self._hints_given < len(hints):
            text = f"Hint {self._hints_given + 1} of {len(hints)}: {hints[self._hints_given]}"
            self._hints_given += 1
        elif hints:
            text = "That was the last hint. "
            text += unless_withheld(".solution() shows one way to do it.")
        else:
            text = "There is nothing to hint at."
        print(textwrap.fill(text, WIDTH))

    def solution(self) -> None:
        """Print one right answer, as code that can be run."""
        print(unless_withheld(self._solution()))


def withhold_solutions() -> None:
    """Switch `.solution()` and model answers off, as in a notebook that is graded; hints stay.

    It lasts until the kernel is restarted. It is a sign and no lock: who looks for the solutions
    finds them, for they come with the lab.
    """
    global _withheld
    _withheld = True


def unless_withheld(solution: str) -> str:
    """A solution; or, if the instructor has switched them off, a sentence that says so."""
    return WITHHELD if _withheld else solution


def judged(
    attempt: object,
    judge: Callable[[object], CheckResult],
    hints: list[str],
    solution: Callable[[], str],
    *,
    call: bool = True,
) -> CheckResult:
    """Let a judge say what an attempt is worth; tell what cannot be judged apart.

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
    call
        Whether a function is called for what it makes, or is itself the answer.
    """
    try:
        with untouched(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would be about the lab's own experiments
            made, result = attempt, None
            if call and inspect.isroutine(attempt):
                made, result = _called(attempt)
            if result is None and (made is None or made is Ellipsis):
                result = CheckResult("not attempted", "Not attempted yet: nothing to check.")
            elif result is None:
                result = judge(made)
    except Exception as problem:
        result = CheckResult(
            "crashed",
            "Our check crashed. This is not your fault, and says nothing about your answer: "
            f"{in_one_line(problem)}. Go on without it, and please report it.",
        )
    result._hints, result._solution = hints, solution
    return result


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Let the lab build models of its own without a trace in the global random states.

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
        return function(), None
    except NotImplementedError:
        return None, None
    except Exception as problem:  # whatever a student's own function raises
        return None, CheckResult("wrong", f"Your function raised an error: {in_one_line(problem)}.")


def in_one_line(problem: Exception) -> str:
    """An exception's kind and the first line of its words, without Keras' bold frame around it."""
    lines = re.sub(r"\x1b\[\d*m", "", str(problem)).splitlines()
    told = [line for line in lines if line and not line.startswith("Exception encountered")]
    return ": ".join([type(problem).__name__, *(line.rstrip(".") for line in told[:1])])


def _item(text: str, bullet: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=bullet, subsequent_indent="    ")
