"""Turns a solution's cells into those of source notebooks of nbgrader and Otter."""

import itertools
import json
from collections.abc import Iterator, Mapping

import nbformat
from nbformat import NotebookNode

from ..course import Region, find_regions, replace_regions, rubric, split_hidden
from ..notebooks import Question, calling, plain, stub
from .points import Worth

OFF = "withhold-solutions"  # the cell that switches off solutions on demand
_CONFIG = """\
\"\"\" # BEGIN TEST CONFIG
points: {}
hidden: {}
\"\"\" # END TEST CONFIG
{}"""
_HIDDEN = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS\n\n"


def for_nbgrader(
    cells: list[NotebookNode], questions: list[Question], points: Mapping[str, Worth]
) -> list[NotebookNode]:
    """Make nbgrader's cells: answers and locked tests, distinguished by their metadata.

    The format is version 3 of nbgrader's cell metadata, as nbgrader 0.9 reads it.
    """
    roles = {OFF: {"grade": False, "solution": False, "locked": True}}
    for question in questions:
        roles[question.cell] = {"grade": not question.check, "solution": True, "locked": False}
        if question.check:
            roles[question.check] = {"grade": True, "solution": False, "locked": True}
        roles[question.check or question.cell]["points"] = points[question.name].points
    checks = {question.check: question for question in questions if question.check}
    made = []
    for cell in cells:
        mark = _mark_code if cell.cell_type == "code" else _mark_answer
        source = replace_regions(cell.source, find_regions(cell), mark)
        if cell.id in checks:
            source = _graded(source, checks[cell.id], points[checks[cell.id].name])
        made.append(plain(cell, source))
        if cell.id in roles:
            ours = {"schema_version": 3, "grade_id": cell.id, "task": False}
            made[-1].metadata["nbgrader"] = ours | roles[cell.id]
    return made


def _graded(source: str, question: Question, worth: Worth) -> str:
    """Have a check end in a number, which nbgrader takes for the points.

    Hidden tests come before it, as nbgrader looks at what the last line gives.
    """
    seen, hidden = split_hidden(source)
    before, check = calling(seen, f".points({_arguments(question, worth)})")
    return before + (_HIDDEN.format(hidden) if hidden else "") + check


def _arguments(question: Question, worth: Worth) -> str:
    """The points of a question, and its weights where they are not the course's."""
    own = worth.weights != rubric(question.name).weights
    return f"{worth.points:g}, {dict(worth.weights)}" if own else f"{worth.points:g}"


# nbgrader's stub has no place for a marker's prompt, so the prompt stands in a line above it.
def _mark_code(region: Region, indent: str, solution: list[str]) -> list[str]:
    begin, end = (f"{indent}### {word} SOLUTION" for word in ("BEGIN", "END"))
    return [f"{indent}# {region.prompt}", begin, *solution, end]


def _mark_answer(region: Region, _: str, answer: list[str]) -> list[str]:
    begin, end = (f"<!-- ### {word} SOLUTION -->" for word in ("BEGIN", "END"))
    return [f"*Double-click and write {region.prompt.rstrip('.')}.*", "", begin, *answer, end]


def for_otter(
    cells: list[NotebookNode], questions: list[Question], points: Mapping[str, Worth]
) -> list[NotebookNode]:
    """Make the cells of `otter assign`: questions in blocks between raw cells.

    A check stays in the student's notebook as it is. Otter runs a test behind it.
    """
    answers = {question.cell: question for question in questions}
    checks = {question.check: question for question in questions if question.check}
    made = []
    for cell in cells:
        question = answers.get(cell.id)
        if question:
            made.append(_raw("BEGIN QUESTION", _settings(question, points[question.name].points)))
            made += _otter_answer(cell)
        elif cell.id in checks:
            made += _otter_tests(cell, checks[cell.id], points[checks[cell.id].name])
        else:
            made.append(plain(cell, cell.source))
        if cell.id in checks or (question and not question.check):
            made.append(_raw("END QUESTION"))
    made.insert(0, _raw("ASSIGNMENT CONFIG"))
    numbers = itertools.count()
    for cell in made:
        if "id" not in cell:
            cell["id"] = f"otter-{next(numbers)}"
    return made


def _settings(question: Question, worth: float) -> str:
    """Return a question's YAML. Otter's own check cell is off, since the lab's check says more."""
    settings = {"name": question.cell}
    if question.check:
        settings |= {"check_cell": False}
    else:
        settings |= {"points": worth, "manual": True}
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in settings.items())


def _otter_answer(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Yield a solution's block; before an answer in words, a cell with its question."""
    regions, source = find_regions(cell), cell.source
    if cell.cell_type == "code":
        source = replace_regions(source, regions, _otter_code)
    else:
        lines = source.split("\n")
        answer = [line for region in regions for line in region.inside(lines)]
        yield plain(cell, replace_regions(source, regions, lambda *_: []).strip())
        cell, source = {**cell, "id": f"{cell.id[:55]}-answer"}, "\n".join(answer).strip()
    yield _raw("BEGIN SOLUTION")
    yield plain(nbformat.from_dict(cell), source)
    yield _raw("END SOLUTION")


def _otter_code(region: Region, indent: str, solution: list[str]) -> list[str]:
    """Return a solution, and in quotes, which Otter removes, what students get instead."""
    return [
        f"{indent}# BEGIN SOLUTION NO PROMPT",
        *solution,
        f"{indent}# END SOLUTION",
        f'{indent}""" # BEGIN PROMPT',
        *stub(region, indent, solution),
        f'{indent}"""; # END PROMPT',
    ]


def _otter_tests(cell: NotebookNode, question: Question, worth: Worth) -> Iterator[NotebookNode]:
    """Yield a check, and a test of each part of the answer, with its points.

    Each test runs the check anew, since Otter keeps nothing from one to the next.
    """
    seen, hidden = split_hidden(cell.source)
    yield plain(cell, seen)
    yield _raw("BEGIN TESTS")
    whole = sum(worth.weights.values())
    for part, weight in worth.weights.items():
        steps = rubric(question.name).steps(part)
        for step in steps:
            points = worth.points * weight / whole / len(steps)
            check = "".join(calling(seen, f".require({json.dumps(part)}, {step:g})"))
            # A hidden test that fails takes every point, which Otter has no other way to say.
            check = f"{hidden}\n{check}" if hidden else check
            yield _new("code", _CONFIG.format(json.dumps(points), json.dumps(bool(hidden)), check))
    yield _raw("END TESTS")


def _raw(title: str, settings: str = "") -> NotebookNode:
    return _new("raw", f"# {title}\n{settings}".strip())


def _new(cell_type: str, source: str) -> NotebookNode:
    made = {"cell_type": cell_type, "metadata": {}, "source": source}
    if cell_type == "code":
        made |= {"execution_count": None, "outputs": []}
    return nbformat.from_dict(made)
