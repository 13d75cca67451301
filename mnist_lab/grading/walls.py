"""A room with walls, in which a process runs that nobody trusts.

The walls are Linux' own (`linux.py`). Inside, a notebook's process can read what the user can read,
compute, and talk over one connection. It writes into one folder, which lies in memory; no other
process, no network and no socket is within its reach; and everything in the room ends with it.
A thread outside watches time and memory.

Of the packages that do such a thing, bubblewrap starts programs and cannot fork a process that has
loaded TensorFlow, and those for Landlock alone were a few kilobytes of early versions in 2025.
"""

import contextlib
import dataclasses
import functools
import json
import multiprocessing
import os
import re
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn, Protocol

from ..support import DataError

if sys.platform == "linux":
    from . import linux

_PAUSE = 0.1  # seconds between two looks
_MOMENT = 1.0  # seconds that we wait for others
_MOST_PROCESSES = 100
_NICE = 10  # so that a thousand processes do not keep those from running that end them
_ALL_DESCRIPTORS = 2**31 - 1
_MEMORY = re.compile(rb"^(?:VmRSS|VmSwap):\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(rb"^(?:Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)

Inside = Callable[[Connection], None]


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What all processes of a room together may take.

    Attributes
    ----------
    seconds, wall : float
        Seconds of processor time, and by the clock.
    memory : int
        Bytes, shared pages and the files of the folder included. It is looked at ten times a
        second; a single process is held to it at once.
    disk, files : int
        Bytes and files in the folder. Behind walls the kernel refuses what is more.
    """

    seconds: float
    wall: float
    memory: int = 3 * 2**30
    disk: int = 200 * 2**20
    files: int = 10_000


class WallsError(DataError):
    """This system lacks a wall."""


@functools.cache
def missing() -> tuple[str, ...]:
    """Say which walls this system does not give; a room is opened to find out.

    Returns
    -------
    tuple of str
        Each in words for an instructor; empty if there are all.
    """
    if sys.platform != "linux":
        return ("namespaces, Landlock and a filter of system calls, which only Linux has",)
    with tempfile.TemporaryDirectory(prefix="mnist-lab-") as folder:
        try:
            with open_room(_do_nothing, Path(folder), Bounds(10, 10)):
                return ()
        except WallsError as problem:
            return problem.args


def open_room(inside: Inside, folder: Path, bounds: Bounds, *, trust: bool = False) -> "Room":
    """Run a function in a process of its own, behind walls, and watch it.

    Parameters
    ----------
    inside
        Called with its end of a connection. Whatever it sends is to be read as bytes, within a
        limit, and never to be unpickled.
    folder
        The only place to write. Behind walls it is a copy in memory, and `folder` stays as it is.
    bounds
        What it may take.
    trust
        Whether to run it all the same where walls are missing.

    Raises
    ------
    WallsError
        If walls are missing; its arguments are those of `missing`.

    Notes
    -----
    Call it in a process with a single thread, which then is forked, and let that thread live: the
    room ends with it.
    """
    if trust and missing():
        return Room(_Unwalled(inside, folder, bounds), bounds)
    return Room(_Walled(inside, folder, bounds), bounds)


class _Process(Protocol):
    """What a room needs of its process."""

    connection: Connection

    def wait(self, seconds: float) -> bool: ...
    def excess(self, bounds: Bounds) -> str: ...
    def kill(self) -> None: ...
    def code(self) -> int: ...


class Room:
    """A process that is watched, and everything that it starts.

    Attributes
    ----------
    connection : multiprocessing.connection.Connection
        To the process inside.
    stopped : str
        Why it was ended, or how it ended before its time; empty while it runs, and if its function
        came to an end. It is final after `end`.
    by_others : bool
        Whether that may be others' doing: a busy machine's, or that of who killed it.
    """

    def __init__(self, process: _Process, bounds: Bounds):
        self.connection = process.connection
        self.stopped = ""
        self.by_others = False
        self._process = process
        self._is_ended = False
        self._watcher = threading.Thread(target=self._watch, args=(bounds,), daemon=True)
        self._watcher.start()

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.connection.close()

    def end(self) -> None:
        """Kill everything in the room, and wait for it."""
        if _is_closing(self.connection):
            self._watcher.join(_MOMENT)  # how a process has just ended is worth knowing
        self._is_ended = True
        self._process.kill()
        self._watcher.join()

    def _watch(self, bounds: Bounds) -> None:
        ends = time.monotonic() + bounds.wall
        try:
            while not self.stopped and not self._process.wait(_PAUSE):
                late = f"took longer than {bounds.wall:g} s" if time.monotonic() > ends else ""
                self.by_others = bool(late)
                self.stopped = late or self._process.excess(bounds)
        finally:
            self._process.kill()  # nothing runs that nobody watches
        code = self._process.code()
        if code and not (self._is_ended or self.stopped):
            self.by_others = code == -signal.SIGKILL
            self.stopped = _death(code)


def _is_closing(connection: Connection) -> bool:
    try:
        return connection.poll()  # true at the end, too
    except OSError:  # as Windows has it
        return True


def _death(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"ended its kernel ({signal.Signals(-code).name})"
    return f"ended its kernel (exit code {code})"


class _Walled:
    """Three processes: the outer stands in the walls' door, the first is the room's, one works.

    The outer one alone is a child of ours. If it or we end, the kernel kills the first, and with
    the first process of a namespace all others.
    """

    def __init__(self, inside: Inside, folder: Path, bounds: Bounds):
        self.connection, other = multiprocessing.Pipe()
        here, there = socket.socketpair()
        self._outer = os.fork()
        if not self._outer:
            with _leaving():
                here.close()  # so that the first notices if we end while it begins
                self.connection.close()
                _stand_outside(inside, other, there, folder, bounds)
        other.close()
        there.close()
        with here:
            said, descriptors, *_ = socket.recv_fds(here, 2**16, 4)
        if not descriptors:
            os.waitpid(self._outer, 0)
            self.connection.close()
            raise WallsError(*json.loads(said or b'["processes of their own"]'))
        self._first, self._proc, *self._folders = descriptors

    def wait(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._first, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def excess(self, bounds: Bounds) -> str:
        processes = [name for name in os.listdir(self._proc) if name.isdecimal()]
        if len(processes) > _MOST_PROCESSES:  # before it takes long to look at each
            return f"started more than {_MOST_PROCESSES} processes"
        ticks = held = 0
        for process in processes:
            with contextlib.suppress(OSError):  # it may have ended
                times = self._read(f"{process}/stat").rpartition(b")")[2].split()[11:15]
                ticks += sum(map(int, times))
                held += _kilobytes(_MEMORY, self._read(f"{process}/status"))
        files = sum(map(_used, self._folders))
        if held + files > bounds.memory:  # or less, where pages are shared
            held = self._share(processes, held)
        if ticks > bounds.seconds * os.sysconf("SC_CLK_TCK"):
            return f"took longer than {bounds.seconds:g} s of processor time"
        if held + files > bounds.memory:
            return f"took more than {bounds.memory / 2**30:g} GB of memory"
        return ""

    def _share(self, processes: list[str], most: int) -> int:
        """Return the bytes of all processes, what they share counted once.

        Somebody who keeps changing what is counted can make us wait: that is `most`, then.
        """
        sums: list[int] = []
        thread = threading.Thread(target=lambda: sums.append(sum(map(self._part, processes))))
        thread.daemon = True
        thread.start()
        thread.join(_MOMENT)
        return sums[0] if sums else most

    def _part(self, process: str) -> int:
        """Return the bytes of a process, and its part of those that it shares."""
        with contextlib.suppress(OSError):  # it may have ended
            try:
                return _kilobytes(_SHARE, self._read(f"{process}/smaps_rollup"))
            except PermissionError:  # a process may hide this
                return _kilobytes(_MEMORY, self._read(f"{process}/status"))
        return 0

    def _read(self, name: str) -> bytes:
        with open(os.open(name, os.O_RDONLY, dir_fd=self._proc), "rb") as file:
            return file.read()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def code(self) -> int:
        # The outer one waits for the first, and the kernel ends that one after all others.
        _, status = os.waitpid(self._outer, 0)
        code = os.waitstatus_to_exitcode(status)
        for descriptor in (self._proc, *self._folders):
            os.close(descriptor)
        return 128 - code if code > 128 else code


def _kilobytes(pattern: re.Pattern, text: bytes) -> int:
    return 1024 * sum(map(int, pattern.findall(text)))


def _used(folder: int) -> int:
    found = os.fstatvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@contextlib.contextmanager
def _leaving() -> Iterator[None]:
    """End a fork at the end of a block, whatever happens in it."""
    try:
        yield
        os._exit(0)
    finally:
        os._exit(1)


@contextlib.contextmanager
def _noting(wall: str, lacking: list[str]) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        lacking.append(f"{wall} ({problem.strerror or problem})")


def _stand_outside(
    inside: Inside, connection: Connection, status: socket.socket, folder: Path, bounds: Bounds
) -> NoReturn:
    lacking: list[str] = []
    with _noting("namespaces of its own", lacking):
        linux.leave()
    linux.die_with_parent()
    first = os.fork()
    if not first:
        with _leaving():
            linux.die_with_parent()
            os.setsid()
            _raise_walls(folder, bounds, lacking)
            if lacking:
                status.send(json.dumps(lacking).encode())
            else:
                _open(inside, connection, status, folder)
    os.closerange(0, _ALL_DESCRIPTORS)
    _exit_like(first)


def _raise_walls(folder: Path, bounds: Bounds, lacking: list[str]) -> None:
    # Without namespaces of its own, it would change everybody's files.
    if not lacking:
        with _noting("files that can only be read", lacking):
            linux.rearrange(folder, bounds.disk, bounds.files)
    linux.drop_capabilities()
    linux.limit(bounds.memory, bounds.disk, bounds.seconds)
    with _noting("Landlock", lacking):
        linux.lock_files(folder)
    with _noting("a filter of system calls", lacking):
        linux.filter_calls()


def _open(inside: Inside, connection: Connection, status: socket.socket, folder: Path) -> NoReturn:
    """As the room's first process, start the one that works, and end as it does."""
    places = [os.open(place, os.O_RDONLY) for place in ("/proc", folder, "/dev/shm")]
    socket.send_fds(status, [b"open"], [os.pidfd_open(os.getpid()), *places])
    worker = os.fork()
    if not worker:
        with _leaving():
            _work(inside, connection, folder)
    os.closerange(0, _ALL_DESCRIPTORS)
    _exit_like(worker)


def _exit_like(child: int) -> NoReturn:
    """Wait for a child, and for others that are left to us; end with its code."""
    process = 0
    while process != child:
        process, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _work(inside: Inside, connection: Connection, folder: Path) -> None:
    """Call the function, with nothing open but the connection."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    own = connection.fileno()
    os.closerange(3, own)
    os.closerange(own + 1, _ALL_DESCRIPTORS)
    os.chdir(folder)
    os.nice(_NICE)
    inside(connection)


class _Unwalled:
    """A process that is trusted, on a system without walls."""

    def __init__(self, inside: Inside, folder: Path, bounds: Bounds):
        self.connection, other = multiprocessing.Pipe()
        self._folder = folder
        # Elsewhere some libraries do not survive a fork.
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        multiprocessing.current_process().daemon = (
            False  # a daemon may have no children; we end ours
        )
        arguments = inside, other, folder, bounds
        self._process = context.Process(target=_sit, args=arguments, daemon=True)
        self._process.start()
        other.close()

    def wait(self, seconds: float) -> bool:
        # `join` looks at a pipe, which is closed in there, and would wait for ever.
        if self._process.is_alive():
            time.sleep(seconds)
        return not self._process.is_alive()

    def excess(self, bounds: Bounds) -> str:
        if _is_full(self._folder, bounds):
            return f"wrote more than {bounds.disk // 2**20} MB, or {bounds.files:,} files"
        return ""

    def kill(self) -> None:
        if hasattr(os, "killpg"):
            # The group is missing before the process has made it and after all members have ended.
            # Its number cannot belong to another process while a member is left.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def code(self) -> int:
        self._process.join()
        return self._process.exitcode


def _sit(inside: Inside, connection: Connection, folder: Path, bounds: Bounds) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    if sys.platform == "linux":
        linux.die_with_parent()
        _raise_walls(folder, bounds, ["namespaces"])
        with _leaving():
            _work(inside, connection, folder)
    os.chdir(folder)
    inside(connection)


def _is_full(folder: Path, bounds: Bounds) -> bool:
    size = count = 0
    for place, _, names in os.walk(folder):
        count += 1 + len(names)
        for name in names:
            with contextlib.suppress(OSError):  # it may have been removed meanwhile
                size += os.lstat(os.path.join(place, name)).st_size
        if size > bounds.disk or count > bounds.files:
            return True
    return False


def _do_nothing(_: Connection) -> None:
    """Show that a room can be opened."""
