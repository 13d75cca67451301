"""Proof that the recorded runs are what this code computes, and not what somebody typed in."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ..data import Dataset
from ..descriptions import differences, in_words
from ..progress import MovingLine, time_left
from ..runs import HISTORY, Run
from ..signals import signals_blocked
from ..support import DataError
from ..training import CompiledLoop, Training, epoch_means
from .jobs import BATCH_SIZE, Job
from .making import train_beginning

# Honest runs drift apart, since sums in another order are rounded otherwise and training makes
# the difference grow. Each pair: up to this iteration, a loss may always differ by this share.
# docs/records.md says how far runs with XLA and without, with one and two threads, drifted.
ALLOWED = ((10, 0.0001), (25, 0.02), (50, 0.25), (200, 0.75))
ITERATIONS = ALLOWED[-1][0]  # retrained of each record
IMAGES = 2  # of a batch that may always be classified otherwise: the nearest decisions
# Some trainings drift faster, and show it here, from weights that differ by NUDGE: a hundred times
# the last bit, as sums of a thousand terms do. The record may then lie DRIFT times as far away.
NUDGE, DRIFT = 2.0**-16, 10
ROUNDING = 1e-5  # relative; of means computed by another version of NumPy


def verify_records(jobs: Sequence[Job], folder: Path, data: Dataset) -> bool:
    """Verify records one by one, print what was found, and say whether all are right."""
    began, wrong = time.perf_counter(), 0
    for number, job in enumerate(jobs):
        with MovingLine() as line:
            left = time_left(time.perf_counter() - began, number, len(jobs)) if number else ""
            line.show(f"{number + 1} of {len(jobs)}: {job.name} ... {left}")
            told, problems = verify_record(job, folder, data)
            line.show("")
        wrong += bool(problems)
        for problem in problems or [told]:
            print(f"{job.name}: {'WRONG, ' if problems else ''}{problem}")
    print(f"{len(jobs) - wrong} of {len(jobs)} records are right")
    return not wrong


def verify_record(job: Job, folder: Path, data: Dataset) -> tuple[str, list[str]]:
    """Retrain the first iterations of a record, and recompute all that follows from its arrays.

    Parameters
    ----------
    job
        What the record has to be.
    folder
        Where it is.
    data
        MNIST.

    Notes
    -----
    The figures measured on validation and fit images after the epochs before the last follow from
    weights that are not on file. Only the file's seal protects these, and the last ones, too, where
    a record holds no probabilities.

    Returns
    -------
    str
        How far the retrained losses lie from the recorded ones, in words.
    list of str
        What is wrong with the record, in words; nothing if all is well.
    """
    try:
        run = Run.load(job.file(folder))
    except DataError as problem:
        return "", [str(problem)]
    for key, (recorded, now) in differences(run.settings.fingerprint, job.wanted).items():
        return "", [f"{key} is {in_words(recorded)}, wanted {in_words(now)}"]
    model, data = job.part.build(), job.variant.images.of(data, job.seed)
    problems = [*_provenance(run, job, model, data), *_shapes(run, job, model, data)]
    if problems:
        return "", problems
    told, apart = _retrain(run, job, data)
    return told, [*apart, *_summaries(run, data), *_weights(run, model, data)]


def _provenance(run: Run, job: Job, model: keras.Model, data: Dataset) -> list[str]:
    """What is wrong with what the record says of its origin."""
    found = vars(run.settings) | {"name": run.name, "interrupted": run.interrupted}
    right = {
        "name": job.part.key,
        "parameters": model.count_params(),
        "data": data.name,
        "steps_per_epoch": -(-len(data.x_train) // BATCH_SIZE),
        "interrupted": False,
    }
    unlike = differences({key: found[key] for key in right}, right)
    problems = [f"{key} is {told}, not {now}" for key, (told, now) in unlike.items()]
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", found["date"]) or not found["machine"]:
        problems.append("it does not say when and on what machine it was made")
    if not run.seconds > 0 or not run.compile_seconds > 0:
        problems.append("its times are not positive")
    return problems


def _shapes(run: Run, job: Job, model: keras.Model, data: Dataset) -> list[str]:
    """What is wrong with the numbers of epochs, iterations, images and weights."""
    steps, epochs = run.settings.steps_per_epoch, run.settings.epochs
    iterations = len(run.batch_loss)
    finite = np.isfinite(run.batch_loss)
    problems = []
    if run.diverged != (not finite.all()) or not finite[:-1].all():
        problems.append("it says wrongly whether and when it diverged")
    if run.epochs != (iterations // steps if run.diverged else epochs):
        problems.append(f"it has {run.epochs} epochs")
    if not run.diverged and iterations != epochs * steps:
        problems.append(f"it has {iterations} iterations")
    said = (len(data.x_valid) if job.keeps_probabilities else 0, 10) if run.epochs else (0, 0)
    if run.val_probabilities.shape != said:
        problems.append(f"val_probabilities have the shape {run.val_probabilities.shape}")
    shapes = [weight.shape for weight in model.get_weights()] if job.keeps_weights(run) else []
    if [weight.shape for weight in run.weights] != shapes:
        problems.append("the weights are not those of the part's network")
    return problems


def _retrain(run: Run, job: Job, data: Dataset) -> tuple[str, list[str]]:
    again = train_beginning(job, _enough)
    count = min(ITERATIONS, len(run.batch_loss), len(again.batch_loss))
    allowed = np.repeat([share for _, share in ALLOWED], np.diff([0, *(to for to, _ in ALLOWED)]))
    allowed = np.stack([allowed, np.maximum(allowed, IMAGES / BATCH_SIZE)])[:, :count]
    apart = _apart(again, run, count)
    told = f"largest relative difference {apart[0].max():.1g} in {count} iterations"
    if apart[0].any():
        told += f" (in iteration {apart[0].argmax() + 1})"
    if (apart > allowed).any():
        nudged = _nudged(job, data)
        known = min(count, len(nudged.batch_loss))
        drift = np.full((2, count), np.inf)  # where it has diverged, nothing is known
        drift[:, :known] = np.maximum.accumulate(_apart(again, nudged, known), axis=1)
        allowed = np.maximum(allowed, DRIFT * drift)
        told += f"; {drift[0].max():.1g} from weights that differ by {NUDGE:.1g}"
    problems = []
    for name, far, bound in zip(("loss", "accuracy"), apart, allowed, strict=True):
        beyond = far > bound + ROUNDING
        if beyond.any():
            problems.append(
                f"the {name} of iteration {beyond.argmax() + 1} is not what training gives "
                f"({far[beyond.argmax()]:.1e} apart)"
            )
    return told, problems


def _enough(run: Run) -> bool:
    return len(run.batch_loss) >= ITERATIONS


def _nudged(job: Job, data: Dataset) -> Run:
    """The beginning of a job, from weights that are a trifle larger or smaller."""
    loop = CompiledLoop(job.part.build(), data, BATCH_SIZE, "float32")
    training = Training(loop, epochs=job.part.epochs, seed=job.seed, name=job.name)
    training.start()
    generator = np.random.default_rng(job.seed)
    for variable in loop.model.trainable_variables:
        weights = np.asarray(variable)
        signs = generator.choice(np.array([-1, 1], np.float32), weights.shape)
        variable.assign(weights * (1 + np.float32(NUDGE) * signs))
    training.compile()
    training.train(_enough)
    return training.run


def _apart(one: Run, other: Run, count: int) -> np.ndarray:
    """How far two runs are apart: in two rows, losses (relative) and accuracies."""
    losses, theirs = one.batch_loss[:count], other.batch_loss[:count]
    with np.errstate(invalid="ignore"):  # where both are no longer finite, they agree
        loss = np.abs(losses - theirs) / np.abs(theirs)
    loss = np.nan_to_num(loss, nan=0, posinf=np.inf)
    loss[np.isfinite(losses) != np.isfinite(theirs)] = np.inf
    accuracy = np.abs(one.batch_accuracy[:count] - other.batch_accuracy[:count])
    return np.stack([loss, accuracy])


def _summaries(run: Run, data: Dataset) -> list[str]:
    """Which figures of the history do not follow from the arrays."""
    problems = []
    for epoch in range(run.epochs):
        means = dict(zip(HISTORY, epoch_means(run, epoch, len(data.x_train)), strict=False))
        for key, mean in means.items():
            if not np.isclose(run.history[key][epoch], mean, rtol=ROUNDING, atol=0):
                problems.append(f"{key} of epoch {epoch + 1} is not the mean of its batches")
    if len(run.val_probabilities):
        right = run.val_probabilities.argmax(axis=1) == data.y_valid
        if not np.isclose(run.history["val_accuracy"][-1], right.mean(), rtol=ROUNDING, atol=0):
            problems.append("the last val_accuracy is not what the probabilities say")
        low, high = _loss_between(run.val_probabilities, data.y_valid)
        if not low <= run.history["val_loss"][-1] <= high:
            problems.append("the last val_loss is not what the probabilities say")
    return problems


def _loss_between(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Between which bounds the cross-entropy lies, given probabilities that were rounded."""
    right = probabilities[np.arange(len(labels)), labels]
    step = np.spacing(right).astype(float)
    least = -np.log(np.minimum(right + step, 1))
    most = -np.log(np.maximum(right - step, 1e-38))
    # The loss of 2020 was never larger than -ln(1e-7).
    return np.minimum(least, 16.1).mean() * (1 - ROUNDING), most.mean() * (1 + ROUNDING)


def _weights(run: Run, model: keras.Model, data: Dataset) -> list[str]:
    """Whether the recorded weights, where there are any, give the recorded results in Keras."""
    if not run.weights:
        return []
    model.set_weights(run.weights)
    images = data.x_valid.reshape(-1, *model.input_shape[1:]) / np.float32(255)
    labels = keras.utils.to_categorical(data.y_valid, 10)
    with signals_blocked():
        loss, accuracy = model.evaluate(images, labels, batch_size=500, verbose=0)
        said = model.predict(images, batch_size=500, verbose=0)
    problems = []
    if not np.allclose(said, run.val_probabilities, atol=0.002):
        problems.append("the weights do not give the recorded probabilities")
    # Another order of additions may turn an image or two.
    if not np.isclose(loss, run.history["val_loss"][-1], rtol=0.001):
        problems.append("the weights do not give the last val_loss")
    if not np.isclose(accuracy, run.history["val_accuracy"][-1], atol=0.0005):
        problems.append("the weights do not give the last val_accuracy")
    return problems
