"""Reads the notebooks of a class, and matches them with the questions they answer."""

import ast
import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from nbformat import NotebookNode

from ..notebooks import (
    Exercise,
    attempted,
    find_answered,
    find_cells,
    read_notebook,
    recognise,
)
from ..support import DataError, check_file
from .handed_in import HandedIn, newness
from .looking import look
from .outputs import read_check
from .results import Examination

_LARGEST = 2**26  # bytes of a notebook
_LONGEST = 2**20  # characters of its cells
_MOST_CELLS = 10_000
_BESIDE = 5 * 2**20  # bytes of files beside a notebook that are copied with it
_PREDICTION = "prediction"  # the tag of the cells in which a student predicts something
_SHOWING = ("print", "lab.plot_", "lab.compare", "lab.explore")


@dataclasses.dataclass(frozen=True)
class Submission:
    """One notebook of a class.

    Attributes
    ----------
    handed_in : HandedIn
        Whose it is, what it is called, and what lay beside it.
    name : str
        The exercise it is a copy of, such as "2_mlp"; empty if none.
    problem : str
        Why it cannot be examined; empty if it can.
    cells : list of (str, str, bool)
        Its code, as `examine` takes it, with the lab's own checks in place of the student's.
    answered : dict of str to bool
        Whether each question was answered, in its cell or right below, by the id of that cell.
    texts : dict of str to str
        The text of each answer, by the id of its cell.
    on_file : Examination
        What the saved outputs of its checks say.
    predicted : dict of str to bool
        Whether each prediction was written down, by the id of its cell.
    looks : dict of str to tuple of str
        What an answer in code calls that an answer does not need, by the id of its cell.
    earlier : tuple of str
        What the student's earlier tries at this exercise are called, the newest first.
    """

    handed_in: HandedIn
    name: str = ""
    problem: str = ""
    cells: Sequence[tuple[str, str, bool]] = ()
    answered: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    on_file: Examination | None = None
    predicted: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    looks: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    earlier: tuple[str, ...] = ()


def read_submission(
    each: HandedIn, exercises: Mapping[str, Exercise], books: dict[str, NotebookNode]
) -> Submission:
    """Read what was handed in; if it cannot be examined, `problem` says why."""
    if each.problem:
        return Submission(each, problem=each.problem)
    problems = []
    with attempted(each.path, problems):
        return _read(each, exercises, books)
    return Submission(each, problem=f"it {problems[0].removeprefix(f'{each.path} ')}")


def newest(found: Iterable[Submission]) -> list[Submission]:
    """Keep of a student's tries at one exercise the newest, which names the others."""
    tries: dict[tuple, list[Submission]] = {}
    for each in found:
        key = (each.handed_in.series, each.name) if each.name else (each.handed_in.path,)
        tries.setdefault(key, []).append(each)
    kept = []
    for alike in tries.values():
        last, *others = sorted(alike, key=lambda each: newness(each.handed_in), reverse=True)
        earlier = tuple(each.handed_in.file for each in others)
        kept.append(dataclasses.replace(last, earlier=earlier))
    return kept


def _read(
    each: HandedIn, exercises: Mapping[str, Exercise], books: dict[str, NotebookNode]
) -> Submission:
    check_file(each.path, _LARGEST)
    book = read_notebook(each.path, repair=True)
    _check_length(each, book)
    name = recognise(book, books)
    if name is None:
        return Submission(each, problem="it is not a copy of an exercise")
    exercise = exercises[name]
    find_cells(book, exercise.cells)
    answered = find_answered(book, exercise.cells, exercise.check_of)
    wanted = {question.cell: question.cell in answered for question in exercise.questions}
    cells, on_file = _list_code(book, exercise), _on_file(book, exercise)
    predicted = {
        cell.id: cell.id in answered
        for cell in exercise.cells.values()
        if _PREDICTION in cell.metadata.get("tags", [])
    }
    texts, looks = _texts(book, exercise), look(cells, exercise)
    return Submission(each, name, "", cells, wanted, texts, on_file, predicted, looks)


def _check_length(each: HandedIn, book: NotebookNode) -> None:
    """Refuse what would take long to match with an exercise; outputs cost nothing here."""
    if len(book.cells) > _MOST_CELLS:
        raise DataError(f"{each.path} has more than {_MOST_CELLS:,} cells")
    if sum(len(cell.source) for cell in book.cells) > _LONGEST:
        raise DataError(f"{each.path} has more than {_LONGEST:,} characters in its cells")


def files_beside(each: HandedIn) -> dict[str, bytes]:
    """Read the files beside a notebook, smallest first, up to 5 MB in all."""
    sizes, files, left = {}, {}, _BESIDE
    for name, path in each.beside.items():
        with contextlib.suppress(OSError):
            if path.is_file():
                sizes[name] = path.stat().st_size
    for name in sorted(sizes, key=sizes.__getitem__):
        left -= sizes[name]
        if left < 0:
            break
        with contextlib.suppress(OSError):
            files[name] = each.beside[name].read_bytes()
    return files


def _list_code(book: NotebookNode, exercise: Exercise) -> list[tuple[str, str, bool]]:
    """List a student's code in order, with the lab's own text for each check.

    A check that the student deleted is added behind the answer. Cells of the exercise that only
    display something are skipped.
    """
    ids = {cell.id for cell in book.cells}
    checked = [each for each in exercise.questions if each.check]
    missing = {each.cell: each.check for each in checked if each.check not in ids}
    found = []
    for number, cell in enumerate(book.cells, 1):
        if cell.cell_type != "code" or _only_displays(cell, exercise):
            continue
        if cell.id in exercise.checks:
            found.append((cell.id, exercise.checks[cell.id], True))
        else:
            name = cell.id if cell.id in exercise.cells else f"number {number}"
            found.append((name, cell.source, False))
        if cell.id in missing:
            found.append((missing[cell.id], exercise.checks[missing[cell.id]], True))
    return found


def _texts(book: NotebookNode, exercise: Exercise) -> dict[str, str]:
    """Return the text of each answer, with the student's own cells below it."""
    texts = {question.cell: [] for question in exercise.questions}
    mine = []
    for cell in book.cells:
        if cell.id in exercise.cells:
            mine = texts.get(cell.id, [])
        mine.append(cell.source)
    return {name: "\n\n".join(sources) for name, sources in texts.items()}


def _only_displays(cell: NotebookNode, exercise: Exercise) -> bool:
    """Whether a cell is an unchanged one of the exercise that only draws or prints."""
    own = exercise.cells.get(cell.id)
    if own is None or own.source != cell.source or cell.id in exercise.prompts:
        return False
    try:
        return all(map(_displays, ast.parse(cell.source).body))
    except SyntaxError:  # an IPython line
        return False


def _displays(node: ast.stmt) -> bool:
    if isinstance(node, ast.For):
        return all(map(_displays, node.body))
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return called and ast.unparse(node.value.func).startswith(_SHOWING)


def _on_file(book: NotebookNode, exercise: Exercise) -> Examination:
    results = {
        cell.id: read_check(cell)
        for cell in book.cells
        if cell.source == exercise.checks.get(cell.id) and cell.cell_type == "code"
    }
    return Examination({name: found for name, found in results.items() if found})
