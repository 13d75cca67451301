"""What each examination needs, loaded once: a fork server imports this, and forks."""

import IPython.core.interactiveshell
import keras
import matplotlib.pyplot

from .. import laboratory, plots, training
from ..checks import check
from ..data import load_mnist

__all__ = ["MNIST", "IPython", "check", "keras", "laboratory", "matplotlib", "plots", "training"]

MNIST = load_mnist()
