"""The results of the recorded runs, as a table."""

import contextlib
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from ..course import PARTS, Part
from ..runs import Run, load_records
from ..support import DataError
from .variants import variants


def results(folder: Path) -> str:
    """Tell what the records say, part by part, as a table in Markdown."""
    header = "part,parameters,seeds,validation accuracy,sheet,difference,seconds per epoch"
    rows = [header.split(",")]
    for part in (each.part for each in variants() if each.need in PARTS):
        with contextlib.suppress(DataError):  # of a part that has no records yet
            runs = load_records(part.key, folder)
            rows.append([part.key, f"{part.parameters:,}", str(len(runs)), *_result(part, runs)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    lines = (" | ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(f"| {line} |" for line in lines)


def final_accuracy(run: Run) -> str:
    """Say how accurate a run is by now, or where it diverged."""
    if run.diverged:
        return f"diverged at iteration {len(run.batch_loss):,}"
    if not run.epochs:
        return "no epoch finished yet"
    return f"validation accuracy {100 * run.val_accuracy:.2f} %"


def _result(part: Part, runs: Sequence[Run]) -> list[str]:
    """Accuracy over the seeds, the sheet's, their difference, and the time of an epoch."""
    if any(run.diverged for run in runs):
        return [", ".join(map(final_accuracy, runs)), "", "", ""]
    finals = [100 * run.val_accuracy for run in runs]
    mean, sheet = statistics.mean(finals), 100 * part.sheet_accuracy
    spread = f" ± {statistics.stdev(finals):.2f}" if len(finals) > 1 else ""
    pace = statistics.median(run.seconds / run.epochs for run in runs)
    of_sheet = ["", ""] if math.isnan(sheet) else [f"{sheet:.1f} %", f"{mean - sheet:+.2f}"]
    return [
        f"{mean:.2f}{spread} %",
        *of_sheet,
        f"{pace:.2f}" if pace < 1 else f"{pace:.1f}",
    ]
