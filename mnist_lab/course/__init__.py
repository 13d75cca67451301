"""The course as data, one file for each notebook: its part, sliders, code, hints and answers."""

from .bugs import PROGRAMS
from .contents import (
    ANSWERS,
    BEST,
    COMPILE_HINTS,
    NEEDS,
    NOTEBOOKS,
    PARTS,
    SPOILT,
    TEST,
    rubric,
    worth,
)
from .counting import OPTIMISER, CountedLayer, count_hints, no_slip
from .counting import SLIPS as COUNT_SLIPS
from .errors import cure_of
from .linear import DATA_CODE, DATA_HINTS
from .markers import (
    MARKER,
    Region,
    find_regions,
    named,
    question_name,
    replace_regions,
    split_hidden,
)
from .measures import test_images
from .parts import Part
from .reasons import reason_of
from .rubrics import COUNT, DATA, HALF, PLAIN, Rubric, share
from .sliders import CLIPPED, TRAINING, Slider
from .tasks import (
    Built,
    Estimate,
    Function,
    GivenModel,
    GivenRun,
    GivenRuns,
    Layer,
    Layers,
    Mended,
    Notebook,
    Program,
    Schedule,
    Slip,
    Task,
    Trained,
    Value,
)

__all__ = [
    "ANSWERS",
    "BEST",
    "CLIPPED",
    "COMPILE_HINTS",
    "COUNT",
    "COUNT_SLIPS",
    "DATA",
    "DATA_CODE",
    "DATA_HINTS",
    "HALF",
    "MARKER",
    "NEEDS",
    "NOTEBOOKS",
    "OPTIMISER",
    "PARTS",
    "PLAIN",
    "PROGRAMS",
    "SPOILT",
    "TEST",
    "TRAINING",
    "Built",
    "CountedLayer",
    "Estimate",
    "Function",
    "GivenModel",
    "GivenRun",
    "GivenRuns",
    "Layer",
    "Layers",
    "Mended",
    "Notebook",
    "Part",
    "Program",
    "Region",
    "Rubric",
    "Schedule",
    "Slider",
    "Slip",
    "Task",
    "Trained",
    "Value",
    "count_hints",
    "cure_of",
    "find_regions",
    "named",
    "no_slip",
    "question_name",
    "reason_of",
    "replace_regions",
    "rubric",
    "share",
    "split_hidden",
    "test_images",
    "worth",
]
