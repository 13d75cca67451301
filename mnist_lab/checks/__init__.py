"""Checks: is this answer what the sheet asks for, what is wrong with it, and why it matters."""

from .check import check, check_count, check_data
from .verdicts import CheckResult

__all__ = ["CheckResult", "check", "check_count", "check_data"]
