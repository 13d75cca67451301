"""How often something may be done beside a training without slowing it down."""

import contextlib
import math
import time
from collections.abc import Iterator

LATE = 0.25  # seconds by which a turn waits for a chunk's end, and the next one may come sooner


class Pace:
    """Lets something be done in a share of the time, and says when it is its turn again.

    From one turn to the next are `least` to `most` seconds, whatever the share.
    """

    def __init__(self, share: float, least: float = 0, most: float = math.inf):
        self.share, self._least, self._most = share, least, most
        self.next = -math.inf

    @property
    def due(self) -> bool:
        """Whether it is its turn."""
        return time.perf_counter() >= self.next

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Time what is done, and let the next turn wait accordingly."""
        began = time.perf_counter()
        yield
        seconds = (time.perf_counter() - began) / self.share
        start = min(max(self.next, began - LATE), began)
        self.next = start + min(max(seconds, self._least), self._most)
