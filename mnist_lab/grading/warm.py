"""Imports what every examination needs, once, in the fork server."""

import IPython.core.interactiveshell
import keras
import matplotlib.pyplot

from .. import laboratory, plots, training
from ..checks import check, check_answer, check_count, check_data
from ..data import load_mnist

__all__ = ["CHECKS", "MNIST", "IPython", "keras", "laboratory", "matplotlib", "plots", "training"]

CHECKS = (check, check_answer, check_count, check_data)

MNIST = load_mnist()
