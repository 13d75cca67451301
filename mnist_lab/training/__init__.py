"""Training: `fit` for this lab, with every batch's own values, repeatable, and sooner done."""

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
