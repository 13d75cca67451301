"""Training: `fit` for this lab, with every batch's own values, repeatable, and sooner done."""

from .loop import CompiledLoop
from .replicas import train_replicas
from .train import (
    divergence,
    epoch_means,
    epoch_order,
    interruptions,
    redraw,
    report,
    settings_of,
    train,
    train_epochs,
)

__all__ = [
    "CompiledLoop",
    "divergence",
    "epoch_means",
    "epoch_order",
    "interruptions",
    "redraw",
    "report",
    "settings_of",
    "train",
    "train_epochs",
    "train_replicas",
]
