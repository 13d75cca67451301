"""The identity of a cell: by it a copy's cells are found again, and a student's answers."""

import hashlib
import unicodedata
import urllib.parse
from collections.abc import Mapping

import nbformat
from nbformat import NotebookNode

# What front ends note in a cell's metadata about a run or about what is in sight.
_OF_A_SESSION = {"collapsed", "scrolled", "jupyter", "execution", "ExecuteTime", "trusted"}


def plain(cell: NotebookNode, source: str) -> NotebookNode:
    """A cell as it was before anybody opened it, with the metadata of other tools."""
    new = {"cell_type": cell.cell_type, "id": cell.id, "source": source}
    kept = {name: each for name, each in cell.metadata.items() if name not in _OF_A_SESSION}
    # The id once more: what rewrites a notebook's ids leaves its cells' metadata alone.
    new["metadata"] = kept | {"mnist_lab": {"id": cell.id, "sha256": digest(source)}}
    if cell.cell_type == "code":
        new |= {"execution_count": None, "outputs": []}
    # A picture that the answer alone shows is part of the answer.
    shown = attachment_name(source)
    attached = cell.get("attachments", {}).items()
    if kept := {
        name: file for name, file in attached if f"attachment:{attachment_name(name)}" in shown
    }:
        new["attachments"] = kept
    return nbformat.from_dict(new)


def attachment_name(written: str) -> str:
    """An attached picture's name in one form: Markdown encodes it, and macOS takes "ö" apart."""
    return unicodedata.normalize("NFC", urllib.parse.unquote(written))


def is_changed(cell: NotebookNode) -> bool:
    """Whether a cell's source is another one than that with which it was generated."""
    return our_part(cell).get("sha256") != digest(cell.source)


def our_part(node: NotebookNode) -> dict:
    """What this package keeps in the metadata of a cell or a notebook; empty if that was lost."""
    ours = node.metadata.get("mnist_lab")
    return ours if isinstance(ours, dict) else {}


def generated_ids(book: NotebookNode) -> list[str]:
    """The ids of the cells with which a notebook was generated; none if that was lost."""
    ids = our_part(book).get("cells")
    listed = isinstance(ids, list) and all(isinstance(name, str) for name in ids)
    return ids if listed else []


def digest(source: str) -> str:
    """The first 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def has_answer(cell: NotebookNode, given: Mapping[str, NotebookNode]) -> bool:
    """Whether a student wrote something in a cell: a line that the exercise does not have.

    Parameters
    ----------
    cell
        A cell of a copy. One that is as it was generated, even of an older exercise, has none.
    given
        The cells of the exercise by their ids; any other cell is the student's own.
    """
    if cell.id not in given:
        return True
    if not is_changed(cell):
        return False
    known = {line.strip() for line in given[cell.id].source.splitlines()}
    return any(line.strip() not in known for line in cell.source.splitlines() if line.strip())


def recognise(book: NotebookNode, exercises: Mapping[str, NotebookNode]) -> str | None:
    """Say of which exercise a notebook is a copy: as its metadata say, or else by its cells."""
    name = our_part(book).get("exercise")
    if isinstance(name, str) and name in exercises:
        return name
    known = {cell.id for cell in book.cells} | {cell.source for cell in book.cells}

    def share(name: str) -> float:
        cells = exercises[name].cells
        return sum(cell.id in known or cell.source in known for cell in cells) / len(cells)

    best = max(exercises, key=share)
    return best if share(best) > 0.5 else None


def find_cells(book: NotebookNode, newer: Mapping[str, NotebookNode]) -> None:
    """Give the cells of a copy the ids of the exercise again, where they were lost.

    Parameters
    ----------
    book
        The student's copy; it is changed in place.
    newer
        The cells of the exercise by their ids.
    """
    _find_by_mark(book, {*newer, *generated_ids(book)})
    _find_by_source(book, newer)


def _find_by_mark(book: NotebookNode, names: set[str]) -> None:
    """Give cells whose ids were rewritten, or that have none, those in their metadata again."""
    present = {cell.id for cell in book.cells}
    for cell in book.cells:
        own = our_part(cell).get("id")
        if not isinstance(own, str) or cell.id in names:
            continue
        if own in names and own not in present:
            cell.id = own
            present.add(own)


def _find_by_source(book: NotebookNode, newer: Mapping[str, NotebookNode]) -> None:
    """Give cells that lost their ids, as by cutting and pasting, those of the exercise again."""
    present = {cell.id for cell in book.cells}
    missing: dict[tuple[str, str], list[str]] = {}  # several cells may have the same source
    for name, cell in newer.items():
        if name not in present:
            missing.setdefault((cell.cell_type, cell.source), []).append(name)
    for cell in book.cells:
        names = missing.get((cell.cell_type, cell.source))
        if cell.id not in newer and names:
            cell.id = names.pop(0)
