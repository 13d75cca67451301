"""Training: `fit` for this lab, with every batch's own values, repeatable, and sooner done."""

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

# Only here, since data and models are of use with another backend, too.
if (backend := keras.config.backend()) != "tensorflow":
    raise ImportError(
        f"mnist_lab trains with TensorFlow, but Keras is set to {backend!r}: set the environment "
        "variable KERAS_BACKEND to tensorflow, and start Python anew"
    )
