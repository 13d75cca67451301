"""The rows of a report, student by student."""

import dataclasses
from collections.abc import Iterable, Sequence

from ..support import readable
from .grades import GradedNotebook
from .owners import Owner


@dataclasses.dataclass(frozen=True)
class Student:
    """A student with all that was handed in.

    Attributes
    ----------
    owner : Owner
        The name, and the number that an LMS gave to the student.
    rows : sequence of GradedNotebook
        The rows of the report.
    """

    owner: Owner
    rows: Sequence[GradedNotebook]

    @property
    def name(self) -> str:
        """The name, as far as it is known."""
        return readable(self.owner.student)

    @property
    def late(self) -> bool:
        """Whether anything was late."""
        return any(row.owner.late for row in self.rows)

    @property
    def graded(self) -> list[GradedNotebook]:
        """The notebooks that were examined."""
        return [row for row in self.rows if row.points is not None]

    @property
    def points(self) -> float | None:
        """The points of all notebooks; None if there are none, or one could not be examined."""
        known = self.graded and not any(row.name for row in self.ungraded)
        return sum(row.points for row in self.graded) if known else None

    @property
    def open(self) -> float:
        """The points that a person has still to give, or not."""
        return sum(row.open for row in self.graded)

    @property
    def ungraded(self) -> list[GradedNotebook]:
        """What is no notebook, cannot be read, or could not be examined."""
        return [row for row in self.rows if row.points is None]


def by_student(rows: Iterable[GradedNotebook]) -> list[Student]:
    """Return the students of a class, in the order of the report."""
    found: dict[tuple[str, str], list[GradedNotebook]] = {}
    for row in rows:
        found.setdefault(row.owner.key, []).append(row)
    return [Student(each[0].owner, each) for each in found.values()]
