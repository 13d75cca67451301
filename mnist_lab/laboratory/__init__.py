"""The laboratory in a notebook: sliders, Start, Stop, live curves, and runs to compare."""

from .answering import RECORDED
from .controls import Setup
from .explorer import explore
from .surface import UPLOT, styles

__all__ = ["RECORDED", "UPLOT", "Setup", "explore", "styles"]
