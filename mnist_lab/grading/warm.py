"""Imports what every examination needs, once, in the fork server."""

import IPython.core.interactiveshell
import keras
import matplotlib.pyplot

from .. import laboratory, plots, training
from ..checks import check, check_answer, check_count, check_data
from ..course import test_images
from ..data import load_mnist

__all__ = ["CHECKS", "MNIST", "IPython", "keras", "laboratory", "matplotlib", "plots", "training"]

CHECKS = (check, check_answer, check_count, check_data)

MNIST = load_mnist()
# What the checks keep of MNIST, so that not every judge reads the file again.
check_data(MNIST)
test_images()
