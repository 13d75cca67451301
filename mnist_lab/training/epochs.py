"""Epoch by epoch: the order of the images, the iterations, and what is measured at the end."""

import dataclasses
import os
import secrets
import time
from collections.abc import Callable
from importlib.metadata import version

import keras
import numpy as np

from ..data import Dataset
from ..descriptions import describe
from ..runs import Run, Settings
from .hardware import machine
from .loop import CompiledLoop


def epoch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """The order in which `train(..., seed=seed)` visits the images in an epoch (from 0).

    Returns
    -------
    numpy.ndarray
        A permutation of 0 to images - 1, int64, another one in each epoch.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.epoch_order(seed=0, epoch=0, images=5)
    array([2, 4, 3, 0, 1])
    """
    return np.random.default_rng([seed, epoch]).permutation(images)


def train_epochs(
    loop: CompiledLoop,
    run: Run,
    look: Callable[[Run], bool],
    checkpoint: str | os.PathLike | None = None,
) -> None:
    """Train the epochs that a run still lacks, and write down in it what happens.

    Parameters
    ----------
    loop
        Compiled; its model has the weights to start from.
    run
        With settings of `settings_of`.
    look
        Called between chunks and at each epoch's end with the run so far; true ends the training.
    checkpoint
        A file in which the state is kept after each epoch.
    """
    epochs, steps, seed = run.settings.epochs, run.settings.steps_per_epoch, run.settings.seed
    key = secrets.randbits(62) if seed is None else seed
    losses, accuracies = np.empty((2, epochs * steps), np.float32)
    done = len(run.batch_loss)
    losses[:done], accuracies[:done] = run.batch_loss, run.batch_accuracy
    began = time.perf_counter() - run.seconds

    def pause() -> bool:
        """Let others look at the run, and hear whether to stop."""
        run.batch_loss, run.batch_accuracy = losses[:done], accuracies[:done]
        run.seconds = time.perf_counter() - began
        return look(run)

    for epoch in range(run.epochs, epochs):
        for chunk in loop.epoch(epoch_order(key, epoch, loop.images), key, epoch * steps):
            finite = np.isfinite(chunk.loss)
            run.diverged = not finite.all()
            # A diverged run ends with the first loss that is not finite.
            count = int(np.argmin(finite)) + 1 if run.diverged else len(chunk.loss)
            losses[done : done + count] = chunk.loss[:count]
            accuracies[done : done + count] = chunk.accuracy[:count]
            done += count
            stop = pause()
            if run.diverged:
                return
            if stop and done < (epoch + 1) * steps:
                run.interrupted = True
                return
        _end_epoch(loop, run)
        if checkpoint is not None:
            state = [np.asarray(variable) for variable in state_of(loop.model)]
            dataclasses.replace(run, weights=state).save(checkpoint, compressed=False)
        if pause() or stop:
            run.interrupted = epoch + 1 < epochs
            return


def epoch_means(run: Run, epoch: int, images: int) -> tuple[float, float]:
    """Mean loss and accuracy of an epoch's batches, weighted by their sizes.

    Parameters
    ----------
    run
        Which has finished the epoch.
    epoch
        From 0.
    images
        Number of training images; the last batch may be shorter than the others.
    """
    steps, batch_size = run.settings.steps_per_epoch, run.settings.batch_size
    sizes = np.full(steps, batch_size)
    sizes[-1] = images - (steps - 1) * batch_size
    own = slice(epoch * steps, (epoch + 1) * steps)
    return (
        float(np.average(run.batch_loss[own], weights=sizes)),
        float(np.average(run.batch_accuracy[own], weights=sizes)),
    )


def _end_epoch(loop: CompiledLoop, run: Run) -> None:
    loss, accuracy = epoch_means(run, run.epochs, loop.images)
    val_loss, val_accuracy, run.val_probabilities = loop.validate()
    values = {
        "loss": loss,
        "accuracy": accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
        "fit_accuracy": loop.fit_accuracy(),
    }
    for key, value in values.items():
        run.history[key].append(value)


def state_of(model: keras.Model) -> list:
    """All that changes in a training: weights, the optimiser's state, random states."""
    return [*model.variables, *model.optimizer.variables]


def settings_of(loop: CompiledLoop, data: Dataset, epochs: int, seed: int | None) -> Settings:
    """What is trained and how, and by what: `Run.settings` of a training with these arguments."""
    return Settings(
        model=describe(loop.model, loop.input_shape),
        parameters=loop.model.count_params(),
        data=data.name,
        data_sha256=data.sha256,
        epochs=epochs,
        batch_size=loop.batch_size,
        steps_per_epoch=loop.steps_per_epoch,
        seed=seed,
        precision=loop.precision,
        tensorflow=version("tensorflow"),
        keras=keras.__version__,
        machine=machine(),
        date=time.strftime("%Y-%m-%d"),
    )
