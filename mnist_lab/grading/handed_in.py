"""Finds what a class handed in: notebooks, what lies beside them, and what is no notebook."""

import collections
import dataclasses
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..notebooks import attempted
from ..support import DataError, readable
from .archives import Allowance, is_passed_over, unpack
from .owners import Owner, find_owners

_CLASS = Allowance(100_000, 2**34)  # a whole class in one zip
_STUDENT = Allowance(2_000, 2**28)
_DEEPEST = 2  # a zip in a zip is opened, and no deeper one
_NOTEBOOK = re.compile(r".+\.ipynb(\.txt|\.json)?", re.IGNORECASE)  # browsers add endings
# A copy of a file, as browsers, Canvas and Jupyter number them.
_COPY = re.compile(r"(?P<name>.+?)(?: ?\((?P<number>\d{1,3})\)|-(?:Copy)?(?P<also>\d{1,3}))")
_KINDS = {
    "a PDF": (".pdf",),
    "a text document": (".doc", ".docx", ".odt", ".rtf", ".pages"),
    "a web page": (".html", ".htm"),
    "a Python program": (".py",),
    "an archive, of which only zips are opened": (".7z", ".rar", ".tar", ".gz", ".tgz", ".xz"),
    "a picture": (".png", ".jpg", ".jpeg", ".heic", ".gif", ".svg"),
}
# What goes with a notebook in a student's folder; beside everybody's, only the last two do.
_BELONGING = ("a Python program", "a picture", "")
_TYPED = ("onlinetext.html", "text.html", "link.html")  # typed into Moodle's or Canvas' page
_NAMED = 3  # files that a row names


@dataclasses.dataclass(frozen=True)
class HandedIn:
    """A notebook that was handed in, or a row's worth of other things.

    Attributes
    ----------
    owner : Owner
        Whose it is.
    file : str
        What it is called among the owner's files, with folders and zips.
    path : Path
        Where it lies now.
    beside : dict of str to Path
        The files beside a notebook, by the names by which it finds them.
    series : tuple
        Alike for all that may be tries at one exercise by one student.
    problem : str
        Why it cannot be read; empty if it may be.
    """

    owner: Owner
    file: str
    path: Path
    beside: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    series: tuple = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class _File:
    """A file with its owner, and where it lay among the owner's files."""

    path: Path
    place: tuple[str, ...]  # from the class's folder, through zips
    problem: str
    owner: Owner
    inner: Sequence[str]

    @property
    def student(self) -> tuple[str, str]:
        return self.owner.student, self.owner.user

    @property
    def name(self) -> str:
        return "/".join(self.inner)

    @property
    def stem(self) -> str:
        return self.inner[-1].rpartition(".")[0].lower()

    @property
    def is_notebook(self) -> bool:
        return not self.problem and bool(_NOTEBOOK.fullmatch(self.inner[-1]))

    @property
    def kind(self) -> str:
        name = self.inner[-1].lower()
        return next((kind for kind, ends in _KINDS.items() if name.endswith(ends)), "")


def find_handed_in(folder: Path, room: Path, leave_out: Path) -> list[HandedIn]:
    """Find all that a class handed in, in order of the students' names.

    Parameters
    ----------
    folder
        A folder with anything in it, or a zip.
    room
        An empty folder for what is unpacked.
    leave_out
        A folder in it that is not the class's: an earlier report.

    Raises
    ------
    DataError
        If the folder is missing, or holds no notebook.
    """
    found = _find_files(folder, room, leave_out)
    if not any(file.is_notebook for file in found):
        raise DataError(f"{folder} has no notebooks (*.ipynb), and neither have its subfolders")
    students, folders = collections.defaultdict(list), collections.defaultdict(list)
    for file in found:
        students[file.student].append(file)
        folders[file.place[:-1]].append(file)
    in_order = sorted(students, key=_in_order)
    return [row for student in in_order for row in _rows(students[student], folders)]


def _find_files(folder: Path, room: Path, leave_out: Path) -> list[_File]:
    if folder.is_file() and folder.suffix.lower() == ".zip":
        unpack(folder, room / "class", dataclasses.replace(_CLASS))
        folder = room / "class"
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name the one that has your students' notebooks")
    found = list(_walk(folder, room, os.path.realpath(leave_out)))
    owners = find_owners([place for _, place, _ in found])
    return [_File(*each, *whose) for each, whose in zip(found, owners, strict=True)]


def _walk(folder: Path, room: Path, leave_out: str) -> Iterator[tuple[Path, tuple, str]]:
    """Yield each file with its place and what is wrong with it; zips are folders here."""
    waiting = [(folder, (), 0, None)]
    while waiting:
        at, place, depth, allowed = waiting.pop()
        entries, problem = _entries(at, leave_out)
        if problem and (len(place) == 1 or at.parent == room):
            yield at, (*place, ""), problem
        for path in entries:
            inner = (*place, unicodedata.normalize("NFC", path.name))
            if os.path.isdir(path) and not path.is_symlink():
                waiting.append((path, inner, depth, allowed))
            elif path.suffix.lower() != ".zip":
                yield path, inner, ""
            elif depth == _DEEPEST:
                yield path, inner, "it is a zip in a zip in a zip: unpack it by hand"
            else:
                # All zips in a student's zip share its allowance.
                within = allowed or dataclasses.replace(_STUDENT)
                target, problems = Path(tempfile.mkdtemp(dir=room)), []
                with attempted(path, problems):
                    unpack(path, target, within)
                    waiting.append((target, inner, depth + 1, within))
                yield from (
                    (path, inner, f"it {problem.removeprefix(f'{path} ')}") for problem in problems
                )


def _entries(folder: Path, leave_out: str) -> tuple[list[Path], str]:
    """List what is in a folder, and say what is wrong if it is nothing."""
    try:
        found = [path for path in sorted(folder.iterdir()) if not is_passed_over(path.name)]
    except OSError as problem:
        return [], f"it cannot be read ({problem.strerror})"
    found = [path for path in found if os.path.realpath(path) != leave_out]
    return found, "" if found else "it is empty"


def _rows(
    files: Sequence[_File], folders: Mapping[tuple[str, ...], Sequence[_File]]
) -> Iterator[HandedIn]:
    """Yield what one student handed in: notebooks, zips that cannot be opened, other things."""
    notebooks = [file for file in files if file.is_notebook]
    for file in sorted(notebooks, key=lambda file: _in_order(file.inner)):
        near = folders[file.place[:-1]]
        yield HandedIn(file.owner, file.name, file.path, _beside(file, near), _series(file, near))
    for file in files:
        if file.problem:
            yield HandedIn(file.owner, file.name, file.path, problem=file.problem)
    others = [file for file in files if not file.problem and not file.is_notebook]
    if told := [file for file in others if not _belongs(file, notebooks)]:
        words = [file.name + (f" ({file.kind})" if file.kind else "") for file in told[:_NAMED]]
        more = f" and {len(told) - _NAMED} more" if told[_NAMED:] else ""
        problem = f"no notebook: {', '.join(words)}{more}"
        yield HandedIn(told[0].owner, told[0].name, told[0].path, problem=problem)


def _belongs(file: _File, notebooks: Iterable[_File]) -> bool:
    """Whether a file needs no row: it goes with a notebook of the student, or lies among all."""
    names = {each.stem for each in notebooks}
    if file.stem in names:  # a notebook's page, for instance
        return True
    if not file.owner.user and len(file.place) == 1:
        return file.kind in _BELONGING[1:]
    typed = bool(file.owner.user) and file.inner[-1] in _TYPED
    return bool(names) and (typed or file.kind in _BELONGING)


def _beside(notebook: _File, near: Iterable[_File]) -> dict[str, Path]:
    """Return the files beside a notebook; where an LMS says whose they are, the student's own."""
    own = [file for file in near if not notebook.owner.user or file.student == notebook.student]
    own = [file for file in own if not (file.is_notebook or file.problem)]
    own = [file for file in own if not file.path.is_symlink()]  # which may lead anywhere
    beside = {file.inner[-1]: file.path for file in own}
    if notebook.owner.submission:  # Canvas numbers what is handed in again; the newest counts
        for file in sorted(own, key=lambda file: -int(file.owner.submission or 0)):
            stem, dot, ending = file.inner[-1].rpartition(".")
            if copy := _COPY.fullmatch(stem):
                beside.setdefault(f"{copy['name']}{dot}{ending}", file.path)
    return beside


def _series(notebook: _File, near: Iterable[_File]) -> tuple[str, ...]:
    """Return what the tries of a student have in common.

    Moodle and Canvas say whose a file is, so all of a student's are tries. In folders, which may
    hold more than one student's, only `hw (1).ipynb` beside `hw.ipynb` is another try at it.
    """
    if notebook.owner.user:
        return notebook.student
    stems = {each.stem for each in near if each.is_notebook}
    copy = _COPY.fullmatch(notebook.stem)
    base = copy["name"] if copy and copy["name"] in stems else notebook.stem
    return *notebook.student, *notebook.place[:-1], base


def newness(each: HandedIn) -> tuple[int, float, int]:
    """Return a key that is largest for the newest of several tries."""
    copy = _COPY.fullmatch(each.file.rpartition(".")[0])
    number = int(copy["number"] or copy["also"]) if copy else 0
    return int(each.owner.submission or 0), each.path.stat().st_mtime, number


def _in_order(texts: Sequence[str]) -> tuple:
    """Sort as people do: 10 after 9, and capital letters with the others."""
    return tuple(
        [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
        for parts in (re.split(r"(\d+)", readable(text).casefold()) for text in texts)
    )
