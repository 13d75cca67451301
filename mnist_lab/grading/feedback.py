"""Writes a page for each student, and packs all so that Moodle or Canvas takes them back.

Moodle's `mod/assign/feedback/file/importziplib.php` takes files of any name from a student's
folder. Canvas' `Assignment#generate_comments_from_files` knows a file by two numbers in its name,
and shows it to the student under the name of what was handed in. So what it gets is of the same
kind: a notebook for a notebook, a zip for a zip.
"""

import dataclasses
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook

from ..checks import model_answer
from ..course import ANSWERS, COMPILE_HINTS, DATA_HINTS, NOTEBOOKS
from ..notebooks import Exercise, Question
from ..support import make_folder, whole_file, write_whole
from .grades import GradedAnswer, GradedNotebook
from .owners import canvas_name, moodle_folder
from .pages import render
from .students import Student

_LONGEST = 80  # characters of a file's name
_NOTEBOOK = re.compile(r".+\.ipynb(\.txt|\.json)?", re.IGNORECASE)
_HELPED = ("wrong", "blank", "not checked")  # answers that get hints


@dataclasses.dataclass(frozen=True)
class _Line:
    """An answer, and what is said about it."""

    answer: GradedAnswer
    asked: str
    hints: Sequence[str]
    model: str  # HTML


def write_feedback(
    students: Sequence[Student], exercises: Mapping[str, Exercise], folder: Path, *, models: bool
) -> list[str]:
    """Write a page for each student, and a zip of all where an LMS takes it.

    Parameters
    ----------
    students
        The class.
    exercises
        The exercises by name.
    folder
        Where to write.
    models
        Whether the pages show a model answer to each question in words.

    Returns
    -------
    list of str
        What was written, and what an LMS cannot take back.
    """
    make_folder(folder)

    def page(student: Student) -> str:
        notebooks = [(row, _lines(row, exercises, models)) for row in student.rows]
        return render("feedback.html", student=student, notebooks=notebooks)

    for name, student in _file_names(students):
        write_whole(folder / name, page(student))
    said = [f"{folder}: a page for each of {len(students)} students"]
    if any(row.owner.submission for student in students for row in student.rows):
        parts = [part for student in students for part in _by_file(student)]
        packed = {_canvas(part): _like(part, page(part)) for part in parts}
        kept = {name: content for name, content in packed.items() if content}
        said.append(_pack(folder / "canvas.zip", kept))
        if missing := [name for name in packed if name not in kept]:
            said.append(f"Canvas shows no page in the place of {', '.join(sorted(missing))}")
    elif moodle := [student for student in students if student.owner.user]:
        files = {f"{moodle_folder(each.owner)}/feedback.html": page(each) for each in moodle}
        said.append(_pack(folder / "moodle.zip", files))
    return said


def _lines(row: GradedNotebook, exercises: Mapping[str, Exercise], models: bool) -> list[_Line]:
    lines = []
    for answer in row.answers:
        name, exercise = answer.question.name, exercises[row.name]
        asked = _asked(answer.question, exercise)
        hints = _hints(name) if answer.outcome in _HELPED else ()
        shown = models and _is_words(answer.question, exercise)
        model = _model(name) if shown else ""
        lines.append(_Line(answer, asked, hints, model))
    return lines


def _model(name: str) -> str:
    from nbconvert.filters import markdown2html  # takes a second to load

    return markdown2html(model_answer(name))


def _is_words(question: Question, exercise: Exercise) -> bool:
    return exercise.cells[question.cell].cell_type == "markdown"


def _asked(question: Question, exercise: Exercise) -> str:
    """What is asked: the prompt of an answer in code, the question itself of one in words."""
    if not _is_words(question, exercise):
        return exercise.prompts[question.cell]
    parts = exercise.cells[question.cell].source.split("\n\n")
    asked = " ".join(part for part in parts if not part.startswith(("#", "*YOUR", "<")))
    return asked.replace("**", "")


def _hints(name: str) -> Sequence[str]:
    notebook, cell = name.split(".", 1)
    if name in ANSWERS:
        return ANSWERS[name].hints
    networks = {"prepare": DATA_HINTS, "compile": COMPILE_HINTS, "build": NOTEBOOKS[notebook].hints}
    return networks.get(cell, ())


def _file_names(students: Sequence[Student]) -> Iterator[tuple[str, Student]]:
    """Yield a file's name for each student, which no other has, in small letters or capitals."""
    taken = set()
    for student in students:
        whole = f"{student.owner.student} {student.owner.user}".strip()
        plain = re.sub(r"[^\w .'-]", "_", whole)[:_LONGEST].strip(" .") or "_"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain} ({number})"
        taken.add(name.casefold())
        yield f"{name}.html", student


def _by_file(student: Student) -> list[Student]:
    """Divide what a student handed in by the files that Canvas has numbered."""
    found: dict[str, list[GradedNotebook]] = {}
    for row in student.rows:
        if row.owner.submission:
            found.setdefault(row.owner.submission, []).append(row)
    return [Student(rows[0].owner, rows) for rows in found.values()]


def _called(part: Student) -> str:
    return part.rows[0].submission.handed_in.file.partition("/")[0]


def _canvas(part: Student) -> str:
    return canvas_name(part.owner, _called(part))


def _like(part: Student, page: str) -> str | bytes:
    """Return a page as a file of the same kind as the one that was handed in, if there is a way."""
    name = _called(part)
    if _NOTEBOOK.fullmatch(name):
        return _as_notebook(page)
    if name.lower().endswith(".zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("feedback.html", page)
        return packed.getvalue()
    return ""


def _as_notebook(page: str) -> str:
    """Return a notebook with the page's body in a cell, of which Markdown takes nothing for its."""
    body = page.partition("<body>")[2].partition("</body>")[0]
    body = "\n".join(line.strip() for line in body.splitlines() if line.strip())
    for letter in "$\\`":  # formulas and code
        body = body.replace(letter, f"&#{ord(letter)};")
    return nbformat.writes(
        new_notebook(cells=[new_markdown_cell(f"<div>\n{body}\n</div>", id="feedback")])
    )


def _pack(path: Path, files: Mapping[str, str | bytes]) -> str:
    with whole_file(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return f"{path}: {len(files)} of them, as {path.stem.capitalize()} takes them back"
