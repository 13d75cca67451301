"""One notebook examined: its cells run in a process of their own, within bounds of all kinds."""

import contextlib
import functools
import json
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import quiet
from ..data import load_mnist
from ..support import check_file
from .examinee import sit
from .results import LONGEST, Examination, read_result

LARGEST = 200 * 2**20  # bytes that a notebook may leave on the disk
_MOST_FILES = 10_000
_LARGEST_TOLD = 2**24  # bytes
_PROCESS = "mnist-lab examination"


def examine(
    cells: Sequence[tuple[str, str, bool]], files: Mapping[str, bytes], seconds: float
) -> Examination:
    """Run a notebook's cells in a process of their own.

    Parameters
    ----------
    cells
        Name and source of each, and whether it is a check of the lab; no two of a name.
    files
        What lies beside the notebook, by name: it finds copies of them.
    seconds
        How long it may take.
    """
    context = warm_up()
    # Files of a student's may defy their removal; the system clears its temporary folder.
    with tempfile.TemporaryDirectory(prefix="mnist-lab-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "work").mkdir()
        for name, content in files.items():
            (place / "work" / name).write_bytes(content)
        arguments = list(cells), place, seconds
        process = context.Process(target=sit, args=arguments, name=_PROCESS, daemon=True)
        process.start()
        try:
            stopped = _watch(process, place / "work", seconds)
        finally:
            _end(process)
        return _read(place / "told", {name for name, *_ in cells}, stopped or _death(process))


def stop_all() -> None:
    """End the examinations that this process has begun."""
    for process in multiprocessing.active_children():
        if process.name == _PROCESS:
            process.kill()


@functools.cache
def warm_up() -> multiprocessing.context.BaseContext:
    """Have TensorFlow loaded, once, in a process from which all others are forked.

    Raises
    ------
    DataError
        If the data are missing or damaged.
    """
    load_mnist()  # it would not be told by the fork server
    # A worker of Dask is a daemon, and these may have no children, since nobody might end them;
    # here somebody does.
    multiprocessing.current_process().daemon = False
    if sys.platform != "linux":  # elsewhere a system's own libraries do not survive a fork
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mnist_lab.grading.warm"])
    os.environ[quiet.ASLEEP] = "1"
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        os.environ.pop(quiet.ASLEEP, None)
    first = context.Process(target=_nothing, daemon=True)
    first.start()
    first.join()
    return context


def _nothing() -> None:
    """What the first fork does: it is there when all is loaded."""


def _watch(process: multiprocessing.Process, folder: Path, seconds: float) -> str:
    """Wait for a process, and say why it must not go on, if so."""
    ends = time.monotonic() + seconds
    while process.is_alive():
        process.join(0.2)
        if time.monotonic() > ends:
            return f"took longer than {seconds:g} s"
        if _is_full(folder):
            return f"wrote more than {LARGEST // 2**20} MB, or {_MOST_FILES:,} files"
    return ""


def _is_full(folder: Path) -> bool:
    size = count = 0
    for place, _, names in os.walk(folder):
        count += 1 + len(names)
        for name in names:
            with contextlib.suppress(OSError):  # it may be gone meanwhile
                size += os.lstat(os.path.join(place, name)).st_size
        if size > LARGEST or count > _MOST_FILES:
            return True
    return False


def _end(process: multiprocessing.Process) -> None:
    """End a process, and all that it started."""
    if hasattr(os, "killpg"):
        # There is no such group until it has made its own, nor when all of it has ended. Its number
        # is not given to another process as long as one that it started is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _death(process: multiprocessing.Process) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"ended its kernel ({signal.Signals(-code).name})"
    return f"ended its kernel (exit code {code})"


def _read(told: Path, names: set[str], stopped: str) -> Examination:
    """What a process has told; a student's code may have written into it, so nothing is trusted."""
    results, begun, refused = {}, "", ""
    try:
        check_file(told, _LARGEST_TOLD)
        for line in told.read_text("utf-8").splitlines():
            what = json.loads(line)
            if what == {"done": True}:
                return Examination(results, refused=refused)
            if "refused" in what:
                refused = refused or f"{what['refused']} in {_cell(begun)}"[:LONGEST]
            elif "begin" in what:
                begun = what["begin"] if what["begin"] in names else ""
            elif (name := what.pop("end")) in names:
                results[name] = read_result(what)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Examination(results, "its process sent a malformed report")
    return Examination(results, f"{_cell(begun)} {stopped}", refused)


def _cell(name: str) -> str:
    if not name:
        return "its kernel, before the first cell,"
    return f"cell {name}" if name.startswith("number ") else f"cell {name!r}"
