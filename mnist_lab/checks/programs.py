"""Judge a student's own Keras program by what it produced: its history, its batches, its model."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..course import PARTS, Program, test_images
from ..runs import FROM_KERAS, Run, load_records
from .findings import Finding, faults
from .judging import type_of
from .network import against_part, input_shape

if TYPE_CHECKING:
    import keras

_STEPS, _TRAINING, _VALIDATION = 600, 60_000, 10_000  # iterations in an epoch; images
_KERAS_STEPS = 1_875  # of the batches of 32 images that Keras takes by default
_SAME = 5e-4  # accuracies of the same images, which differ by rounding in a handful of them
_APART = 0.015  # how far from the recorded seeds another seed may end
_GUESSING = (1.5, 5.0)  # between these lies the first batch's loss of a new network; usually 2.3


def judge_program(task: Program, attempt: Any, model: Any) -> list[Finding]:
    """Find what is wrong with a run and an accuracy, and with the model that they belong to."""
    run, accuracy = attempt if isinstance(attempt, tuple) and len(attempt) == 2 else (attempt, None)
    if any(part is Ellipsis for part in (run, accuracy)):
        raise NotImplementedError
    if not isinstance(run, Run):
        return [_found("program", "no program", type_of(run))]
    if run.settings.data != FROM_KERAS:
        return [_found("program", "not by fit")]
    part = PARTS[task.part]
    asked = part.build(**task.figures)
    network = faults(against_part(model, part, asked))
    training = [*network, *_figures(task, run), *_beginning(run, model, as_asked=not network)]
    batches = _batches(run)
    if run.diverged:
        return training + batches
    validation = _validation(run, model, input_shape(model, asked))
    otherwise = [] if training or validation else _beside_the_records(task, run)
    return training + batches + (validation or _evaluated(run, accuracy)) + otherwise


def _found(topic: str, figure: str, found: Any = None, asked: Any = None) -> Finding:
    return Finding(figure, found, asked, topic=topic)


def _figures(task: Program, run: Run) -> list[Finding]:
    """How `fit` was called: for how many epochs, in batches of which size."""
    findings, steps = [], run.settings.steps_per_epoch
    if steps == _KERAS_STEPS:
        findings.append(_found("training", "no batch size", steps, _STEPS))
    elif steps and steps != _STEPS:
        findings.append(_found("training", "iterations", steps, _STEPS))
    if run.epochs < task.epochs:
        findings.append(_found("training", "fewer epochs", run.epochs, task.epochs))
    return findings


def _beginning(run: Run, model: "keras.Model", *, as_asked: bool) -> list[Finding]:
    """Whether the training began with a new network, on pixels from 0 to 1."""
    lowest, highest = _GUESSING
    trained = int(model.optimizer.iterations) if model.compiled else 0
    losses = run.batch_accuracy if _swapped(run) else run.batch_loss
    began = losses[:1] if len(losses) == run.epochs * run.settings.steps_per_epoch else losses[:0]
    if trained > run.epochs * run.settings.steps_per_epoch > 0 or (began < lowest).any():
        return [_found("training", "trained before")]
    # Unscaled pixels give a loss of hundreds; where the first layer is all zeros, from the second
    # batch on. So may another network or another learning rate.
    large = losses[:5]
    if run.diverged or (as_asked and not (large <= highest).all()):
        return [_found("training", "large losses", float(large.max(initial=0)))]
    return []


def _batches(run: Run) -> list[Finding]:
    """Whether the callback kept each batch's own values, of all epochs."""
    kept, steps = len(run.batch_loss), run.settings.steps_per_epoch
    wanted = run.epochs * steps
    if not kept or not len(run.batch_accuracy):
        return [_found("batches", "no batches")]
    if kept == steps != wanted:
        return [_found("batches", "one epoch's batches", kept, wanted)]
    if kept != wanted or len(run.batch_accuracy) != kept:
        return [_found("batches", "batches", kept, wanted)]
    if _swapped(run):
        return [_found("batches", "no shares")]
    if _are_means(run.batch_loss, steps) or _are_means(run.batch_accuracy, steps):
        return [_found("batches", "running means")]
    return []


def _swapped(run: Run) -> bool:
    """Whether what was given for accuracies are losses."""
    return bool((run.batch_accuracy > 1.01).any())  # from means, a 1 is a little more or less


def _are_means(values: np.ndarray, steps: int) -> bool:
    """Whether these are means since each epoch's beginning, and not each batch's own values.

    If they are, k times the kth mean grows by one batch's own value, which is never below 0. Own
    values vary so much from batch to batch that k times them falls somewhere.
    """
    sums = values.reshape(-1, steps) * np.arange(1, steps + 1)
    return bool((np.diff(sums) > -1e-3 * np.arange(2, steps + 1)).all())


def _validation(run: Run, model: "keras.Model", shape: tuple[int, ...]) -> list[Finding]:
    """Whether the validation accuracy is what the network reads of the 10,000 validation images."""
    said = np.array(run.history["val_accuracy"])
    if np.isnan(said).all():
        return [_found("validation", "no validation")]
    images, labels = test_images()
    scaled = images.reshape(-1, *shape).astype(np.float32) / 255

    def read(x: np.ndarray) -> float:
        answers = model.predict(x, batch_size=1000, verbose=0).argmax(axis=1)
        return float(np.mean(answers == labels))

    accuracy = read(scaled)
    if abs(accuracy - said[-1]) < _SAME:
        return []
    if abs(read(255 * scaled) - said[-1]) < _SAME:
        return [_found("validation", "large validation pixels")]
    if not _are_shares(said, _VALIDATION) and _are_shares(said, _TRAINING):
        return [_found("validation", "validated on training images")]
    return [_found("validation", "validation accuracy", float(said[-1]), accuracy)]


def _are_shares(accuracies: np.ndarray, images: int) -> bool:
    """Whether each can be the share of so many images."""
    counts = accuracies * images
    return bool((np.abs(counts - counts.round()) < 0.02).all())


def _evaluated(run: Run, accuracy: Any) -> list[Finding]:
    """Whether what `evaluate` gave is the accuracy on the validation images."""
    if accuracy is None:
        return [_found("validation", "not evaluated")]
    try:
        values = np.array(accuracy, np.float64)
    except (TypeError, ValueError):
        return [_found("validation", "no accuracy", type_of(accuracy))]
    if values.size != 1:
        return [_found("validation", "loss and accuracy")]
    value, right = float(values.ravel()[0]), run.history["val_accuracy"][-1]
    if min(abs(value - right), abs(value / 100 - right)) < _SAME:
        return []
    if abs(value - run.history["val_loss"][-1]) < 1e-3:
        return [_found("validation", "loss for accuracy")]
    return [_found("validation", "evaluated otherwise", value, right)]


def _beside_the_records(task: Program, run: Run) -> list[Finding]:
    """Whether the program ends where the recorded seeds do."""
    recorded = load_records(task.record)
    epochs = min(run.epochs, *(each.epochs for each in recorded))
    ends = [each.history["val_accuracy"][epochs - 1] for each in recorded]
    own = run.history["val_accuracy"][epochs - 1]
    if min(ends) - _APART < own < max(ends) + _APART:
        return []
    return [_found("training", "unlike the records", [own, epochs], [min(ends), max(ends)])]
