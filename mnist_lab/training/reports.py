"""Sentences about a training: its progress, and why it diverged."""

import keras
import numpy as np

from ..progress import time_left
from ..runs import Run


def divergence(run: Run, model: keras.Model) -> str:
    """Say at which iteration a run diverged, and which learning rate to try."""
    learning_rate = float(np.asarray(model.optimizer.learning_rate))
    return (
        f"Diverged: from iteration {len(run.batch_loss):,} on, the loss is not a finite number. "
        f"Try a smaller learning rate than {learning_rate:g}, say {learning_rate / 3:.1g}."
    )


def report(run: Run) -> str:
    """Describe a training's progress in one line; it ends with the time left, or taken in all."""
    epochs, steps = run.settings.epochs, run.settings.steps_per_epoch
    done, total = len(run.batch_loss), epochs * steps
    parts = [
        f"epoch {min(run.epochs + 1, epochs)}/{epochs}",
        f"iteration {done:,}/{total:,}",
        f"loss {run.batch_loss[-100:].mean():.3f}",
    ]
    if run.epochs:
        parts.append(f"validation accuracy {run.history['val_accuracy'][-1]:.1%}")
    parts.append(time_left(run.seconds, done, total))
    return "  ".join(parts)
