"""Grading: releases for graders and what is handed in to them, and a report on a class."""

import lazy_loader

# What opens a room needs walls alone, and a room must not begin with all of TensorFlow.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "mending": ["mend_course"],
        "release": ["write_release"],
        "report": ["report_class"],
    },
)
