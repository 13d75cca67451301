"""Ctrl-C as an event to look at, and no signal for a thread that computes."""

import contextlib
import signal
import threading
from collections.abc import Iterator

# What a terminal, a notebook's kernel or a scheduler sends in normal work. All are blocked, whether
# or not somebody listens now: a thread keeps for ever what was blocked when it was started.
_USUAL = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM", "SIGWINCH", "SIGUSR1")
    if hasattr(signal, name)
]


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Keep signals away from this thread, and from the threads that it starts, for a moment.

    Whatever runs a compiled network goes through here. oneDNN's generated matrix products, as
    TensorFlow 2.18 to 2.21 have them, let the stack pointer point into the heap while they work;
    a signal's handler that begins in one overwrites the heap, and the process dies
    (github.com/uxlfoundation/oneDNN, issue 4845). A signal that comes meanwhile is delivered
    right after, as one if it came twice. Windows, which has no such signals, has nothing to block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _USUAL)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def interruptions() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no iteration is torn apart; leave the second."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    usual = signal.getsignal(signal.SIGINT)

    def first(*_: object) -> None:
        event.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, first)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, usual)
