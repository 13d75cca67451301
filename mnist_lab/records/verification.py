"""Proof that the recorded runs are what this code computes, not what somebody typed in."""

import gc
import re
import sys
import time
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..data import Dataset
from ..descriptions import differences, in_words
from ..progress import MovingLine, time_left
from ..runs import HISTORY, Run
from ..support import DataError
from ..training import CompiledLoop, Training, epoch_means, epoch_order
from .jobs import BATCH_SIZE, Job
from .variants import Variant

# Another processor adds up in another order, which rounds otherwise, and training lets the
# difference grow. Up to each of these iterations, a loss may differ by this share of it.
# docs/records.md says how far honest runs were apart.
ALLOWED = ((1, 2e-5), (3, 2e-4), (6, 1e-3), (10, 1e-2))
ITERATIONS = ALLOWED[-1][0]  # retrained of each record
BOUNDS = np.repeat([share for _, share in ALLOWED], np.diff([0, *(to for to, _ in ALLOWED)]))
IMAGES = 2  # of a batch that may always be classified otherwise
COMPILING, REST = 3.0, 0.5  # seconds for a network; for a record, besides its training
ROUNDING = 1e-5  # relative; of means computed by another version of NumPy


def verify_records(jobs: Sequence[Job], folder: Path, data: Dataset) -> bool:
    """Verify records, print what was found of each, and say whether all are right.

    Records of one network follow one another, since it is compiled once for all of them.
    """
    networks = list(dict.fromkeys(job.variant.network for job in jobs))
    jobs = sorted(jobs, key=lambda job: networks.index(job.variant.network))
    before = [None, *(job.variant.network for job in jobs)]
    work = np.cumsum(
        [
            _work(job, folder) + COMPILING * (job.variant.network != network)
            for job, network in zip(jobs, before, strict=False)
        ]
    )
    began, wrong, compiled, left = time.perf_counter(), 0, {}, ""
    with MovingLine() as line:
        for number, job in enumerate(jobs, 1):
            place = f"{number} of {len(jobs)}: {job.name}"
            line.show(f"{place} ... {left}")
            told, problems = verify_record(job, folder, data, compiled)
            wrong += bool(problems)
            left = time_left(time.perf_counter() - began, work[number - 1], work[-1])
            for problem in problems:
                line.print_above(f"{place}: WRONG, {problem}")
            line.print_above(f"{place}, {told}, {left}" if not problems else "")
            sys.stdout.flush()  # into a pipe, too, line by line
    print(f"{len(jobs) - wrong} of {len(jobs)} records are right")
    return not wrong


def _work(job: Job, folder: Path) -> float:
    """Estimate the seconds that verifying a record takes, by those that its training took."""
    try:
        run = Run.load(job.file(folder))
    except DataError:
        return REST
    # To validate is a third of the work of a training step.
    steps = ITERATIONS + bool(run.weights) * len(run.val_probabilities) / BATCH_SIZE / 3
    return REST + steps * run.seconds / len(run.batch_loss)


def verify_record(
    job: Job, folder: Path, data: Dataset, compiled: dict[Hashable, CompiledLoop] | None = None
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
        Keeps the network of one record for the next; another network replaces it.

    Notes
    -----
    The figures measured on validation and fit images before the last epoch follow from weights
    that are not on file. Only the file's seal protects these; and the last ones, too, if a record
    holds no probabilities.

    Returns
    -------
    str
        How far the retrained losses are from the recorded ones, in words.
    list of str
        What is wrong with the record, in words; empty if it is right.
    """
    try:
        run = Run.load(job.file(folder))
    except DataError as problem:
        return "", [str(problem)]
    images = job.variant.images.of(data, job.seed)
    loop = _compiled(job.variant, images, {} if compiled is None else compiled)
    again = Training(loop, epochs=job.variant.epochs, seed=job.seed, name=job.variant.name)
    found, wanted = run.settings.fingerprint, again.run.settings.fingerprint
    for key, (recorded, now) in differences(found, wanted).items():
        return "", [f"{key} is {in_words(recorded)}, wanted {in_words(now)}"]
    problems = [*_provenance(run, again.run), *_shapes(run, job, loop)]
    if problems:
        return "", problems
    told, apart = _retrain(run, again)
    return told, [*apart, *_summaries(run, loop.data), *_weights(run, loop)]


def _compiled(
    variant: Variant, data: Dataset, compiled: dict[Hashable, CompiledLoop]
) -> CompiledLoop:
    network = variant.network
    if network not in compiled:
        compiled.clear()
        gc.collect()  # a model's parts refer to one another
        compiled[network] = CompiledLoop(variant.build(), data, BATCH_SIZE, "float32")
        compiled[network].compile()
    elif compiled[network].data is not data:
        compiled[network].exchange(data)
    return compiled[network]


def _provenance(run: Run, again: Run) -> list[str]:
    """Say what is wrong with the record's account of its origin."""
    found, wanted = ({"name": each.name, **vars(each.settings)} for each in (run, again))
    problems = [
        f"{key} is {found[key]}, not {wanted[key]}"
        for key in ("name", "parameters", "data", "steps_per_epoch")
        if found[key] != wanted[key]
    ]
    if run.interrupted:
        problems.append("interrupted is True, not False")
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", found["date"]) or not found["machine"]:
        problems.append("it does not say when and on what machine it was made")
    if not run.seconds > 0 or not run.compile_seconds > 0:
        problems.append("its times are not positive")
    return problems


def _shapes(run: Run, job: Job, loop: CompiledLoop) -> list[str]:
    """Say what is wrong with the numbers of epochs, iterations, images and weights."""
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


def _retrain(run: Run, again: Training) -> tuple[str, list[str]]:
    """Compare the first iterations of a record with those of a training from its seed.

    Returns
    -------
    str
        How far the losses are apart, in words.
    list of str
        What training does not give.
    """
    count = min(ITERATIONS, len(run.batch_loss))
    order = epoch_order(run.settings.seed, 0, again.loop.images)
    batches = order[: count * BATCH_SIZE].reshape(count, BATCH_SIZE)
    loss, accuracy = _beginning(again, batches)
    apart = relative(run.batch_loss[:count], loss)
    told = f"largest relative difference {apart.max():.1g} in {count} iterations"
    if apart.any():
        told += f" (in iteration {apart.argmax() + 1})"
    problems = beyond(apart)
    apart = np.abs(run.batch_accuracy[:count] - accuracy)
    (far,) = (apart > IMAGES / BATCH_SIZE + ROUNDING).nonzero()
    # Not strict, so that nothing is trained again where no accuracy is far.
    for step, (low, high) in zip(far, _accuracies(again, batches, loss, far), strict=False):
        if not low - ROUNDING <= run.batch_accuracy[step] <= high + ROUNDING:
            problems.append(_not_given("accuracy", step, apart))
            break
    if run.diverged and not _diverges(again, 2 * len(run.batch_loss)):
        problems.append("it says that it diverged, and training does not")
    return told, problems


def _not_given(figure: str, step: int, apart: np.ndarray) -> str:
    return (
        f"the {figure} of iteration {step + 1} is not what training gives ({apart[step]:.1e} apart)"
    )


def beyond(apart: np.ndarray) -> list[str]:
    """Say whether the losses of a record are farther apart from training's than is allowed."""
    far = apart > BOUNDS[: len(apart)] + ROUNDING
    return [_not_given("loss", far.argmax(), apart)] if far.any() else []


def _beginning(again: Training, batches: np.ndarray) -> np.ndarray:
    """Train on these batches from the start; return their losses and accuracies in two rows."""
    again.start()
    return np.hstack(list(again.loop.epoch(batches.ravel(), again.run.settings.seed, 0)))


def _accuracies(
    again: Training, batches: np.ndarray, losses: np.ndarray, steps: np.ndarray
) -> Iterator[tuple[float, float]]:
    """Yield the least and the largest accuracy that a record may have in some iterations.

    The logarithm of any probability may differ by as much as the loss may. So an image near the
    border may be classified otherwise: one whose right class and the best of the others are no more
    than twice this bound apart. A convolutional network has many of them in its first iterations,
    in which all ten classes are nearly as likely.
    """
    loop, seed, done = again.loop, again.run.settings.seed, 0
    again.start()
    for step in steps:
        for _ in loop.epoch(batches[done:step].ravel(), seed, done):
            pass
        done = step
        logs = np.log(loop.outputs(batches[step], seed, step) + 1e-30)
        right = loop.data.y_train[batches[step], np.newaxis]
        own = np.take_along_axis(logs, right, axis=1)[:, 0]
        np.put_along_axis(logs, right, -np.inf, axis=1)
        lead, near = own - logs.max(axis=1), 2 * BOUNDS[step] * losses[step]
        more = IMAGES / BATCH_SIZE
        yield np.mean(lead > near) - more, np.mean(lead > -near) + more


def _diverges(again: Training, iterations: int) -> bool:
    """Train from the start, and say whether that diverges within so many iterations."""
    again.start()
    again.train(lambda run: len(run.batch_loss) >= iterations)
    return again.run.diverged


def relative(losses: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Relative differences of losses; where neither is finite, they agree."""
    with np.errstate(invalid="ignore"):
        apart = np.nan_to_num(np.abs(losses - theirs) / np.abs(theirs), nan=0, posinf=np.inf)
    apart[np.isfinite(losses) != np.isfinite(theirs)] = np.inf
    return apart


def _summaries(run: Run, data: Dataset) -> list[str]:
    """Say which figures of the history do not follow from the arrays."""
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
    """Bound the cross-entropy, given probabilities that were rounded."""
    right = probabilities[np.arange(len(labels)), labels]
    step = np.spacing(right).astype(float)
    least = -np.log(np.minimum(right + step, 1))
    most = -np.log(np.maximum(right - step, 1e-38))
    # The loss of 2020 was never larger than -ln(1e-7).
    return np.minimum(least, 16.1).mean() * (1 - ROUNDING), most.mean() * (1 + ROUNDING)


def _weights(run: Run, loop: CompiledLoop) -> list[str]:
    """Say which of the last results the recorded weights, where there are any, do not give."""
    if not run.weights:
        return []
    loop.model.set_weights(run.weights)
    # From the network itself: a loss from probabilities alone is clipped where they are small.
    loss, accuracy, said = loop.validate()
    problems = []
    if not np.allclose(said, run.val_probabilities, atol=0.002):
        problems.append("the weights do not give the recorded probabilities")
    # Another order of additions may turn an image or two.
    if not np.isclose(loss, run.history["val_loss"][-1], rtol=0.001):
        problems.append("the weights do not give the last val_loss")
    if not np.isclose(accuracy, run.history["val_accuracy"][-1], atol=0.0005):
        problems.append("the weights do not give the last val_accuracy")
    return problems
