"""The questions of a solution notebook: its answers in code, with their checks, and in words."""

import ast
import dataclasses
from pathlib import Path

import nbformat

from .exercises import find_regions, question_name


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
        The id of the cell that checks it; None of an answer in words.
    """

    name: str
    cell: str
    check: str | None


def list_questions(book: nbformat.NotebookNode, path: Path) -> list[Question]:
    """List the questions of a solution notebook in their order.

    An answer in code is checked by the next code cell that ends in a call of a check of the lab,
    as `lab.check_answer(...)`, and stands before the next answer.
    """
    found = []
    for index, cell in enumerate(book.cells):
        if find_regions(cell):
            check = _check_behind(book.cells[index + 1 :]) if cell.cell_type == "code" else None
            found.append(Question(question_name(path, cell), cell.id, check))
    return found


def _check_behind(cells: list[nbformat.NotebookNode]) -> str | None:
    for cell in cells:
        if cell.cell_type == "code" and find_regions(cell):
            return None
        if cell.cell_type == "code" and is_check(cell.source):
            return cell.id
    return None


def is_check(source: str) -> bool:
    """Whether a cell ends in a call of a check, such as `lab.check_data(...)`."""
    try:
        last = ast.parse(source).body[-1:]
    except SyntaxError:  # a line for IPython
        return False
    return bool(last) and isinstance(last[0], ast.Expr) and _calls_a_check(last[0].value)


def _calls_a_check(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("check")
        and getattr(node.func.value, "id", "") == "lab"
    )
