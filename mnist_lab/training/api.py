"""`train`: like `model.fit`, but faster and repeatable, with each batch's loss and accuracy."""

import contextlib
import os
import threading
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import keras

from ..data import Dataset, as_dataset, as_stored
from ..progress import MovingLine
from ..runs import Run, find_record
from ..signals import interruptions
from ..support import DataError, in_range
from .fitting import scales_itself
from .hardware import has_bfloat16
from .loop import CompiledLoop
from .reports import divergence, report
from .session import Training

LARGEST_SEED = 2**32 - 1
# For arguments of `model.fit` that `train` does not take: what to use instead.
_INSTEAD = {
    "x": "the second argument is a data set, lab.Dataset(x_train, y_train, x_valid, y_valid)",
    "y": "the second argument is a data set, lab.Dataset(x_train, y_train, x_valid, y_valid)",
    "validation_data": "the data set holds the validation images, too",
    "validation_split": "the data set holds the validation images, too",
    "class_weight": "weight the classes in a loss of your own, given to model.compile",
    "sample_weight": "weight the images in a loss of your own, given to model.compile",
    "callbacks": "callback=... is called between chunks with the run so far",
    "verbose": "progress=True or False",
    "shuffle": "every epoch has its own order; see epoch_order",
    "initial_epoch": "without a seed the training continues from the model's weights",
    "steps_per_epoch": "an epoch uses all images once; pass fewer images for a shorter one",
}


class Trained(NamedTuple):
    """A model's last run by `train`, and the images that it takes.

    Attributes
    ----------
    name : str
        The run's name.
    input_shape : tuple of int
        Shape of one image.
    classes : int
        Number of classes.
    white : float
        Value of a white pixel.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    white: float


# The models that `train` has trained in this process and that still exist.
trained: weakref.WeakKeyDictionary[keras.Model, Trained] = weakref.WeakKeyDictionary()


def train(
    model: keras.Model,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 100,
    seed: int | None = None,
    name: str | None = None,
    precision: str = "float32",
    recorded: bool | Literal["only"] = False,
    checkpoint: str | os.PathLike | None = None,
    progress: bool | None = None,
    callback: Callable[[Run], bool | None] | None = None,
    **of_fit: object,
) -> Run:
    """Train a compiled Keras classifier, with the same mathematics as `model.fit` in less time.

    Parameters
    ----------
    model
        Any compiled Keras classifier: softmax or logits, one-hot or sparse loss, any optimiser.
        It is trained in place.
    data
        What `load_mnist` returns; or your own `Dataset` of prepared arrays, used as they are; or
        the two pairs of arrays that `keras.datasets.mnist.load_data()` returns.
    epochs
        Passes over the training images, 1 to 10,000.
    batch_size
        Images in a batch, 1 to the number of training images. The last batch of an epoch is
        shorter where the number is not a multiple; it is trained on like the others.
    seed
        0 to 4,294,967,295. It decides everything: the initial weights (drawn again from the
        model's own initialisers, except in frozen layers), the optimiser's state, the order of
        the images and the dropout masks. The same seed on the same machine gives the same run
        bit by bit. Without a seed the training continues from the model's weights.
    name
        Name of the run in legends; the default is the model's name.
    precision
        "float32", or "bfloat16" to compute all but the output layer in that shorter format;
        weights and optimiser stay float32. Faster on processors with bfloat16 instructions.
    recorded
        Whether to return a recorded run of exactly this model, data and settings instead of
        training, if there is one; the model then gets the record's weights, if it has any. A
        printed line says what was found, or why no record fits. With "only" nothing is trained.
    checkpoint
        A file that keeps the state after each epoch, so that the same call continues from there
        after a crash. It stays when the training is done. Needs a seed.
    progress
        Whether to show a progress line. The default is to show it where somebody is likely to
        watch: in a terminal, or in a notebook in JupyterLab, Colab or VS Code.
    callback
        Called with the run so far, about every 0.15 seconds and at the end of each epoch. The
        training stops if it returns true.
    of_fit
        Other arguments of `model.fit`. They are refused; the error says what to use instead.

    Returns
    -------
    Run
        Ctrl-C (in a notebook: Interrupt) stops the training early and returns the run so far; the
        model keeps its weights. A second Ctrl-C raises KeyboardInterrupt at once. A loss that is
        not finite also ends the training, with `run.diverged`.

    Raises
    ------
    ValueError
        If an argument lies outside its range, if the model is not compiled or does not fit the
        data, if its class overrides how `fit` trains, if `seed` is given and the model's weights
        cannot be drawn again, or if `checkpoint` holds another training.
    TypeError
        If an argument belongs to `model.fit` or is unknown.
    LookupError
        If `recorded` is "only" and no recorded run fits; says why.

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
    if of_fit:
        raise TypeError(_instead(next(iter(of_fit))))
    data = as_dataset(data)
    epochs = in_range("epochs", epochs, 1, 10_000, whole=True)
    batch_size = in_range("batch_size", batch_size, 1, len(data.x_train), whole=True)
    if seed is not None:
        seed = in_range("seed", seed, 0, LARGEST_SEED, whole=True)
    elif checkpoint is not None:
        raise ValueError("checkpoint without seed: give a seed, so that the order can be repeated")
    _check_precision(precision)
    if recorded not in (True, False, "only"):
        raise ValueError(f"recorded={recorded!r}: it must be True, False or 'only'")
    loop = CompiledLoop(model, data, batch_size, precision)
    training = Training(loop, epochs=epochs, seed=seed, name=name or model.name)
    if recorded and (record := _recall(training, must=recorded == "only")):
        record.name, record.held_out = name or record.name, data.held_out
        return record
    training.start()
    if checkpoint is not None:
        _resume(training, Path(checkpoint))
    with MovingLine(progress) as line, interruptions() as interrupted:
        line.show("compiling ...")
        line.print_above(training.compile())
        ended = training.train(_look(line, callback, interrupted), checkpoint)
    run = training.run
    if ended == "diverged":
        print(divergence(run, model))
    else:
        white = 255.0 if as_stored(data.x_train) and scales_itself(model) else data.white
        trained[model] = Trained(run.name, loop.input_shape, loop.classes, white)
    if ended == "stopped":
        print(f"stopped after {len(run.batch_loss):,} iterations; the model keeps what it learned")
    return run


def _check_precision(precision: str) -> None:
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision={precision!r}: it must be 'float32' or 'bfloat16'")
    if precision == "bfloat16" and not has_bfloat16():
        warnings.warn("no bfloat16 found in this processor: float32 will be faster", stacklevel=3)


def _instead(argument: str) -> str:
    if argument in _INSTEAD:
        return f"lab.train has no {argument}, unlike model.fit: {_INSTEAD[argument]}"
    return f"lab.train has no argument {argument!r}; lab.train? lists those that it has"


def _look(
    line: MovingLine, callback: Callable[[Run], bool | None] | None, interrupted: threading.Event
) -> Callable[[Run], bool]:
    """Return the function that `Training.train` calls between chunks."""

    def look(run: Run) -> bool:
        line.show(report(run))
        return bool(callback and callback(run)) or interrupted.is_set()

    return look


def _recall(training: Training, *, must: bool) -> Run | None:
    """Return the recorded run of a training, if any; print what was found or why there is none."""
    record, explanation = None, "a run without a seed cannot be repeated"
    if training.run.settings.seed is not None:
        record, explanation = find_record(training.run.settings)
    if record is None and must:
        raise LookupError(f"no recorded run fits ({explanation})")
    if record is None:
        print(f"No recorded run fits ({explanation}): training.")
        return None
    print(f"Recorded: {explanation}.\n{_take_weights(training.loop, record)}")
    if record.diverged:
        print(divergence(record, training.loop.model))
    return record


def _take_weights(loop: CompiledLoop, record: Run) -> str:
    """Set the model to a record's weights if possible, and return a sentence on that."""
    model = loop.model
    if not record.weights:
        return "Its weights are not kept: the model keeps those that it had."
    before = model.get_weights()
    with contextlib.suppress(ValueError):
        model.set_weights(record.weights)
        # A student's own class may have its weights in another order.
        if loop.predicts(record.val_probabilities):
            return "The model has its weights now."
    model.set_weights(before)
    return "Its weights do not fit this model's own order: the model keeps those that it had."


def _resume(training: Training, checkpoint: Path) -> None:
    """Continue from a checkpoint, if the file exists and can be read."""
    if checkpoint.exists():
        try:
            training.resume(checkpoint)
        except DataError as problem:
            print(f"{problem}: training from the start.")
