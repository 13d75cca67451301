"""Shared helpers: argument ranges, atomic writes, arrays read within bounds."""

from .arguments import ArgumentError, in_range
from .arrays import MissingArrayError, read_arrays, read_idx
from .files import DataError, check_file, make_folder, whole_file, write_whole

__all__ = [
    "ArgumentError",
    "DataError",
    "MissingArrayError",
    "check_file",
    "in_range",
    "make_folder",
    "read_arrays",
    "read_idx",
    "whole_file",
    "write_whole",
]
