"""Mends what students hand in to nbgrader, where it would stop or skip a notebook."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode

from ..notebooks import attempted, list_notebooks, read_notebook, recognise, text_of
from ..support import DataError, make_folder, write_whole

_MENDED = "mended"  # the folder beside nbgrader's own


def mend_course(course: Path, output: Path | None = None) -> tuple[list[str], list[str]]:
    """Copy what the students of a course of nbgrader have handed in, mended.

    Where an answer was copied with its cell, nbgrader stops, and grades nobody behind that student;
    in the copy it keeps one of the two. A notebook under another name, which nbgrader skips, gets
    its own. The originals stay as they are.

    Parameters
    ----------
    course
        The folder of the course, with nbgrader's `release` and `submitted`.
    output
        Where the copy goes; by default `mended` in the course.

    Returns
    -------
    list of str, list of str
        What was mended, and which notebooks cannot be read and were copied as they are.

    Raises
    ------
    DataError
        If the course has no released notebooks or nothing was handed in, or the output is there.
    """
    output, submitted = output or course / _MENDED, course / "submitted"
    released = _read_released(course / "release")
    if not submitted.is_dir():
        raise DataError(f"{submitted} is missing: nobody has handed in anything yet")
    if output.exists():
        raise DataError(f"{output} is there already: move it away, or name another with --output")
    make_folder(output.parent)
    shutil.copytree(submitted, output, symlinks=True)
    done, failed = [], []
    for assignment, exercises in released.items():
        for folder in sorted(output.glob(f"*/{assignment}")):
            for path in list_notebooks(folder):
                with attempted(path, failed):
                    done += [f"{path}: {words}" for words in _mend(path, exercises)]
    return [*done, f"{output}: {len(done)} mends in a copy of {submitted}"], failed


def _read_released(folder: Path) -> dict[str, dict[str, NotebookNode]]:
    """Read the notebooks of each assignment by name."""
    found: dict[str, dict[str, NotebookNode]] = {}
    for path in sorted(folder.glob("*/*.ipynb")):
        found.setdefault(path.parent.name, {})[path.stem] = read_notebook(path, repair=True)
    if not found:
        raise DataError(f"{folder} has no notebooks: call `nbgrader generate_assignment` first")
    return found


def _mend(path: Path, exercises: Mapping[str, NotebookNode]) -> list[str]:
    """Mend one copy of a notebook that was handed in; say what was mended."""
    book = read_notebook(path, repair=True)
    name = path.stem if path.stem in exercises else recognise(book, exercises)
    if name is None:
        return []
    target, mends = path.with_name(f"{name}.ipynb"), []
    if target != path and target.exists():
        return [f"not graded, since nbgrader takes {target.name} beside it"]
    if twice := _keep_one_of_each(book, exercises[name]):
        write_whole(path, text_of(book))
        mends.append(f"of the cells that are there twice, one is graded: {', '.join(twice)}")
    if target != path:
        path.rename(target)
        mends.append(f"is {target.name} now")
    return mends


def _keep_one_of_each(book: NotebookNode, released: NotebookNode) -> list[str]:
    """Take nbgrader's mark from all but one of the cells that share it; return their names.

    The last one in which something was written keeps it, or the last.
    """
    given = {_grade_id(cell): cell.source for cell in released.cells}
    cells: dict[str, list[NotebookNode]] = {}
    for cell in book.cells:
        if name := _grade_id(cell):
            cells.setdefault(name, []).append(cell)
    twice = {name: each for name, each in cells.items() if len(each) > 1}
    for name, alike in twice.items():
        written = [cell for cell in alike if cell.source != given.get(name)]
        for cell in alike:
            if cell is not (written or alike)[-1]:
                del cell.metadata["nbgrader"]
    return list(twice)


def _grade_id(cell: NotebookNode) -> str | None:
    ours = cell.metadata.get("nbgrader")
    name = ours.get("grade_id") if isinstance(ours, dict) else None
    return name if isinstance(name, str) else None
