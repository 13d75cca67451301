"""The course: what its notebooks ask."""

from .markers import (
    MARKER,
    Region,
    find_regions,
    named,
    question_name,
    replace_regions,
    split_hidden,
)

__all__ = [
    "MARKER",
    "Region",
    "find_regions",
    "named",
    "question_name",
    "replace_regions",
    "split_hidden",
]
