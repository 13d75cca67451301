"""Bounds for a student's code in a process of its own: folder, programs, network, memory, disk.

They stop accidents and crude mischief. There are many ways around a hook of Python's, also in its
standard library, for whoever looks for them. Examine the notebooks of such people in a container.
"""

import contextlib
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

MEMORY = 3 * 2**30  # bytes of its own that a process may hold
LARGEST_FILE = 100 * 2**20  # bytes
# What `sys.addaudithook` tells before it happens; docs.python.org has the table of all events.
_PATHS = {  # which arguments are paths that change
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
    """Give this process a network of its own, with nothing in it, where the system lets a user.

    That is on Linux, from Python 3.12 on, before the first thread is started. Elsewhere only
    Python's own calls are refused, by `shut_in`.
    """
    if hasattr(os, "unshare"):
        with contextlib.suppress(OSError):
            os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)


def shut_in(folder: Path, seconds: float, tell: Callable[[str], None]) -> None:
    """Keep this process within bounds from now on; there is no way back.

    Parameters
    ----------
    folder
        Where it may write.
    seconds
        How long it may compute.
    tell
        Called with what was refused, each time.
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
            tell(what)
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
        # Should nobody be left to end it by the clock.
        resource.RLIMIT_CPU: math.ceil(seconds) * processors + 10,
    }
    for kind, limit in limits.items():
        highest = resource.getrlimit(kind)[1]
        if highest == resource.RLIM_INFINITY or highest > limit:
            resource.setrlimit(kind, (limit, limit))


def _is_outside(path: object, folder: str) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):  # a file that is open already
        return False
    real = os.path.realpath(os.fsdecode(path))
    return real != os.devnull and not Path(real).is_relative_to(folder)
