"""Find an author's markers in a solution notebook: answers and hidden tests."""

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..support import DataError

# nbgrader's markers, so that a notebook can move there.
MARKER = re.compile(r"\s*### (BEGIN|END) SOLUTION(?::\s*(.*?))?\s*")
_MARKERS = {
    "code": MARKER,
    "markdown": re.compile(r"\s*<!--\s*### (BEGIN|END) SOLUTION(?::\s*(.*?))?\s*-->\s*"),
}
# The prompt of a marker that has none, like nbgrader's own.
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

    def inside(self, lines: list[str]) -> list[str]:
        """The lines of the solution itself, out of those of its cell."""
        return lines[self.begin + 1 : self.end]


def find_regions(cell: Mapping[str, Any]) -> list[Region]:
    """Find the solutions between an author's markers in a cell.

    Parameters
    ----------
    cell
        As nbformat reads it: its "cell_type", and its "source" in one text.

    Raises
    ------
    DataError
        If a marker is out of place, or there is nothing between two.
    """
    # Not splitlines, which would also split at characters that Python allows in a line.
    lines, regions, begin, asked = cell["source"].split("\n"), [], None, ""
    kind = cell["cell_type"]
    for number, line in enumerate(lines):
        if not _ANY_MARKER.search(line):
            continue
        place, pattern = f"line {number + 1}", _MARKERS.get(kind)
        marker = pattern.fullmatch(line) if pattern else None
        if not marker:
            raise DataError(f"{place}: misplaced marker; {_HOW[kind]}")
        word, prompt = marker.groups()
        if word == "BEGIN" and begin is not None:
            raise DataError(f"{place}: BEGIN SOLUTION within a solution; end that one first")
        if word == "BEGIN":
            begin, asked = number, prompt or _ASKED[kind]
            continue
        if begin is None:
            raise DataError(f"{place}: END SOLUTION without BEGIN SOLUTION; add or remove one")
        region = Region(begin, number, asked)
        if not "".join(region.inside(lines)).strip():
            raise DataError(f"{place}: empty solution; write it, or remove both markers")
        regions.append(region)
        begin = None
    if begin is not None:
        raise DataError(f"line {begin + 1}: BEGIN SOLUTION without END SOLUTION; add it")
    return regions


def split_hidden(source: str) -> tuple[str, str]:
    """Split a cell's source into what students see and its hidden tests, marked as for nbgrader.

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
    """Replace a cell's solutions and their markers by other lines.

    `make` gets the region, the indentation of its solution and the lines of the solution.
    """
    lines = source.split("\n")
    for region in reversed(regions):
        inner = region.inside(lines)
        first = next(line for line in inner if line.strip())
        indent = first[: len(first) - len(first.lstrip())]
        lines[region.begin : region.end + 1] = make(region, indent, inner)
    return "\n".join(lines)


@contextlib.contextmanager
def named(path: Path, cell: Mapping[str, Any]) -> Iterator[None]:
    """Add notebook and cell to the message of a DataError."""
    try:
        yield
    except DataError as problem:
        raise DataError(f"{path}: cell {cell['id']!r} {problem}") from None


def question_name(path: Path, cell: Mapping[str, Any]) -> str:
    """The name of a question: notebook and cell, such as "linear.flat"."""
    return f"{path.stem.split('_', 1)[-1]}.{cell['id']}"
