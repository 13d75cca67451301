"""The results of the recorded runs, as a table."""

import contextlib
import statistics
from collections.abc import Sequence
from pathlib import Path

from ..course import PARTS
from ..runs import Run, load_records
from ..support import DataError
from .variants import variants


def results(folder: Path) -> str:
    """Write the results of the records, part by part, as a table in Markdown."""
    header = "part,parameters,seeds,validation accuracy,sheet,difference,seconds per epoch"
    rows = [header.split(",")]
    for name in (each.name for each in variants() if each.need in PARTS):
        with contextlib.suppress(DataError):  # it has no records yet
            runs = load_records(name, folder)
            parameters = runs[0].settings.parameters
            rows.append([name, f"{parameters:,}", str(len(runs)), *_result(name, runs)])
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


def _result(name: str, runs: Sequence[Run]) -> list[str]:
    """Accuracy over the seeds, the sheet's, their difference, and the time of an epoch."""
    if any(run.diverged for run in runs):
        return [", ".join(map(final_accuracy, runs)), "", "", ""]
    finals = [100 * run.val_accuracy for run in runs]
    mean = statistics.mean(finals)
    spread = f" ± {statistics.stdev(finals):.2f}" if len(finals) > 1 else ""
    pace = statistics.median(run.seconds / run.epochs for run in runs)
    of_sheet = ["", ""]
    if name in PARTS:
        sheet = 100 * PARTS[name].sheet_accuracy
        of_sheet = [f"{sheet:.1f} %", f"{mean - sheet:+.2f}"]
    return [
        f"{mean:.2f}{spread} %",
        *of_sheet,
        f"{pace:.2f}" if pace < 1 else f"{pace:.1f}",
    ]
