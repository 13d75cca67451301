"""Shows the rows of a report: as lines for a terminal, as CSV, and as a page."""

import csv
import io
import shutil
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from .grades import GradedNotebook, Standing
from .pages import render

_WIDEST = 30  # columns of a terminal, for all but the last


def lines(rows: Sequence[GradedNotebook]) -> list[str]:
    """Return the table as lines that fit the terminal, without columns that say nothing new."""
    header = ("student", "late", "notebook", "file", "answered", "right", "points", "predicted")
    table = [(*header, "first thing to look at")]
    for row in rows:
        numbers = ("–",) * 4
        if row.answers:
            numbers = f"{row.answered}/{len(row.answers)}", f"{row.right}/{row.checked}"
            numbers = *numbers, _points_of(row), "{}/{}".format(*row.predicted)
        called = row.file.rpartition(".")[0]
        file = row.file if row.name and called not in (row.name, row.student) else ""
        table.append((row.student, row.late, row.name or "–", file, *numbers, row.first))
    columns = [column for column in zip(*table, strict=True) if any(column[1:])]
    widths = [min(_WIDEST, max(map(_width, column))) for column in columns[:-1]]
    room = max(30, shutil.get_terminal_size((120, 24)).columns - sum(widths) - 2 * len(widths))
    shown = []
    for *cells, last in zip(*columns, strict=True):
        cells = [_fitted(cell, width) for cell, width in zip(cells, widths, strict=True)]
        shown.append("  ".join([*cells, _fitted(last, room)]).rstrip())
    return shown


def _points_of(row: GradedNotebook) -> str:
    """Points in words: those reached, of those possible, and those that are still open."""
    still_open = f" ({row.open:g} open)" if row.open else ""
    return f"{row.points:.4g}/{row.possible:g}{still_open}"


def first_lines(standings: Mapping[str, Sequence[Standing]]) -> list[str]:
    """Name for each notebook the question that most got wrong, for the next lecture."""
    found = []
    for name, each in standings.items():
        first, wrong = each[0], each[0].counts["wrong"]
        if wrong:
            what, _, count = first.commonest[0]
            alike = f", {count} of them alike" if count > 1 else ""
            asked = first.counts.total()
            found.append(
                f"{name}: {wrong} of {asked} got {first.question.cell!r} wrong{alike}: {what}"
            )
    return found


def _fitted(text: str, width: int) -> str:
    """Cut or fill a text so that it takes so many columns."""
    if _width(text) > width:
        while _width(text) >= width:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """How many columns a text takes: Chinese letters take two, accents that follow one none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def csv_texts(rows: Sequence[GradedNotebook]) -> tuple[str, str]:
    """Return two CSV texts: a line for each notebook, and a line for each answer.

    What was not judged has no numbers, so that no sum takes it for 0.
    """
    whose = ("student", "id", "submission", "late", "notebook", "file")
    counts = ("answered", "questions", "right", "checked", "predicted", "predictions")
    counts = (*counts, "points", "possible", "open")
    notebooks = [(*whose, "earlier", *counts, "first")]
    answers = [(*whose, "question", "kind", "outcome", "points", "possible")]
    answers[0] += ("first", "reason", "look")
    for row in rows:
        owner = row.owner
        own = row.student, owner.user, owner.submission, row.late, row.name, row.file
        numbers = row.answered, len(row.answers), row.right, row.checked, *row.predicted
        numbers = *numbers, *map(_rounded, (row.points or 0, row.possible, row.open))
        numbers = numbers if row.answers else ("",) * len(counts)
        notebooks.append((*own, row.earlier, *numbers, row.first))
        for answer in row.answers:
            kind = "code" if answer.question.check else "words"
            points = "" if answer.is_open else _rounded(answer.points)
            graded = answer.outcome, points, _rounded(answer.worth)
            texts = answer.first, answer.reason, answer.look
            answers.append((*own, answer.question.name, kind, *graded, *texts))
    return _csv(notebooks), _csv(answers)


def _rounded(points: float) -> float:
    return round(points, 4)


def _csv(table: Iterable[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_inert(cell) for cell in line] for line in table)
    # With this mark at the beginning, Excel reads it as UTF-8.
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue()


def _inert(cell: object) -> object:
    """Quote a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(tuple("=+-@\t\r")) else cell


def page(
    rows: Sequence[GradedNotebook],
    standings: Mapping[str, Sequence[Standing]],
    notes: Sequence[str],
) -> str:
    """Return the report as a page."""
    now = time.strftime("%Y-%m-%d %H:%M")
    return render(
        "report.html",
        rows=rows,
        standings=standings,
        notes=notes,
        now=now,
        points_of=_points_of,
    )
