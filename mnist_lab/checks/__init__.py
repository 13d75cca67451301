"""Checks: is this answer what the course asks for, what is wrong with it, and why it matters."""

from .answers import check_answer
from .arrays import check_data
from .counts import check_count
from .findings import Finding
from .judging import untouched
from .model_answers import model_answer
from .network import check
from .values import unchanged
from .verdicts import MIME, OUTCOMES, CheckResult, first_fault, withhold_solutions

__all__ = [
    "MIME",
    "OUTCOMES",
    "CheckResult",
    "Finding",
    "check",
    "check_answer",
    "check_count",
    "check_data",
    "first_fault",
    "model_answer",
    "unchanged",
    "untouched",
    "withhold_solutions",
]
