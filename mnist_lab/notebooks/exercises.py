"""Makes exercises from solutions: what stands between an author's markers becomes a blank."""

import ast
import functools
import json
import re
import textwrap
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import places
from ..course import (
    Region,
    find_regions,
    named,
    question_name,
    replace_regions,
    split_hidden,
)
from ..support import DataError, make_folder, write_whole
from .cells import generated_ids, is_changed, plain
from .files import find_solutions, list_notebooks, list_solutions, read_notebook, text_of
from .publishing import (
    add_buttons,
    publish,
    published,
    read_project,
    readme_buttons,
    repository,
)

DROPPED = "solution-only"  # the tag of cells that are left out of exercises
_IPYTHON = re.compile(r"^\s*[%!?]|^\s*[\w, ]+=\s*[%!]|\?\s*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^ {0,3}#{1,6} +(?:\d+\. )?(.*)", re.MULTILINE)
_BOLD = re.compile(r"(\*\*|__)(.+?)\1", re.DOTALL)


def make_exercise(path: Path, address: str | None = None) -> NotebookNode:
    """Make the exercise notebook of a solution notebook.

    Parameters
    ----------
    path
        The solution notebook.
    address
        `OWNER/NAME` on github.com, for buttons that open the exercise on Binder and Colab.

    Returns
    -------
    NotebookNode
        The same cells with the same ids, without hidden tests. Each cell stores a digest of its
        source, and the notebook a list of its cells and the lab's version. These show later what
        was answered or deleted, and whether a copy is newer than the lab. The metadata of other
        tools stay.

    Raises
    ------
    DataError
        If an author's marker is misplaced, or a heading gives an answer away. Names the notebook
        and the cell.
    """
    solution, headings, cells = read_notebook(path), [], []
    ids = [cell.id for cell in solution.cells]
    if not ids:
        raise DataError(f"{path} has no cells")
    for cell in solution.cells:
        with named(path, cell):
            if ids.count(cell.id) > 1:
                raise DataError("appears twice; give one of the two another id")
            if DROPPED in cell.metadata.get("tags", []):
                continue
            regions = find_regions(cell)
            source = _blank(cell, regions, path) if regions else cell.source
            if cell.cell_type == "markdown":
                headings += _HEADING.findall(_FENCED.sub("", source))
            _check_headings(headings, cell, regions)
            if cell.cell_type == "code":
                source, _ = split_hidden(source)
        cells.append(plain(cell, source))
    if address:
        if "markdown" not in [cell.cell_type for cell in cells]:
            raise DataError(f"{path} has no Markdown cell to put the buttons into")
        add_buttons(cells, path.name, address)
    ours = {"exercise": path.stem, "cells": [cell.id for cell in cells]}
    ours["version"] = read_project().get("version", "")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "mnist_lab": ours}
    for name in solution.metadata.keys() - {*metadata, "widgets"}:  # the state of live panels
        metadata[name] = solution.metadata[name]
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata, nbformat_minor=5)


def read_exercises() -> tuple[dict[str, NotebookNode], list[str]]:
    """Read the exercises that students have copies of.

    In a clone they are made from the solutions, in memory: students may have worked in the files.

    Returns
    -------
    dict of str to NotebookNode, list of str
        The exercises by name, such as "2_mlp", and why others cannot be read.

    Raises
    ------
    DataError
        If none can be read.
    """
    exercises, failed = {}, []
    if places.here.is_clone:
        folder, make = places.here.solutions, functools.partial(make_exercise, address=repository())
    else:
        folder, make = places.here.exercises, _read_shipped
    for path in list_notebooks(folder):
        try:
            exercises[path.stem] = make(path)
        except DataError as problem:
            cure = "install the lab again"
            if places.here.is_clone:
                cure = (
                    "copy it to another place if you have written in it, then `git checkout HEAD "
                    f"-- {path}` restores it"
                )
            failed.append(f"{problem}; {cure}")
    if not exercises:
        raise DataError("; ".join(failed) or f"{folder} has no notebooks")
    return exercises, failed


def _read_shipped(path: Path) -> NotebookNode:
    book = read_notebook(path, repair=True)
    if not generated_ids(book):
        raise DataError(f"{path} is not as it was generated")
    return book


def write_exercises(folder: Path | None = None, *, force: bool = False) -> tuple[list, list]:
    """Generate all exercises into a folder, but never over a student's work unless forced.

    Returns
    -------
    list of Path, list of str
        The files that are now up to date, and why others were left alone.

    Raises
    ------
    DataError
        As `make_exercise`, or if cells that students have would get other ids. Then nothing has
        been written.
    """
    written, kept, folder = [], [], folder or places.here.exercises
    texts = _generate()
    for name, text in texts.items():
        _check_ids(folder / name, text)
    make_folder(folder)
    for name, text in texts.items():
        path = folder / name
        answers = find_answers(path) if path.exists() and not force else []
        if answers:
            kept.append(f"{path}: {', '.join(answers)}")
            continue
        written.append(path)
        if not _holds(path, text):
            write_whole(path, text)
    publish(readme_buttons(), "badges")
    return written, kept


def _check_ids(path: Path, text: str) -> None:
    """Refuse an exercise whose cells have new ids, since students' answers are found by the ids."""
    try:
        before = {cell.id: cell.source for cell in read_notebook(path).cells}
    except DataError:  # missing or broken: nothing to compare with
        return
    after = {cell.id: cell.source for cell in nbformat.reads(text, 4).cells}
    lost = {source: name for name, source in before.items() if source and name not in after}
    for name, source in after.items():
        if name not in before and source in lost:
            raise DataError(
                f"{path}: cell {lost[source]!r} would become {name!r}: give the solution's cells "
                "their old ids again, since students' answers are found by them (nbstripout keeps "
                "them if it is called with --keep-id)"
            )


def compare_exercises(folder: Path | None = None) -> list[str]:
    """List the exercises on file, and README's buttons, that differ from what would be generated.

    Raises
    ------
    DataError
        As `make_exercise`.
    """
    problems, folder = [], folder or places.here.exercises
    for name, text in _generate().items():
        path = folder / name
        if not path.exists():
            problems.append(f"{path} is missing")
        elif not _holds(path, text):
            problems.append(f"{path} is not what the solution makes")
    readme = places.here.readme
    if readme.read_text("utf-8") != published(readme_buttons(), "badges"):
        problems.append(f"{readme}: the buttons are not those of the repository in pyproject.toml")
    return problems + list_stale(folder)


def list_stale(folder: Path | None = None) -> list[str]:
    """List the generated exercises in a folder that have lost their solution notebook."""
    problems, names = [], {path.name for path in list_solutions()}
    for path in list_notebooks(folder or places.here.exercises):
        ours = path.is_file() and '"mnist_lab": {' in path.read_text("utf-8", "replace")
        if ours and path.name not in names:
            problems.append(f"{path} has no solution notebook of this name: delete or rename it")
    return problems


def list_worked_on() -> list[Path]:
    """List the exercises of a clone in which somebody has worked, instead of in a copy."""
    found = list_notebooks(places.here.exercises) if places.here.is_clone else []
    return [path for path in found if find_answers(path)]


def _holds(path: Path, text: str) -> bool:
    # Open regular files only: opening a pipe would block.
    return path.is_file() and path.read_text("utf-8", "replace") == text


def find_answers(path: Path) -> list[str]:
    """List what was changed in a generated notebook, which may be a student's work."""
    try:
        book = read_notebook(path, repair=True)
    except DataError as problem:
        return [str(problem).removeprefix(f"{path} ")]
    made = generated_ids(book)
    ids = [cell.id for cell in book.cells]
    found = []
    for cell in book.cells:
        if cell.id not in made:
            found.append(f"cell {cell.id!r} was added")
        elif is_changed(cell):
            found.append(f"cell {cell.id!r} was changed")
        elif cell.get("outputs"):
            found.append(f"cell {cell.id!r} was executed")
    found += [f"cell {name!r} was deleted" for name in made if name not in ids]
    if not found and ids != made:
        found = ["the cells were put into another order"]
    return found


def _blank(cell: NotebookNode, regions: list[Region], path: Path) -> str:
    if cell.cell_type == "code":
        return _blank_code(cell.source, regions)
    return _blank_answer(cell.source, regions, question_name(path, cell))


def stub(region: Region, indent: str, _: list[str]) -> list[str]:
    """Return the lines of code that ask a student for a solution."""
    prompt = json.dumps(region.prompt, ensure_ascii=False)
    return [f"{indent}# YOUR CODE HERE", f"{indent}raise NotImplementedError({prompt})"]


def _blank_code(source: str, regions: list[Region]) -> str:
    lines = source.split("\n")
    for region in regions:
        inner = "\n".join(region.inside(lines))
        _check_statements(inner, f"lines {region.begin + 2} to {region.end}")
    stubbed = replace_regions(source, regions, stub)
    if not _parses(_as_python(stubbed)):
        raise DataError(
            "is not valid Python without its solution; put the markers around whole statements"
        )
    return stubbed


def _blank_answer(source: str, regions: list[Region], name: str) -> str:
    lines = source.split("\n")
    for region in reversed(regions):
        asked = region.prompt.rstrip(".")
        space = (
            f"*YOUR ANSWER HERE: double-click and write {asked}. Then compare it with another: "
            f'`lab.model_answer("{name}")` in a cell of its own.*'
        )
        lines[region.begin : region.end + 1] = [space]
    return "\n".join(lines)


def _check_statements(code: str, place: str) -> None:
    code = textwrap.dedent(code)
    if _parses(code):
        if not ast.parse(code).body:
            raise DataError(f"{place}: empty solution; a comment alone is not one")
        return
    if _IPYTHON.search(code):
        raise DataError(
            f"{place}: a line for IPython (%, ! or ?) in a solution; put it outside the markers"
        )
    raise DataError(f"{place}: not whole statements; put the markers around whole ones")


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):  # ValueError: a NUL character
        return False
    return True


def _as_python(source: str) -> str:
    """Turn a cell's IPython lines (%, !, ?) into calls, and drop a %%magic line."""
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(re.sub(r"\A\s*%%.*\n", "", source))


def _check_headings(headings: list[str], cell: NotebookNode, regions: list[Region]) -> None:
    lines = cell.source.split("\n")
    for region in regions:
        answer = textwrap.dedent("\n".join(region.inside(lines)))
        secrets = _calls(answer) if cell.cell_type == "code" else _phrases(answer)
        for heading in headings:
            if any(words <= _words(heading) for words in secrets):
                raise DataError(
                    f"line {region.begin + 1}: the heading {heading!r} gives the answer away; "
                    "word it differently"
                )


def _phrases(answer: str) -> list[set[str]]:
    """Return the words of each phrase in bold."""
    phrases = [_words(phrase) for _, phrase in _BOLD.findall(answer)]
    return [words for words in phrases if words]


def _calls(answer: str) -> list[set[str]]:
    """Return, for each call and each constant argument, the words of both."""
    found = []
    for call in ast.walk(ast.parse(answer)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            value = argument.value if isinstance(argument, ast.Constant) else None
            known = isinstance(value, int | float | str) and not isinstance(value, bool)
            words = _words(str(value)) if known else set()
            if name and words:
                found.append(_words(name) | words)
    return found


def _words(text: str) -> set[str]:
    found = re.findall(r"[^\W\d]\w*|\d+(?:\.\d+)?(?:e-?\d+)?", text.lower())
    return {f"{float(word):g}" if word[0].isdecimal() else word for word in found}


def _generate() -> dict[str, str]:
    paths, address = find_solutions(), repository()
    return {path.name: text_of(make_exercise(path, address)) for path in paths}
