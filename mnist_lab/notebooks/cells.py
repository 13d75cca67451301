"""Cell identity: finds the exercise's cells and the answers in a student's copy."""

import ast
import hashlib
import math
import re
import unicodedata
import urllib.parse
import warnings
from collections.abc import Iterable, Mapping

import nbformat
from nbformat import NotebookNode

# What nbgrader and Otter put in place of a solution.
_STUB = re.compile(
    r"# YOUR CODE HERE|raise NotImplementedError(\(.*\))?|YOUR ANSWER HERE|"
    r"_Type your answer here, replacing this text\._"
)
# The first code cell of a release: it switches off solutions on demand.
WITHHOLD = """\
import mnist_lab as lab

lab.withhold_solutions()"""
_RELEASED = re.compile(r"\.(points|require)\(.*\)$")  # what a release adds to a check
# Cell metadata that front ends write about a run or about what is shown.
_SESSION_KEYS = {"collapsed", "scrolled", "jupyter", "execution", "ExecuteTime", "trusted"}


def plain(cell: NotebookNode, source: str) -> NotebookNode:
    """Return a cell as if nobody had opened it yet, keeping the metadata of other tools."""
    new = {"cell_type": cell.cell_type, "id": cell.id, "source": source}
    kept = {name: each for name, each in cell.metadata.items() if name not in _SESSION_KEYS}
    # Tools that rewrite cell ids leave the metadata alone, so the id is stored there as well.
    new["metadata"] = kept | {"mnist_lab": {"id": cell.id, "sha256": digest(source)}}
    if cell.cell_type == "code":
        new |= {"execution_count": None, "outputs": []}
    # A picture that only the answer shows is part of the answer, and goes with it.
    shown = attachment_name(source)
    attached = cell.get("attachments", {}).items()
    if kept := {
        name: file for name, file in attached if f"attachment:{attachment_name(name)}" in shown
    }:
        new["attachments"] = kept
    return nbformat.from_dict(new)


def attachment_name(written: str) -> str:
    """Normalise the name of an attached picture: Markdown encodes it, and macOS decomposes "ö"."""
    return unicodedata.normalize("NFC", urllib.parse.unquote(written))


def is_changed(cell: NotebookNode) -> bool:
    """Whether a cell's source differs from the one it was generated with."""
    return our_part(cell).get("sha256") != digest(cell.source)


def our_part(node: NotebookNode) -> dict:
    """Return this package's metadata of a cell or a notebook; empty if it was lost."""
    ours = node.metadata.get("mnist_lab")
    return ours if isinstance(ours, dict) else {}


def generated_ids(book: NotebookNode) -> list[str]:
    """Return the ids of the cells a notebook was generated with; none if the list was lost."""
    ids = our_part(book).get("cells")
    listed = isinstance(ids, list) and all(isinstance(name, str) for name in ids)
    return ids if listed else []


def digest(source: str) -> str:
    """Return the first 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def has_answer(cell: NotebookNode, given: Mapping[str, NotebookNode]) -> bool:
    """Whether a student wrote a line in a cell, one that neither we nor a grader put there.

    Parameters
    ----------
    cell
        A cell of a copy. One that is as generated, even from an older exercise, has no answer.
    given
        The cells of the exercise by id; any other cell is the student's own.
    """
    ours = our_part(cell)
    if _is_locked(cell) or ("notice" in ours and not is_changed(cell)):
        return False
    lines = {_RELEASED.sub("", line.strip()) for line in cell.source.splitlines()} - {""}
    lines = {line for line in lines if not _STUB.fullmatch(line)}
    if cell.id not in given:
        return bool(lines)
    text = given[cell.id].source
    lines -= {line.strip() for line in text.splitlines()}
    return is_changed(cell) and not all(_is_prompt(line, text) for line in lines)


def _is_locked(cell: NotebookNode) -> bool:
    """Whether a cell is a grader's own, also where a tool lost the metadata that say so."""
    return cell.metadata.get("editable") is False or cell.source == WITHHOLD


def _is_prompt(line: str, text: str) -> bool:
    """Whether a line repeats what the exercise asks for, as in a release to nbgrader."""
    return line.startswith(("#", "*")) and line.strip("#* ").lower() in text.lower()


def find_answered(
    book: NotebookNode, given: Mapping[str, NotebookNode], checks: Mapping[str, str] | None = None
) -> set[str]:
    """Return the ids of the exercise's cells that a student answered, in them or right below.

    An answer in a cell of the student's own counts up to the next cell of the exercise, and one in
    code up to its check. It counts there as well where the student deleted the answer's cell.

    Parameters
    ----------
    book
        A copy whose cells have the ids of the exercise, as after `find_cells`.
    given
        The cells of the exercise by id.
    checks
        The id of the cell that checks an answer, by the id of the answer's cell.
    """
    order = {name: place for place, name in enumerate(given)}
    ends = {name: order.get((checks or {}).get(name), order[name] + 1) for name in order}
    # Nobody answered below a cell that the copy never had: exercises grow from year to year.
    there = [*order.keys() & {*generated_ids(book), *(cell.id for cell in book.cells)}]
    answered, before = set(), -1
    for cell, after in zip(book.cells, _places_after(book, order), strict=True):
        before = order.get(cell.id, before)
        if not has_answer(cell, given):
            continue
        if cell.id in order:
            answered.add(cell.id)
            continue
        near = [
            name
            for name in there
            if before < ends[name] and (order[name] < after or order[name] == before)
        ]
        is_code = bool(near) and not _is_words(cell)
        answered.update(name for name in near if is_code == (given[name].cell_type == "code"))
    return answered


def _places_after(book: NotebookNode, order: Mapping[str, int]) -> list[float]:
    """Return for each cell of a copy the place of the exercise's next cell below it."""
    after, places = math.inf, []
    for cell in reversed(book.cells):
        places.append(after)
        after = order.get(cell.id, after)
    return places[::-1]


def _is_words(cell: NotebookNode) -> bool:
    """Whether a cell holds words: Markdown, or in a code cell comments, prose or texts alone."""
    if cell.cell_type != "code":
        return True
    try:
        with warnings.catch_warnings(action="ignore"):  # warnings about a student's code
            return all(map(_is_text, ast.parse(cell.source).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return not cell.source.lstrip().startswith(("%", "!"))  # IPython's code is code, too


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def is_graders(book: NotebookNode) -> bool:
    """Whether nbgrader or Otter made a notebook; they check that their cells stay unchanged."""
    return "otter" in book.metadata or any(
        "nbgrader" in cell.metadata or cell.source == WITHHOLD for cell in book.cells
    )


def recognise(book: NotebookNode, exercises: Mapping[str, NotebookNode]) -> str | None:
    """Return the name of the exercise a notebook was copied from, or None.

    The metadata say it; where they were lost, the exercise with most cells in common is taken.
    """
    name = our_part(book).get("exercise")
    if isinstance(name, str) and name in exercises:
        return name
    known = {key for cell in book.cells for key in (cell.id, first_line(cell))}

    def share(name: str) -> float:
        cells = exercises[name].cells
        found = sum(cell.id in known or first_line(cell) in known for cell in cells)
        # Exercises grow from year to year; a copy has at least half of today's cells.
        return found / min(len(cells), max(len(book.cells), len(cells) / 2))

    best = max(exercises, key=share)
    return best if share(best) > 0.5 else None


def first_line(cell: NotebookNode) -> str:
    """The line by which a cell is known whose id was lost and whose rest was reworded since."""
    return cell.source.strip().partition("\n")[0]


def find_cells(book: NotebookNode, newer: Mapping[str, NotebookNode]) -> None:
    """Restore the exercise's cell ids in a copy that lost them.

    Parameters
    ----------
    book
        The student's copy; it is changed in place.
    newer
        The cells of the exercise by id.
    """
    _find_by_mark(book, {*newer, *generated_ids(book)})
    lost = not any(cell.id in newer for cell in book.cells)
    _find_by_source(book, newer)
    if lost:  # a tool kept nothing but sources
        _find_by_place(book, newer)


def _find_by_mark(book: NotebookNode, names: set[str]) -> None:
    """Restore ids that were rewritten or removed from the copy in the cell's metadata."""
    present = {cell.id for cell in book.cells}
    for cell in book.cells:
        own = our_part(cell).get("id")
        if not isinstance(own, str) or cell.id in names:
            continue
        if own in names and own not in present:
            cell.id = own
            present.add(own)


def _find_by_source(book: NotebookNode, newer: Mapping[str, NotebookNode]) -> None:
    """Restore ids lost by cutting and pasting, for instance, where the source is unchanged."""
    present = {cell.id for cell in book.cells}
    missing: dict[tuple[str, str], list[str]] = {}  # a list, as cells may share a source
    for name, cell in newer.items():
        if name not in present:
            missing.setdefault((cell.cell_type, cell.source.strip()), []).append(name)
    for cell in book.cells:
        names = missing.get((cell.cell_type, cell.source.strip()))
        if cell.id not in newer and names:
            cell.id = names.pop(0)


def _find_by_place(book: NotebookNode, newer: Mapping[str, NotebookNode]) -> None:
    """Restore ids of changed cells by their place between the same two cells of the exercise."""
    present = {cell.id for cell in book.cells}
    missing = _gaps(newer.values(), present)
    others = _gaps(book.cells, set(newer))
    for place, given in missing.items():
        for name, cell in _pair(given, others.get(place, [])):
            cell.id = name


def _gaps(
    cells: Iterable[NotebookNode], found: set[str]
) -> dict[tuple[str | None, str], list[NotebookNode]]:
    """Group the cells not in `found` by the found cell before them and by type."""
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
    """Pair lists of equal length in order, others by the lines that cells share."""
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
