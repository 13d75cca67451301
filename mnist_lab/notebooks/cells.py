"""The identity of a cell: by it a copy's cells are found again, and a student's answers."""

import ast
import hashlib
import re
import unicodedata
import urllib.parse
import warnings
from collections.abc import Iterable, Mapping

import nbformat
from nbformat import NotebookNode

# What nbgrader and Otter put in the place of a solution.
_STUB = re.compile(
    r"# YOUR CODE HERE|raise NotImplementedError(\(.*\))?|YOUR ANSWER HERE|"
    r"_Type your answer here, replacing this text\._"
)
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
    """Whether a student wrote something in a cell: a line that neither we nor graders put there.

    Parameters
    ----------
    cell
        A cell of a copy. One that is as it was generated, even of an older exercise, has none.
    given
        The cells of the exercise by their ids; any other cell is the student's own.
    """
    ours = our_part(cell)
    # Graders lock the cells that are theirs.
    if cell.metadata.get("editable") is False or ("notice" in ours and not is_changed(cell)):
        return False
    lines = {line.strip() for line in cell.source.splitlines()} - {""}
    lines = {line for line in lines if not _STUB.fullmatch(line)}
    if cell.id not in given:
        return bool(lines)
    text = given[cell.id].source
    lines -= {line.strip() for line in text.splitlines()}
    return is_changed(cell) and not all(_is_prompt(line, text) for line in lines)


def _is_prompt(line: str, text: str) -> bool:
    """Whether a line says again what an exercise asks for, as in a release to nbgrader."""
    return line.startswith(("#", "*")) and line.strip("#* ").lower() in text.lower()


def find_answered(book: NotebookNode, given: Mapping[str, NotebookNode]) -> set[str]:
    """The ids of the exercise's cells in which a student wrote something, or right below which.

    Parameters
    ----------
    book
        A copy whose cells have the ids of the exercise, as `find_cells` gives them.
    given
        The cells of the exercise by their ids.
    """
    answered, latest = set(), None
    for cell in book.cells:
        if cell.id in given:
            latest = cell.id
        if latest and has_answer(cell, given):
            is_code = given[latest].cell_type == "code"
            if cell.id == latest or is_code != _is_words(cell):
                answered.add(latest)
    return answered


def _is_words(cell: NotebookNode) -> bool:
    """Whether a cell has words, which some students write where code should be."""
    if cell.cell_type != "code":
        return True
    try:
        with warnings.catch_warnings(action="ignore"):  # of a student's code
            return not ast.parse(cell.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return not cell.source.lstrip().startswith(("%", "!"))  # which are IPython's


def is_graders(book: NotebookNode) -> bool:
    """Whether nbgrader or Otter made a notebook, which checks that their cells stay as they are."""
    return "otter" in book.metadata or any("nbgrader" in cell.metadata for cell in book.cells)


def recognise(book: NotebookNode, exercises: Mapping[str, NotebookNode]) -> str | None:
    """Say of which exercise a notebook is a copy: as its metadata say, or else by its cells."""
    name = our_part(book).get("exercise")
    if isinstance(name, str) and name in exercises:
        return name
    known = {cell.id for cell in book.cells} | {cell.source.strip() for cell in book.cells}

    def share(name: str) -> float:
        cells = exercises[name].cells
        return sum(cell.id in known or cell.source.strip() in known for cell in cells) / len(cells)

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
    lost = not any(cell.id in newer for cell in book.cells)
    _find_by_source(book, newer)
    if lost:  # to a tool that keeps nothing but sources
        _find_by_place(book, newer)


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
            missing.setdefault((cell.cell_type, cell.source.strip()), []).append(name)
    for cell in book.cells:
        names = missing.get((cell.cell_type, cell.source.strip()))
        if cell.id not in newer and names:
            cell.id = names.pop(0)


def _find_by_place(book: NotebookNode, newer: Mapping[str, NotebookNode]) -> None:
    """Give cells that were changed the ids of those between the same two cells of the exercise."""
    present = {cell.id for cell in book.cells}
    missing = _gaps(newer.values(), present)
    others = _gaps(book.cells, set(newer))
    for place, given in missing.items():
        for name, cell in _pair(given, others.get(place, [])):
            cell.id = name


def _gaps(
    cells: Iterable[NotebookNode], found: set[str]
) -> dict[tuple[str | None, str], list[NotebookNode]]:
    """The cells that are not found, by the found one before them and by their type."""
    latest, gaps = None, {}
    for cell in cells:
        if cell.id in found:
            latest = cell.id
        else:
            gaps.setdefault((latest, cell.cell_type), []).append(cell)
    return gaps


def _pair(
    given: list[NotebookNode], cells: list[NotebookNode]
) -> Iterable[tuple[str, NotebookNode]]:
    """Pair as many cells in their order, else by the lines that they share."""
    if len(given) == len(cells):
        return [(its.id, cell) for its, cell in zip(given, cells, strict=True)]
    lines = {
        id(cell): {line.strip() for line in cell.source.splitlines()} for cell in cells + given
    }
    pairs, rest = [], list(cells)
    for its in given:
        best = max(rest, key=lambda cell: len(lines[id(its)] & lines[id(cell)]), default=None)
        if best and (len(given) == 1 or lines[id(its)] & lines[id(best)] - {""}):
            pairs.append((its.id, best))
            rest.remove(best)
    return pairs
