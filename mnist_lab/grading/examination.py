"""Examines one notebook: runs its cells in a separate process, within bounds of all kinds."""

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
from .examinee import REPORT, sit
from .results import LONGEST, Examination, read_result

LARGEST = 200 * 2**20  # bytes that a notebook may leave on the disk
_MOST_FILES = 10_000
_LARGEST_REPORT = 2**24  # bytes
_PROCESS = "mnist-lab examination"


def examine(
    cells: Sequence[tuple[str, str, bool]], files: Mapping[str, bytes], seconds: float
) -> Examination:
    """Run a notebook's cells in a separate process.

    Parameters
    ----------
    cells
        Name and source of each, and whether it is a check of the lab. Names are unique.
    files
        The files beside the notebook, by name, of which it gets copies.
    seconds
        How long it may take.
    """
    context = warm_up()
    # If a student's files cannot be removed, the system will clear its temporary folder some day.
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
        names = {name for name, *_ in cells}
        return _read(place / REPORT, names, stopped or _death(process))


def stop_all() -> None:
    """Kill the examinations that this process has started."""
    for process in multiprocessing.active_children():
        if process.name == _PROCESS:
            process.kill()


@functools.cache
def warm_up() -> multiprocessing.context.BaseContext:
    """Start the process from which all examinations are forked, with TensorFlow loaded once.

    Raises
    ------
    DataError
        If the data are missing or damaged.
    """
    load_mnist()  # here, since the fork server would not report an error
    # A Dask worker is a daemon, which may have no children, as nobody might end them; we end ours.
    multiprocessing.current_process().daemon = False
    if sys.platform != "linux":  # on other systems, some libraries do not survive a fork
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
    """Do nothing, in a first fork whose end shows that everything is loaded."""


def _watch(process: multiprocessing.Process, folder: Path, seconds: float) -> str:
    """Wait for a process; return why it has to be stopped, or an empty text if it ended."""
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
            with contextlib.suppress(OSError):  # it may have been removed meanwhile
                size += os.lstat(os.path.join(place, name)).st_size
        if size > LARGEST or count > _MOST_FILES:
            return True
    return False


def _end(process: multiprocessing.Process) -> None:
    """Kill a process and everything that it started."""
    if hasattr(os, "killpg"):
        # The group is missing before the process has made it and after all members have ended. Its
        # number cannot belong to another process while a member is left.
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


def _read(report: Path, names: set[str], stopped: str) -> Examination:
    """Read a process's report, trusting nothing: a student's code may have written into it."""
    results, begun, refused = {}, "", ""
    try:
        check_file(report, _LARGEST_REPORT)
        for line in report.read_text("utf-8").splitlines():
            entry = json.loads(line)
            if entry == {"done": True}:
                return Examination(results, refused=refused)
            if "refused" in entry:
                refused = refused or f"{entry['refused']} in {_cell(begun)}"[:LONGEST]
            elif "begin" in entry:
                begun = entry["begin"] if entry["begin"] in names else ""
            elif (name := entry.pop("end")) in names:
                results[name] = read_result(entry)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Examination(results, "its process sent a malformed report")
    return Examination(results, f"{_cell(begun)} {stopped}", refused)


def _cell(name: str) -> str:
    if not name:
        return "its kernel, before the first cell,"
    return f"cell {name}" if name.startswith("number ") else f"cell {name!r}"
