"""The laboratory in a notebook: sliders, Start, Stop, live curves, and runs to compare."""

from .explorer import explore

__all__ = ["explore"]
