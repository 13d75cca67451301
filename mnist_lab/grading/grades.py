"""Grades the answers in a student's notebook, and ranks questions by how a class did on them."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..course import share
from ..notebooks import Exercise, Question
from ..support import readable
from .owners import Owner
from .points import Worth
from .results import Examination
from .submissions import Submission

_COMMONEST = 5  # faults listed for each question
_LOOKS = 3  # names that are listed for an answer


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
    looks : tuple of str
        What a right answer calls that an answer does not need: somebody should look at it.
    share : float
        The part of the question's points that it gets, from 0 to 1.
    worth : float
        Points of the question.
    """

    question: Question
    outcome: str
    first: str = ""
    reason: str = ""
    looks: Sequence[str] = ()
    share: float = 0.0
    worth: float = 1.0

    @property
    def points(self) -> float:
        """Points that it gets."""
        return self.share * self.worth

    @property
    def is_open(self) -> bool:
        """Whether a person has to give its points: what was written could not be judged."""
        return self.outcome in ("answered", "not checked")

    @property
    def look(self) -> str:
        """What to look at, in words."""
        if not self.looks:
            return ""
        more = f" and {len(self.looks) - _LOOKS} more" if len(self.looks) > _LOOKS else ""
        return readable(f"calls {', '.join(self.looks[:_LOOKS])}{more}")


@dataclasses.dataclass(frozen=True)
class GradedNotebook:
    """A notebook in the report: its answers, and a note if something else went wrong."""

    submission: Submission
    answers: Sequence[GradedAnswer] = ()
    note: str = ""

    @property
    def student(self) -> str:
        """The student's name, as far as it is known."""
        return readable(self.owner.student)

    @property
    def owner(self) -> Owner:
        """Whose it is, with the numbers that an LMS gave to student and file."""
        return self.submission.handed_in.owner

    @property
    def name(self) -> str:
        """The exercise; empty if it is none."""
        return self.submission.name

    @property
    def file(self) -> str:
        """What the student called it."""
        return readable(self.submission.handed_in.file)

    @property
    def late(self) -> str:
        """ "late", or nothing."""
        return "late" if self.owner.late else ""

    @property
    def earlier(self) -> str:
        """What earlier tries are called, which do not count."""
        return readable("; ".join(self.submission.earlier))

    @property
    def predicted(self) -> tuple[int, int]:
        """How many predictions were written down, and of how many."""
        written = self.submission.predicted.values()
        return sum(written), len(written)

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
    def points(self) -> float | None:
        """Points reached; None if it was not examined. What is still open counts 0."""
        return sum(answer.points for answer in self.answers) if self.answers else None

    @property
    def possible(self) -> float:
        """Points of all its questions."""
        return sum(answer.worth for answer in self.answers)

    @property
    def open(self) -> float:
        """Points that are still to be given by hand."""
        return sum(answer.worth for answer in self.answers if answer.is_open)

    @property
    def first(self) -> str:
        """The first thing an instructor should look at."""
        if self.note:
            return self.note
        for answer in self.answers:
            if answer.outcome == "wrong":
                return f"{answer.question.cell}: {answer.first}"
        for answer in self.answers:
            if answer.looks:
                return f"look at {answer.question.cell}: {answer.look}"
        blank = [answer.question.cell for answer in self.answers if answer.outcome == "blank"]
        return f"blank: {', '.join(blank)}" if blank else ""


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a class did on one question."""

    question: Question
    prompt: str
    counts: Mapping[str, int]
    commonest: Sequence[tuple[str, str, int]]  # the fault, why it matters, how often


def grade(
    each: Submission,
    exercise: Exercise | None,
    done: Examination | None,
    points: Mapping[str, Worth],
    *,
    strict: bool = False,
) -> GradedNotebook:
    """Grade a notebook's answers; one that was not examined has none.

    Parameters
    ----------
    each, exercise, done
        The notebook, which it is a copy of, and what came out.
    points
        What each question is worth, by its name.
    strict
        Whether a right answer counts as blank that calls what an answer does not need.
    """
    if exercise is None or done is None:
        return GradedNotebook(each, note=readable(each.problem))
    if done.unexamined:
        return GradedNotebook(each, note=readable(f"could not be examined: {done.unexamined}"))
    answers = []
    for question in exercise.questions:
        answer = _judge(question, each.answered, done, points[question.name])
        looks = each.looks.get(question.cell)
        if looks and answer.outcome == "right":
            outcome = "blank" if strict else "right"
            got = 0.0 if strict else 1.0
            answer = dataclasses.replace(answer, outcome=outcome, looks=looks, share=got)
        answers.append(answer)
    return GradedNotebook(each, answers, readable(done.stopped))


def _judge(
    question: Question, answered: Mapping[str, bool], done: Examination, worth: Worth
) -> GradedAnswer:
    def graded(outcome: str, *texts: str, got: float = 0.0) -> GradedAnswer:
        return GradedAnswer(question, outcome, *texts, share=got, worth=worth.points)

    written = answered[question.cell]
    if question.check is None:
        return graded("answered" if written else "blank")
    # Where nothing was written, nothing can be right, whatever the check was made to say.
    if not written:
        return graded("blank")
    check, own = done.results.get(question.check), done.results.get(question.cell)
    if check is None:
        return graded("not checked")
    if check.outcome == "right":
        return graded("right", got=1.0)
    texts = readable(check.first), readable(check.reason)
    if check.outcome == "wrong":
        return graded("wrong", *texts, got=share(worth.weights, check.parts))
    if check.outcome == "crashed":
        return graded("not checked", *texts)
    failed = own if own and own.error else check
    if failed.kind in ("", "NotImplementedError"):
        return graded("blank")
    # Another cell may have used up the memory, and what was not trained may be right.
    if failed.kind in ("MemoryError", "NotDoneError"):
        return graded("not checked", readable(failed.error))
    return graded("wrong", readable(f"the cell stops: {failed.error}"))


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
