"""Examines one notebook: starts a judge for it, which runs the cells behind walls."""

import functools
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import quiet
from ..data import load_mnist
from .results import Examination, read_kept
from .walls import Bounds

_WALL = 4.0  # seconds on the clock for each of processor time: others may use the machine, too
_STARTING = 60.0  # seconds, for the rest of the machine
_JUDGING = 300.0  # seconds on the clock that a judge may take beyond a notebook's own
_PROCESS = "mnist-lab examination"
_starting = threading.Lock()


def examine(
    cells: Sequence[tuple[str, str, bool]],
    files: Mapping[str, bytes],
    seconds: float,
    trust: bool = False,
) -> Examination:
    """Run a notebook's cells behind walls, and judge its answers in another process.

    Parameters
    ----------
    cells
        Name and source of each, and whether it is a check of the lab. Names are unique.
    files
        The files beside the notebook, by name, of which it gets copies.
    seconds
        Of processor time that it may take.
    trust
        Whether it is run even where walls are missing.
    """
    bounds = Bounds(seconds, _WALL * seconds + _STARTING)
    # If a student's files cannot be removed, the system will clear its temporary folder some day.
    with tempfile.TemporaryDirectory(prefix="mnist-lab-", ignore_cleanup_errors=True) as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        ours, theirs = multiprocessing.Pipe()
        process = _start(_preside, list(cells), Path(folder), bounds, trust, theirs)
        theirs.close()
        try:
            if ours.poll(bounds.wall + _JUDGING):
                return read_kept(ours.recv_bytes())
            return Examination({}, unexamined="its judge did not come to an end")
        except EOFError:
            process.join()
            return Examination({}, unexamined=f"its judge was ended ({_end_of(process)})")
        finally:
            process.kill()
            process.join()


def stop_all() -> None:
    """Kill the examinations that this process has started."""
    for process in multiprocessing.active_children():
        if process.name == _PROCESS:
            process.kill()


def warm_up() -> None:
    """Start the process from which all examinations are forked, with TensorFlow loaded once.

    Raises
    ------
    DataError
        If the data are missing or damaged.
    """
    load_mnist()  # here, since the fork server would not report an error
    _start(_nothing).join()


def _start(target: Callable[..., None], *arguments: Any) -> multiprocessing.process.BaseProcess:
    """Start a function in a fork of the process that has everything loaded; if need be, that first.

    Its TensorFlow has no threads yet, which would not survive a fork.
    """
    context = _context()
    process = context.Process(target=target, args=arguments, name=_PROCESS)
    with _starting:
        # A Dask worker is a daemon, which may have no children, as nobody might end them; we do.
        multiprocessing.current_process().daemon = False
        os.environ[quiet.ASLEEP] = "1"
        try:
            process.start()
        finally:
            os.environ.pop(quiet.ASLEEP, None)
    return process


@functools.cache
def _context() -> multiprocessing.context.BaseContext:
    if sys.platform != "linux":  # on other systems, some libraries do not survive a fork
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mnist_lab.grading.warm"])
    return context


def _preside(*arguments: Any) -> None:
    """Judge, in a process that has TensorFlow loaded; the one that reports needs none."""
    from .judge import preside

    preside(*arguments)


def _nothing() -> None:
    """Do nothing, in a first fork whose end shows that everything is loaded."""


def _end_of(process: multiprocessing.process.BaseProcess) -> str:
    code = process.exitcode or 0
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
