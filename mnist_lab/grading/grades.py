"""Grades the answers in a student's notebook, and ranks questions by how a class did on them."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..notebooks import Exercise, Question
from .results import Examination
from .submissions import Submission, readable

_COMMONEST = 5  # faults listed for each question


@dataclasses.dataclass(frozen=True)
class GradedAnswer:
    """A student's answer to a question, graded.

    Attributes
    ----------
    question : Question
        The question.
    outcome : str
        "right", "wrong", "blank", "not checked", or for an answer in words "answered".
    first : str
        If wrong, the first thing that differs.
    reason : str
        Why it matters; may be empty.
    """

    question: Question
    outcome: str
    first: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class GradedNotebook:
    """A notebook in the report: its answers, and a note if something else went wrong."""

    student: str
    name: str
    answers: Sequence[GradedAnswer]
    note: str
    predicted: tuple[int, int] = (0, 0)  # predictions that were written down, of how many

    @property
    def answered(self) -> int:
        """How many of the questions were answered, in code or in words."""
        return sum(answer.outcome != "blank" for answer in self.answers)

    @property
    def right(self) -> int:
        """How many answers in code are right."""
        return sum(answer.outcome == "right" for answer in self.answers)

    @property
    def checked(self) -> int:
        """How many questions ask for code."""
        return sum(answer.question.check is not None for answer in self.answers)

    @property
    def first(self) -> str:
        """The first thing an instructor should look at."""
        if self.note:
            return self.note
        for answer in self.answers:
            if answer.outcome == "wrong":
                return f"{answer.question.cell}: {answer.first}"
        blank = [answer.question.cell for answer in self.answers if answer.outcome == "blank"]
        return f"blank: {', '.join(blank)}" if blank else ""


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a class did on one question."""

    question: Question
    prompt: str
    counts: Mapping[str, int]
    commonest: Sequence[tuple[str, str, int]]  # the fault, why it matters, how often


def grade(each: Submission, exercise: Exercise | None, done: Examination | None) -> GradedNotebook:
    """Grade a notebook's answers; one that was not examined has none."""
    if exercise is None or done is None:
        return GradedNotebook(each.student, each.name, (), readable(each.problem))
    answers = tuple(_judge(question, each.answered, done) for question in exercise.questions)
    note = done.stopped
    if done.refused and not note:
        note = f"refused: {done.refused}"
    predicted = sum(each.predicted.values()), len(each.predicted)
    return GradedNotebook(each.student, each.name, answers, readable(note), predicted)


def _judge(question: Question, answered: Mapping[str, bool], done: Examination) -> GradedAnswer:
    written = answered[question.cell]
    if question.check is None:
        return GradedAnswer(question, "answered" if written else "blank")
    check, own = done.results.get(question.check), done.results.get(question.cell)
    if check and check.outcome == "right":
        return GradedAnswer(question, "right")
    if not written:
        return GradedAnswer(question, "blank")
    if check is None:
        return GradedAnswer(question, "not checked")
    if check.outcome in ("wrong", "crashed"):
        outcome = "wrong" if check.outcome == "wrong" else "not checked"
        first = readable(check.first)
        return GradedAnswer(question, outcome, first, readable(check.reason))
    failed = own if own and own.error else check
    if failed.kind in ("", "NotImplementedError"):
        return GradedAnswer(question, "blank")
    # Another cell may have used up the memory, and what was not trained may be right.
    if failed.kind in ("MemoryError", "NotDoneError"):
        return GradedAnswer(question, "not checked", readable(failed.error))
    return GradedAnswer(question, "wrong", readable(f"the cell stops: {failed.error}"))


def rank(exercise: Exercise, name: str, rows: Iterable[GradedNotebook]) -> list[Standing]:
    """Return how the class did on each question, those that most got wrong first."""
    given: dict[str, list[GradedAnswer]] = {question.cell: [] for question in exercise.questions}
    for row in rows:
        for answer in row.answers if row.name == name else ():
            given[answer.question.cell].append(answer)
    standings = []
    for question in exercise.questions:
        answers = given[question.cell]
        counts = Counter(answer.outcome for answer in answers)
        wrong = [answer for answer in answers if answer.outcome == "wrong"]
        reasons = {answer.first: answer.reason for answer in wrong}
        ranked = Counter(answer.first for answer in wrong).most_common(_COMMONEST)
        commonest = [(first, reasons[first], count) for first, count in ranked]
        if answers:
            prompt = exercise.prompts[question.cell]
            standings.append(Standing(question, prompt, counts, commonest))
    return sorted(standings, key=lambda each: (-each.counts["wrong"], -each.counts["blank"]))
