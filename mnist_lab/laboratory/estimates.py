"""Estimates of a training's time, from the last training of its kind on this machine."""

import contextlib
import functools
import json
import os
from pathlib import Path

from .. import places
from ..progress import duration
from ..runs import Run, load_records
from ..support import DataError, write_whole
from .controls import Setup


def speeds_file() -> Path:
    """Return the file of measured speeds. It lies in the user's cache, for the next kernel."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mnist_lab" / "speeds.json"


def remember(setup: Setup, run: Run) -> None:
    """Write down the speed of a run, if the file can be written."""
    speeds = _read() | {setup.network: run.seconds / len(run.batch_loss)}
    with contextlib.suppress(OSError):
        speeds_file().parent.mkdir(parents=True, exist_ok=True)
        write_whole(speeds_file(), json.dumps(speeds, indent=0))


def estimate(setup: Setup, images: int) -> str:
    """Say how long a training will take, and if that is a guess; nothing if it is not known."""
    iterations = setup.values["epochs"] * -(-images // setup.values["batch_size"])
    speed = _read().get(setup.network)
    if isinstance(speed, float):
        return duration(iterations * speed)
    # The work of an iteration grows roughly with weights times images. The linear network's
    # iterations cost little more than the overhead that every iteration has.
    records = places.here.records
    try:
        least, own = (_recorded_speed(part, records) for part in ("linear", setup.part.key))
    except DataError:
        return ""
    size = setup.parameters / setup.part.parameters * setup.values["batch_size"] / 100
    return f"about {duration(iterations * (least + size * (own - least)))} (a guess)"


def _read() -> dict[str, float]:
    with contextlib.suppress(OSError, ValueError):
        speeds = json.loads(speeds_file().read_text("utf-8"))
        return speeds if isinstance(speeds, dict) else {}
    return {}


@functools.cache
def _recorded_speed(part: str, folder: Path) -> float:
    """Return the seconds per iteration of a recorded run, on the machine that made it."""
    record = load_records(part, folder)[0]
    return record.seconds / len(record.batch_loss)
