"""Runs a laboratory's trainings, one after the other; keeps the latest compiled loops."""

import functools
import logging
from collections.abc import Callable

from ..data import Dataset
from ..progress import duration
from ..runs import Run
from ..signals import interruptions
from ..support import ArgumentError, in_range
from ..training import CompiledLoop, Training, divergence
from .background import Task
from .controls import Setup
from .insight import Glimpses
from .page import Page

LOOPS_KEPT = 3  # compiling one takes seconds; keeping one, up to 150 MB

# By setup's network, data set's name and SHA-256; the latest last.
_loops: dict[tuple[str, str, str], CompiledLoop] = {}
_log = logging.getLogger(__name__)


class Driver:
    """Trains with the values of the controls, shows that on the page, and hands over the runs."""

    def __init__(self, page: Page, data: Dataset, sha256: str, keep: Callable[[Run, Setup], None]):
        self._page, self._data, self._sha256, self._keep = page, data, sha256, keep
        self._task: Task | None = None
        self._part: str | None = None  # key of the part that the task trains

    def start(self, setup: Setup, *, wait: bool) -> None:
        """Start a training as soon as a stopped one has ended; refuse while another one runs."""
        task = Task(functools.partial(self._work, setup))
        if not task.claim():
            self._page.say("Another training is running: stop it or wait for it.", alert=True)
            return
        self._task, self._part = task, setup.part.key
        self._page.view.show(running=True)
        task.begin(wait=wait)

    def stop(self) -> None:
        """Ask the training to stop, show that on the page, and keep the run."""
        with self._page.view.lock:
            if self._task is not None and self._task.busy:
                self._task.stop()
                self._page.say("stopping…")

    def drop(self, part: str) -> None:
        """Ask a training of this part to stop, and drop its run."""
        if self._task is not None and self._part == part:
            self._task.stop(keep=False)

    def wait(self) -> None:
        """Wait until the training is done."""
        if self._task is not None:
            self._task.join()

    def _work(self, setup: Setup, task: Task) -> None:
        """Train, keep the run and show how it ended. Runs in the training's thread."""
        words, alert = "Stopped before it began.", False
        try:
            if not task.stopped.is_set():
                self._page.view.show(running=True)
                run, words = self._train(setup, task)
                alert = run.diverged
                if task.kept and len(run.batch_loss):
                    self._keep(run, setup)
        except ArgumentError as problem:
            words, alert = str(problem), True
        except Exception as problem:  # whatever it is, the student has to see it
            words, alert = f"{type(problem).__name__}: {problem}", True
            _log.exception("the laboratory's training failed")
        finally:
            with self._page.view.lock:
                task.stopped.set()  # from now on Start is accepted, and waits for its turn
                self._page.end(words, alert, speaks=task is self._task)

    def _train(self, setup: Setup, task: Task) -> tuple[Run, str]:
        """Train, and return the run and a sentence on how it ended."""
        with interruptions() as interrupted:
            self._page.say("starting…")
            training, note = self._prepared(setup)
            model = training.loop.model
            glimpses = Glimpses(model, self._page.digits, self._page.through)
            self._page.begin(training.run)

            def look(run: Run) -> bool:
                # A stopped task still sends its curve but no longer sets the status line.
                self._page.follow(run, glimpses, speaks=task is self._task and task.busy)
                return task.stopped.is_set() or interrupted.is_set()

            ended = training.train(look)
            self._page.follow(training.run, glimpses, speaks=False, last=True)
        run = training.run
        match ended:
            case "finished":
                long = run.compile_seconds >= 0.1
                compiling = f", after {duration(run.compile_seconds)} of compiling" if long else ""
                words = f"Done in {duration(run.seconds)}{compiling}."
            case "stopped":
                words = (
                    f"Stopped after {len(run.batch_loss):,} iterations. What was trained is kept."
                )
            case "diverged":
                words = divergence(run, model)
        if ended != "diverged":
            run.weights = model.get_weights()
        return run, f"{words} {note}".rstrip()

    def _prepared(self, setup: Setup) -> tuple[Training, str]:
        """Return a training that is ready to run, and a note if it cannot use XLA."""
        values, key = setup.values, (setup.network, self._data.name, self._sha256)
        loop, note = _loops.pop(key, None), ""
        new = loop is None
        if new:
            self._page.say("compiling…")
            images = len(self._data.x_train)
            batch_size = in_range("batch size", values["batch_size"], 1, images, whole=True)
            loop = CompiledLoop(setup.build(), self._data, batch_size, "float32")
        loop.model.optimizer.learning_rate = values["learning_rate"]
        training = Training(loop, epochs=values["epochs"], seed=values["seed"], name=setup.name)
        training.start()
        if new:
            note = training.compile()
        _loops[key] = loop
        for oldest in list(_loops)[:-LOOPS_KEPT]:
            del _loops[oldest]
        return training, note
