"""The laboratory: what is trained in it, which runs it keeps, and what its page is told."""

import functools
import sys
from typing import Any

import numpy as np

from ..course import PARTS
from ..data import Dataset, load_mnist
from ..progress import duration
from ..runs import Run
from ..signals import interruptions
from ..support import in_range
from ..training import CompiledLoop, Training, divergence, report
from .background import Job
from .controls import Setup
from .estimates import estimate, remember
from .insight import Digits, Glimpses
from .networks import Network, recorded_networks, said_by_cells
from .rows import OVERLAYS, Row, curve, overlay
from .surface import Surface

LOOPS_KEPT = 3  # compiling one takes seconds; keeping one, up to 150 MB

_loops: dict[tuple[str, str, str], CompiledLoop] = {}  # by network and data, the latest last
_open: dict[str | None, "Explorer"] = {}


def explore(
    part: str | None = None, *, data: Dataset | None = None, blocking: bool | None = None
) -> "Explorer":
    """Open the laboratory of a part: sliders, live curves, weights, and a digit to draw.

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
        A notebook shows it at the end of a cell; its `runs` are there for the next cells, and
        `compare(explorer.runs)` is a still picture of them.

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
    setup : Setup
        What the controls say.
    rows : list of Row
        One for each run in the table.
    status : str
        The line below the buttons.
    digit : numpy.ndarray or None
        The digit in the field as the networks get it, once there is one: uint8 of shape (28, 28).
    view : Surface
        What is shown.
    """

    def __init__(self, part: str | None, data: Dataset, blocking: bool):
        self.rows: list[Row] = []
        self.status = ""
        self.digit: np.ndarray | None = None
        self._part, self._data, self._blocking = part, data, blocking
        self._sha256 = data.sha256
        self._digits = Digits(data)
        self._count = 0  # of runs so far; the style of the next one follows
        self._job: Job | None = None
        self._trained: str | None = None  # the job's part
        self._live: Run | None = None
        self._confused: Run | None = None  # whose confusion matrix is shown
        self.view = Surface(self.hear)
        parts = [] if part else [(key, each.title) for key, each in PARTS.items()]
        self.view.show(parts=parts, overlays=dict.fromkeys(OVERLAYS, False), live=None)
        self.view.show(running=False, status={"text": "", "alert": False}, rows=[])
        self.view.show(**self._digits.sight())
        self.choose_part(part or "linear")

    @property
    def runs(self) -> list[Run]:
        """The runs in the table, in its order; with their weights, unless they diverged."""
        return [row.run for row in self.rows]

    def __repr__(self) -> str:
        count = len(self.rows)
        runs = f"{count} run{'' if count == 1 else 's'}"
        return f"Laboratory of {self._part or 'all parts'}, {runs} (run this cell to open it)"

    def _repr_mimebundle_(self, **options: object) -> tuple[dict, dict]:
        bundle, metadata = self.view._repr_mimebundle_(**options)
        return bundle | {"text/plain": repr(self)}, metadata

    def set(self, **values: Any) -> None:
        """Move controls: `explorer.set(epochs=3, learning_rate=0.1)`.

        Raises
        ------
        ValueError
            If there is no such control, or if it cannot be set to this value.
        """
        self.setup = self.setup.moved(**values)
        self._moved()

    def reset(self) -> None:
        """Put all controls to the sheet's values."""
        self.set(**Setup.of_sheet(self.setup.part).values)

    def choose_part(self, part: str) -> None:
        """Have the controls of another part, at the sheet's values."""
        self.setup = Setup.of_sheet(PARTS[part], self._data.classes)
        self._tell_setup()
        self._tell_rows()

    def start(self, *, wait: bool = False) -> None:
        """Train with what the controls say.

        Parameters
        ----------
        wait
            Whether to wait until it is done. Always so if the laboratory is a blocking one.
        """
        job = Job(functools.partial(self._work, self.setup))
        if not job.claim():
            self._say("Another training goes on: stop it first, or wait for it.", alert=True)
            return
        self._job, self._trained = job, self.setup.part.key
        self.view.show(running=True)
        job.begin(wait=wait or self._blocking)

    def stop(self) -> None:
        """End the training soon, and keep what was trained."""
        with self.view.lock:
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
        self.view.layout.close()  # ipywidgets keeps for ever what is not closed
        self.view.close()

    def hear(self, message: dict[str, Any], buffers: list[memoryview]) -> None:
        """Do what a page asks for: its message says what, and on what."""
        asked = {
            "hello": self._greet,
            "start": self.start,
            "stop": self.stop,
            "reset": self.reset,
            "part": self.choose_part,
            "move": self._move,
            "overlay": self._overlay,
            "rename": self._rename,
            "hide": self._hide,
            "remove": self._remove,
            "code": self._tell_code,
            "look": lambda index: self.view.show(**self._digits.look_at(index)),
            "go_on": lambda by: self.view.show(**self._digits.go_on(by)),
            "behind": self._tell_behind,
            "digit": lambda: self._answer(np.frombuffer(buffers[0], np.uint8).reshape(28, 28)),
        }
        asked[message.pop("ask")](**message)

    def _work(self, setup: Setup, job: Job) -> None:
        """What the training's thread does, from Start to the end."""
        words, alert = "Stopped before it began.", False
        try:
            if not job.stopped.is_set():
                self.view.show(running=True)
                run, words = self._train(setup, job)
                alert = run.diverged
                if job.kept and len(run.batch_loss):
                    self._keep(run, setup)
        except Exception as problem:  # whatever it is, the student is to see it
            words, alert = f"{type(problem).__name__}: {problem}", True
        finally:
            with self.view.lock:
                self._live = None
                job.stopped.set()  # from here on another Start is right, and waits for its turn
                if job is self._job:  # else the next one has the word
                    self._say(words, alert)
                    self.view.show(running=False, live=None, training=None)

    def _train(self, setup: Setup, job: Job) -> tuple[Run, str]:
        """Train; the run, and in words how it ended."""
        with interruptions() as interrupted:
            self._say("starting…")
            training, told = self._begun(setup)
            model = training.loop.model
            glimpses = Glimpses(model, setup.part.key == "linear", self._digits)
            self._show_live(training.run)

            def look(run: Run) -> bool:
                # A job that was stopped still sends its curve, but the word is no longer its own.
                self._follow(run, glimpses, speaks=job is self._job and job.busy)
                return job.stopped.is_set() or interrupted.is_set()

            ended = training.train(look)
        run, done = training.run, f"{len(training.run.batch_loss):,} iterations"
        words = {
            "finished": f"Done in {duration(run.seconds)}{_compiling(run)}.",
            "stopped": f"Stopped after {done}. What was trained is kept.",
            "diverged": divergence(run, model),
        }
        if ended != "diverged":
            run.weights = model.get_weights()
        return run, f"{words[ended]} {told}".rstrip()

    def _begun(self, setup: Setup) -> tuple[Training, str]:
        """A training that is ready to go, and what compiling it had to tell."""
        values, key = setup.values, (setup.network, self._data.name, self._sha256)
        loop, told = _loops.pop(key, None), ""
        new = loop is None
        if new:
            self._say("compiling…")
            images = len(self._data.x_train)
            batch_size = in_range("batch size", values["batch_size"], 1, images, whole=True)
            loop = CompiledLoop(setup.build(), self._data, batch_size, "float32")
        loop.model.optimizer.learning_rate = values["learning_rate"]
        training = Training(loop, epochs=values["epochs"], seed=values["seed"], name=setup.name)
        training.start()
        if new:
            told = training.compile()
        _loops[key] = loop
        for oldest in list(_loops)[:-LOOPS_KEPT]:
            del _loops[oldest]
        return training, told

    def _show_live(self, run: Run) -> None:
        """Show a training that begins."""
        with self.view.lock:
            self._live, self._sent = run, 0
            self.view.show(live=self._count)
            self.view.tell({"curves": [curve(self._count, run)]})

    def _follow(self, run: Run, glimpses: Glimpses, *, speaks: bool) -> None:
        """Show how far a training is, and what its network has become; in one message."""
        with self.view.lock:
            news = glimpses.look(run, self.digit) if not run.diverged else {}
            if "confusion" in news:
                self._confused = run
            if speaks:
                self.status = report(run).replace("  ", " · ")
                news["status"] = {"text": self.status, "alert": False}
            self.view.shown |= news
            self.view.tell(news | {"curves": [curve(self._count, run, self._sent)]})
            self._sent = len(run.batch_loss)

    def _keep(self, run: Run, setup: Setup) -> None:
        """Give a run that has ended its row."""
        if run.epochs:
            remember(setup, run)
        with self.view.lock:
            self.rows.append(Row(self._count, run, setup))
            self._count += 1
            if run.epochs:
                self._confused = run
                self.view.show(**self._digits.see(run), **self._digits.confusion(run))
        self._tell_setup()
        self._tell_rows()

    def _greet(self, page: str) -> None:
        """Tell a page that has opened all there is to show."""
        with self.view.lock:
            curves = [curve(row.number, row.run) for row in self.rows]
            if self._live is not None:
                curves.append(curve(self._count, self._live))
            self.view.tell(self.view.shown | {"curves": curves, "page": page})
        self._tell_overlays()

    def _move(self, key: str, place: int) -> None:
        self.set(**{key: self.setup.sliders[key].choices[place]})

    def _moved(self) -> None:
        """A control has moved: say what follows from it; the linear part is trained at once."""
        self._tell_setup()
        if self.setup.part.key == "linear":
            if self._job is not None and self._trained == "linear":
                self._job.stop(keep=False)
            self.start()

    def _tell_setup(self) -> None:
        setup = self.setup
        self.view.show(
            part=setup.part.key,
            controls=setup.controls(),
            parameters=setup.parameters,
            estimate=estimate(setup, len(self._data.x_train)),
        )

    def _tell_rows(self) -> None:
        self.view.show(rows=[row.told() for row in self.rows])
        self._tell_overlays()
        if self.digit is not None:
            self._answer(self.digit)

    def _overlay(self, kind: str, shown: bool) -> None:
        self.view.show(overlays=self.view.shown["overlays"] | {kind: shown})
        self._tell_overlays()

    def _tell_overlays(self) -> None:
        chosen = [kind for kind, shown in self.view.shown["overlays"].items() if shown]
        self.view.tell({"curves": [overlay(kind, self.setup.part.key) for kind in chosen]})

    def _row(self, number: int) -> Row:
        return next(row for row in self.rows if row.number == number)

    def _rename(self, row: int, name: str) -> None:
        self._row(row).run.name = name
        self._tell_rows()

    def _hide(self, row: int, hidden: bool) -> None:
        self._row(row).hidden = hidden
        self._tell_rows()

    def _remove(self, row: int) -> None:
        with self.view.lock:
            self.rows.remove(self._row(row))
        self._tell_rows()

    def _tell_code(self, row: int) -> None:
        mnist = self._data.name == "MNIST"
        data = "lab.load_mnist()" if mnist else "...  # as you gave them to lab.explore"
        chosen = self._row(row)
        self.view.tell({"code": {"row": row, "text": chosen.setup.code(chosen.run.name, data)}})

    def _tell_behind(self, label: int, said: int) -> None:
        self.view.show(**self._digits.behind(self._confused, label, said))

    def _answer(self, digit: np.ndarray) -> None:
        """Say what all networks make of the digit in the field."""
        self.digit = digit
        networks = recorded_networks() if self._data.name == "MNIST" else []
        alike = [each for each in _open.values() if each._sha256 == self._sha256]
        rows = [row for each in alike for row in each.rows if row.run.weights]
        networks = networks + [
            Network(row.run.name, row.run.weights, row.setup.part.key == "linear") for row in rows
        ]
        image = self._digits.as_input(digit)
        said = [(each.name, each.probabilities(image)) for each in networks]
        said += said_by_cells(digit, self._data.classes)
        answers = [{"name": name, "probabilities": each[0]} for name, each in said]
        self.view.show(answers=answers)

    def _say(self, text: str, alert: bool = False) -> None:
        self.status = text
        self.view.show(status={"text": text, "alert": alert})


def _compiling(run: Run) -> str:
    """How long compiling took before a run, if it was anything to speak of."""
    if run.compile_seconds < 0.1:
        return ""
    return f", after {duration(run.compile_seconds)} of compiling"
