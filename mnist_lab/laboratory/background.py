"""Tasks that run one at a time in this process, each in its own thread or in the caller's."""

import atexit
import contextvars
import ctypes
import gc
import sys
import threading
from collections.abc import Callable


class Task:
    """Work that waits for its turn: a function, called with the task, that looks at `stopped`.

    `kept` says whether the partial result is of use after a stop.
    """

    _latest: "Task | None" = None
    _choosing = threading.Lock()  # held while the latest task is replaced
    _turn = threading.Lock()  # held by the running task

    def __init__(self, work: Callable[["Task"], None]):
        self.stopped, self.kept = threading.Event(), True
        self._work, self._ended = work, threading.Event()
        # In the caller's context, so that what it sends belongs to the request that it comes from.
        # Otherwise ipykernel takes the latest request. It may come from a subshell that is deleted
        # soon, and ipykernel 7.4 sends the page's next messages there: they would be lost.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._do,), daemon=True)

    @property
    def busy(self) -> bool:
        """Whether it has neither ended nor been stopped."""
        return not self._ended.is_set() and not self.stopped.is_set()

    def claim(self) -> bool:
        """Claim the next turn. Return false if another task is running and was not stopped."""
        with Task._choosing:
            if Task._latest is not None and Task._latest.busy:
                return False
            Task._latest = self
            return True

    def begin(self, *, wait: bool) -> None:
        """Begin as soon as the stopped task before it has ended; with `wait`, in this thread."""
        if wait:
            self._do()
        else:
            self._thread.start()

    def stop(self, *, keep: bool = True) -> None:
        """Ask the work to end soon."""
        self.kept = keep
        self.stopped.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, at most `timeout` seconds; return whether it has."""
        return self._ended.wait(timeout)

    def _do(self) -> None:
        try:
            with Task._turn:
                self._work(self)
        finally:
            if Task._latest is self:  # no other task waits
                _give_back()
            del self._work  # lets the laboratory go, while this remains the latest task
            self._ended.set()


def _give_back() -> None:
    """Return unused memory to the system.

    Networks and pictures contain reference cycles, which Python would collect only after tens of
    megabytes; glibc would keep freed memory for its thread.
    """
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@atexit.register
def _end() -> None:
    """Stop the running task, so that no thread is inside TensorFlow when Python shuts down."""
    if Task._latest is not None and Task._latest.busy:
        Task._latest.stop()
        Task._latest.join(5)
