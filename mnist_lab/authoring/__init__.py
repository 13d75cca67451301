"""Authoring: exercises from solutions, updates under a student's answers, one page to print."""

from .exercises import compare_exercises, list_stale, write_exercises
from .export import export_solutions
from .notebooks import list_solutions
from .solutions import make_solutions, plan_solutions
from .updates import update

__all__ = [
    "compare_exercises",
    "export_solutions",
    "list_solutions",
    "list_stale",
    "make_solutions",
    "plan_solutions",
    "update",
    "write_exercises",
]
