"""Grading: releases for graders, and a report on the notebooks of a class."""

from .release import write_release
from .report import report_class

__all__ = ["report_class", "write_release"]
