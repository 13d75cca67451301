"""The laboratory in a notebook: sliders, Start, Stop, live curves, and runs to compare."""

from .controls import Setup
from .explorer import explore
from .networks import RECORDED
from .surface import UPLOT, styles

__all__ = ["RECORDED", "UPLOT", "Setup", "explore", "styles"]
