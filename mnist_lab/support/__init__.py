"""Shared helpers: argument ranges, atomic writes, arrays read within bounds, intervals."""

from .arguments import ArgumentError, in_range
from .arrays import MissingArrayError, read_arrays, read_idx
from .files import DataError, check_file, make_folder, whole_file, write_whole
from .intervals import half_interval, wilson_interval

__all__ = [
    "ArgumentError",
    "DataError",
    "MissingArrayError",
    "check_file",
    "half_interval",
    "in_range",
    "make_folder",
    "read_arrays",
    "read_idx",
    "whole_file",
    "wilson_interval",
    "write_whole",
]
