"""Whose a file is: reads the names that Moodle and Canvas give to what students hand in."""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

# `Full Name_123456_assignsubmission_file_`, a folder; without folders, the file's name follows.
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<user>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.DOTALL
)
# `lastfirst_LATE_4711_998877_hw.ipynb`: the user, the file, and what it was called; what was typed
# into a page has no number. Where names are hidden, `anon_` and five characters are the user.
_CANVAS = re.compile(
    r"(?:(?P<name>.+?)_(?P<late>LATE_)?(?P<user>\d{2,})|(?P<anon_late>LATE_)?(?P<anon>anon_\w{5}))"
    r"_(?:(?P<submission>\d{2,})_(?P<file>.+)|(?P<page>(?:text|link)\.html))",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Owner:
    """Who handed in a file.

    Attributes
    ----------
    student : str
        The name, as far as the file's place or name says it.
    user : str
        Moodle's number of the participant, or Canvas' of the user; empty if there is none.
    submission : str
        Canvas' number of the file, which rises from try to try; empty if there is none.
    late : bool
        Whether Canvas marked it as late. Moodle's names do not say it.
    """

    student: str
    user: str = ""
    submission: str = ""
    late: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Alike for all that is one student's."""
        return self.student, self.user


def canvas_name(owner: Owner, file: str) -> str:
    """What Canvas calls a student's file, in what it gives and in what it takes back."""
    name = "" if owner.user.startswith("anon_") else f"{owner.student}_"
    late = "LATE_" if owner.late else ""
    return f"{name}{late}{owner.user}_{owner.submission}_{file}"


def moodle_folder(owner: Owner) -> str:
    """The folder in which Moodle gives a student's files, and takes feedback back."""
    return f"{owner.student.replace('_', ' ')}_{owner.user}_assignsubmission_file"


def find_owners(places: Sequence[Sequence[str]]) -> list[tuple[Owner, Sequence[str]]]:
    """Say whose each file of a class is.

    Parameters
    ----------
    places
        For each file the folders that it lay in, and its name, in NFC.

    Returns
    -------
    list of (Owner, sequence of str)
        For each file its owner, and where it lay among the owner's files.
    """
    # Below the folders that all share, names are the students', who might write another's.
    levels = zip(*(parts[:-1] for parts in places), strict=False)
    shared = itertools.takewhile(lambda level: len(set(level)) == 1, levels)
    depths = range(len(list(shared)) + 1)
    canvas = _by_canvas(places, depths)
    return [
        _by_moodle(parts, depths) or canvas.get(tuple(parts)) or _by_folder(parts)
        for parts in places
    ]


def _by_moodle(parts: Sequence[str], depths: range) -> tuple[Owner, Sequence[str]] | None:
    for part, inner in _split(parts, depths):
        if found := _MOODLE.fullmatch(part):
            within = (found["file"], *inner) if found["file"] else inner
            return Owner(found["name"], found["user"]), within or (part,)
    return None


def _by_canvas(
    places: Sequence[Sequence[str]], depths: range
) -> dict[tuple[str, ...], tuple[Owner, Sequence[str]]]:
    """Find the owners of the files that Canvas named.

    Others may have numbers in their names, too: `hw_2024_11_ada.ipynb` and `hw_2024_11_bob.ipynb`.
    So a user has one name, and a number belongs to one file.
    """
    owners, names, files = {}, {}, {}
    for parts in places:
        for part, inner in _split(parts, depths):
            if found := _CANVAS.fullmatch(part):
                user, name = found["user"] or found["anon"], found["name"] or found["anon"]
                late = bool(found["late"] or found["anon_late"])
                owner = Owner(name, user, found["submission"] or "", late)
                file = found["file"] or found["page"]
                owners[tuple(parts)] = owner, (file, *inner)
                names.setdefault(user, set()).add(name)
                files.setdefault((user, owner.submission or file), set()).add(file)
    others = {user for user, each in names.items() if len(each) > 1}
    others |= {user for (user, _), each in files.items() if len(each) > 1}
    return {parts: whose for parts, whose in owners.items() if whose[0].user not in others}


def _split(parts: Sequence[str], depths: Iterable[int]) -> Iterator[tuple[str, tuple[str, ...]]]:
    return ((parts[depth], tuple(parts[depth + 1 :])) for depth in depths if depth < len(parts))


def _by_folder(parts: Sequence[str]) -> tuple[Owner, Sequence[str]]:
    """Take the outermost folder, or zip, as a student's; a file outside of folders is one's own."""
    if len(parts) == 1:
        return Owner(parts[0].rpartition(".")[0] or parts[0]), parts
    return Owner(re.sub(r"(?i)(?<=.)\.zip$", "", parts[0])), parts[1:]
