"""Notebooks: exercises from solutions, updates of students' copies, JupyterLab, pages to print."""

from .booklet import export_solutions
from .cells import WITHHOLD, digest, find_answered, find_cells, our_part, plain, recognise
from .copies import ASIDE, copy_solutions, update
from .exercises import DROPPED, compare_exercises, list_stale, stub, write_exercises
from .files import (
    attempted,
    find_solutions,
    list_notebooks,
    list_solutions,
    read_notebook,
    text_of,
)
from .handin import export_notebooks
from .making import make_solutions, plan_solutions
from .opening import check_folder, open_lab
from .questions import Exercise, Question, calling, list_questions, read_questions

__all__ = [
    "ASIDE",
    "DROPPED",
    "WITHHOLD",
    "Exercise",
    "Question",
    "attempted",
    "calling",
    "check_folder",
    "compare_exercises",
    "copy_solutions",
    "digest",
    "export_notebooks",
    "export_solutions",
    "find_answered",
    "find_cells",
    "find_solutions",
    "list_notebooks",
    "list_questions",
    "list_solutions",
    "list_stale",
    "make_solutions",
    "open_lab",
    "our_part",
    "plain",
    "plan_solutions",
    "read_notebook",
    "read_questions",
    "recognise",
    "stub",
    "text_of",
    "update",
    "write_exercises",
]
