"""Authoring: exercises, updates under answers, pages to print; releases and reports for a class."""

from .exercises import compare_exercises, list_stale, write_exercises
from .export import export_solutions
from .handin import export_notebooks
from .notebooks import list_notebooks, list_solutions
from .opening import check_folder, open_lab
from .release import write_release
from .report import report_class
from .solutions import make_solutions, plan_solutions
from .updates import copy_solutions, update

__all__ = [
    "check_folder",
    "compare_exercises",
    "copy_solutions",
    "export_notebooks",
    "export_solutions",
    "list_notebooks",
    "list_solutions",
    "list_stale",
    "make_solutions",
    "open_lab",
    "plan_solutions",
    "report_class",
    "update",
    "write_exercises",
    "write_release",
]
