"""Finds the students and the right columns in a table that Moodle or Canvas exported.

Only what the LMS takes back is looked for, by its importers' own rules: Moodle's
`mod/assign/feedback/offline/importgradeslib.php`, Canvas' `lib/gradebook_importer.rb`.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path

from ..support import DataError, readable
from .owners import Owner
from .sheets import Sheet

_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_COMMA, _POINT = re.compile(r"-?\d+,\d+"), re.compile(r"-?\d+\.\d+")
_PARTICIPANT = re.compile(r"(?P<word>\D+)(?P<user>\d+)")  # "Teilnehmer/in123456"
# A date with its time, in any language; or none yet.
_TIME = re.compile(r"-|(?=.*\d{4}).*\d{1,2}[:.h]\d{2}.*", re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<title>.*) \(\d+\)", re.DOTALL)
# What Canvas computes itself, with "Unposted" before, or a grading period behind.
_COMPUTED = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")
_HIDDEN = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)
_SETTLED = frozenset({"EX", "N/A"})  # Canvas: excused, and not assigned to this student
_SHOWN = 12  # columns that an error lists

Rows = Mapping[object, Sequence[int]]


@dataclasses.dataclass(frozen=True)
class Gradebook:
    """A table to be filled, and where in it what is to be written.

    Attributes
    ----------
    sheet : Sheet
        The table itself.
    kind : str
        Whose it is, in words.
    finders : list of (callable, dict)
        Ways to find a student, the best first: a function that makes a key of an owner, and the
        rows by these keys.
    grade : int
        The column of the grade.
    comment : int or None
        The column of a comment, as HTML.
    most : float or None
        The highest grade; None if the table does not say it.
    names : dict of int to str
        The names in the rows, where a number alone could mean somebody else.
    settled : set of str
        What cells say that is no grade, and stays.
    """

    sheet: Sheet
    kind: str
    finders: Sequence[tuple[Callable[[Owner], object], Rows]]
    grade: int
    comment: int | None = None
    most: float | None = None
    names: Mapping[int, str] = dataclasses.field(default_factory=dict)
    settled: Set[str] = frozenset()

    @property
    def title(self) -> str:
        """What the column of the grade is called."""
        return readable(self.sheet.cell(0, self.grade))

    @property
    def comma(self) -> bool:
        """Whether the numbers have decimal commas."""
        cells = [cell for row in self.sheet.rows for cell in row]
        commas, points = (sum(map(bool, map(each.fullmatch, cells))) for each in (_COMMA, _POINT))
        return commas > points or (commas == points and self.sheet.delimiter == ";")

    def find(self, owner: Owner) -> Sequence[int]:
        """Return the rows that may be a student's."""
        found = (rows.get(key(owner), ()) for key, rows in self.finders if key(owner))
        return next(filter(None, found), ())

    def is_another(self, owner: Owner, row: int) -> bool:
        """Whether a row has the student's number, and a name that has nothing in common."""
        if row not in self.names:
            return False
        mine, theirs = words_of(owner.student), words_of(self.names[row])
        if mine == words_of(self.sheet.cell(row, 0)):  # names are hidden
            return False
        return not set(mine) & set(theirs) and sorted("".join(mine)) != sorted("".join(theirs))


def read_gradebook(
    path: Path, owners: Sequence[Owner], exercises: Sequence[str], column: str | None
) -> Gradebook:
    """Read a table, and find in it where grades are to be written.

    Parameters
    ----------
    path
        The file that Moodle or Canvas exported, or another CSV file with the names of columns in
        its first line.
    owners
        The students who handed something in.
    exercises
        What they handed in, such as "1_linear".
    column
        What the column of the grades is called, or a part of it.

    Raises
    ------
    DataError
        If it is no table, or it is not clear which column is meant. It lists those that may be.
    """
    sheet = Sheet(path)
    rows = [number for number in range(1, len(sheet.rows)) if any(sheet.rows[number])]
    if not rows:
        raise DataError(f"{path} has no lines with students")
    if _is_canvas(sheet.rows[0]):
        return _canvas(path, sheet, exercises, column)
    return _moodle(path, sheet, rows, column) or _plain(path, sheet, rows, owners, column)


def _moodle(path: Path, sheet: Sheet, rows: Sequence[int], column: str | None) -> Gradebook | None:
    """Recognise Moodle's worksheet in any language, by what stands in its columns."""
    found = [_PARTICIPANT.fullmatch(sheet.cell(row, 0)) for row in rows]
    if not all(found) or len({each["word"] for each in found}) > 1:
        return None
    columns = range(2, len(sheet.rows[0]))
    after = [each for each in columns if len(set(sheet.column(each, rows))) == 1]
    highest = [each for each in after if _is_highest(sheet, rows, each)]
    if not highest:
        if any("\n" in sheet.cell(rows[0], each) for each in after):
            raise DataError(f"{path} is graded by a scale of words: have Moodle grade by points")
        return None
    grade = highest[-1] - 1
    if column and column.casefold() not in sheet.cell(0, grade).casefold():
        raise DataError(f"{path}: Moodle takes grades back from {sheet.cell(0, grade)!r} alone")
    times = [each for each in columns if all(map(_TIME.fullmatch, sheet.column(each, rows)))]
    behind = max(times, default=len(sheet.rows[0])) + 1
    names = {row: sheet.cell(row, 1) for row in rows}
    people = _index((row, words_of(name)) for row, name in names.items())
    users = [(each["user"], row) for each, row in zip(found, rows, strict=True)]
    return Gradebook(
        sheet,
        "Moodle's grading worksheet",
        [
            (lambda owner: owner.user or owner.student, _index((row, key) for key, row in users)),
            (lambda owner: not owner.user and words_of(owner.student), people),
        ],
        grade,
        behind if behind < len(sheet.rows[0]) else None,
        number_in(sheet.cell(rows[0], highest[-1])),
        names,
    )


def _is_highest(sheet: Sheet, rows: Sequence[int], column: int) -> bool:
    """Whether a column has the highest grade, and the one before it grades or nothing."""
    most = number_in(sheet.cell(rows[0], column))
    before = [cell for cell in sheet.column(column - 1, rows) if cell]
    grades = list(map(number_in, before))
    return most is not None and all(grade is not None and grade <= most for grade in grades)


def _is_canvas(header: Sequence[str]) -> bool:
    first, second, third = [*header, "", "", ""][:3]
    named = "LastName" in first and "FirstName" in second and "ID" in third
    return "Section" in header and (named or ("Student" in first and "ID" in second))


def _canvas(path: Path, sheet: Sheet, exercises: Sequence[str], column: str | None) -> Gradebook:
    header = sheet.rows[0]
    points = next(
        (row for row, cells in enumerate(sheet.rows) if "Points Possible" in "".join(cells[:1])), 0
    )
    rows = [
        row
        for row, cells in enumerate(sheet.rows)
        if row > points and not all(map(_HIDDEN.fullmatch, cells))
    ]
    may = [
        number
        for number in range(header.index("Section") + 1, len(header))
        if not _COMPUTED.search(header[number])
        and (number_in(sheet.cell(points, number)) is not None or _ASSIGNMENT.match(header[number]))
        and "read only" not in sheet.cell(points, number)
    ]
    grade = _choose(path, header, may, exercises, column)
    name = header.index("ID")  # the names stand before it: one cell, or two
    people = _index((row, words_of(" ".join(sheet.rows[row][:name]))) for row in rows)
    users = _index((row, sheet.cell(row, name)) for row in rows)
    others = [
        (_called, _index((row, sheet.cell(row, header.index(each)).casefold()) for row in rows))
        for each in ("SIS User ID", "SIS Login ID")
        if each in header
    ]
    finders = [(lambda owner: owner.user or owner.student, users), *others, (_named, people)]
    most = number_in(sheet.cell(points, grade))
    return Gradebook(sheet, "Canvas' gradebook", finders, grade, most=most, settled=_SETTLED)


def _choose(
    path: Path,
    header: Sequence[str],
    may: Sequence[int],
    exercises: Sequence[str],
    column: str | None,
) -> int:
    """Choose a column: the one that was named, the only one, or that of the only exercise."""
    titles = {each: _title(header[each]) for each in may}
    if column is not None:
        wanted = column.strip().casefold()
        found = [each for each in may if wanted in (header[each].casefold(), titles[each])]
        found = found or [each for each in may if wanted in titles[each]]
    elif len(may) == 1:
        found = may
    else:
        parts = {each.casefold() for each in exercises} | {each[2:] for each in exercises}
        found = [each for each in may if any(part in titles[each] for part in parts)]
    if len(found) == 1:
        return found[0]
    candidates = found or may
    listed = ", ".join(repr(readable(header[each])) for each in candidates[:_SHOWN])
    more = f" and {len(candidates) - _SHOWN} more" if len(candidates) > _SHOWN else ""
    called = f" that {column!r} means" if column else ""
    raise DataError(
        f"{path}: it is not clear which column is the one of the grades{called}. Name it with "
        f"--column; {f'there are {listed}{more}' if candidates else 'none of it can have grades'}"
    )


def _title(header: str) -> str:
    found = _ASSIGNMENT.fullmatch(header)
    return (found["title"] if found else header).strip().casefold()


def _plain(
    path: Path, sheet: Sheet, rows: Sequence[int], owners: Sequence[Owner], column: str | None
) -> Gradebook:
    """Take the column in which most students are found, or two that have a name between them."""
    header = sheet.rows[0]

    def finders(columns: Sequence[int]) -> list:
        cells = [(row, " ".join(sheet.cell(row, each) for each in columns)) for row in rows]
        users = _index((row, cell.strip().casefold()) for row, cell in cells)
        people = _index((row, words_of(cell)) for row, cell in cells)
        return [(lambda owner: owner.user, users), (_called, users), (_named, people)]

    def found(columns: Sequence[int]) -> int:
        ways = finders(columns)
        return sum(any(key(each) in rows for key, rows in ways if key(each)) for each in owners)

    places = range(len(header))
    pairs = [*((each,) for each in places), *((each, each + 1) for each in places[:-1])]
    best = max(pairs, key=found)
    if not found(best):
        raise DataError(f"{path} has no column that names the students, or has their numbers")
    may = [each for each in places if each not in best]
    if column is None:
        free = [each for each in may if not any(sheet.column(each, rows))]
        may = free or [
            each
            for each in may
            if all(number_in(cell) is not None for cell in sheet.column(each, rows) if cell)
        ]
    return Gradebook(sheet, "the table", finders(best), _choose(path, header, may, (), column))


def _called(owner: Owner) -> str:
    return owner.student.strip().casefold()


def _named(owner: Owner) -> tuple[str, ...]:
    return words_of(owner.student)


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, so that "Berg, Anna van der" is "Anna van der Berg"."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return tuple(sorted(re.sub(r"[\W_]+", " ", plain).split()))


def number_in(cell: str) -> float | None:
    """The number in a cell, with a decimal comma or not."""
    return float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell.strip()) else None


def _index(keys: Iterable[tuple[int, object]]) -> Rows:
    found: dict[object, list[int]] = {}
    for row, key in keys:
        if key:
            found.setdefault(key, []).append(row)
    return found
