"""An author's markers: where in a solution's cells the answers are, and tests that stay hidden."""

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from ..support import DataError

# nbgrader's markers, so that a notebook can move there.
MARKER = re.compile(r"\s*### (BEGIN|END) SOLUTION(?::\s*(.*?))?\s*")
_MARKERS = {
    "code": MARKER,
    "markdown": re.compile(r"\s*<!--\s*### (BEGIN|END) SOLUTION(?::\s*(.*?))?\s*-->\s*"),
}
# What a marker without a prompt asks for, as nbgrader's own have none.
_ASKED = {"code": "your code", "markdown": "your answer"}
_ANY_MARKER = re.compile(r"#+\s*(BEGIN|END)\s*SOLUTION", re.IGNORECASE)
_HOW = {
    "code": "write it on a line of its own, as in `### BEGIN SOLUTION: build the model`",
    "markdown": "write it on a line of its own, as in `<!-- ### BEGIN SOLUTION: your answer -->`",
    "raw": "only code and Markdown cells can have solutions",
}
_HIDDEN = re.compile(r"\s*### (BEGIN|END) HIDDEN TESTS\s*")
_ANY_HIDDEN = re.compile(r"#+\s*(BEGIN|END)\s*HIDDEN\s*TESTS", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Region:
    """One solution in a cell: its two marker lines (counted from 0), and what to ask for."""

    begin: int
    end: int
    prompt: str


def find_regions(cell: NotebookNode) -> list[Region]:
    """Find the solutions between an author's markers in a cell.

    Raises
    ------
    DataError
        If a marker is out of place, or there is nothing between two.
    """
    # Not splitlines, which would also split at characters that Python allows in a line.
    lines, regions, begin, asked = cell.source.split("\n"), [], None, ""
    for number, line in enumerate(lines):
        if not _ANY_MARKER.search(line):
            continue
        place, pattern = f"line {number + 1}", _MARKERS.get(cell.cell_type)
        marker = pattern.fullmatch(line) if pattern else None
        if not marker:
            raise DataError(f"{place}: misplaced marker; {_HOW[cell.cell_type]}")
        kind, prompt = marker.groups()
        if kind == "BEGIN" and begin is not None:
            raise DataError(f"{place}: BEGIN SOLUTION within a solution; end that one first")
        if kind == "BEGIN":
            begin, asked = number, prompt or _ASKED[cell.cell_type]
            continue
        if begin is None:
            raise DataError(f"{place}: END SOLUTION without BEGIN SOLUTION; add or remove one")
        if not "".join(lines[begin + 1 : number]).strip():
            raise DataError(f"{place}: empty solution; write it, or remove both markers")
        regions.append(Region(begin, number, asked))
        begin = None
    if begin is not None:
        raise DataError(f"line {begin + 1}: BEGIN SOLUTION without END SOLUTION; add it")
    return regions


def split_hidden(source: str) -> tuple[str, str]:
    """Part a cell's source into what students see and its hidden tests, as nbgrader marks them.

    Raises
    ------
    DataError
        If a marker is out of place.
    """
    if not _ANY_HIDDEN.search(source):
        return source, ""
    parts, hidden = ([], []), False
    for number, line in enumerate(source.split("\n"), 1):
        marker = _HIDDEN.fullmatch(line)
        if _ANY_HIDDEN.search(line) and (not marker or (marker[1] == "BEGIN") == hidden):
            raise DataError(
                f"line {number}: misplaced marker; put hidden tests between the lines "
                "`### BEGIN HIDDEN TESTS` and `### END HIDDEN TESTS`"
            )
        if marker:
            hidden = not hidden
        else:
            parts[hidden].append(line)
    if hidden:
        raise DataError("has BEGIN HIDDEN TESTS without END HIDDEN TESTS; add it")
    seen, tests = ("\n".join(lines).rstrip() for lines in parts)
    return seen, tests


def replace_regions(
    source: str, regions: list[Region], make: Callable[[Region, str, list[str]], list[str]]
) -> str:
    """Put other lines in the place of a cell's solutions, markers included.

    They are made from the region, the indentation of its solution and the lines of it.
    """
    lines = source.split("\n")
    for region in reversed(regions):
        inner = lines[region.begin + 1 : region.end]
        first = next(line for line in inner if line.strip())
        indent = first[: len(first) - len(first.lstrip())]
        lines[region.begin : region.end + 1] = make(region, indent, inner)
    return "\n".join(lines)


@contextlib.contextmanager
def named(path: Path, cell: NotebookNode) -> Iterator[None]:
    """Put notebook and cell before what is wrong with it."""
    try:
        yield
    except DataError as problem:
        raise DataError(f"{path}: cell {cell.id!r} {problem}") from None
