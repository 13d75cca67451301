"""Finds the questions of a solution notebook, with the cells that hold and check the answers."""

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

from ..course import find_regions, named, question_name, split_hidden
from .exercises import read_exercises
from .files import list_solutions, read_notebook


@dataclasses.dataclass(frozen=True)
class Question:
    """One question of a notebook.

    Attributes
    ----------
    name : str
        Notebook and cell, as in `lab.check_answer("linear.flat", pixels)`.
    cell : str
        The id of the cell that holds the answer.
    check : str or None
        The id of the cell that checks it; None if nothing checks the answer, as in words.
    """

    name: str
    cell: str
    check: str | None


@dataclasses.dataclass(frozen=True)
class Exercise:
    """An exercise with its questions.

    Attributes
    ----------
    cells : dict of str to NotebookNode
        The exercise's cells by id.
    questions : list of Question
        The questions in order.
    prompts : dict of str to str
        What is asked for, by the id of the cell with the answer.
    checks : dict of str to str
        The code of each check, by the id of its cell.
    solutions : dict of str to str
        A right answer with what the exercise gives, by the id of the cell.
    """

    cells: Mapping[str, NotebookNode]
    questions: Sequence[Question]
    prompts: Mapping[str, str]
    checks: Mapping[str, str]
    solutions: Mapping[str, str]

    @property
    def check_of(self) -> dict[str, str]:
        """The id of the cell that checks an answer, by the id of the answer's cell."""
        return {each.cell: each.check for each in self.questions if each.check}


def list_questions(book: NotebookNode, path: Path) -> list[Question]:
    """List the questions of a solution notebook in order.

    An answer in code is checked by the next code cell that ends in a check, such as
    `lab.check_answer(...)`, if there is one before the next answer.

    Raises
    ------
    DataError
        If an author's marker is misplaced. Names the notebook and the cell.
    """
    found, unchecked = [], False
    for cell in book.cells:
        is_code = cell.cell_type == "code"
        with named(path, cell):
            if find_regions(cell):
                found.append(Question(question_name(path, cell), cell.id, None))
                unchecked = is_code
            elif unchecked and is_code and is_check(cell.source):
                found[-1] = dataclasses.replace(found[-1], check=cell.id)
                unchecked = False
    return found


def read_questions() -> tuple[dict[str, Exercise], dict[str, NotebookNode]]:
    """Read the exercises.

    Returns
    -------
    dict of str to Exercise, dict of str to NotebookNode
        By name each exercise with its questions, and its notebook, as `recognise` takes it.

    Raises
    ------
    DataError
        If no exercise can be read.
    """
    books, _ = read_exercises()
    found = {}
    for path in list_solutions():
        if path.stem in books:
            book = read_notebook(path)
            questions = list_questions(book, path)
            checks = {question.check for question in questions}
            regions = {cell.id: find_regions(cell) for cell in book.cells}
            found[path.stem] = Exercise(
                {cell.id: cell for cell in books[path.stem].cells},
                questions,
                {name: region[0].prompt for name, region in regions.items() if region},
                {cell.id: cell.source for cell in book.cells if cell.id in checks},
                {cell.id: cell.source for cell in book.cells if regions[cell.id]},
            )
    return found, {name: books[name] for name in found}


def is_check(source: str) -> bool:
    """Whether a cell ends in a check, such as `lab.check_data(...)`, apart from hidden tests."""
    return _find_check(split_hidden(source)[0]) is not None


def calling(source: str, method: str) -> tuple[str, str]:
    """Call a method, such as ".require()", of the check at the end of a source.

    Returns
    -------
    str
        What comes before the check.
    str
        The check with the call.
    """
    check = _find_check(source)
    lines = source.split("\n")
    last = lines[check.end_lineno - 1].encode()  # ast counts columns in bytes
    place = check.end_col_offset
    lines[check.end_lineno - 1] = (last[:place] + method.encode() + last[place:]).decode()
    before, after = lines[: check.lineno - 1], lines[check.lineno - 1 :]
    return "".join(f"{line}\n" for line in before), "\n".join(after)


def _find_check(source: str) -> ast.Call | None:
    """Return the check that a source ends with, or None."""
    try:
        last = ast.parse(source).body[-1:]
    except SyntaxError:  # an IPython line
        return None
    found = [node.value for node in last if isinstance(node, ast.Expr)]
    return found[0] if found and _calls_a_check(found[0]) else None


def _calls_a_check(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("check")
        and getattr(node.func.value, "id", "") == "lab"
    )
