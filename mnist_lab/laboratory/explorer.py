"""The laboratory: sliders, Start, Stop, live curves, and runs to compare."""

import dataclasses
import functools
import html
import sys
import threading
import time

import ipywidgets as widgets

from ..data import Dataset, load_mnist
from ..parts import PARTS
from ..progress import duration
from ..runs import Run, load_records
from ..signals import interruptions
from ..support import in_range
from ..training import (
    CompiledLoop,
    divergence,
    redraw,
    report,
    settings_of,
    train_epochs,
)
from .background import Job
from .controls import Controls, Setup, close_tree
from .estimates import estimate, remember
from .live import Curve, Frames, LivePicture, curve_of, record_curve, sheet_curve
from .sight import Sight
from .table import STYLE, Row

LOOPS_KEPT = 3  # compiling one takes seconds; keeping one, up to 150 MB

_loops: dict[tuple[str, str], CompiledLoop] = {}  # by network and data, the latest last
_open: dict[str | None, "Explorer"] = {}


def explore(
    part: str | None = None, *, data: Dataset | None = None, blocking: bool | None = None
) -> "Explorer":
    """Open the laboratory of a part: sliders, Start, Stop, live curves.

    An earlier laboratory of the same part is closed, and its training ends.

    Parameters
    ----------
    part
        "linear", "mlp", "dropout" or "cnn"; without it, one can be chosen.
    data
        Images of 28 x 28 pixels to use instead of MNIST.
    blocking
        Whether Start waits until the training is done, and the notebook with it; Interrupt then
        ends it early. Without it, only where a thread cannot change the page: in Colab.

    Returns
    -------
    Explorer
        A notebook shows it at the end of a cell; its `runs` are there for the next cells.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    if part is not None and part not in PARTS:
        raise ValueError(f"part={part!r}: it must be one of {', '.join(PARTS)}")
    if part in _open:
        _open[part].close()
    blocking = "google.colab" in sys.modules if blocking is None else blocking
    _open[part] = Explorer(part, load_mnist() if data is None else data, blocking)
    return _open[part]


class Explorer:
    """The laboratory of a part, or of all, as `explore` opens it.

    Attributes
    ----------
    controls : Controls
        The sliders; `controls.widgets["epochs"].value = 3` moves one.
    rows : list of Row
        One for each run in the table.
    view : ipywidgets.Widget
        What is shown.
    """

    def __init__(self, part: str | None, data: Dataset, blocking: bool):
        self.rows: list[Row] = []
        self.status = ""
        self._part, self._data, self._blocking = part, data, blocking
        self._sha256 = data.sha256
        self._count = 0  # of runs so far; the style of the next one follows
        self._job: Job | None = None
        self._setup: Setup | None = None  # of the job
        self._live: Curve | None = None
        self._changing = threading.RLock()  # held while rows change or all is drawn anew
        self._make_widgets()
        self._choose_part(part or "linear")

    @property
    def runs(self) -> list[Run]:
        """The runs in the table, in its order."""
        return [row.run for row in self.rows]

    def __repr__(self) -> str:
        count = len(self.rows)
        runs = f"{count} run{'' if count == 1 else 's'}"
        return f"Laboratory of {self._part or 'all parts'}, {runs} (run this cell to open it)"

    def _repr_mimebundle_(self, **options: object) -> dict:
        return self.view._repr_mimebundle_(**options) | {"text/plain": repr(self)}

    def start(self, *, wait: bool = False) -> None:
        """Train with what the controls say.

        Parameters
        ----------
        wait
            Whether to wait until it is done. Always so if the laboratory is a blocking one.
        """
        setup = self.controls.setup
        job = Job(functools.partial(self._work, setup))
        if not job.claim():
            self._say("Another training goes on: stop it first, or wait for it.", alert=True)
            return
        self._job, self._setup = job, setup
        self._set_running(True)
        job.begin(wait=wait or self._blocking)

    def stop(self) -> None:
        """End the training soon, and keep what was trained."""
        if self._job is not None and self._job.busy:
            self._job.stop()
            self._say("stopping…")

    def wait(self) -> None:
        """Wait until the training is done."""
        if self._job is not None:
            self._job.join()

    def close(self) -> None:
        """End the training, and take the laboratory from the page. Its runs stay."""
        if self._job is not None:
            self._job.stop()
        close_tree(self.view)

    def _work(self, setup: Setup, job: Job) -> None:
        """What the training's thread does, from Start to the end."""
        try:
            if not job.stopped.is_set():
                self._set_running(True)
                run = self._train(setup, job)
                if job.kept and len(run.batch_loss):
                    self._keep(run, setup)
        except Exception as problem:  # whatever it is, the student is to see it
            self._say(f"{type(problem).__name__}: {problem}", alert=True)
        finally:
            self._live = None
            job.stopped.set()  # from here on another Start is right, and waits for its turn
            self._set_running(False)
            self._refresh()

    def _train(self, setup: Setup, job: Job) -> Run:
        epochs, seed = setup.values["epochs"], setup.values["seed"]
        with interruptions() as interrupted:
            self._say("starting…")
            loop, compile_seconds, told = self._compiled(setup)
            loop.model.optimizer.learning_rate = setup.values["learning_rate"]
            run = Run(settings_of(loop, self._data, epochs, seed, setup.name))
            run.compile_seconds = compile_seconds
            redraw(loop.model, seed, loop.input_shape)
            self._live = curve_of(run, self._count)
            with Frames(self._draw, alone=not self._blocking) as frames:

                def look(run: Run) -> bool:
                    self._follow(run)
                    frames.look()
                    return job.stopped.is_set() or interrupted.is_set()

                train_epochs(loop, run, look)
        if run.diverged:
            ended = divergence(run, loop.model)
        elif run.interrupted:
            ended = f"Stopped after {len(run.batch_loss):,} iterations. What was trained is kept."
        else:
            ended = f"Done in {duration(run.seconds)}{_compiling(run)}."
        self._say(f"{ended} {told}".rstrip(), alert=run.diverged)
        return run

    def _compiled(self, setup: Setup) -> tuple[CompiledLoop, float, str]:
        """The compiled loop of a network, how long compiling took, and what it had to tell."""
        key = setup.network, self._sha256
        loop, began, told = _loops.pop(key, None), time.perf_counter(), ""
        if loop is None:
            self._say("compiling…")
            images = len(self._data.x_train)
            batch_size = in_range("batch size", setup.values["batch_size"], 1, images, whole=True)
            loop = CompiledLoop(setup.build(), self._data, batch_size, "float32")
            told = loop.compile()
        _loops[key] = loop
        for oldest in list(_loops)[:-LOOPS_KEPT]:
            del _loops[oldest]
        return loop, time.perf_counter() - began, told

    def _follow(self, run: Run) -> None:
        """Show how far a training is, and let it be drawn as it is now."""
        self._say(report(run).replace("  ", " · "))
        total = run.settings["epochs"] * run.settings["steps_per_epoch"]
        self._progress.value = len(run.batch_loss) / total
        history = {key: list(values) for key, values in run.history.items()}
        self._live = dataclasses.replace(self._live, run=dataclasses.replace(run, history=history))

    def _keep(self, run: Run, setup: Setup) -> None:
        """Give a run that has ended its row."""
        if run.epochs:
            remember(setup, run)
        with self._changing:
            curve = curve_of(run, self._count)
            self.rows.append(Row(curve, setup, self._refresh, self._remove, self._show_code))
            self._count += 1
        self._tell_estimate()
        self._sight.show(run)

    def _remove(self, row: Row) -> None:
        with self._changing:
            self.rows.remove(row)
        self._refresh()
        close_tree(row.box)

    def _show_code(self, row: Row) -> None:
        mnist = self._data.name == "MNIST"
        data = "lab.load_mnist()" if mnist else "...  # as you gave them to lab.explore"
        self.code.value = row.setup.code(row.run.name, data)
        self.code.layout.display = ""

    def _refresh(self) -> None:
        """Show the rows as they are now, and draw their curves."""
        with self._changing:
            self._table.children = [row.box for row in self.rows]
            self.code.layout.display = "none"
            self._draw()

    def _draw(self) -> None:
        self._picture.draw(self._curves(), self._live)

    def _curves(self) -> list[Curve]:
        key = self.controls.setup.part.key
        overlays = [_overlay(kind, key) for kind, box in self.overlays.items() if box.value]
        return overlays + [row.curve for row in self.rows if not row.hidden.value]

    def _moved(self) -> None:
        """A slider has moved: say what follows from it; the linear part is trained at once."""
        self._tell_estimate()
        if self.controls.setup.part.key == "linear":
            if self._job is not None and self._setup.part.key == "linear":
                self._job.stop(keep=False)
            self.start()

    def _tell_estimate(self) -> None:
        words = estimate(self.controls.setup, len(self._data.x_train))
        self.time.value = f"Estimated time: <b>{words}</b>"

    def _say(self, text: str, alert: bool = False) -> None:
        self.status = text
        kind = "mnist-lab-alert" if alert else "mnist-lab-status"
        self._status.value = f'<div class="{kind}">{html.escape(text)}</div>'

    def _set_running(self, running: bool) -> None:
        self.start_button.disabled = running
        self.stop_button.disabled = not running
        if running:
            self._progress.value = 0

    def _choose_part(self, part: str) -> None:
        # The linear part trains on release: between, it could not keep up.
        self.controls = Controls(
            PARTS[part], self._moved, on_release=part == "linear", classes=self._data.classes
        )
        earlier, self._place.children = self._place.children, [self.controls.box]
        for box in earlier:
            close_tree(box)
        self._tell_estimate()
        self._refresh()

    def _make_widgets(self) -> None:
        self.start_button = _button("Start", "play", "Train the network.", "success")
        self.stop_button = _button("Stop", "stop", "End the training, and keep what it learned.")
        self.stop_button.disabled = True
        self.start_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        self.reset_button = _button("Reset to the sheet", "undo", "All sliders as in the sheet.")
        self.reset_button.on_click(lambda _: self.controls.reset())
        options = [(part.title, key) for key, part in PARTS.items()]
        self.part_menu = widgets.Dropdown(options=options, description="network")
        self.part_menu.observe(lambda change: self._choose_part(change["new"]), "value")
        self.part_menu.layout.display = "none" if self._part else ""
        self.overlays = {
            kind: widgets.Checkbox(description=kind, indent=False, layout={"width": "auto"})
            for kind in _OVERLAYS
        }
        for box in self.overlays.values():
            box.observe(lambda _: self._refresh(), "value")
        self.time, self._status = widgets.HTML(), widgets.HTML()
        self._progress = widgets.FloatProgress(max=1.0, layout={"width": "100%"})
        self._picture, self._sight, self._place = LivePicture(), Sight(self._data), widgets.VBox()
        self._table = widgets.VBox(layout={"width": "100%"})
        self.code = widgets.Textarea(layout={"width": "100%", "height": "110px"})
        self.view = self._laid_out()

    def _laid_out(self) -> widgets.Widget:
        """Controls, picture and digits beside each other where there is room; the table below."""
        buttons = _wrapping([self.start_button, self.stop_button, self.reset_button])
        told = [self.time, self._progress, self._status]
        left = [self.part_menu, self._place, buttons, *told]
        overlays = _wrapping([widgets.HTML("Compare with"), *self.overlays.values()], "0 18px")
        top = _wrapping(
            [
                widgets.VBox(left, layout={"flex": "1 1 280px"}),
                widgets.VBox([overlays, self._picture.image], layout={"flex": "2 1 440px"}),
                self._sight.box,
            ],
            "6px 18px",
        )
        style = widgets.HTML(STYLE, layout={"display": "none"})
        return widgets.VBox([style, top, self._table, self.code], layout={"width": "100%"})


_OVERLAYS = {
    "the sheet's curve": lambda part: sheet_curve(PARTS[part]),
    "the recorded run": lambda part: record_curve(load_records(part)[0]),
}


@functools.cache
def _overlay(kind: str, part: str) -> Curve:
    return _OVERLAYS[kind](part)


def _button(words: str, icon: str, tooltip: str, style: str = "") -> widgets.Button:
    layout = {"width": "auto", "min_width": "80px"}
    return widgets.Button(
        description=words, icon=icon, tooltip=tooltip, button_style=style, layout=layout
    )


def _wrapping(children: list[widgets.Widget], gap: str = "0") -> widgets.HBox:
    layout = {"flex_flow": "row wrap", "grid_gap": gap, "width": "100%"}
    return widgets.HBox(children, layout=layout)


def _compiling(run: Run) -> str:
    """How long compiling took before a run, if it was anything to speak of."""
    if run.compile_seconds < 0.1:
        return ""
    return f", after {duration(run.compile_seconds)} of compiling"
