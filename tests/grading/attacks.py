"""What a hostile process tries in a room, on canaries outside that belong to the same user.

Each attack is called with the canaries, and says what it achieved; a judge of the same user opens
the room, and looks at the canaries afterwards.
"""

import contextlib
import ctypes
import dataclasses
import fcntl
import functools
import hashlib
import importlib
import io
import itertools
import json
import mmap
import multiprocessing
import multiprocessing.synchronize
import multiprocessing.util
import os
import resource
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import termios
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import h5py
import hostile
import numpy as np
import psutil
from IPython.core.interactiveshell import InteractiveShell

from mnist_lab.grading import walls

LIBC = ctypes.CDLL(None, use_errno=True)
GB = 2**30
NOBODY = 65534
UNLINKAT = {"x86_64": 263, "aarch64": 35}[os.uname().machine]
ATTACKS: dict[str, "Attack"] = {}
BOUNDS = walls.Bounds(seconds=20, wall=20, memory=GB // 2, disk=2**24, files=500)


@dataclasses.dataclass(frozen=True)
class Attack:
    """An attack, the bounds of its room, how the room ends, and what is said before.

    The last two are regular expressions.
    """

    run: Callable
    bounds: walls.Bounds
    stopped: str = ""
    said: str = r"\[\]"


def attack(function=None, *, stopped="", said=r"\[\]", **bounds):
    if function is None:
        return functools.partial(attack, stopped=stopped, said=said, **bounds)
    own = dataclasses.replace(BOUNDS, **bounds)
    ATTACKS[function.__name__] = Attack(function, own, stopped, said)
    return function


def achieved(**ways):
    """Return which of several ways raised no error."""
    done = []
    for name, way in ways.items():
        with contextlib.suppress(Exception):
            way()
            done.append(name)
    return done


def libc(name, *arguments):
    """Call the C library past every hook of Python's."""
    result = getattr(LIBC, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


class Canaries:
    """Things outside of the room: files of several kinds, programs, sockets and a pipe."""

    def __init__(self, folder):
        self.folder = folder
        files = [folder / f"file{number}.txt" for number in range(20)]
        for file in files:
            file.write_text("precious", "utf-8")
            file.chmod(0o640)
        self.file = iter(files).__next__
        (folder / "link").symlink_to("file19.txt")
        (folder / "empty").mkdir()
        (folder / "inner").mkdir()
        (folder / "inner" / "deep.txt").write_text("deep", "utf-8")
        databases = [folder / f"grades{number}.db" for number in range(4)]
        for each in databases:
            with contextlib.closing(sqlite3.connect(each)) as database:
                database.execute("create table grades (name, points)")
                database.execute("insert into grades values ('alice', 9)")
                database.commit()
        self.database = iter(databases).__next__
        self.weights = folder / "weights.h5"
        with h5py.File(self.weights, "w") as file:
            file["weights"] = np.ones(3)
        self.pipe = folder / "pipe"
        os.mkfifo(self.pipe)
        self._pipe = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.sleeper = subprocess.Popen(["sleep", "600"])
        while not self._sleeps():  # on a busy machine it takes a while to begin
            time.sleep(0.01)
        self.processes = [self.sleeper.pid, os.getpid(), os.getppid()]
        self._listen()
        self._before = self._files()

    def _listen(self):
        self._streams = [socket.create_server(("127.0.0.1", 0))]
        self._datagrams = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]
        self._datagrams[0].bind(("127.0.0.1", 0))
        self.tcp, self.udp = self._streams[0].getsockname(), self._datagrams[0].getsockname()
        self.stream, self.datagram = str(self.folder / "stream"), str(self.folder / "datagram")
        self.abstract = f"\0mnist-lab-{os.getpid()}"
        for kind, sockets, addresses in (
            (socket.SOCK_STREAM, self._streams, (self.stream, self.abstract)),
            (socket.SOCK_DGRAM, self._datagrams, (self.datagram, self.abstract + "d")),
        ):
            for address in addresses:
                sockets.append(socket.socket(socket.AF_UNIX, kind))
                sockets[-1].bind(address)
                if kind == socket.SOCK_STREAM:
                    sockets[-1].listen()

    def _sleeps(self):
        return psutil.Process(self.sleeper.pid).status() == psutil.STATUS_SLEEPING

    def _files(self):
        found = {}
        for path in [self.folder, *self.folder.rglob("*")]:
            about = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[path.name] = (
                about.st_mode, about.st_uid, about.st_nlink, about.st_mtime_ns,
                hashlib.sha256(content).hexdigest(), os.listxattr(path, follow_symlinks=False),
            )  # fmt: skip
        return found

    def harmed(self):
        """Return the names of what is not as it was."""
        after = self._files()
        names = sorted(self._before.keys() | after)
        harmed = [name for name in names if self._before.get(name) != after.get(name)]
        if not self._sleeps():
            harmed.append("sleeper")
        for each in (*self._streams, *self._datagrams):
            each.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                (each.accept if each in self._streams else functools.partial(each.recv, 99))()
                harmed.append(f"socket {each.getsockname()}")
        if os.read(self._pipe, 99):  # nothing if nobody has opened it
            harmed.append("pipe")
        return harmed

    def close(self):
        self.sleeper.kill()
        self.sleeper.wait()


def become(user):
    """Become another user for good, as a program that is started would be."""
    if user != os.geteuid():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        LIBC.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, as after exec


@contextlib.contextmanager
def scene(user):
    """Yield canaries of a user, and a folder with two files for a room."""
    become(user)
    with (
        tempfile.TemporaryDirectory() as outside,
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Canaries(Path(outside))) as canaries,
    ):
        for name in ("mine.txt", "mine.db"):
            Path(folder, name).write_text("mine", "utf-8")
        yield canaries, Path(folder)


def judge(name, user, trust=False):
    """Return how a room ended in which an attack was made, what it said, and what is left of it."""
    return _judge(ATTACKS[name], user, trust)


def run_cell(name, user):
    """Return the same of a room in which a kernel's shell runs a hostile cell."""
    bounds = dataclasses.replace(BOUNDS, wall=1, memory=GB)
    return _judge(Attack(functools.partial(_run_cell, name), bounds), user)


def _run_cell(name, canaries):
    os.environ["IPYTHONDIR"] = os.getcwd()
    shell = InteractiveShell.instance()
    cell = hostile.cells(canaries.folder)[name]
    done = shell.run_cell(cell.source)
    shell.run_cell("import time; time.sleep(0.05)")
    return f"ran: {type(done.error_before_exec or done.error_in_exec)}"


def _judge(attack, user, trust=False):
    with scene(user) as (canaries, folder):
        inside = functools.partial(_inside, attack.run, canaries)
        with walls.open_room(inside, folder, attack.bounds, trust=trust) as room:
            family = psutil.Process().children(recursive=True)
            said = listen(room.connection)
        _, alive = psutil.wait_procs(set(family) - {psutil.Process(canaries.sleeper.pid)}, 0)
        left = [*map(str, alive), *(set(os.listdir(folder)) - {"mine.txt", "mine.db"})]
        return room.stopped, said, canaries.harmed() + left


def trust(name, user):
    """Return what `judge` does where walls are missing and a notebook is trusted."""
    forbid_namespaces(user)
    return judge(name, user, trust=True)


def try_without_walls(name, user):
    """Return what an attack achieves, and what it harms, where nothing stands in its way."""
    with scene(user) as (canaries, folder):
        os.chdir(folder)
        return ATTACKS[name].run(canaries), canaries.harmed()


def forbid_namespaces(user):
    """Become a user who may have no namespaces, as in many containers."""
    become(user)
    libc("unshare", 0x1000_0000)  # CLONE_NEWUSER
    for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1")):
        Path("/proc/self", name).write_text(content, "utf-8")
    Path("/proc/sys/user/max_user_namespaces").write_text("0", "utf-8")


def ask_and_try(user):
    """Return what is said of walls that are missing, twice: when asked, and when refused."""
    forbid_namespaces(user)
    with tempfile.TemporaryDirectory() as folder:
        try:
            walls.open_room(lambda _: None, Path(folder), BOUNDS)
        except walls.WallsError as problem:
            return walls.missing(), problem.args


def neighbours(name, user):
    """Return what a room says while another one in the same judge attacks, and after that."""
    with scene(user) as (canaries, folder):
        with walls.open_room(_echo, folder, BOUNDS) as other:
            answers = [_ask(other, b"before")]
            inside = functools.partial(_inside, ATTACKS[name].run, canaries)
            with walls.open_room(inside, folder, BOUNDS) as room:
                listen(room.connection)
            answers.append(_ask(other, b"after"))
        return answers, canaries.harmed()


def _ask(room, words):
    room.connection.send_bytes(words)
    return room.connection.recv_bytes(99).decode()


def _echo(connection):
    while True:
        connection.send_bytes(connection.recv_bytes(99))


def abandon(user):
    """Return how many processes a room had whose judge has been killed, and which live on."""
    become(user)
    there, here = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        arguments = Path(folder), here
        judge = multiprocessing.get_context("fork").Process(target=_wait, args=arguments)
        judge.start()
        os.close(here)
        with open(there, encoding="utf-8") as file:
            family = [psutil.Process(each) for each in json.loads(file.readline())]
        judge.kill()
        judge.join()
    return len(family), [str(each) for each in psutil.wait_procs(family, 5)[1]]


def _wait(folder, report):
    room = walls.open_room(_settle, folder, BOUNDS)
    room.connection.recv_bytes()
    family = psutil.Process().children(recursive=True)
    with open(report, "w", encoding="utf-8") as file:
        file.write(f"{[each.pid for each in family]}\n")
    time.sleep(600)


def _settle(connection):
    daemon(None)
    connection.send_bytes(b"settled")
    time.sleep(600)


def listen(connection):
    """Return the last thing that a room says."""
    said = b""
    with contextlib.suppress(EOFError, OSError):
        while True:
            said = connection.recv_bytes(10**6)
    return said.decode(errors="replace")


def _inside(run, canaries, connection):
    canaries.connection = connection
    try:
        said = run(canaries)
    except Exception as problem:
        said = f"{type(problem).__name__}: {problem}"
    connection.send_bytes(str(said).encode())


def serve(connection, *preload):
    """Fork a process for each call: a function and its arguments; return what it returns."""
    for module in preload:
        importlib.import_module(module)
    with contextlib.suppress(EOFError):
        while True:
            function, arguments = connection.recv()
            there, here = os.pipe()
            child = os.fork()
            if not child:
                try:
                    answer = function(*arguments)
                except BaseException:
                    answer = traceback.format_exc()
                with open(here, "w", encoding="utf-8") as file:
                    json.dump(answer, file)
                os._exit(0)
            os.close(here)
            with open(there, encoding="utf-8") as file:
                answer = file.read()
            os.waitpid(child, 0)
            connection.send(json.loads(answer) if answer else None)


# Files. Each way has a file of its own, so that a test can show which work where no walls stand.


@attack
def remove(on):
    there = os.open(on.folder, os.O_RDONLY)
    unlink = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, use_errno=True)(("unlink", LIBC))

    def call_unlink():
        if unlink(os.fsencode(on.file())):
            raise OSError

    return achieved(
        remove=lambda: os.remove(on.file()),
        dir_fd=lambda: os.remove(on.file().name, dir_fd=there),
        prototype=call_unlink,
        syscall=lambda: libc("syscall", UNLINKAT, -100, os.fsencode(on.file()), 0),
        rmdir=lambda: os.rmdir(on.folder / "empty"),
        rmtree=lambda: shutil.rmtree(on.folder / "inner"),
        program=lambda: subprocess.run(["/bin/rm", "-f", on.file()], check=True),
        shell=lambda: subprocess.run(f": > {on.file()}", shell=True, check=True),
    )


@attack
def rename(on):
    return achieved(
        away=lambda: os.rename(on.file(), on.folder / "other"),
        here=lambda: shutil.move(on.file(), "taken.txt"),
        onto=lambda: os.replace("mine.txt", on.file()),
        exchange=lambda: libc("renameat2", -100, b"mine.db", -100, os.fsencode(on.file()), 2),
    )


@attack
def create(on):
    new = itertools.count()

    def fresh():
        return on.folder / f"new{next(new)}"

    return achieved(
        file=lambda: fresh().write_text("x", "utf-8"),
        folder=lambda: fresh().mkdir(),
        symlink=lambda: fresh().symlink_to("/"),
        link=lambda: os.link(on.file(), fresh()),
        link_from_here=lambda: os.link("mine.txt", fresh()),
        link_to_here=lambda: os.link(on.file(), "stolen.txt"),
        fifo=lambda: os.mkfifo(fresh()),
        node=lambda: os.mknod(fresh(), 0o100600),
        temporary=lambda: os.open(on.folder, os.O_TMPFILE | os.O_RDWR),
    )


@attack
def change(on):
    def opened():
        return os.open(on.file(), os.O_RDONLY)

    return achieved(
        open=lambda: on.file().write_text("x", "utf-8"),
        append=lambda: open(on.file(), "a", encoding="utf-8").write("x"),
        link=lambda: (on.folder / "link").write_text("x", "utf-8"),
        truncate=lambda: os.truncate(on.file(), 0),
        through_proc=lambda: Path(f"/proc/self/fd/{opened()}").write_text("x", "utf-8"),
        numpy=lambda: np.memmap(on.file(), mode="r+").fill(1),
        pipe=lambda: os.write(os.open(on.pipe, os.O_WRONLY | os.O_NONBLOCK), b"x"),
    )


@attack
def change_modes(on):
    def opened():
        return os.open(on.file(), os.O_RDONLY)

    immutable = struct.pack("l", 0x80)  # FS_NOATIME_FL of FS_IOC_SETFLAGS
    return achieved(
        chmod=lambda: os.chmod(on.file(), 0o777),
        fchmod=lambda: os.fchmod(opened(), 0o777),
        chmod_proc=lambda: os.chmod(f"/proc/self/fd/{opened()}", 0o777),
        chmod_folder=lambda: os.chmod(on.folder, 0o777),
        chown=lambda: os.chown(on.file(), os.getuid(), os.getgid()),
        fchown=lambda: os.fchown(opened(), os.getuid(), os.getgid()),
        utime=lambda: os.utime(on.file(), (0, 0)),
        futimens=lambda: os.utime(opened(), (0, 0)),
        xattr=lambda: os.setxattr(on.file(), "user.x", b"1"),
        fxattr=lambda: os.setxattr(opened(), "user.x", b"1"),
        flags=lambda: fcntl.ioctl(opened(), 0x4008_6602, immutable),
    )


@attack
def databases(on):
    def drop(name, uri=True):
        with contextlib.closing(sqlite3.connect(name, uri=uri)) as database:
            database.execute("drop table grades")

    def attach():
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute(f"attach 'file:{on.database()}?mode=rwc' as other")
            database.execute("drop table other.grades")

    def attach_new():
        with contextlib.closing(sqlite3.connect("mine.db")) as database:
            database.execute(f"attach '{on.folder / 'new.db'}' as other")
            database.execute("create table other.x (y)")

    return achieved(
        plain=lambda: drop(on.database(), uri=False),
        uri=lambda: drop(f"file:{on.database()}?mode=rw"),
        immutable=lambda: drop(f"file:{on.database()}?vfs=unix-none"),
        attach=attach,
        attach_new=attach_new,
        h5_append=lambda: h5py.File(on.weights, "a")["weights"].write_direct(np.zeros(3)),
        h5=lambda: h5py.File(on.weights, "w").close(),
        h5_new=lambda: h5py.File(on.folder / "new.h5", "w").close(),
        numpy=lambda: np.save(on.folder / "new.npy", np.ones(3)),
    )


@attack
def gfile(on):
    from tensorflow.io import gfile

    def write():
        with gfile.GFile(str(on.file()), "w") as file:
            file.write("x")

    return achieved(
        remove=lambda: gfile.remove(str(on.file())),
        rmtree=lambda: gfile.rmtree(str(on.folder / "inner")),
        rename=lambda: gfile.rename(str(on.file()), str(on.folder / "other")),
        copy=lambda: gfile.copy(str(on.file()), str(on.folder / "copy")),
        write=write,
        mkdir=lambda: gfile.mkdir(str(on.folder / "new")),
    )


# The system.


@attack
def mounts(on):
    flags = {"bind": 4096, "remount": 32, "writable": 32 | 4096}
    target = os.fsencode(on.folder)
    return achieved(
        **{
            name: functools.partial(libc, "mount", target, target, None, flag, None)
            for name, flag in flags.items()
        },
        tmpfs=lambda: libc("mount", b"x", target, b"tmpfs", 0, None),
        umount=lambda: libc("umount2", os.fsencode(os.getcwd()), 2),
        umount_proc=lambda: libc("umount2", b"/proc", 2),
        setattr=lambda: libc("syscall", 442, -100, b"/", 0x8000, struct.pack("4Q", 0, 1, 0, 0), 32),
        open_tree=lambda: libc("syscall", 428, -100, b"/", 1),
        chroot=lambda: os.chroot("/"),
        pivot=lambda: libc("syscall", 155, b".", b"."),
        user_namespace=lambda: libc("unshare", 0x1000_0000),
        mount_namespace=lambda: libc("unshare", 0x0002_0000),
        clone=lambda: libc("syscall", 56, 0x1000_0000 | signal.SIGCHLD, 0, 0, 0, 0),
        setns=lambda: libc("setns", os.open("/proc/1/ns/mnt", os.O_RDONLY), 0),
    )


@attack
def settings(on):
    """What root alone may do. Outside of a room this would do harm."""

    def write(path, text="1"):
        return lambda: Path(path).write_text(text, "ascii")

    return achieved(
        sysctl=write("/proc/sys/vm/swappiness", "60"),
        core=write("/proc/sys/kernel/core_pattern", "|/bin/sh"),
        pids=write("/proc/sys/kernel/pid_max", "4000000"),
        namespaces=write("/proc/sys/user/max_user_namespaces", "9"),
        killer=write("/proc/self/oom_score_adj", "-1000"),
        sysrq=write("/proc/sysrq-trigger", "h"),
        memory=write("/proc/1/mem", "x"),
        passwords=write("/etc/passwd", "x"),
        power=write("/sys/power/state", "mem"),
        cgroup=write("/sys/fs/cgroup/cgroup.procs", "0"),
        tmp=lambda: Path(tempfile.gettempdir(), "mnist-lab-was-here").touch(),
        devices=lambda: Path("/dev/here").touch(),
        disk=lambda: os.mknod("disk", 0o60600, os.makedev(254, 0)),
        memory_device=lambda: os.open("/dev/mem", os.O_RDWR),
        host=lambda: socket.sethostname("x"),
        limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, 2**40)),
        nice=lambda: os.nice(-5),
        clock=lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
        user=lambda: os.setuid(4711),
        terminal=lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"),
        control=lambda: os.open("/dev/tty", os.O_RDWR),
        keys=lambda: libc("syscall", 248, b"user", b"x", b"y", 1, -3),
        io_uring=lambda: libc("syscall", 425, 8, ctypes.create_string_buffer(120)),
        bpf=lambda: libc("syscall", 321, 0, ctypes.create_string_buffer(120), 120),
        swap=lambda: libc("swapoff", b"/swapfile"),
        log=lambda: libc("klogctl", 5, None, 0),
    )


# Processes.


@attack
def signals(on):
    ways = {}
    for process in on.processes:
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
            ways[f"kill {process} {number}"] = functools.partial(os.kill, process, number)
        ways[f"group {process}"] = functools.partial(os.killpg, process, signal.SIGKILL)
        ways[f"pidfd {process}"] = functools.partial(
            lambda each: signal.pidfd_send_signal(os.pidfd_open(each), signal.SIGKILL), process
        )
        ways[f"queue {process}"] = functools.partial(
            libc, "syscall", 129, process, signal.SIGKILL, bytes(128)
        )
        ways[f"nice {process}"] = functools.partial(os.setpriority, os.PRIO_PROCESS, process, 19)
        ways[f"limit {process}"] = functools.partial(
            resource.prlimit, process, resource.RLIMIT_NOFILE, (0, 0)
        )
        ways[f"trace {process}"] = functools.partial(libc, "ptrace", 16, process, 0, 0)
        ways[f"memory {process}"] = functools.partial(open, f"/proc/{process}/mem", "r+b")
        ways[f"read {process}"] = functools.partial(open, f"/proc/{process}/environ", "rb")
    return achieved(**ways)


@attack
def everybody(on):
    """Kill all that can be seen: that is nobody else."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return achieved(term=lambda: os.kill(-1, signal.SIGTERM), first=lambda: os.kill(1, 9))[1:]


@attack
def look_around(on):
    names = [name for name in os.listdir("/proc") if name.isdecimal()]
    return [] if set(names) <= {"1", str(os.getpid())} else names


@attack
def trace_the_first(on):
    """The room's first process stands behind the same walls, but it says how the room ended."""
    return achieved(
        trace=lambda: libc("ptrace", 16, 1, 0, 0),
        memory=lambda: open("/proc/1/mem", "r+b"),
        write=lambda: libc("process_vm_writev", 1, None, 0, None, 0, 0),
    )


@attack
def daemon(on):
    """Two forks and a session of its own, and ended by nobody."""
    if not os.fork():
        os.setsid()
        if not os.fork():
            for number in range(1, 32):
                with contextlib.suppress(OSError):
                    signal.signal(number, signal.SIG_IGN)
            time.sleep(600)
        os._exit(0)
    os.wait()
    multiprocessing.util.spawnv_passfds(b"/bin/sleep", [b"sleep", b"600"], [])
    subprocess.Popen(["setsid", "nohup", "/bin/sleep", "600"])
    return []


@attack(stopped="started more than 100 processes|took more than 0.5 GB of memory", wall=60)
def fork_bomb(on):
    while True:
        with contextlib.suppress(OSError):
            os.fork()


@attack(stopped="started more than 100 processes|took more than 0.5 GB of memory", wall=60)
def shell_bomb(on):
    return subprocess.run([shutil.which("bash"), "-c", ":(){ :|:& };:; sleep 60"])


@attack(stopped=r"ended its kernel \(SIGSEGV\)")
def crash(on):
    ctypes.string_at(0)


@attack(stopped=r"ended its kernel \(SIGKILL\)")
def suicide(on):
    os.kill(os.getpid(), signal.SIGKILL)


@attack(stopped=r"ended its kernel \(exit code 3\)")
def leave(on):
    os._exit(3)


@attack(stopped="took longer than 1 s", wall=1)
def stop(on):
    os.kill(os.getpid(), signal.SIGSTOP)


@attack(stopped="took longer than 1 s", wall=1)
def sleep(on):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


# The connection.


@attack(said="")
def hang_up(on):
    on.connection.close()
    time.sleep(600)


@attack(said=".*")
def babble(on):
    descriptor = on.connection.fileno()
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, os.urandom(2**16))


@attack
def descriptors(on):
    """Write into everything that is open, but the connection and what is looked with."""
    open_ones = [int(name) for name in os.listdir("/proc/self/fd")]
    kinds = {each: os.readlink(f"/proc/self/fd/{each}") for each in open_ones if _is_open(each)}
    others = {it: kind for it, kind in kinds.items() if it != on.connection.fileno()}
    for each in others:
        with contextlib.suppress(OSError):
            os.write(each, b'{"outcome": "right"}\n')
    return [kind for kind in others.values() if kind != "/dev/null"]


def _is_open(descriptor):
    return os.path.lexists(f"/proc/self/fd/{descriptor}")


# The network.


@attack
def network(on):
    def send(family, kind, address):
        with socket.socket(family, kind) as own:
            own.sendto(b"x", address)

    def pair():
        one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.sendto(b"x", on.datagram)

    unix, inet, dgram = socket.AF_UNIX, socket.AF_INET, socket.SOCK_DGRAM
    return achieved(
        tcp=lambda: socket.create_connection(on.tcp, 2),
        udp=lambda: send(inet, dgram, on.udp),
        raw=lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        netlink=lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        stream=lambda: socket.socket(unix).connect(on.stream),
        datagram=lambda: send(unix, dgram, on.datagram),
        abstract=lambda: socket.socket(unix).connect(on.abstract),
        abstract_datagram=lambda: send(unix, dgram, on.abstract + "d"),
        pair=pair,
        again=lambda: libc("connect", on.connection.fileno(), b"\1\0" + on.stream.encode(), 110),
        name=lambda: socket.getaddrinfo("example.org", 80),
        listen=lambda: socket.create_server(("127.0.0.1", 0)),
        program=lambda: subprocess.run(
            [shutil.which("bash"), "-c", f"echo x > /dev/tcp/127.0.0.1/{on.tcp[1]}"], check=True
        ),
    )


# Memory and disk.


def fill(memory, most=6 * GB):
    """Write into each page of 6 GB."""
    for position in range(0, most, 2**20):
        memory[position] = 1


@attack
def shared_memory(on):
    def memfd():
        own = os.memfd_create("x")
        while True:
            os.write(own, bytes(2**24))

    return achieved(
        shared=lambda: fill(mmap.mmap(-1, 6 * GB)),
        zero=lambda: fill(mmap.mmap(os.open("/dev/zero", os.O_RDWR), 6 * GB)),
        memfd=memfd,
        system_v=lambda: libc("shmget", 0, 2**24, 0o1600),
        messages=lambda: libc("msgget", 0, 0o1600),
        vmsplice=lambda: libc("vmsplice", os.pipe()[1], bytes(16), 1, 0),
        device=lambda: _fill_file("/dev/shm/x"),
        huge=lambda: fill(mmap.mmap(-1, 6 * GB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)),
    )


def _fill_file(path):
    with open(path, "wb", buffering=0) as file:
        for _ in range(6 * 64):
            file.write(bytes(2**24))


@attack(said="MemoryError: ")
def memory(on):
    """A single process is told so, as by a machine that is full."""
    kept = [bytearray(2**26) for _ in range(6 * 16)]
    return len(kept)


@attack(stopped="took more than 0.5 GB of memory")
def memory_of_many(on):
    for _ in range(12):
        if not os.fork():
            kept = []
            with contextlib.suppress(MemoryError):
                while len(kept) < 12:
                    kept.append(b"x" * 2**24)
            time.sleep(600)
    time.sleep(600)


@attack(stopped="took more than 0.5 GB of memory")
def hidden_memory(on):
    """A process that is not dumpable hides what it shares."""
    LIBC.prctl(4, 0, 0, 0, 0)
    return memory_of_many(on)


@attack(stopped="took more than 0.5 GB of memory", disk=GB, memory=GB // 2)
def memory_of_files(on):
    _fill_file("big")
    time.sleep(600)


@attack
def memory_that_is_shared(on):
    """Processes that share what they inherit are not too much."""
    kept = b"x" * (200 * 2**20)
    for _ in range(5):
        if not os.fork():
            time.sleep(0.5)
            os._exit(len(kept) % 2)
    for _ in range(5):
        os.wait()
    return []


@attack
def disk(on):
    def deleted():
        for number in itertools.count():
            file = open(f"x{number}", "wb", buffering=0)  # noqa: SIM115
            os.remove(f"x{number}")
            kept.append(file)
            file.write(bytes(2**20))

    def many():
        for number in range(10**5):
            Path(f"many{number}").touch()

    kept: list[io.FileIO] = []
    return achieved(
        one=lambda: _fill_file("big"),
        many=many,
        folders=lambda: [os.mkdir(f"folder{number}") for number in range(10**4)],
        sparse=lambda: os.truncate("big", 10**13),
        allocated=lambda: os.posix_fallocate(os.open("big", os.O_RDWR), 0, 2**26),
        deleted=deleted,
    )


@attack(said="OSError: .* space .*")
def litter(on):
    """Behind walls there is no room for that; elsewhere it is seen later."""
    for number in range(20):
        Path(f"x{number}").write_bytes(bytes(2**20))
    time.sleep(600)


@attack(stopped="took longer than 1 s of processor time", seconds=1)
def processor(on):
    while True:
        pass


@attack(stopped="took longer than 1 s of processor time", seconds=1)
def processor_of_children(on):
    """Each for a moment only."""
    while True:
        child = os.fork()
        if not child:
            ends = time.process_time() + 0.02
            while time.process_time() < ends:
                pass
            os._exit(0)
        os.waitpid(child, 0)


@attack(stopped="took longer than 1 s of processor time", seconds=1)
def processor_of_threads(on):
    work = np.ones((500, 500))
    for _ in range(3):
        threading.Thread(target=lambda: [work @ work for _ in range(10**9)]).start()
    time.sleep(600)


# What honest work needs.


@attack
def honest(on):
    Path("out.txt").write_text("x", "utf-8")
    os.makedirs("a/b")
    shutil.copy("mine.txt", "a/b/copy.txt")
    os.rename("out.txt", "a/out.txt")
    os.utime("a/out.txt")
    shutil.rmtree("a")
    os.mkfifo("fifo")
    os.remove("fifo")
    with tempfile.TemporaryFile(dir=".") as file:
        file.write(b"x")
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        nothing.write("x")
    one, two = socket.socketpair()
    one.send(b"x")
    assert two.recv(1) == b"x"
    np.save("array.npy", np.ones(9))
    assert np.memmap("array.npy", mode="r+")[0]
    os.remove("array.npy")
    assert Path("mine.txt").read_text("utf-8") == "mine"
    assert on.file().read_text("utf-8") == "precious"  # reading is allowed
    assert subprocess.run(["/bin/echo", "x"], capture_output=True, check=True).stdout == b"x\n"
    with multiprocessing.synchronize.Lock(ctx=multiprocessing.get_context("fork")):
        pass  # it lies in /dev/shm
    assert os.urandom(3) != os.urandom(3)
    return []
