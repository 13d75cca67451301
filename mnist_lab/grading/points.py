"""Reads and writes the points of each question, a table that an instructor can edit."""

import csv
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..course import rubric, worth
from ..notebooks import Question
from ..support import DataError, check_file

_HEADER = ["question", "points", "parts"]
_LARGEST = 2**20  # bytes
_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


@dataclasses.dataclass(frozen=True)
class Worth:
    """What a question is worth.

    Attributes
    ----------
    points : float
        For a right answer.
    weights : dict of str to float
        What each part of the answer is worth, beside the others; none for an answer that a person
        grades.
    """

    points: float
    weights: Mapping[str, float]


def usual_points(questions: Iterable[Question]) -> dict[str, Worth]:
    """What the course says that each question is worth, by its name."""
    return {each.name: Worth(worth(each.name), _weights(each)) for each in questions}


def _weights(question: Question) -> Mapping[str, float]:
    return rubric(question.name).weights if question.check else {}


def points_table(points: Mapping[str, Worth]) -> str:
    """Return the table as the text of a CSV file."""
    rows = [_HEADER]
    for name, each in points.items():
        parts = " + ".join(f"{part} {weight:g}" for part, weight in each.weights.items())
        rows.append([name, f"{each.points:g}", parts])
    return "".join(f"{','.join(row)}\n" for row in rows)


def read_points(path: Path, questions: Iterable[Question]) -> dict[str, Worth]:
    """Read what each question is worth.

    Parameters
    ----------
    path
        A CSV file with the columns `question`, `points` and `parts`, such as
        `linear.count,2,number 2`. Where the third is missing or empty, the parts are worth what the
        course says.
    questions
        Each must appear once, and no other.

    Raises
    ------
    DataError
        If the table is wrong. One sentence with file, line, column and what to do.
    """
    usual, points = usual_points(questions), {}
    first = next(iter(usual))
    for line, row in _read_rows(path):
        place = f"{path}, line {line}"
        if len(row) not in (2, 3):
            raise DataError(f"{place}: write a question and its points, as in `{first},1`")
        name, number, *parts = row
        if name not in usual:
            raise DataError(
                f"{place}, column 1: the notebooks have no question {name!r}; delete the line"
            )
        if name in points:
            raise DataError(f"{place}, column 1: {name} appears twice; delete one of the two lines")
        if not _NUMBER.fullmatch(number):
            raise DataError(
                f"{place}, column 2: {number!r} is not a number of points; write one, as 2 or 0.5"
            )
        weights = usual[name].weights
        if parts and parts[0]:
            weights = _read_weights(parts[0], weights, f"{place}, column 3")
        points[name] = Worth(_number(number), weights)
    missing = [name for name in usual if name not in points]
    if missing:
        raise DataError(
            f"{path} has no line for {', '.join(missing)}; add `{missing[0]},1`, or delete the "
            "table to have it made anew"
        )
    return {name: points[name] for name in usual}


def _read_weights(text: str, usual: Mapping[str, float], place: str) -> dict[str, float]:
    """Read the weights of a question's parts, such as "layers 2 + sizes 1"."""
    if not usual:
        raise DataError(f"{place}: a person grades this answer, so it has no parts; leave it empty")
    found = {}
    for each in text.split("+"):
        part, _, number = each.strip().rpartition(" ")
        part = part.strip()
        if part not in usual or part in found or not _NUMBER.fullmatch(number):
            asked = " + ".join(f"{part} {weight:g}" for part, weight in usual.items())
            raise DataError(
                f"{place}: {each.strip()!r} is not a part and its weight; write as in `{asked}`"
            )
        found[part] = _number(number)
    missing = [part for part in usual if part not in found]
    if missing:
        raise DataError(
            f"{place}: {missing[0]!r} is missing; add ` + {missing[0]} 0` if it is to count nothing"
        )
    if not sum(found.values()):
        raise DataError(f"{place}: all parts weigh 0; give one of them a weight")
    return found


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def _read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each line, except empty ones and the header."""
    check_file(path, _LARGEST)
    try:
        lines = path.read_text("utf-8-sig").splitlines()  # Excel writes a mark first
        for line, row in enumerate(csv.reader(lines), 1):
            fields = [field.strip() for field in row]
            if any(fields) and not (line == 1 and fields[:2] == _HEADER[:2]):
                yield line, fields
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path} is not a CSV file in UTF-8; save it as one") from None
