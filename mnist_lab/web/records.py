"""Files of the recorded runs, their bands and the networks on file, for the page without Python.

A file is the length of its head (four bytes), the head as JSON, and the arrays' bytes; all numbers
are little-endian. The head says what the file is `about`, and lists its `arrays`: name, type, shape
and place among the bytes.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import places
from ..course import PARTS
from ..laboratory import RECORDED
from ..runs import HISTORY, Run, band, load_records

# Also on file; Python's laboratory does not ask it, since NumPy would take too long.
_NETWORKS = {**RECORDED, "modern": ("modern CNN, on file", "modern", {})}


def record_bytes(run: Run) -> bytes:
    """Return a recorded run as a file: its curves and answers as they are, no weights."""
    about = {
        "name": run.name,
        "seed": run.settings.seed,
        "epochs": run.settings.epochs,
        "steps": run.settings.steps_per_epoch,
        "seconds": run.seconds,
    }
    arrays = [
        ("history", np.array([run.history[key] for key in HISTORY])),
        ("batch_loss", run.batch_loss),
        ("batch_accuracy", run.batch_accuracy),
        ("val_probabilities", run.val_probabilities),
    ]
    return _file(about, arrays)


def bands_bytes() -> bytes:
    """Return the bands of all parts as a file: between which values the runs of the seeds lie."""
    bands = {part: band(load_records(part)) for part in PARTS}
    arrays = [(f"{part} {key}", array) for part, of in bands.items() for key, array in of.items()]
    return _file({"parts": list(bands)}, arrays)


def networks_bytes() -> bytes:
    """Return the networks on file as a file: one of each kind, their weights as float16.

    float16 halves the size. No network's accuracy on the validation images changes by more than two
    hundredths of a point.
    """
    about, arrays = [], []
    for key, (name, part, _) in _NETWORKS.items():
        run = Run.load(places.here.records / f"{key}-seed0.npz")
        rate = run.settings.model.get("dropout: rate", 0)
        about.append({"name": name, "part": part, "dropout": rate, "weights": len(run.weights)})
        arrays += [(f"{key} {i}", array.astype(np.float16)) for i, array in enumerate(run.weights)]
    return _file({"networks": about}, arrays)


def _file(about: dict[str, Any], arrays: Sequence[tuple[str, np.ndarray]]) -> bytes:
    listed, parts, offset = [], [], 0
    for name, array in arrays:
        parts.append(array.astype(array.dtype.newbyteorder("<")).tobytes())
        kind = {"name": name, "dtype": array.dtype.name, "shape": array.shape, "offset": offset}
        listed.append(kind)
        offset += len(parts[-1])
    head = json.dumps({"about": about, "arrays": listed}).encode()
    return b"".join([len(head).to_bytes(4, "little"), head, *parts])
