"""How long a training will take: from how long the last one of its kind took on this machine."""

import contextlib
import functools
import json
import os
from pathlib import Path

from ..progress import duration
from ..runs import Run, load_records
from ..support import DataError, write_whole
from .controls import Setup


def speeds_file() -> Path:
    """Where the measured speeds are kept: in the user's cache folder, for the next kernel."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mnist_lab" / "speeds.json"


def remember(setup: Setup, run: Run) -> None:
    """Keep the speed of a run. Where nothing can be written, it is not kept."""
    speeds = _read() | {setup.network: run.seconds / len(run.batch_loss)}
    with contextlib.suppress(OSError):
        speeds_file().parent.mkdir(parents=True, exist_ok=True)
        write_whole(speeds_file(), json.dumps(speeds, indent=0))


def estimate(setup: Setup, images: int) -> str:
    """In words, how long a training will take, and whether that is a guess.

    Empty where nothing was measured here, and no records are there to guess from.
    """
    iterations = setup.values["epochs"] * -(-images // setup.values["batch_size"])
    speed = _read().get(setup.network)
    if isinstance(speed, float):
        return duration(iterations * speed)
    # The work of an iteration grows about as the number of weights times that of the images; that
    # of the linear network is little more than what every iteration costs.
    try:
        least, own = _recorded_speed("linear"), _recorded_speed(setup.part.key)
    except DataError:
        return ""
    size = setup.parameters / setup.part.parameters * setup.values["batch_size"] / 100
    return f"about {duration(iterations * (least + size * (own - least)))} (a guess)"


def _read() -> dict[str, float]:
    try:
        speeds = json.loads(speeds_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return speeds if isinstance(speeds, dict) else {}


@functools.cache
def _recorded_speed(part: str) -> float:
    """Seconds per iteration of the recorded run, on the machine that made it."""
    record = load_records(part)[0]
    return record.seconds / len(record.batch_loss)
