"""Authoring: exercises from solutions, updates under a student's answers, one page to print."""

from .exercises import compare_exercises, list_stale, write_exercises
from .export import export_solutions
from .notebooks import execute, list_solutions, publish
from .updates import update

__all__ = [
    "compare_exercises",
    "execute",
    "export_solutions",
    "list_solutions",
    "list_stale",
    "publish",
    "update",
    "write_exercises",
]
