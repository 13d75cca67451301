"""Makes the recorded runs: trains what is missing, and goes on after a crash."""

import contextlib
import functools
import io
import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from pathlib import Path

from filelock import FileLock, Timeout

from ..descriptions import differences
from ..progress import MovingLine, duration, time_left
from ..runs import Run
from ..support import DataError
from ..training import train
from .jobs import BATCH_SIZE, Job, mnist
from .table import final_accuracy

MEASURED = 2.0  # seconds of training from which a machine's speed is estimated


def train_record(
    job: Job,
    folder: Path | None = None,
    callback: Callable[[Run], bool | None] | None = None,
) -> Run:
    """Train one run that has to be on file, in this process and on this machine.

    Parameters
    ----------
    job
        What to train.
    folder
        Where its state is kept after each epoch, so that a later call goes on from there. If the
        folder does not exist (on another machine), nothing is kept.
    callback
        As in `train`.
    """
    data, model = job.variant.images.of(mnist(), job.seed), job.variant.build()
    kept = folder is not None and folder.is_dir()
    run = train(
        model,
        data,
        epochs=job.variant.epochs,
        batch_size=BATCH_SIZE,
        seed=job.seed,
        name=job.variant.name,
        checkpoint=job.checkpoint(folder) if kept else None,
        progress=False,
        callback=callback,
    )
    if job.keeps_weights(run):
        run.weights = model.get_weights()
    if not job.keeps_probabilities:
        run.val_probabilities = run.val_probabilities[:0]
    return run


def train_beginning(job: Job, enough: Callable[[Run], bool]) -> Run:
    """Train silently until `enough(run)` is true."""
    with contextlib.redirect_stdout(io.StringIO()):
        return train_record(job, callback=enough)


def plan(jobs: Sequence[Job], folder: Path) -> list[tuple[Job, str, float]]:
    """Find out which records have to be made, why, and how long that will take here.

    Returns
    -------
    list of (Job, str, float)
        The seconds are estimated from training each part for a moment on this machine.
    """
    reasons = [(job, why) for job in jobs if (why := job.shortcoming(folder))]
    paces: dict[str, float] = {}
    with MovingLine() as line:
        for job, _ in reasons:
            if job.variant.name not in paces:
                line.show(f"measuring how fast this machine trains {job.variant.name} ...")
                paces[job.variant.name] = _seconds_per_epoch(job)
        line.show("")
    planned = []
    for job, why in reasons:
        done = job.finished_epochs(folder)
        why += f", goes on after epoch {done}" if done else ""
        planned.append((job, why, paces[job.variant.name] * (job.variant.epochs - done)))
    return planned


def make_records(jobs: Sequence[Job], folder: Path, *, executor: Executor | None = None) -> None:
    """Train what `plan` finds missing, and put each run on file as soon as it is finished.

    Parameters
    ----------
    jobs
        As `list_jobs` gives them.
    folder
        Where the records are. The caller locks it.
    executor
        Any `concurrent.futures.Executor`, such as a Dask cluster's (`Client.get_executor()`),
        which then trains several runs at once. Without it they are trained here, one by one.

    Raises
    ------
    KeyboardInterrupt
        If a training was interrupted. Called again, this goes on from there.
    DataError
        If an executor's machine did not train what it was asked to.
    """
    missing = [job for job in jobs if job.shortcoming(folder)]
    for job in jobs:
        _sweep(job, folder, keep=job in missing)
    if executor:
        _make_elsewhere(missing, folder, executor)
    else:
        _make_here(plan(missing, folder), folder)


def _sweep(job: Job, folder: Path, *, keep: bool) -> None:
    """Remove the files that killed processes left of a job, except a checkpoint to be kept."""
    for path in folder.glob(f".*{job.name}*.npz"):
        name = re.escape(job.name)
        own = re.fullmatch(rf"\.(\d+\.)?\.?{name}(-[0-9a-f]{{12}})?\.npz", path.name)
        if own and not (keep and path == job.checkpoint(folder)):
            path.unlink()


def _make_here(planned: Sequence[tuple[Job, str, float]], folder: Path) -> None:
    for number, (job, _, _) in enumerate(planned, 1):
        place = f"{number} of {len(planned)}: {job.name}"
        later = sum(seconds for *_, seconds in planned[number:])
        with MovingLine() as line:
            run = train_record(job, folder, functools.partial(_report, line, place, later))
        if run.interrupted:
            raise KeyboardInterrupt
        _put_on_file(job, run, folder)
        print(f"{place}, {final_accuracy(run)}, {duration(run.seconds)}")


def _report(line: MovingLine, place: str, later: float, run: Run) -> None:
    """Show the progress of a run, and the time left for it and for all later ones."""
    epochs, done = run.settings.epochs, len(run.batch_loss)
    total = epochs * run.settings.steps_per_epoch
    epoch = f"epoch {min(run.epochs + 1, epochs)}/{epochs}"
    left = f"{duration(run.seconds / done * (total - done) + later)} left in all"
    # A line that stays comes next.
    ended = run.diverged or done == total
    line.show("" if ended else f"{place}, {epoch}, {final_accuracy(run)}, {left}")


def _make_elsewhere(jobs: Sequence[Job], folder: Path, executor: Executor) -> None:
    began = time.perf_counter()
    futures = {executor.submit(train_record, job, folder): job for job in jobs}
    try:
        for number, future in enumerate(as_completed(futures), 1):
            job, run = futures[future], future.result()
            _put_on_file(job, run, folder)
            left = time_left(time.perf_counter() - began, number, len(jobs))
            print(f"{number} of {len(jobs)}: {job.name}, {final_accuracy(run)}, {left}")
    finally:
        for future in futures:
            future.cancel()


def _put_on_file(job: Job, run: Run, folder: Path) -> None:
    unlike = differences(job.wanted, run.settings.fingerprint)
    if unlike:
        raise DataError(f"{job.name} was trained differently: {next(iter(unlike))} differs")
    run.save(job.file(folder))
    job.checkpoint(folder).unlink(missing_ok=True)


def _seconds_per_epoch(job: Job) -> float:
    """Train for a moment and estimate how long an epoch takes."""
    seen = []

    def enough(run: Run) -> bool:
        seen.append((len(run.batch_loss), run.seconds))
        return len(seen) > 2 and run.seconds > MEASURED

    run = train_beginning(job, enough)
    # The first calls of a compiled function are slower than the rest.
    (before, began), (after, ended) = seen[0 if len(seen) < 3 else 1], seen[-1]
    steps = max(1, after - before)
    return (ended - began) / steps * run.settings.steps_per_epoch


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder of records to this process.

    Raises
    ------
    DataError
        If another process has it. The message says which, on what machine and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(folder / ".lock", timeout=0), folder / ".holder"
    try:
        lock.acquire()
    except Timeout:
        who = holder.read_text("utf-8") if holder.exists() else "another process"
        raise DataError(f"{folder} is being written to by {who}: wait for it, or stop it") from None
    try:
        holder.write_text(
            f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M')}",
            "utf-8",
        )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
