"""Training: `fit` for this lab, with every batch's own values, repeatable, and sooner done."""

from .api import train, trained
from .epochs import epoch_means, epoch_order, settings_of, train_epochs
from .initial import redraw
from .loop import CompiledLoop, predict
from .replicas import train_replicas
from .reports import divergence, report

__all__ = [
    "CompiledLoop",
    "divergence",
    "epoch_means",
    "epoch_order",
    "predict",
    "redraw",
    "report",
    "settings_of",
    "train",
    "train_epochs",
    "train_replicas",
    "trained",
]
