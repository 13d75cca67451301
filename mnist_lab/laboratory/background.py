"""One training at a time in this process: in a thread of its own, or in the caller's."""

import atexit
import ctypes
import gc
import sys
import threading
from collections.abc import Callable


class Task:
    """Work that is done when its turn comes.

    Parameters
    ----------
    work
        Called once, with the task. It is to look at `stopped` now and then.

    Attributes
    ----------
    stopped : threading.Event
        Whether the work is to end.
    kept : bool
        Whether to keep the partial result after `stop`.
    """

    _latest: "Task | None" = None
    _choosing = threading.Lock()  # held while the latest task is replaced
    _turn = threading.Lock()  # held by the task that is at work

    def __init__(self, work: Callable[["Task"], None]):
        self.stopped, self.kept = threading.Event(), True
        self._work, self._ended = work, threading.Event()
        self._thread = threading.Thread(target=self._do, daemon=True)

    @property
    def busy(self) -> bool:
        """Whether it goes on, and nobody has stopped it."""
        return not self._ended.is_set() and not self.stopped.is_set()

    def claim(self) -> bool:
        """Claim the next turn. False if another task is running and was not told to stop."""
        with Task._choosing:
            if Task._latest is not None and Task._latest.busy:
                return False
            Task._latest = self
            return True

    def begin(self, *, wait: bool) -> None:
        """Begin as soon as the task before, which has been stopped, has ended.

        Parameters
        ----------
        wait
            Whether to do the work here and now, and not in a thread.
        """
        if wait:
            self._do()
        else:
            self._thread.start()

    def stop(self, *, keep: bool = True) -> None:
        """Have it end soon."""
        self.kept = keep
        self.stopped.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, for some seconds at most; tell whether it has."""
        return self._ended.wait(timeout)

    def _do(self) -> None:
        try:
            with Task._turn:
                self._work(self)
        finally:
            if Task._latest is self:  # nobody waits for the turn
                _give_back()
            del self._work  # and with it the laboratory, though this stays the latest task
            self._ended.set()


def _give_back() -> None:
    """Give back to the system what is no longer used.

    Networks and pictures refer to themselves, and Python would keep them until it has piled up
    tens of megabytes; glibc would keep what is freed for its thread.
    """
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@atexit.register
def _end() -> None:
    """Let no thread be inside TensorFlow when Python takes it down."""
    if Task._latest is not None and Task._latest.busy:
        Task._latest.stop()
        Task._latest.join(5)
