"""What the page's kernel has to know of the course and the laboratory, as one JSON."""

import math
import re
from typing import Any

from .. import places
from ..course import NOTEBOOKS, PARTS, Part, Slider
from ..laboratory import Setup
from ..runs import record_files

# Of the course's code, what the controls set: the figure as the code has it, and the control.
_HOLES = {
    "SGD(0.5)": "SGD({learning_rate})",
    "Adam(0.001,": "Adam({learning_rate},",
    'Dense(10, kernel_initializer="zeros")': 'Dense({hidden_units}, kernel_initializer="zeros")',
    "Dense(1500,": "Dense({hidden_units},",
    "Conv2D(32,": "Conv2D({first_filters},",
    "Conv2D(64,": "Conv2D({second_filters},",
    "Dropout(0.5)": "Dropout({dropout})",
    "lab.ClippedCrossentropy()": "{loss}",
}
_DRAWN_BY = {"mlp": "dropout"}  # without its dropout layers, that code is the other's


def figures() -> dict[str, Any]:
    """Return the parts with their controls and sheet curves, and the records, as plain data."""
    return {
        "parts": {key: _part(part) for key, part in PARTS.items()},
        "records": [
            {"part": key, "title": part.title, "seeds": _seeds(key)} for key, part in PARTS.items()
        ],
    }


def _part(part: Part) -> dict[str, Any]:
    setup = Setup.of_sheet(part)
    size = "filters" if "filters" in setup.values else "hidden_units"
    choices = setup.sliders[size].choices
    return {
        "title": part.title,
        "values": setup.values,
        "controls": {key: _control(setup, setup.sliders[key]) for key in setup.values},
        "sized": size,
        "parameters": [setup.moved(**{size: choice}).parameters for choice in choices],
        "sheet": _sheet(part),
        "program": _program(NOTEBOOKS[_DRAWN_BY.get(part.key, part.key)].code),
    }


def _control(setup: Setup, slider: Slider) -> dict[str, Any]:
    """Return a slider; what it reads, and its words in a run's name, only where they are special.

    The seed is typed in: of its thousands of choices, the last index is enough.
    """
    about = {"label": slider.label, "tooltip": slider.tooltip, "last": len(slider.choices) - 1}
    if slider.key == "seed":
        return about
    about["choices"] = list(slider.choices)
    setups = [setup.moved(**{slider.key: choice}) for choice in slider.choices]
    (control,) = (each for each in setup.choices() if each["key"] == slider.key)
    if control["choices"] != [_number(choice) for choice in slider.choices]:
        about["reads"] = control["choices"]
    words = [dict(zip(each.values, each.words, strict=True))[slider.key][0] for each in setups]
    if words != [f"{slider.label} {reads}" for reads in control["choices"]]:
        about["words"] = words
    return about


def _number(choice: Any) -> str | None:
    return f"{choice:g}" if isinstance(choice, int | float) else None


def _sheet(part: Part) -> list[list[float | None]]:
    """Return the sheet's curve, a row for each measure; None where it printed nothing."""
    rows = part.sheet_curve().values()
    return [[None if math.isnan(value) else value for value in row] for row in rows]


def _program(code: str) -> str:
    """Return the course's code of a network, without imports, and with holes for the controls."""
    for figure, hole in _HOLES.items():
        code = code.replace(figure, hole)
    return re.sub(r"(?:import|from) .*\n+", "", code)


def _seeds(part: str) -> list[int]:
    names = (path.stem for path in record_files(places.here.records))
    found = (re.fullmatch(rf"{part}-seed(\d+)", name) for name in names)
    return sorted(int(match[1]) for match in found if match)
