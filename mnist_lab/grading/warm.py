"""Imports what every examination needs, once, in the fork server."""

import IPython.core.interactiveshell
import keras
import matplotlib.pyplot

from .. import laboratory, plots, training
from ..checks import check
from ..data import load_mnist

__all__ = ["MNIST", "IPython", "check", "keras", "laboratory", "matplotlib", "plots", "training"]

MNIST = load_mnist()
