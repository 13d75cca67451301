"""What the course says, a file for each notebook: its part, sliders, code, hints and answers."""

from .contents import ANSWERS, BEST, COMPILE_HINTS, NEEDS, NOTEBOOKS, PARTS, SEEDS, TEST, worth
from .counting import HINTS as COUNT_HINTS
from .counting import NO_SLIP, OPTIMISER, CountedLayer
from .counting import SLIPS as COUNT_SLIPS
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
from .parts import Part
from .reasons import reason_of
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
    Notebook,
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
    "COUNT_HINTS",
    "COUNT_SLIPS",
    "DATA_CODE",
    "DATA_HINTS",
    "MARKER",
    "NEEDS",
    "NOTEBOOKS",
    "NO_SLIP",
    "OPTIMISER",
    "PARTS",
    "SEEDS",
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
    "Notebook",
    "Part",
    "Region",
    "Schedule",
    "Slider",
    "Slip",
    "Task",
    "Trained",
    "Value",
    "find_regions",
    "named",
    "question_name",
    "reason_of",
    "replace_regions",
    "split_hidden",
    "worth",
]
