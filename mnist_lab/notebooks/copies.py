"""Makes a student's copies of the exercises, and updates them without touching the answers."""

import contextlib
import copy
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import places
from ..support import DataError, make_folder, write_whole
from .cells import (
    digest,
    find_answered,
    find_cells,
    generated_ids,
    is_changed,
    is_graders,
    our_part,
    recognise,
)
from .exercises import list_worked_on, read_exercises
from .files import attempted, list_notebooks, list_solutions, read_notebook, text_of
from .servers import say_open
from .splitting import SPLIT, former_name, split

ASIDE = "before-update"  # the folder beside a copy that keeps its earlier versions
_KEPT_ASIDE = 10  # versions of each copy
_UPDATED, _REMOVED = "updated", "removed"
_CLASH = "changed in the exercise and by you (see the cell behind)"
_UNSURE = "kept, since they differ from the exercise and may be yours"
_KEPT = "kept, though no longer in the exercise"
_NOTICE = """\
**The exercise has changed here.** Your cell above is as you left it. In the exercise it is now:

~~~~{language}
{source}
~~~~

Take over what you need, then delete this cell."""
_OPEN = "{}, and call this again; it was left as it is"


def update(files: Iterable[Path] = (), folder: Path | None = None) -> tuple[list[str], list[str]]:
    """Bring a student's copies up to date, and make those that are missing.

    Parameters
    ----------
    files
        Copies of any name; without them, all in `folder`, where missing ones are then made, and in
        a clone the exercises in which somebody has worked.
    folder
        Where the student's copies are; by default `mnist_lab_notebooks`, in a clone
        `notebooks/mine`.

    Returns
    -------
    list of str, list of str
        What was done, and which files were left alone because they cannot be read or written.

    Raises
    ------
    DataError
        If no exercise can be read.
    """
    folder = folder or places.here.mine
    exercises, failed = read_exercises()
    done, found = [], list_notebooks(folder)
    elsewhere = [path for path in list_worked_on() if path not in found]
    present, origins = {}, {}
    for path in files or [*found, *elsewhere]:
        with attempted(path, failed):
            names, changes = _split_copy(path, exercises) or _update_copy(path, exercises)
            (origins if path in elsewhere else present).update(dict.fromkeys(names, path))
            # A student may keep other notebooks in the folder; naming one is a mistake.
            (failed if files and not names else done).append(f"{path}: {changes}")
    try:
        for path in _missing(folder, exercises, present) if not files else ():
            origin = origins.get(path.stem)
            write_whole(path, origin.read_bytes() if origin else text_of(exercises[path.stem]))
            done.append(f"{path}: new{f', with what you wrote in {origin}' if origin else ''}")
    except OSError as problem:
        failed.append(str(problem))
    return done, failed


def recognise_folder(folder: Path) -> bool:
    """Whether a folder holds a student's copy of an exercise."""
    exercises, _ = read_exercises()
    for path in list_notebooks(folder):
        with contextlib.suppress(DataError):
            if recognise(read_notebook(path, repair=True), exercises):
                return True
    return False


def copy_solutions(folder: Path) -> list[Path]:
    """Copy the solutions into a folder, leaving files that are already there as they are.

    Returns
    -------
    list of Path
        The new copies.
    """
    make_folder(folder)
    missing = [path for path in list_solutions() if not (folder / path.name).exists()]
    for path in missing:
        write_whole(folder / path.name, path.read_bytes())
    return [folder / path.name for path in missing]


def merge(book: NotebookNode, exercise: NotebookNode, name: str) -> list[str]:
    """Update a student's copy of an older exercise, keeping the student's work.

    What the student changed or added stays, in the student's order, and what the student deleted
    stays away. All other cells become those of the exercise. Where both the exercise and the
    student have changed a cell, a cell behind it shows the new text, once.

    Parameters
    ----------
    book
        The student's copy; it is changed in place.
    exercise
        The exercise as it is now.
    name
        Its name, such as "2_mlp".

    Returns
    -------
    list of str
        What was done, in words.
    """
    made = generated_ids(exercise)  # without cells that somebody added to the exercise itself
    newer = {cell.id: cell for cell in exercise.cells if cell.id in made}
    known = generated_ids(book)
    find_cells(book, newer)
    ids = [cell.id for cell in book.cells]
    in_order = [name for name in ids if name in known] == [name for name in known if name in ids]
    changes = {words: [] for words in (_UPDATED, _CLASH, _UNSURE, _KEPT, _REMOVED)}
    # Each cell of the exercise with the student's own cells behind it.
    groups: dict[str | None, list[NotebookNode]] = {None: []}
    latest = None
    for cell in book.cells:
        if cell.id in newer:
            latest = cell.id
            groups[latest] = _merge_cell(cell, newer[cell.id], ids, changes)
        elif cell.id in known and not is_changed(cell):
            changes[_REMOVED].append(cell.id)
        else:
            groups[latest].append(cell)
            if cell.id in known:
                changes[_KEPT].append(cell.id)
                if our_part(cell).get("id", cell.id) != cell.id:
                    # Otherwise the next call would mistake it for the cell named in its metadata.
                    cell.metadata["mnist_lab"]["id"] = cell.id
    for place in changes[_CLASH]:
        groups[place] = [cell for cell in groups[place] if not _is_outdated(cell, groups[place])]
    order = list(groups)
    if known and in_order:
        order = [None, *(name for name in newer if name in groups)]
    changes["new"] = [name for name in newer if name not in groups and name not in known]
    changes["deleted by you"] = [name for name in newer if name not in groups and name in known]
    _insert(newer, changes["new"], groups, order)
    book.cells = [cell for name in order for cell in groups[name]]
    book.metadata["mnist_lab"] = our_part(exercise) | {"exercise": name, "cells": made}
    return [f"{words}: {', '.join(names)}" for words, names in changes.items() if names]


def _merge_cell(
    cell: NotebookNode, newer: NotebookNode, ids: list[str], changes: dict[str, list[str]]
) -> list[NotebookNode]:
    """Return the kept or updated cell, followed by a notice if both sides changed it."""
    same_type = cell.cell_type == newer.cell_type
    base = our_part(cell).get("sha256")
    untouched = not is_changed(cell)
    cell.metadata |= newer.metadata  # a student's own entries, such as those of slides, stay
    if same_type and untouched and cell.source != newer.source:
        changes[_UPDATED].append(cell.id)
        return [nbformat.from_dict({**newer, "metadata": cell.metadata})]
    now = our_part(newer).get("sha256") or digest(newer.source)
    cell.metadata["mnist_lab"] = {"id": cell.id, "sha256": now}
    notice = f"{cell.id[:40]}-{now[:8]}"
    same = same_type and cell.source == newer.source
    if base is None and not same:
        changes[_UNSURE].append(cell.id)
    if base in (None, now) or same or notice in ids:
        return [cell]
    changes[_CLASH].append(cell.id)
    language = "python" if newer.cell_type == "code" else newer.cell_type
    text = _NOTICE.format(language=language, source=newer.source)
    marked = {"mnist_lab": {"notice": cell.id, "sha256": digest(text)}}
    return [cell, nbformat.v4.new_markdown_cell(text, id=notice, metadata=marked)]


def _is_outdated(cell: NotebookNode, group: list[NotebookNode]) -> bool:
    """Whether a cell is an untouched notice with a newer notice before it."""
    about = our_part(cell).get("notice")
    notices = [other for other in group if about and our_part(other).get("notice") == about]
    return cell in notices[1:] and not is_changed(cell)


def _insert(newer: dict, new: list[str], groups: dict, order: list[str | None]) -> None:
    """Insert each new cell behind the cell that it follows in the exercise."""
    before = dict(zip(newer, [None, *newer], strict=False))
    for name in new:
        place = before[name]
        while place not in groups:
            place = before[place]
        groups[name] = [newer[name]]
        order.insert(order.index(place) + 1, name)


def _split_copy(path: Path, exercises: dict[str, NotebookNode]) -> tuple[list[str], str] | None:
    """Divide a copy of an exercise that has become several; None if it is a copy of another one.

    Returns
    -------
    list of str, str
        Of which exercises there are copies now, and what was done.
    """
    before = path.read_bytes() if path.is_file() else b""
    try:
        book = read_notebook(path, repair=True)
    except DataError:  # which `_update_copy` says better
        return None
    former = former_name(book, exercises)
    if former is None or is_graders(book) or _is_ours(path):
        return None
    if missing := [name for name in SPLIT[former] if name not in exercises]:
        raise DataError(f"{path} was left as it is: the exercise {missing[0]} cannot be read")
    if where := say_open(path):
        return list(SPLIT[former]), _OPEN.format(where)
    parts = split(book, {name: exercises[name] for name in SPLIT[former]})
    written = [_put_part(path, part, exercises[name], name) for name, part in parts.items()]
    aside = _put_aside(path, before)
    done = f"it is {len(written)} notebooks now: {', '.join(written)}; what it was is in {ASIDE}/"
    done += aside.name
    if path.stem not in parts and path.read_bytes() == before:  # else Jupyter has saved it
        path.unlink()
    return list(parts), done


def _put_part(path: Path, part: NotebookNode, exercise: NotebookNode, name: str) -> str:
    """Bring one part of a copy up to date and write it beside the copy; what was done, in words."""
    done = merge(part, exercise, name)
    target = _place(path, name, part)
    if target:
        write_whole(target, text_of(part))
    cells = {cell.id: cell for cell in exercise.cells}
    answered = find_answered(part, cells)
    answers = [each for each in cells if each in answered]
    words = [f"your answers {', '.join(answers)}" if answers else "no answers yet"]
    words += [each for each in done if each.startswith((_CLASH, _UNSURE, _KEPT))]
    return f"{target.name if target else f'{name}.ipynb, as it is'} ({'; '.join(words)})"


def _place(path: Path, name: str, part: NotebookNode) -> Path | None:
    """Where one part of a copy is written: never over anything that a student wrote.

    None if a copy is there that holds all that is written in this part.
    """
    target = path.with_name(f"{name}.ipynb")
    if target == path or not os.path.lexists(target):
        return target
    there = _read_copy(target, name)
    if there and _written(part) <= _written(there):
        return None
    if there and not _written(there) and not say_open(target):
        _put_aside(target, target.read_bytes())
        return target
    names = (f"{name}-from-{path.stem}{more}.ipynb" for more in ("", *range(-2, -1000, -1)))
    return next(file for file in map(path.with_name, names) if not os.path.lexists(file))


def _read_copy(path: Path, name: str) -> NotebookNode | None:
    """A copy of an exercise, if a file is one and can be read."""
    try:
        book = read_notebook(path, repair=True)
    except DataError:
        return None
    return book if our_part(book).get("exercise") == name else None


def _written(book: NotebookNode) -> set[tuple[str, str]]:
    """What a student wrote in a copy: cells that were changed or added, without our notices."""
    return {
        (cell.id, cell.source) for cell in book.cells if is_changed(cell) and cell.source.strip()
    }


def _is_ours(path: Path) -> bool:
    """Whether a notebook lies among the solutions."""
    return places.here.solutions in path.resolve().parents


def _update_copy(path: Path, exercises: dict[str, NotebookNode]) -> tuple[list[str], str]:
    """Update one file; return the name of its exercise, if it is a copy of one, and the changes."""
    if _is_ours(path):
        raise DataError(f"{path} is not a student's copy; those are in {places.here.mine}")
    for _ in range(3):
        before = path.read_bytes() if path.is_file() else b""
        name, done, text = _updated(path, exercises)
        # If Jupyter has saved the file meanwhile, start again.
        if text is None or path.read_bytes() == before:
            break
    else:
        raise DataError(f"{path} keeps changing: close it, and call this again")
    names = [name] if name else []
    if text is None:
        return names, done
    # Its page may hold what is not saved yet, and would lose it or overwrite the newer exercise.
    if where := say_open(path):
        return names, _OPEN.format(where)
    aside = _put_aside(path, before)
    write_whole(path, text)
    return names, f"{done}; what it was is in {ASIDE}/{aside.name}"


def _put_aside(path: Path, content: bytes) -> Path:
    """Save the content that a copy had, and delete all but the latest ten saved."""
    folder = path.parent / ASIDE
    make_folder(folder)
    aside = folder / f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}"
    write_whole(aside, content)
    stamped = f"{path.stem}-????????-??????{path.suffix}"
    for old in sorted(folder.glob(stamped))[:-_KEPT_ASIDE]:
        old.unlink()
    return aside


def _updated(path: Path, exercises: dict[str, NotebookNode]) -> tuple[str | None, str, str | None]:
    """Return the name of a copy's exercise, what was done, and the new text if it differs."""
    try:
        book = read_notebook(path, repair=True)
    except DataError as problem:
        if not os.path.lexists(path):
            raise
        raise DataError(
            f"{problem}; it was left as it is. Repair it, or move it away and call this again "
            "for a fresh copy"
        ) from None
    name = recognise(book, exercises)
    if name is None:
        return None, "not a copy of an exercise, left as it is", None
    if is_graders(book):
        return name, "made by a grader for a course, left as it is: get a newer one there", None
    theirs, ours = (our_part(each).get("version") for each in (book, exercises[name]))
    if _figures(theirs) > _figures(ours):
        raise DataError(
            f"{path} is of version {theirs} of the lab, and this is version {ours}: it was left as "
            "it is. Install the newer lab, and call this again"
        )
    old = copy.deepcopy(book)
    done = merge(book, exercises[name], name)
    if book == old:
        return name, "; ".join(["up to date", *done]), None
    done = done or ["marked as a copy of this version"]
    return name, "; ".join(done), text_of(book)


def _figures(version: object) -> list[int]:
    """Return the numbers in a version, for comparison."""
    return [int(figure) for figure in re.findall(r"\d{1,9}", str(version))]


def _missing(folder: Path, exercises: Iterable[str], present: Iterable[str]) -> list[Path]:
    """Return the copies to make, leaving out those in whose place a broken file lies."""
    make_folder(folder)
    paths = [folder / f"{name}.ipynb" for name in exercises if name not in present]
    return [path for path in paths if not os.path.lexists(path)]
