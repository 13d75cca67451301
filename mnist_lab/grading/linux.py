"""What Linux itself refuses a process: namespaces, a tree that can only be read, and fewer calls.

The kernel's calls are made by ctypes, since Python has none for them before 3.12, and few since.
bubblewrap does much of this for a program that it starts; but a notebook is run in a fork of a
process that has loaded TensorFlow, and loading it anew would take seconds for each.
"""

import contextlib
import ctypes
import math
import os
import platform
import resource
import shutil
import signal
import socket
import stat
import struct
from pathlib import Path

_TASKS = 1024  # threads of all processes together; TensorFlow starts several for each processor
_FILES_OPEN = 256
_SHARED_MEMORY = 64 * 2**20  # bytes in /dev/shm
# Not /dev/zero: a shared mapping of it holds memory that belongs to no process.
_DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")

_LIBC = ctypes.CDLL(None, use_errno=True)
# The names are those of the kernel's headers: sched.h, mount.h, prctl.h, capability.h, landlock.h,
# seccomp.h and filter.h.
_CLONE_NEWNS, _CLONE_NEWCGROUP, _CLONE_NEWUTS = 0x0002_0000, 0x0200_0000, 0x0400_0000
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID = 0x0800_0000, 0x1000_0000, 0x2000_0000
_CLONE_NEWNET = 0x4000_0000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND = 2, 4, 8, 4096
_READ_ONLY, _NO_SETUID, _NO_DEVICES = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE, _MOUNT_SETATTR = -100, 0x8000, 442
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
_CAPABILITIES = 0x2008_0522  # version 3
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446


def _call(name: str, *arguments: int | bytes | ctypes.Array) -> int:
    """Call a function of the C library with arguments as wide as the kernel's."""
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = getattr(_LIBC, name)(*wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave() -> None:
    """Give this process, which has one thread, namespaces of its own, and its children new numbers.

    It stays the user that it is, so that it can read what that user can read.
    """
    user, group = os.geteuid(), os.getegid()
    _call(
        "unshare",
        _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWNET | _CLONE_NEWIPC
        | _CLONE_NEWUTS | _CLONE_NEWCGROUP,
    )  # fmt: skip
    for name, content in (
        ("setgroups", b"deny"),
        ("uid_map", b"%d %d 1" % (user, user)),
        ("gid_map", b"%d %d 1" % (group, group)),
    ):
        Path("/proc/self", name).write_bytes(content)


def rearrange(folder: Path, disk: int, files: int) -> None:
    """Make all files read-only to this process, and put `folder` into memory, with its content.

    This needs `leave` before, and to be the first process of its namespace. What is written into
    the folder is bounded by the kernel, and gone when the last process has ended.
    """
    devices = {each: os.open(each, os.O_PATH) for each in _DEVICES}
    content = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    _set("/", _READ_ONLY | _NO_SETUID | _NO_DEVICES, flags=_AT_RECURSIVE)
    _mount("tmpfs", "/dev", "mode=755,size=1m")
    for place, device in devices.items():
        Path(place).touch()
        _call("mount", b"/proc/self/fd/%d" % device, place.encode(), None, _MS_BIND, None)
        _set(place, clear=_NO_DEVICES)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")
    os.mkdir("/dev/shm")
    _set("/dev", _READ_ONLY)
    _mount("tmpfs", "/dev/shm", f"mode=1777,size={_SHARED_MEMORY},nr_inodes=1000")
    _mount("tmpfs", str(folder), f"mode=700,size={disk},nr_inodes={files}")
    shutil.copytree(f"/proc/self/fd/{content}", folder, symlinks=True, dirs_exist_ok=True)
    _mount("proc", "/proc", None)
    Path("/proc/self/oom_score_adj").write_bytes(b"1000")  # before anybody else, if at all
    Path("/proc/sys/user/max_user_namespaces").write_bytes(b"0")
    _bound(resource.RLIMIT_NPROC, _TASKS)  # of this namespace, but not for root
    with contextlib.suppress(OSError):  # for root as well, since Linux 6.14
        Path("/proc/sys/kernel/pid_max").write_bytes(b"%d" % _TASKS)
    _set("/proc", _READ_ONLY)


def _mount(kind: str, place: str, options: str | None) -> None:
    flags = _MS_NOSUID | _MS_NODEV | (_MS_NOEXEC if kind == "proc" else 0)
    data = options.encode() if options else None
    _call("mount", kind.encode(), os.fsencode(place), kind.encode(), flags, data)


def _set(place: str, on: int = 0, *, clear: int = 0, flags: int = 0) -> None:
    attributes = struct.pack("=4Q", on, clear, 0, 0)
    _call(
        "syscall", _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(place), flags, attributes, len(attributes)
    )


def drop_capabilities() -> None:
    """Give up root's powers and those over the namespaces, also in programs that are started."""
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with contextlib.suppress(OSError):  # the number after the last capability is refused
        for capability in range(64):
            _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
    _call("capset", struct.pack("=Ii", _CAPABILITIES, 0), bytes(24))


def limit(memory: int, disk: int, seconds: float) -> None:
    """Bound what this process and each of its children may take."""
    _bound(resource.RLIMIT_DATA, memory)
    _bound(resource.RLIMIT_FSIZE, disk)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, _FILES_OPEN)
    _bound(resource.RLIMIT_CPU, math.ceil(seconds) + 10)  # the room is ended before that


def _bound(kind: int, most: int) -> None:
    highest = resource.getrlimit(kind)[1]
    if highest == resource.RLIM_INFINITY or most < highest:
        resource.setrlimit(kind, (most, most))


def lock_files(folder: Path) -> None:
    """Have Landlock refuse to write anywhere but in `folder`, and signals and traces outwards.

    Raises
    ------
    OSError
        If the kernel has no Landlock.
    """
    version = _call("syscall", _LANDLOCK_CREATE, None, 0, 1)
    write, truncate, device = 1 << 1, 1 << 14, 1 << 15
    changes = write | sum(1 << bit for bit in range(4, 13))  # remove and make, of each kind
    changes |= sum(
        bit for since, bit in ((2, 1 << 13), (3, truncate), (5, device)) if version >= since
    )
    network = 3 if version >= 4 else 0  # bind and connect
    scopes = 3 if version >= 6 else 0  # abstract sockets and signals
    rules = struct.pack("=3Q", changes, network, scopes)
    ruleset = _call("syscall", _LANDLOCK_CREATE, rules, len(rules), 0)
    for place in (folder, "/dev/shm", *_DEVICES):
        file = os.open(place, os.O_PATH)
        is_folder = stat.S_ISDIR(os.stat(file).st_mode)
        allowed = changes if is_folder else changes & (write | truncate | device)
        _call("syscall", _LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, file), 0)
    _call("syscall", _LANDLOCK_RESTRICT, ruleset, 0)


# What a system call is refused for, with its numbers on x86-64 and on 64-bit ARM.
_REFUSED = {
    # Sockets in the file system, such as D-Bus' and Docker's, are not in a network's namespace.
    "socket": (41, 198),
    "connect": (42, 203),
    # Memory that belongs to no process, which nobody could count.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "vmsplice": (278, 75),
    # The keys of the user who started all this.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # io_uring makes other calls past this filter; the rest is for debuggers and containers.
    "io_uring_setup": (425, 425),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
}
_MMAP, _SOCKETPAIR = (9, 222), (53, 199)
_ARCHITECTURES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
_REFUSE, _ALLOW = 0x0005_0000 | 1, 0x7FFF_0000  # the first as EPERM
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST = 0x15, 0x35


def filter_calls() -> None:
    """Have the kernel refuse the system calls above, and shared memory without a file.

    Raises
    ------
    OSError
        If this kernel has no such filters, or nobody has told us the calls of this processor.
    """
    if platform.machine() not in _ARCHITECTURES:
        raise OSError(0, f"not known for {platform.machine()}")
    column, architecture = _ARCHITECTURES[platform.machine()]
    program = [
        (_LOAD, 0, 0, 4),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),  # the calls of 32-bit programs
        (_LOAD, 0, 0, 0),
        (_IF_AT_LEAST, 0, 1, 0x4000_0000),
        (_RETURN, 0, 0, _REFUSE),  # those of x32
        # Pairs that are no streams can send to others. The types are below 16, flags above.
        (_IF_EQUAL, 0, 5, _SOCKETPAIR[column]),
        (_LOAD, 0, 0, 24),
        (_AND, 0, 0, 0xF),
        (_IF_EQUAL, 0, 1, socket.SOCK_STREAM),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
        # Of MAP_SHARED and MAP_ANONYMOUS, both are set.
        (_IF_EQUAL, 0, 5, _MMAP[column]),
        (_LOAD, 0, 0, 40),
        (_AND, 0, 0, 0x21),
        (_IF_EQUAL, 0, 1, 0x21),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for numbers in _REFUSED.values():
        program += [(_IF_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _REFUSE)]
    program.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    _call("prctl", _PR_SET_SECCOMP, 2, header, 0, 0)
