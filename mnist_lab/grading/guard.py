"""Bounds for the process that runs a student's code: files, programs, network, memory, disk.

They stop accidents and crude mischief. Python's audit hook can be evaded in many ways, even with
the standard library. Examine notebooks of people who might try in a container.
"""

import contextlib
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

MEMORY = 3 * 2**30  # bytes of data that a process may allocate
LARGEST_FILE = 100 * 2**20  # bytes
# Events of `sys.addaudithook`, which come before the action; docs.python.org has a table of them.
_PATHS = {  # the positions of arguments that name a path to be changed
    "os.chmod": [0],
    "os.chown": [0],
    "os.link": [0, 1],
    "os.mkdir": [0],
    "os.remove": [0],
    "os.removexattr": [0],
    "os.rename": [0, 1],
    "os.rmdir": [0],
    "os.setxattr": [0],
    "os.symlink": [1],
    "os.truncate": [0],
    "os.utime": [0],
    "shutil.move": [0, 1],
    "shutil.rmtree": [0],
    "sqlite3.connect": [0],
}
_PROGRAMS = "starting a program"
_REFUSED = {
    "ctypes.dlopen": "loading a library with ctypes",
    "ctypes.dlsym": "calling a library with ctypes",
    "os.exec": _PROGRAMS,
    "os.fork": _PROGRAMS,
    "os.forkpty": _PROGRAMS,
    "os.kill": "sending a signal",
    "os.killpg": "sending a signal",
    "os.posix_spawn": _PROGRAMS,
    "os.spawn": _PROGRAMS,
    "os.startfile": _PROGRAMS,
    "os.system": _PROGRAMS,
    "pty.spawn": _PROGRAMS,
    "resource.setrlimit": "changing a limit",
    "signal.pthread_kill": "sending a signal",
    "subprocess.Popen": _PROGRAMS,
}
_HARMLESS = {"socket.__new__", "socket.gethostname"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def leave_network() -> None:
    """Move this process into an empty network, where the system allows that to a user.

    This works on Linux with Python 3.12 or later, before the first thread is started. Elsewhere
    `shut_in` refuses Python's own calls only.
    """
    if hasattr(os, "unshare"):
        with contextlib.suppress(OSError):
            os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)


def shut_in(folder: Path, seconds: float, report: Callable[[str], None]) -> None:
    """Keep this process within bounds from now on. This cannot be undone.

    Parameters
    ----------
    folder
        The only folder in which it may write.
    seconds
        How long it may compute.
    report
        Called with each thing that is refused.
    """
    _limit(seconds)
    inside = os.path.realpath(folder)

    def refuse(event: str, arguments: tuple) -> None:
        what = _REFUSED.get(event)
        if event.startswith("socket.") and event not in _HARMLESS:
            what = "using the network"
        elif (event == "open" and arguments[2] & _WRITING) or event in _PATHS:
            for index in _PATHS.get(event, [0]):
                if _is_outside(arguments[index], inside):
                    what = f"changing {os.fsdecode(arguments[index])}"
        if what:
            report(what)
            raise PermissionError(f"{what} is refused in an examination")

    sys.addaudithook(refuse)


def _limit(seconds: float) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    processors = os.cpu_count() or 1
    limits = {
        resource.RLIMIT_DATA: MEMORY,
        resource.RLIMIT_FSIZE: LARGEST_FILE,
        resource.RLIMIT_CORE: 0,
        # In case the process that watches the clock is gone.
        resource.RLIMIT_CPU: math.ceil(seconds) * processors + 10,
    }
    for kind, limit in limits.items():
        highest = resource.getrlimit(kind)[1]
        if highest == resource.RLIM_INFINITY or highest > limit:
            resource.setrlimit(kind, (limit, limit))


def _is_outside(path: object, folder: str) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):  # the number of an open file
        return False
    real = os.path.realpath(os.fsdecode(path))
    return real != os.devnull and not Path(real).is_relative_to(folder)
