"""Checks: is this answer what the sheet asks for, what is wrong with it, and why it matters."""

from .answers import check_answer
from .check import check, check_count, check_data
from .solutions import model_answer
from .verdicts import CheckResult, withhold_solutions

__all__ = [
    "CheckResult",
    "check",
    "check_answer",
    "check_count",
    "check_data",
    "model_answer",
    "withhold_solutions",
]
