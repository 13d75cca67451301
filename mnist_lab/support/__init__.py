"""Shared helpers: arguments, atomic writes, bounded arrays, intervals, texts, joined modules."""

from .arguments import ArgumentError, in_range
from .arrays import MissingArrayError, read_arrays, read_idx
from .files import (
    DataError,
    by_number,
    check_file,
    make_folder,
    whole_file,
    write_whole,
    writing,
)
from .intervals import half_interval, wilson_interval
from .modules import join_modules
from .texts import readable

__all__ = [
    "ArgumentError",
    "DataError",
    "MissingArrayError",
    "by_number",
    "check_file",
    "half_interval",
    "in_range",
    "join_modules",
    "make_folder",
    "read_arrays",
    "read_idx",
    "readable",
    "whole_file",
    "wilson_interval",
    "write_whole",
    "writing",
]
