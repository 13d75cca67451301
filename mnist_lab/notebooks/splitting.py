"""Exercises that became several: each cell of a student's older copy goes where it belongs now."""

import copy
from collections.abc import Mapping, Sequence

from nbformat import NotebookNode

from .cells import find_cells, first_line, generated_ids, our_part

# What an exercise was called, and what it has become, in the order of its cells.
SPLIT = {"6_beyond": ("6_test", "7_sure", "8_best")}


def former_name(book: NotebookNode, exercises: Mapping[str, NotebookNode]) -> str | None:
    """Say of which exercise a copy is that has been split since; None if of no such one."""
    name = our_part(book).get("exercise")
    if isinstance(name, str) and (name in SPLIT or name in exercises):
        return name if name in SPLIT else None
    return next((each for each in SPLIT if _is_made_of(book, SPLIT[each], exercises)), None)


def _is_made_of(
    book: NotebookNode, parts: Sequence[str], exercises: Mapping[str, NotebookNode]
) -> bool:
    """Whether a quarter of a copy's cells are those of the parts, and some are of each alone.

    Their first lines tell: the rest of many cells has been reworded since.
    """
    homes = _homes({part: exercises[part] for part in parts if part in exercises})
    found = [homes.get(cell.id) or homes.get(first_line(cell), []) for cell in book.cells]
    alone = {own[0] for own in found if len(own) == 1}
    return alone == {*parts} and sum(map(bool, found)) > len(found) / 4


def _homes(exercises: Mapping[str, NotebookNode]) -> dict[str, list[str]]:
    """In which exercises there is a cell of an id, or of a first line."""
    homes: dict[str, list[str]] = {}
    for name, each in exercises.items():
        for key in {key for cell in each.cells for key in (cell.id, first_line(cell))}:
            homes.setdefault(key, []).append(name)
    return homes


def split(book: NotebookNode, exercises: Mapping[str, NotebookNode]) -> dict[str, NotebookNode]:
    """Divide a student's copy among the exercises that its own has become.

    What stands before the first cell of one exercise alone (the title, the imports) is copied into
    all of them. After that each cell goes where the latest such cell has gone, so a student's own
    cells stay behind the cells that they were added to.

    Parameters
    ----------
    book
        The student's copy.
    exercises
        What its exercise has become, by name, in order.

    Returns
    -------
    dict of str to NotebookNode
        A copy of each exercise as it was before, to be merged with it.
    """
    book = copy.deepcopy(book)
    find_cells(book, {cell.id: cell for each in exercises.values() for cell in each.cells})
    homes = _homes(exercises)
    parts: dict[str, list[NotebookNode]] = {name: [] for name in exercises}
    latest = list(parts)
    for cell in book.cells:
        own = homes.get(cell.id, [])
        latest = own if len(own) == 1 else latest
        for name in latest:
            parts[name].append(copy.deepcopy(cell))
    return {name: _book(book, name, cells, homes) for name, cells in parts.items()}


def _book(
    book: NotebookNode, name: str, cells: list[NotebookNode], homes: Mapping[str, list[str]]
) -> NotebookNode:
    """One part of a copy, which knows with which cells it was generated."""
    part = copy.deepcopy(book)
    part.cells = cells
    ids = {cell.id for cell in cells}
    # A cell of this exercise alone that is not there was deleted by the student.
    made = [each for each in generated_ids(book) if each in ids or homes.get(each) == [name]]
    part.metadata["mnist_lab"] = our_part(book) | {"exercise": name, "cells": made}
    return part
