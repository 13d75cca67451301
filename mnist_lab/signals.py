"""Ctrl-C as an event, and signals blocked while a thread computes."""

import contextlib
import signal
import threading
from collections.abc import Iterator

# Signals that a terminal, a notebook's kernel or a scheduler sends in normal work. All are blocked,
# whether or not they have handlers now: a new thread inherits the blocked signals for good.
_USUAL = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM", "SIGWINCH", "SIGUSR1")
    if hasattr(signal, name)
]


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Block signals for a while in this thread, and for good in threads that it starts meanwhile.

    All code that runs a compiled network uses it. oneDNN's generated matrix products in TensorFlow
    2.18 to 2.21 let the stack pointer point into the heap while they work; a signal handler that
    starts then overwrites the heap, and the process dies (github.com/uxlfoundation/oneDNN, issue
    4845). A blocked signal is delivered afterwards, once if it came twice. Windows does not have
    these signals.
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
    """Turn the first Ctrl-C into an event, so that it interrupts no iteration; leave the second."""
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
