"""Training: like Keras' `fit`, but faster and repeatable, with each batch's loss and accuracy."""

import keras

from .api import train, trained
from .epochs import epoch_means, epoch_order
from .loop import CompiledLoop, predict
from .replicas import train_replicas
from .reports import divergence, report
from .session import Training

__all__ = [
    "CompiledLoop",
    "Training",
    "divergence",
    "epoch_means",
    "epoch_order",
    "predict",
    "report",
    "train",
    "train_replicas",
    "trained",
]

# Checked only here: data and models work with other backends too.
if (backend := keras.config.backend()) != "tensorflow":
    raise ImportError(
        f"mnist_lab trains with TensorFlow, but Keras is set to {backend!r}: set the environment "
        "variable KERAS_BACKEND to tensorflow, and restart Python"
    )
