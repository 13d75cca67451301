"""How often something may be done beside a training without slowing it down."""

import contextlib
import time
from collections.abc import Iterator

LATE = 1  # seconds that a turn may wait for a chunk or a validation; the next ones come sooner


class Pace:
    """Says when something is due again: after so many seconds, or longer to keep to its share."""

    def __init__(self, seconds: float, share: float):
        self.seconds, self.share = seconds, share
        self.next = time.perf_counter()

    @property
    def due(self) -> bool:
        """Whether it is its turn."""
        return time.perf_counter() >= self.next

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Time what is done, and let the next turn wait accordingly."""
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        due = min(max(self.next, began - LATE), began)
        self.next = due + max(self.seconds, took / self.share)
