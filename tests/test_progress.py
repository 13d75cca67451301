"""The progress line of long-running work."""

import pytest

from mnist_lab import progress


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.94, "0.9 s"), (42.3, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds, words):
    assert progress.duration(seconds) == words
