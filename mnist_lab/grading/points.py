"""Reads and writes the points of each question, a table that an instructor can edit."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from ..support import DataError, check_file

_HEADER = ["question", "points"]
_LARGEST = 2**20  # bytes
_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


def points_table(points: dict[str, float]) -> str:
    """Return the table as the text of a CSV file."""
    rows = [_HEADER, *([name, f"{worth:g}"] for name, worth in points.items())]
    return "".join(f"{','.join(row)}\n" for row in rows)


def read_points(path: Path, names: list[str]) -> dict[str, float]:
    """Read what each question is worth.

    Parameters
    ----------
    path
        A CSV file with the columns `question` and `points`.
    names
        The questions, such as "linear.flat". Each must appear once, and no other.

    Raises
    ------
    DataError
        If the table is wrong. One sentence with file, line and what to do.
    """
    points = {}
    for line, row in _read_rows(path):
        place = f"{path}, line {line}:"
        if len(row) != 2:
            raise DataError(f"{place} write a question and its points, as in `{names[0]},1`")
        name, worth = row
        if name not in names:
            raise DataError(f"{place} the notebooks have no question {name!r}; delete the line")
        if name in points:
            raise DataError(f"{place} {name} appears twice; delete one of the two lines")
        if not _NUMBER.fullmatch(worth):
            raise DataError(f"{place} {worth!r} is not a number of points; write one, as 2 or 0.5")
        points[name] = float(worth) if "." in worth else int(worth)
    missing = [name for name in names if name not in points]
    if missing:
        raise DataError(
            f"{path} has no line for {', '.join(missing)}; add `{missing[0]},1`, or delete the "
            "table to have it made anew"
        )
    return {name: points[name] for name in names}


def _read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each line, except empty ones and the header."""
    check_file(path, _LARGEST)
    try:
        lines = path.read_text("utf-8-sig").splitlines()  # Excel writes a mark first
        for line, row in enumerate(csv.reader(lines), 1):
            fields = [field.strip() for field in row]
            if any(fields) and not (line == 1 and fields == _HEADER):
                yield line, fields
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path} is not a CSV file in UTF-8; save it as one") from None
