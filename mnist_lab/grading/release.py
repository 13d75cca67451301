"""Writes the solutions as source notebooks for instructors who grade with nbgrader or Otter."""

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..notebooks import (
    DROPPED,
    WITHHOLD,
    digest,
    find_solutions,
    list_questions,
    our_part,
    read_notebook,
    text_of,
)
from ..support import DataError, make_folder, write_whole
from .formats import OFF, for_nbgrader, for_otter
from .points import points_table, read_points, usual_points

# For each grader, what makes its cells, and where it looks for a notebook.
_GRADERS = {
    "nbgrader": (for_nbgrader, "source/mnist_lab/{0}.ipynb"),  # mnist_lab names the assignment
    "otter": (for_otter, "{0}/{0}.ipynb"),
}
# nbgrader's default of 30 seconds is short for a small server. A longer training, of a network that
# is not on file, is interrupted, and what was trained is kept.
_CONFIG = """\
c = get_config()
c.Execute.timeout = 120  # seconds for a cell
c.OverwriteCells.add_missing_cells = True  # tests that a student has deleted
"""


def write_release(grader: str, folder: Path, table: Path | None = None) -> list[Path]:
    """Write the solutions as source notebooks for a grader.

    Parameters
    ----------
    grader
        "nbgrader" or "otter".
    folder
        For nbgrader the course; for Otter a folder in which each notebook gets its own folder.
    table
        What each question and its parts are worth, in CSV; by default `points.csv` in the folder,
        which is written with the course's own points if it is missing.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        If there are no solutions, a marker is misplaced, the table is wrong, or somebody has
        changed a source notebook there. Then nothing has been written.
    """
    books = {path: _read(path) for path in find_solutions()}
    asked = {path: list_questions(book, path) for path, book in books.items()}
    books = {path: book for path, book in books.items() if asked[path]}  # not the glossary
    questions = [question for each in asked.values() for question in each]
    files, own = {}, folder / "points.csv"
    if table or own.exists():
        points = read_points(table or own, questions)
    else:
        points = usual_points(questions)
        files[own] = points_table(points)
    make, place = _GRADERS[grader]
    for path, book in books.items():
        book.cells = make(book.cells, asked[path], points)
        book.metadata["mnist_lab"] = {"exercise": path.stem, "sha256": _digest(book)}
        target = folder / place.format(path.stem)
        _check_unchanged(target)
        files[target] = text_of(book)
    config = folder / "nbgrader_config.py"
    if grader == "nbgrader" and not config.exists():
        files[config] = _CONFIG
    for target, text in files.items():
        make_folder(target.parent)
        write_whole(target, text)
    return list(files)


def _read(path: Path) -> NotebookNode:
    """Read a solution, drop what only its readers need, and switch off solutions on demand."""
    book = read_notebook(path)
    book.metadata.pop("widgets", None)  # the state of live panels
    cells = [cell for cell in book.cells if DROPPED not in cell.metadata.get("tags", [])]
    lock = {"editable": False, "deletable": False}
    off = nbformat.v4.new_code_cell(WITHHOLD, id=OFF, metadata=lock)
    types = [cell.cell_type for cell in cells]
    cells.insert(types.index("code") if "code" in types else len(cells), off)
    book.cells = cells
    return book


def _digest(book: NotebookNode) -> str:
    """Return a digest of what an instructor may change in a source notebook."""
    cells = [[cell.source, cell.metadata.get("nbgrader")] for cell in book.cells]
    return digest(json.dumps(cells, sort_keys=True))


def _check_unchanged(path: Path) -> None:
    if path.exists():
        book = read_notebook(path, repair=True)
        if our_part(book).get("sha256") != _digest(book):
            raise DataError(
                f"{path} was changed since it was released: move it away, or delete it, and call "
                "this again"
            )
