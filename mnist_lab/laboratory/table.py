"""The table of runs: what was set, what came out, and what can be done with a run."""

from collections.abc import Callable

import ipywidgets as widgets

from ..progress import duration
from ..runs import Run
from .controls import Setup
from .live import Curve

STYLE = """<style>
.mnist-lab-cell { color: var(--jp-ui-font-color1); line-height: 1.3; }
.mnist-lab-status { color: var(--jp-ui-font-color1); line-height: 1.3; }
.mnist-lab-alert { color: var(--jp-error-color1); line-height: 1.3; font-weight: bold; }
.mnist-lab-row { border-top: 1px solid var(--jp-border-color2); padding: 3px 0; }
</style>"""


class Row:
    """A run in the table: its line, its name to edit, its figures, and what can be done with it.

    Parameters
    ----------
    curve, setup
        The run as it is drawn, and what the controls said.
    changed, remove, copy
        Called when it is hidden or shown; with the row, when it is to be removed; with the row,
        when its code is wanted.
    """

    def __init__(
        self,
        curve: Curve,
        setup: Setup,
        changed: Callable[[], None],
        remove: Callable[["Row"], None],
        copy: Callable[["Row"], None],
    ):
        self.curve, self.setup = curve, setup
        self.name = widgets.Text(self.run.name, continuous_update=False, layout={"width": "180px"})
        self.name.tooltip = "The name of this run, for you to change."
        self.hidden = widgets.Checkbox(
            description="hide",
            indent=False,
            tooltip="Take its curve out of the picture.",
            layout={"width": "60px"},
        )
        self.copy_button = _button("Copy code", "clone", "The lines of Python that repeat it.")
        self.remove_button = _button("Remove", "trash", "Forget this run.")
        self.name.observe(lambda change: self.run.settings.update(name=change["new"]), "value")
        self.hidden.observe(lambda _: changed(), "value")
        self.copy_button.on_click(lambda _: copy(self))
        self.remove_button.on_click(lambda _: remove(self))
        accuracy, gap, seconds = results(self.run)
        self.box = widgets.HBox(
            [
                _cell(_line_sample(curve), "40px"),
                self.name,
                _cell(setup.html(), "190px", grow=1),
                _cell(accuracy, "118px"),
                _cell(gap, "100px"),
                _cell(seconds, "52px"),
                widgets.HBox([self.hidden, self.copy_button, self.remove_button]),
            ],
            layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "0 8px"},
        )
        self.box.add_class("mnist-lab-row")

    @property
    def run(self) -> Run:
        """The run of this row."""
        return self.curve.run


def results(run: Run) -> tuple[str, str, str]:
    """Final validation accuracy, gap and time of a run, in words."""
    seconds = duration(run.seconds)
    if run.diverged:
        return "<b>diverged</b>", f"iteration {len(run.batch_loss):,}", seconds
    if not run.epochs:
        return "stopped", f"iteration {len(run.batch_loss):,}", seconds
    stopped = f", stopped in epoch {run.epochs + 1}" if run.interrupted else ""
    gap = 100 * (run.history["fit_accuracy"][-1] - run.val_accuracy)
    return f"<b>{run.val_accuracy:.1%}</b> validation{stopped}", f"gap {gap:+z.1f} points", seconds


def _cell(text: str, width: str, grow: int = 0) -> widgets.HTML:
    return widgets.HTML(
        f'<div class="mnist-lab-cell">{text}</div>', layout={"flex": f"{grow} 1 {width}"}
    )


def _button(words: str, icon: str, tooltip: str) -> widgets.Button:
    return widgets.Button(
        description=words, icon=icon, tooltip=tooltip, layout={"width": "auto", "flex": "none"}
    )


def _line_sample(curve: Curve) -> str:
    dashes = " ".join(f"{2 * dash:g}" for dash in curve.dashes)
    return (
        '<svg width="36" height="12"><line x1="0" y1="6" x2="36" y2="6" stroke-width="3" '
        f'stroke="{curve.color}" stroke-dasharray="{dashes}"/></svg>'
    )
