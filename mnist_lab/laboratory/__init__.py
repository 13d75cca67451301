"""The laboratory: sliders, Start, Stop, live curves, and runs to compare, in a notebook."""

from .explorer import explore

__all__ = ["explore"]
