"""`train`: what `model.fit` does, faster, reproducible, and with every batch's own values."""

import contextlib
import dataclasses
import os
import platform
import random
import re
import secrets
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

from ..data import Dataset
from ..descriptions import describe, differences
from ..progress import MovingLine, time_left
from ..runs import Run, find_record, fingerprint
from ..support import DataError, in_range
from .loop import CompiledLoop, has_bfloat16

LARGEST_SEED = 2**32 - 1
_SEEDING = threading.Lock()  # Keras has one seed for all threads


def train(
    model: keras.Model,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 100,
    seed: int | None = None,
    name: str | None = None,
    precision: str = "float32",
    recorded: bool = False,
    checkpoint: str | os.PathLike | None = None,
    progress: bool | None = None,
    callback: Callable[[Run], bool | None] | None = None,
) -> Run:
    """Train a compiled Keras classifier; the same mathematics as `model.fit`, sooner done.

    Parameters
    ----------
    model
        Any compiled Keras classifier: softmax or logits, one-hot or sparse loss, any optimiser.
        It is trained in place.
    data
        As `load_mnist` gives it; or your own `Dataset` of prepared arrays, used as they are.
    epochs
        Passes over the training images, 1 to 10,000.
    batch_size
        Images in a batch, 1 to the number of training images. The last batch of an epoch is
        shorter where the number is not a multiple, and is trained on like the others.
    seed
        0 to 4,294,967,295. Everything follows from it: the initial weights (drawn anew from the
        model's own initialisers, frozen layers excepted), the optimiser's state, the order of
        the images and the dropout masks. The same seed on the same machine gives the same run
        bit by bit. Without it the training goes on from the weights that the model has.
    name
        What to call the run in legends; without it the model's name.
    precision
        "float32", or "bfloat16" to compute all but the output layer in that shorter format;
        weights, optimiser and validation stay float32. Faster on processors that have it.
    recorded
        Whether to return the recorded run of exactly this model, these data and these figures, if
        one is on file, instead of training; the model then gets its weights, where the record
        has them. A line says what was found, or why no record fits.
    checkpoint
        A file in which the state is kept after each epoch, so that the same call goes on from
        there after a crash. It stays when the training is done. Needs a seed.
    progress
        Whether to print a line that moves; without it, where somebody is likely to watch:
        a terminal or a notebook in JupyterLab, Colab or VS Code.
    callback
        Called between chunks of about 0.2 seconds with the run so far, and at each epoch's end.
        The training stops if it returns true.

    Returns
    -------
    Run
        Ctrl-C (in a notebook: Interrupt) ends the training early and returns what was trained
        so far; the model keeps its weights. A second one raises KeyboardInterrupt at once.
        A loss that is no longer finite ends it too, with `run.diverged`.

    Raises
    ------
    ValueError
        If an argument lies outside its range, if the model is not compiled or does not fit the
        data, if `seed` is given and the model's weights cannot be drawn anew, or if `checkpoint`
        holds another training.

    Notes
    -----
    The order of the images in epoch k is `epoch_order(seed, k, images)`.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> data, model = lab.load_mnist(), lab.build_linear()
    >>> run = lab.train(model, data, epochs=1, seed=0, progress=False)
    >>> run
    Run linear: 1 epoch, 600 iterations, validation accuracy 9...%
    >>> run.batch_loss.shape
    (600,)
    """
    epochs = in_range("epochs", epochs, 1, 10_000, whole=True)
    batch_size = in_range("batch_size", batch_size, 1, len(data.x_train), whole=True)
    if seed is not None:
        seed = in_range("seed", seed, 0, LARGEST_SEED, whole=True)
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision={precision!r}: it must be 'float32' or 'bfloat16'")
    if precision == "bfloat16" and not has_bfloat16():
        warnings.warn("no bfloat16 found in this processor: float32 will be faster", stacklevel=2)
    if checkpoint is not None and seed is None:
        raise ValueError("checkpoint without seed: give a seed, so that the order can be repeated")
    loop = CompiledLoop(model, data, batch_size, precision)
    run = Run(settings_of(loop, data, epochs, seed, name or model.name))
    if recorded and (record := _recall(loop, run.settings, name)):
        return record
    if seed is not None:
        redraw(model, seed, loop.input_shape)
    if checkpoint is not None:
        run = _go_on(loop, run, Path(checkpoint))
    with MovingLine(progress) as line, interruptions() as interrupted:
        began = time.perf_counter()
        line.show("compiling ...")
        line.tell(loop.compile())
        run.compile_seconds = time.perf_counter() - began
        train_epochs(loop, run, _looks(line, callback, interrupted), checkpoint)
    if run.diverged:
        print(divergence(run, model))
    elif run.interrupted:
        print(f"stopped after {len(run.batch_loss):,} iterations; the model keeps what it learned")
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return run


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


def redraw(model: keras.Model, seed: int, input_shape: tuple[int, ...]) -> None:
    """Give a model new initial weights, drawn from its own initialisers, and a new optimiser state.

    Frozen layers and those that `adapt` prepared keep their weights.

    Parameters
    ----------
    model
        Built and compiled.
    seed
        The weights follow from it alone, for one version of Keras.
    input_shape
        Shape of one image, as the model takes it.

    Raises
    ------
    ValueError
        If Keras cannot make a second model like this one, as with some subclassed models.
    """
    with _seeded(seed):
        try:
            fresh = keras.models.clone_model(model)
            fresh(np.zeros((1, *input_shape), np.float32))
            states = list(zip(model.variables, fresh.variables, strict=True))
            if any(old.shape != new.shape for old, new in states):
                raise ValueError("the copy has other weights")
        except Exception as problem:  # whatever a student's own class raises
            raise ValueError(
                f"seed={seed}: the weights of {model.name!r} cannot be drawn anew "
                f"({str(problem).splitlines()[0]}). Call keras.utils.set_random_seed({seed}), "
                "build the model again, and train it with seed=None"
            ) from problem
    kept = {
        id(variable)
        for layer in model._flatten_layers()
        if not layer.trainable or hasattr(layer, "adapt")
        for variable in layer.weights
    }
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    states += zip(model.optimizer.variables, optimizer.variables, strict=True)
    for old, new in states:
        if id(old) not in kept:
            old.assign(new)


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
    epochs, steps, seed = (run.settings[key] for key in ("epochs", "steps_per_epoch", "seed"))
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
            state = [np.asarray(variable) for variable in _variables(loop.model)]
            dataclasses.replace(run, weights=state).save(checkpoint, compressed=False)
        if pause() or stop:
            run.interrupted = epoch + 1 < epochs
            return


def _looks(
    line: MovingLine, callback: Callable[[Run], bool | None] | None, interrupted: threading.Event
) -> Callable[[Run], bool]:
    def look(run: Run) -> bool:
        line.show(report(run))
        return bool(callback and callback(run)) or interrupted.is_set()

    return look


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
    steps, batch_size = run.settings["steps_per_epoch"], run.settings["batch_size"]
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


def settings_of(
    loop: CompiledLoop, data: Dataset, epochs: int, seed: int | None, name: str
) -> dict[str, str | int | None]:
    """What is trained and how, and by what: `Run.settings` of a training with these arguments."""
    return {
        "name": name,
        "model": describe(loop.model, loop.input_shape),
        "parameters": loop.model.count_params(),
        "data": data.name,
        "data_sha256": data.sha256,
        "epochs": epochs,
        "batch_size": loop.batch_size,
        "steps_per_epoch": loop.steps_per_epoch,
        "seed": seed,
        "precision": loop.precision,
        "tensorflow": version("tensorflow"),
        "keras": keras.__version__,
        "machine": _machine(),
        "date": time.strftime("%Y-%m-%d"),
    }


def _machine() -> str:
    """System, architecture and processor in words."""
    try:
        model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        processor = model[1] if model else ""
    except OSError:
        processor = platform.processor()
    cores = f"{os.cpu_count()} processors" + (f" ({processor})" if processor else "")
    return f"{platform.system()} {platform.machine()}, {cores}"


def _recall(loop: CompiledLoop, settings: dict, name: str | None) -> Run | None:
    """Find the recorded run of these settings, and say what was found or why there is none."""
    record, told = None, "a run without a seed cannot be repeated"
    if settings["seed"] is not None:
        record, told = find_record(settings)
    if record is None:
        print(f"No recorded run fits ({told}): training.")
        return None
    print(f"Recorded: {told}.\n{_take_weights(loop, record)}")
    if record.diverged:
        print(divergence(record, loop.model))
    record.settings["name"] = name or record.name
    return record


def _take_weights(loop: CompiledLoop, record: Run) -> str:
    """Give the model the weights of a record, if it has them, and say whether."""
    model = loop.model
    if not record.weights:
        return "Its weights are not kept: the model itself stays untrained."
    before = model.get_weights()
    with contextlib.suppress(ValueError):
        model.set_weights(record.weights)
        # In a model of a class of its own, the weights may lie in another order.
        if loop.predicts(record.val_probabilities):
            return "The model has its weights now."
    model.set_weights(before)
    return "Its weights do not fit this model's own order: the model itself stays untrained."


def _go_on(loop: CompiledLoop, run: Run, checkpoint: Path) -> Run:
    """Take up the training that a checkpoint holds, if it holds one."""
    if not checkpoint.exists():
        return run
    try:
        saved = Run.load(checkpoint)
    except DataError as problem:
        print(f"{problem}: training from the start.")
        return run
    unlike = differences(fingerprint(run.settings), fingerprint(saved.settings))
    if unlike:
        raise ValueError(
            f"{checkpoint} is of another training ({next(iter(unlike)).replace(':', '')} differs): "
            "choose another file or remove it"
        )
    for variable, value in zip(_variables(loop.model), saved.weights, strict=True):
        variable.assign(value)
    return dataclasses.replace(saved, weights=[], settings=run.settings)


def _variables(model: keras.Model) -> list:
    """All that changes in a training: weights, the optimiser's state, random states."""
    return [*model.variables, *model.optimizer.variables]


def divergence(run: Run, model: keras.Model) -> str:
    """Say at which iteration a run diverged, and what to try."""
    learning_rate = float(np.asarray(model.optimizer.learning_rate))
    return (
        f"Diverged: from iteration {len(run.batch_loss):,} on, the loss is no finite number. "
        f"Try a smaller learning rate than {learning_rate:g}, say {learning_rate / 3:.1g}."
    )


def report(run: Run) -> str:
    """Where a training is, in one line; the time left, or taken at the end, comes last."""
    epochs, steps = run.settings["epochs"], run.settings["steps_per_epoch"]
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


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed all that Keras draws from; Python's and NumPy's own generators get back their state."""
    with _SEEDING:
        python, numpy = random.getstate(), np.random.get_state()
        keras.utils.set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextlib.contextmanager
def interruptions() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no iteration is torn apart; leave the second."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    usual = signal.getsignal(signal.SIGINT)

    def first(*_: object) -> None:
        event.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, first)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, usual)
