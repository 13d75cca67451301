"""Runs as the page shows them: curves, rows of the table, and curves to compare with."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .. import places
from ..course import PARTS
from ..progress import duration
from ..runs import HISTORY, Run, band, load_records
from .controls import Setup

OVERLAYS = ("the sheet's curve", "the recorded run")


@dataclasses.dataclass(eq=False)
class Row:
    """A run in the table, with its setup. Its number decides the style of its curve."""

    number: int
    run: Run
    setup: Setup
    hidden: bool = False

    def model(self) -> keras.Model:
        """Build the run's model, with the weights that it ended with."""
        model = self.setup.build()
        model.set_weights(self.run.weights)
        return model

    def values(self) -> dict[str, Any]:
        """Return what the page shows in this row."""
        about = {"id": self.number, "name": self.run.name, "hidden": self.hidden}
        return about | {"words": self.setup.words} | _results(self.run)


def _results(run: Run) -> dict[str, str]:
    """Put the final validation accuracy, the gap, the time and the surprise of a run into words."""
    words = {"seconds": duration(run.seconds), "surprise": surprise(run)}
    if run.diverged or not run.epochs:
        ended = "diverged" if run.diverged else "stopped"
        return words | {"accuracy": ended, "gap": f"iteration {len(run.batch_loss):,}"}
    stopped = f", stopped in epoch {run.epochs + 1}" if run.interrupted else ""
    gap = 100 * (run.history["fit_accuracy"][-1] - run.val_accuracy)
    gap = f"gap {gap:+z.1f} points{stopped}"
    return words | {"accuracy": f"{run.val_accuracy:.1%}", "gap": gap}


def surprise(run: Run) -> str:
    """Say how far a run was from what was expected of it, if anything was."""
    far = run.surprise
    words = []
    if "val_accuracy" in far:
        words.append(f"your accuracy by {100 * far['val_accuracy']:.1f} points")
    if "val_loss" in far:
        words.append(f"your loss by {far['val_loss']:.2g}")
    return f"Off on average: {', '.join(words)}." if words else ""


def curve(number: int | str, run: Run, first: int = 0) -> dict[str, Any]:
    """Return a run as the page draws it, with its batches from iteration `first` on."""
    return {
        "id": number,
        "name": run.name,
        "epochs": run.settings.epochs,
        "steps": run.settings.steps_per_epoch,
        "diverged": run.diverged,
        "first": first,
        "loss": run.batch_loss[first:],
        "accuracy": run.batch_accuracy[first:],
        "history": _in_rows(run.history),
        "expected": run.expected,
    }


def overlay(kind: str, part: str) -> dict[str, Any]:
    """Return a curve to compare with, one of `OVERLAYS`; DataError if its record is damaged."""
    if kind == "the recorded run":
        return _recorded(part, places.here.records) | {"id": kind, "name": kind}
    no_batches = np.empty(0, np.float32)
    return {
        "id": kind,
        "name": "the sheet, 2020",
        "epochs": PARTS[part].epochs,
        "steps": 600,
        "diverged": False,
        "first": 0,
        "loss": no_batches,
        "accuracy": no_batches,
        "history": _in_rows(PARTS[part].sheet_curve()),
        "expected": {},
    }


@functools.cache
def _recorded(part: str, folder: Path) -> dict[str, Any]:
    runs = load_records(part, folder)
    return curve(part, runs[0]) | {"band": band(runs)}


def _in_rows(history: dict[str, list[float]]) -> np.ndarray:
    return np.array([history[key] for key in HISTORY], np.float32)
