"""Fills the grades of a class into a table, and says what was left as it was, and why."""

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..support import readable
from .gradebooks import Gradebook, number_in
from .grades import GradedNotebook
from .students import Student


def fill(book: Gradebook, students: Sequence[Student]) -> list[str]:
    """Write each student's points into the table, and say what is to be said of it.

    What is right in several notebooks is added up. If the table says another highest grade than
    the notebooks have points, the points are scaled to it. Rows of students who handed in nothing,
    or of whom anything could not be examined, stay as they are.

    Returns
    -------
    list of str
        A line for what was done, and one for each kind of what was not.
    """
    graded = [row for student in students for row in student.graded]
    possible = sum({row.name: row.possible for row in graded}.values())
    scale = book.most / possible if book.most is not None and possible else 1
    left, rows = _find(book, students)
    for row, student in rows.items():
        for why, words in _write(book, row, student, scale):
            left.setdefault(why, []).append(words)
    left["Late"] = [each.name for each in students if each.late]
    return [
        f"Grades written into {book.title!r} of {book.kind}: {len(rows)}.",
        _scaled(book, graded, scale),
        *_open(rows.values()),
        *(f"{why}: {', '.join(names)}." for why, names in left.items() if names),
    ]


def _write(book: Gradebook, row: int, student: Student, scale: float) -> Iterator[tuple[str, str]]:
    """Write a student's grade and comment, and yield what is special about it, and of whom."""
    grade = _written(student.points * scale, book.comma)
    before = book.sheet.cell(row, book.grade).strip()
    if before and number_in(before) != number_in(grade):
        yield "Replaced", f"{student.name} ({readable(before)}, now {grade})"
    book.sheet.write(row, book.grade, grade)
    if book.comment is not None and book.sheet.cell(row, book.comment):
        yield "Have a comment already, which stays", student.name
    elif book.comment is not None:
        book.sheet.write(row, book.comment, _comment(student))
    if len(student.graded) > 1:
        yield "More than one notebook, added up", student.name
    for each in student.graded:
        if each.note:
            yield "Counted up to where it stopped", f"{student.name} ({each.note})"


def _scaled(book: Gradebook, graded: Sequence[GradedNotebook], scale: float) -> str:
    """Which notebooks were counted, and what became of their points."""
    counts = Counter((row.name, row.possible) for row in graded)
    whole = ", ".join(
        f"{name} {points:g} ({count} handed in)" for (name, points), count in sorted(counts.items())
    )
    text = f"Points of the notebooks: {whole or 'none'}"
    if book.most is None:
        return f"{text}. They were not scaled: the table does not say what the highest grade is."
    if scale == 1:
        return f"{text}, as many as the column has."
    return f"{text}. The column has {book.most:g}, so they were multiplied by {scale:.4g}."


def _open(students: Iterable[Student]) -> list[str]:
    """What a person has still to grade."""
    some = [each for each in students if each.open]
    points = sum(each.open for each in some)
    words = f"Up to {points:g} more points are for answers in words, which you grade by hand"
    return [f"{words}: {len(some)} students have answered some."] if some else []


def _find(
    book: Gradebook, students: Sequence[Student]
) -> tuple[dict[str, list[str]], dict[int, Student]]:
    """Return who is left out, by the reason, and the others by their rows."""
    left: dict[str, list[str]] = {}
    mine: dict[int, list[Student]] = {}
    for student in students:
        if reason := _reason(book, student):
            left.setdefault(reason, []).append(student.name)
        else:
            mine.setdefault(book.find(student.owner)[0], []).append(student)
        ungraded = [f"{student.name} ({row.note})" for row in student.ungraded]
        left.setdefault("Not counted", []).extend(ungraded)
    twice = [each.name for some in mine.values() if len(some) > 1 for each in some]
    left["Left as it was, since several students here have the same line"] = twice
    return left, {row: some[0] for row, some in mine.items() if len(some) == 1}


def _reason(book: Gradebook, student: Student) -> str:
    """Why a student's row is left as it is; empty if it is filled."""
    rows = book.find(student.owner)
    if not rows:
        return "In no line of the table"
    if len(rows) > 1:
        return "Left as it was, since several lines fit"
    if book.is_another(student.owner, rows[0]):
        return "Left as it was, since the line has the number and another name"
    if (cell := book.sheet.cell(rows[0], book.grade).strip()).upper() in book.settled:
        return f"Left as it was, {cell}"
    return "Left as it was, without a grade" if student.points is None else ""


def _written(grade: float, comma: bool) -> str:
    text = f"{grade:.2f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if comma else text


def _comment(student: Student) -> str:
    """What is written beside a grade: HTML, since that is what Moodle takes it for."""
    return "".join(map(_about, student.graded))


def _about(row: GradedNotebook) -> str:
    wrong = [answer for answer in row.answers if answer.outcome == "wrong"]
    items = "".join(
        f"<li>{html.escape(f'{each.question.cell}: {each.first}')}</li>" for each in wrong
    )
    later = f", and {row.open:g} for words that a person grades" if row.open else ""
    head = f"<p>{html.escape(row.name)}: {row.points:g} of {row.possible:g} points{later}</p>"
    return head + (f"<ul>{items}</ul>" if items else "")
