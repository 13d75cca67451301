"""`Training`: one training from its start, epoch by epoch, to its end."""

import dataclasses
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from ..descriptions import describe, differences
from ..runs import Run, Settings
from .epochs import epoch_means, epoch_order
from .hardware import machine
from .initial import redraw
from .loop import Chunk, CompiledLoop

End = Literal["finished", "stopped", "diverged"]


class Training:
    """One training, run by `train`, by the laboratory or by the verification of a record.

    Call `start`, then `resume` if there is a checkpoint, then `compile`, then `train`.

    Parameters
    ----------
    loop
        The model, its data and the batch size. An earlier training may have compiled it.
    epochs
        Passes over the training images.
    seed
        Decides everything; with None, training continues from the model's weights.
    name
        The run's name.

    Attributes
    ----------
    loop : CompiledLoop
        The argument.
    run : Run
        The run so far.
    """

    def __init__(self, loop: CompiledLoop, *, epochs: int, seed: int | None, name: str):
        self.loop = loop
        self.run = Run(name, _settings(loop, epochs, seed), held_out=loop.data.held_out)

    def compile(self) -> str:
        """Compile the loop.

        Returns
        -------
        str
            A note for the user, often empty; see `CompiledLoop.compile`.
        """
        began = time.perf_counter()
        note = self.loop.compile()
        self.run.compile_seconds = time.perf_counter() - began
        return note

    def start(self) -> None:
        """Draw new initial weights if there is a seed.

        Raises
        ------
        ValueError
            If the model's weights cannot be drawn again.
        """
        if self.run.settings.seed is not None:
            redraw(self.loop.model, self.run.settings.seed, self.loop.input_shape)

    def resume(self, checkpoint: Path) -> None:
        """Continue the training in a checkpoint.

        Raises
        ------
        DataError
            If the file cannot be read.
        ValueError
            If it holds another training.
        """
        saved, settings = Run.load(checkpoint), self.run.settings
        unlike = differences(settings.fingerprint, saved.settings.fingerprint)
        if unlike:
            raise ValueError(
                f"{checkpoint} is of another training ({next(iter(unlike)).replace(':', '')} "
                "differs): choose another file or remove it"
            )
        for variable, value in zip(_state(self.loop.model), saved.weights, strict=True):
            variable.assign(value)
        kept = {"name": self.run.name, "held_out": self.run.held_out}
        self.run = dataclasses.replace(saved, weights=[], settings=settings, **kept)

    def train(
        self, look: Callable[[Run], bool], checkpoint: str | os.PathLike | None = None
    ) -> End:
        """Train the epochs that the run still lacks.

        Parameters
        ----------
        look
            Called with the run so far, between chunks and at the end of each epoch. The training
            stops if it returns true.
        checkpoint
            A file that keeps the state after each epoch.

        Returns
        -------
        str
            How it ended: "finished"; "stopped" by `look` before the end of the last epoch; or
            "diverged", if the loss is no longer finite.
        """
        run, settings, model = self.run, self.run.settings, self.loop.model
        self._look, self._began = look, time.perf_counter() - run.seconds
        self._key = secrets.randbits(62) if settings.seed is None else settings.seed
        self._batches = np.empty((2, settings.epochs * settings.steps_per_epoch), np.float32)
        self._batches[:, : len(run.batch_loss)] = run.batch_loss, run.batch_accuracy
        for epoch in range(run.epochs, settings.epochs):
            stop = self._train_epoch(epoch)
            if run.diverged or run.interrupted:
                break
            self._measure()
            if checkpoint is not None:
                state = [np.asarray(variable) for variable in _state(model)]
                dataclasses.replace(run, weights=state).save(checkpoint, compressed=False)
            if self._pause() or stop:
                run.interrupted = epoch + 1 < settings.epochs
                break
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return "diverged" if run.diverged else "stopped" if run.interrupted else "finished"

    def _train_epoch(self, epoch: int) -> bool:
        """Train the iterations of an epoch, and return whether to stop."""
        run, steps = self.run, self.run.settings.steps_per_epoch
        order = epoch_order(self._key, epoch, self.loop.images)
        stop = False
        for chunk in self.loop.epoch(order, self._key, epoch * steps):
            self._note(chunk)
            stop = self._pause()
            if run.diverged:
                break
            if stop and len(run.batch_loss) < (epoch + 1) * steps:
                run.interrupted = True
                break
        return stop

    def _note(self, chunk: Chunk) -> None:
        """Append each batch's values; a diverged run ends with the first that is not finite."""
        run, finite, done = self.run, np.isfinite(chunk.loss), len(self.run.batch_loss)
        run.diverged = not finite.all()
        count = int(np.argmin(finite)) + 1 if run.diverged else len(chunk.loss)
        self._batches[:, done : done + count] = chunk.loss[:count], chunk.accuracy[:count]
        run.batch_loss, run.batch_accuracy = self._batches[:, : done + count]

    def _pause(self) -> bool:
        """Update the run, call `look`, and return whether to stop."""
        self.run.seconds = time.perf_counter() - self._began
        return self._look(self.run)

    def _measure(self) -> None:
        """Measure loss and accuracies at the end of an epoch, and append them to the history."""
        run, loop = self.run, self.loop
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


def _settings(loop: CompiledLoop, epochs: int, seed: int | None) -> Settings:
    return Settings(
        model=describe(loop.model, loop.input_shape),
        parameters=loop.model.count_params(),
        data=loop.data.name,
        data_sha256=loop.data.sha256,
        epochs=epochs,
        batch_size=loop.batch_size,
        steps_per_epoch=loop.steps_per_epoch,
        seed=seed,
        precision=loop.precision,
        tensorflow=tf.__version__,
        keras=keras.__version__,
        machine=machine(),
        date=time.strftime("%Y-%m-%d"),
    )


def _state(model: keras.Model) -> list:
    """List all variables that training changes: weights, optimiser and random states."""
    return [*model.variables, *model.optimizer.variables]
