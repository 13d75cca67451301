"""Finds the notebooks of a class, and matches them with the questions they answer."""

import ast
import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

from ..notebooks import (
    ASIDE,
    Exercise,
    attempted,
    find_answered,
    find_cells,
    read_notebook,
    recognise,
)
from ..support import DataError
from .outputs import read_check
from .results import Examination, readable

_BESIDE = 5 * 2**20  # bytes of files beside a notebook that are copied with it
_PREDICTION = "prediction"  # the tag of the cells in which a student predicts something
_SHOWING = ("print", "lab.plot_", "lab.compare", "lab.explore")


@dataclasses.dataclass(frozen=True)
class Submission:
    """One notebook of a class.

    Attributes
    ----------
    student : str
        Its path in the folder, without the suffix.
    path : Path
        The file.
    name : str
        The exercise it is a copy of, such as "2_mlp"; empty if none.
    problem : str
        Why it cannot be examined; empty if it can.
    cells : list of (str, str, bool)
        Its code, as `examine` takes it, with the lab's own checks in place of the student's.
    answered : dict of str to bool
        Whether each question was answered, in its cell or right below, by the id of that cell.
    on_file : Examination
        What the saved outputs of its checks say.
    predicted : dict of str to bool
        Whether each prediction was written down, by the id of its cell.
    """

    student: str
    path: Path
    name: str = ""
    problem: str = ""
    cells: Sequence[tuple[str, str, bool]] = ()
    answered: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    on_file: Examination | None = None
    predicted: Mapping[str, bool] = dataclasses.field(default_factory=dict)


def find_notebooks(folder: Path) -> list[Path]:
    """Find all notebooks under a folder, except hidden ones and those that `update` put aside.

    Raises
    ------
    DataError
        If the folder is missing, or has no notebook.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name the one that has your students' notebooks")
    found = []
    for path in sorted(folder.rglob("*.ipynb"), key=lambda path: path.with_suffix("")):
        inner = path.relative_to(folder).parts
        if ASIDE not in inner and not any(part.startswith(".") for part in inner):
            found.append(path)
    if not found:
        raise DataError(f"{folder} has no notebooks (*.ipynb), and neither have its subfolders")
    return found


def read_submission(
    path: Path, folder: Path, exercises: Mapping[str, Exercise], books: dict[str, NotebookNode]
) -> Submission:
    """Read one notebook of a class; if it cannot be examined, `problem` says why."""
    student = readable(path.relative_to(folder).with_suffix("").as_posix())
    problems = []
    with attempted(path, problems):
        return _read(student, path, exercises, books)
    return Submission(student, path, problem=f"it {problems[0].removeprefix(f'{path} ')}")


def _read(
    student: str, path: Path, exercises: Mapping[str, Exercise], books: dict[str, NotebookNode]
) -> Submission:
    book = read_notebook(path, repair=True)
    name = recognise(book, books)
    if name is None:
        return Submission(student, path, problem="it is not a copy of an exercise")
    exercise = exercises[name]
    find_cells(book, exercise.cells)
    answered = find_answered(book, exercise.cells)
    wanted = {question.cell: question.cell in answered for question in exercise.questions}
    cells, on_file = _list_code(book, exercise), _on_file(book, exercise)
    predicted = {
        cell.id: cell.id in answered
        for cell in exercise.cells.values()
        if _PREDICTION in cell.metadata.get("tags", [])
    }
    return Submission(student, path, name, "", cells, wanted, on_file, predicted)


def files_beside(path: Path) -> dict[str, bytes]:
    """Read the other files in a notebook's folder, smallest first, up to 5 MB in all."""
    sizes, files, left = {}, {}, _BESIDE
    for each in path.parent.glob("[!.]*"):
        with contextlib.suppress(OSError):
            if each.suffix != ".ipynb" and each.is_file():
                sizes[each] = each.stat().st_size
    for each in sorted(sizes, key=sizes.__getitem__):
        left -= sizes[each]
        if left < 0:
            break
        with contextlib.suppress(OSError):
            files[each.name] = each.read_bytes()
    return files


def _list_code(book: NotebookNode, exercise: Exercise) -> list[tuple[str, str, bool]]:
    """List a student's code in order, with the lab's own text for each check.

    A check that the student deleted is added behind the answer. Cells of the exercise that only
    display something are skipped.
    """
    ids = {cell.id for cell in book.cells}
    checked = [each for each in exercise.questions if each.check]
    missing = {each.cell: each.check for each in checked if each.check not in ids}
    found = []
    for number, cell in enumerate(book.cells, 1):
        if cell.cell_type != "code" or _only_displays(cell, exercise):
            continue
        if cell.id in exercise.checks:
            found.append((cell.id, exercise.checks[cell.id], True))
        else:
            name = cell.id if cell.id in exercise.cells else f"number {number}"
            found.append((name, cell.source, False))
        if cell.id in missing:
            found.append((missing[cell.id], exercise.checks[missing[cell.id]], True))
    return found


def _only_displays(cell: NotebookNode, exercise: Exercise) -> bool:
    """Whether a cell is an unchanged one of the exercise that only draws or prints."""
    own = exercise.cells.get(cell.id)
    if own is None or own.source != cell.source or cell.id in exercise.prompts:
        return False
    try:
        return all(map(_displays, ast.parse(cell.source).body))
    except SyntaxError:  # an IPython line
        return False


def _displays(node: ast.stmt) -> bool:
    if isinstance(node, ast.For):
        return all(map(_displays, node.body))
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return called and ast.unparse(node.value.func).startswith(_SHOWING)


def _on_file(book: NotebookNode, exercise: Exercise) -> Examination:
    results = {
        cell.id: read_check(cell)
        for cell in book.cells
        if cell.source == exercise.checks.get(cell.id) and cell.cell_type == "code"
    }
    return Examination({name: found for name, found in results.items() if found})
