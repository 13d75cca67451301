"""Proof that the recorded runs are what this code computes, and not what somebody typed in."""

import gc
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
from ..training import CompiledLoop, Training, epoch_means, epoch_order
from .jobs import BATCH_SIZE, Job

# Honest runs drift apart, since sums in another order are rounded otherwise and training makes
# the difference grow. Each pair: up to this iteration, a loss may always differ by this share.
# docs/records.md says how far runs with XLA and without, with one and two threads, drifted.
ALLOWED = ((10, 0.0001), (25, 0.02), (50, 0.25), (200, 0.75))
ITERATIONS = ALLOWED[-1][0]  # retrained of each record
IMAGES = 2  # of a batch that may always be classified otherwise: the nearest decisions
# Some trainings drift faster, and show it here: in NUDGES trainings from weights that differ by
# NUDGE, a hundred times the last bit, as sums of a thousand terms do. The record may then lie DRIFT
# times as far away as the farthest of them.
NUDGE, NUDGES, DRIFT = 2.0**-16, 3, 10
ROUNDING = 1e-5  # relative; of means computed by another version of NumPy


def verify_records(jobs: Sequence[Job], folder: Path, data: Dataset) -> bool:
    """Verify records, print what was found of each, and say whether all are right.

    Records of one network follow one another, since it is compiled once for all of them.
    """
    networks = list(dict.fromkeys(map(_network, jobs)))
    jobs = sorted(jobs, key=lambda job: networks.index(_network(job)))
    work = np.cumsum([_work(job, folder) for job in jobs])
    began, wrong, compiled = time.perf_counter(), 0, {}
    with MovingLine() as line:
        for number, job in enumerate(jobs):
            spent = time.perf_counter() - began
            left = time_left(spent, work[number - 1], work[-1]) if number else ""
            line.show(f"{number + 1} of {len(jobs)}: {job.name} ... {left}")
            told, problems = verify_record(job, folder, data, compiled)
            wrong += bool(problems)
            for problem in problems or [told]:
                line.print_above(f"{job.name}: {'WRONG, ' if problems else ''}{problem}")
        line.show("")
    print(f"{len(jobs) - wrong} of {len(jobs)} records are right")
    return not wrong


def _network(job: Job) -> str:
    """What tells one network from another."""
    return f"{job.part.builder} {sorted(job.part.figures.items())}"


def _work(job: Job, folder: Path) -> float:
    """About how long it takes to verify a record: seconds of the machine that made it."""
    try:
        run = Run.load(job.file(folder))
    except DataError:
        return 1
    return 1 + min(ITERATIONS, len(run.batch_loss)) * run.seconds / len(run.batch_loss)


def verify_record(
    job: Job, folder: Path, data: Dataset, compiled: dict[str, CompiledLoop] | None = None
) -> tuple[str, list[str]]:
    """Retrain the first iterations of a record, and recompute all that follows from its arrays.

    Parameters
    ----------
    job
        What the record has to be.
    folder
        Where it is.
    data
        MNIST.
    compiled
        Keeps the network from one record to the next; another one takes its place.

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
    loop = _compiled(
        job, job.variant.images.of(data, job.seed), {} if compiled is None else compiled
    )
    problems = [*_provenance(run, job, loop), *_shapes(run, job, loop)]
    if problems:
        return "", problems
    told, apart = _retrain(run, job, loop)
    return told, [*apart, *_summaries(run, loop.data), *_weights(run, loop)]


def _compiled(job: Job, data: Dataset, compiled: dict[str, CompiledLoop]) -> CompiledLoop:
    network = _network(job)
    if network in compiled:
        compiled[network].exchange(data)
    else:
        compiled.clear()
        gc.collect()  # a model's parts refer to one another
        compiled[network] = CompiledLoop(job.part.build(), data, BATCH_SIZE, "float32")
        compiled[network].compile()
    return compiled[network]


def _provenance(run: Run, job: Job, loop: CompiledLoop) -> list[str]:
    """What is wrong with what the record says of its origin."""
    found = vars(run.settings) | {"name": run.name, "interrupted": run.interrupted}
    right = {
        "name": job.part.key,
        "parameters": loop.model.count_params(),
        "data": loop.data.name,
        "steps_per_epoch": loop.steps_per_epoch,
        "interrupted": False,
    }
    unlike = differences({key: found[key] for key in right}, right)
    problems = [f"{key} is {told}, not {now}" for key, (told, now) in unlike.items()]
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", found["date"]) or not found["machine"]:
        problems.append("it does not say when and on what machine it was made")
    if not run.seconds > 0 or not run.compile_seconds > 0:
        problems.append("its times are not positive")
    return problems


def _shapes(run: Run, job: Job, loop: CompiledLoop) -> list[str]:
    """What is wrong with the numbers of epochs, iterations, images and weights."""
    steps, epochs = run.settings.steps_per_epoch, run.settings.epochs
    iterations = len(run.batch_loss)
    finite = np.isfinite(run.batch_loss)
    problems = []
    if run.diverged != (not finite.all()) or not finite[:-1].all():
        problems.append("its `diverged` flag does not match its losses")
    if run.epochs != (iterations // steps if run.diverged else epochs):
        problems.append(f"it has {run.epochs} epochs")
    if not run.diverged and iterations != epochs * steps:
        problems.append(f"it has {iterations} iterations")
    said = (len(loop.data.x_valid) if job.keeps_probabilities else 0, 10) if run.epochs else (0, 0)
    if run.val_probabilities.shape != said:
        problems.append(f"val_probabilities have the shape {run.val_probabilities.shape}")
    shapes = [weight.shape for weight in loop.model.get_weights()] if job.keeps_weights(run) else []
    if [weight.shape for weight in run.weights] != shapes:
        problems.append("the weights are not those of the part's network")
    return problems


def _retrain(run: Run, job: Job, loop: CompiledLoop) -> tuple[str, list[str]]:
    again = _beginning(job, loop)
    count = min(ITERATIONS, len(run.batch_loss), len(again.batch_loss))
    apart = _apart(again, run, count)
    told = f"largest relative difference {apart[0].max():.1g} in {count} iterations"
    if apart[0].any():
        told += f" (in iteration {apart[0].argmax() + 1})"
    shares = np.repeat([share for _, share in ALLOWED], np.diff([0, *(to for to, _ in ALLOWED)]))
    allowed = np.stack([shares, np.maximum(shares, IMAGES / BATCH_SIZE)])[:, :count]
    beyond = (apart > allowed + ROUNDING).any(axis=0)
    if beyond.any():
        known = beyond.nonzero()[0].max() + 1  # later iterations need no other bound
        drift, at_the_border = _drift(job, loop, known)
        told += f"; {drift.max():.1g} from weights that differ by {NUDGE:.1g}"
        measured = np.stack([DRIFT * drift, at_the_border])
        allowed[:, :known] = np.maximum(allowed[:, :known], measured)
    problems = []
    for name, far, bound in zip(("loss", "accuracy"), apart, allowed, strict=True):
        beyond = far > bound + ROUNDING
        if beyond.any():
            problems.append(
                f"the {name} of iteration {beyond.argmax() + 1} is not what training gives "
                f"({far[beyond.argmax()]:.1e} apart)"
            )
    return told, problems


def _beginning(job: Job, loop: CompiledLoop) -> Run:
    training = _started(job, loop)
    training.train(lambda run: len(run.batch_loss) >= ITERATIONS)
    return training.run


def _started(job: Job, loop: CompiledLoop) -> Training:
    training = Training(loop, epochs=job.part.epochs, seed=job.seed, name=job.name)
    training.start()
    return training


def _drift(job: Job, loop: CompiledLoop, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """Measure how sensitive the first iterations of a training are.

    Returns
    -------
    numpy.ndarray
        The share by which each batch's loss changes if the weights are nudged, or has changed in an
        iteration before.
    numpy.ndarray
        Which share of each batch lies near the border between two classes, so that a record may
        classify it otherwise: DRIFT times what the nudge changes in any image would do.
    """
    losses, logs = _steps(job, loop, iterations)
    second, first = np.moveaxis(np.argsort(logs, axis=-1)[..., -2:], -1, 0)
    lead = _lead(logs, first, second)
    moved, shifted = np.zeros((2, iterations))
    for number in range(NUDGES):
        generator = np.random.default_rng([job.seed, number])
        nudged, their_logs = _steps(job, loop, iterations, generator)
        known = np.isfinite(nudged)  # where it has diverged, nothing is
        moved = np.maximum(moved, np.where(known, _relative(nudged, losses), np.inf))
        shift = np.abs(_lead(their_logs, first, second) - lead).max(axis=1)
        shifted = np.maximum(shifted, np.where(known, shift, np.inf))
    moved, shifted = np.maximum.accumulate([moved, shifted], axis=1)
    return moved, np.mean(lead < DRIFT * shifted[:, np.newaxis], axis=1)


def _lead(logs: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """By how much the logarithm of one class's probability is ahead of another's."""
    ahead, behind = (
        np.take_along_axis(logs, each[..., np.newaxis], -1)[..., 0] for each in (first, second)
    )
    return ahead - behind


def _steps(
    job: Job, loop: CompiledLoop, iterations: int, nudge: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Train iteration by iteration, perhaps from weights that are a trifle larger or smaller.

    Returns
    -------
    numpy.ndarray
        Each batch's loss, of shape (iterations,).
    numpy.ndarray
        The logarithms of its probabilities, of shape (iterations, images, classes).
    """
    _started(job, loop)
    for variable in loop.model.trainable_variables if nudge else ():
        weights = np.asarray(variable)
        signs = nudge.choice(np.array([-1, 1], np.float32), weights.shape)
        variable.assign(weights * (1 + np.float32(NUDGE) * signs))
    losses, logs = [], []
    for step in range(iterations):
        epoch, number = divmod(step, loop.steps_per_epoch)
        batch = epoch_order(job.seed, epoch, loop.images)[number * BATCH_SIZE :][:BATCH_SIZE]
        logs.append(np.log(loop.outputs(batch, job.seed, step) + 1e-30))
        (chunk,) = loop.epoch(batch, job.seed, step)
        losses.append(chunk.loss[0])
    return np.array(losses), np.array(logs)


def _apart(one: Run, other: Run, count: int) -> np.ndarray:
    """How far two runs are apart: in two rows, losses (relative) and accuracies."""
    loss = _relative(one.batch_loss[:count], other.batch_loss[:count])
    return np.stack([loss, np.abs(one.batch_accuracy[:count] - other.batch_accuracy[:count])])


def _relative(losses: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """How far losses are apart; where both are no longer finite, they agree."""
    with np.errstate(invalid="ignore"):
        apart = np.nan_to_num(np.abs(losses - theirs) / np.abs(theirs), nan=0, posinf=np.inf)
    apart[np.isfinite(losses) != np.isfinite(theirs)] = np.inf
    return apart


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


def _weights(run: Run, loop: CompiledLoop) -> list[str]:
    """Whether the recorded weights, where there are any, give the recorded results in Keras."""
    if not run.weights:
        return []
    model, data = loop.model, loop.data
    model.set_weights(run.weights)
    images = data.x_valid.reshape(-1, *model.input_shape[1:]) / np.float32(255)
    labels = keras.utils.to_categorical(data.y_valid, 10)
    with signals_blocked():
        said = model.predict(images, batch_size=500, verbose=0)
        loss = float(model.compute_loss(y=labels, y_pred=said, training=False))
    accuracy = np.mean(said.argmax(axis=1) == data.y_valid)
    problems = []
    if not np.allclose(said, run.val_probabilities, atol=0.002):
        problems.append("the weights do not give the recorded probabilities")
    # Another order of additions may turn an image or two.
    if not np.isclose(loss, run.history["val_loss"][-1], rtol=0.001):
        problems.append("the weights do not give the last val_loss")
    if not np.isclose(accuracy, run.history["val_accuracy"][-1], atol=0.0005):
        problems.append("the weights do not give the last val_accuracy")
    return problems
