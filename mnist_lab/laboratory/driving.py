"""A laboratory's trainings: one after the other, with loops that are compiled once."""

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

# By network and data, the latest last.
_loops: dict[tuple[str, str, str], CompiledLoop] = {}
_log = logging.getLogger(__name__)


class Driver:
    """Trains what the controls say, and has the page show it.

    Parameters
    ----------
    page
        What is shown.
    data
        What is trained on.
    sha256
        Of the data.
    keep
        Called with a run that is to be kept, and with its setup.
    """

    def __init__(self, page: Page, data: Dataset, sha256: str, keep: Callable[[Run, Setup], None]):
        self._page, self._data, self._sha256, self._keep = page, data, sha256, keep
        self._task: Task | None = None
        self._part: str | None = None  # whose network the task trains

    def start(self, setup: Setup, *, wait: bool) -> None:
        """Train when nobody else trains any longer; say so if somebody does, and was not stopped.

        Parameters
        ----------
        setup
            What to train.
        wait
            Whether to train here and now, and not in a thread.
        """
        task = Task(functools.partial(self._work, setup))
        if not task.claim():
            self._page.say("Another training goes on: stop it first, or wait for it.", alert=True)
            return
        self._task, self._part = task, setup.part.key
        self._page.view.show(running=True)
        task.begin(wait=wait)

    def stop(self) -> None:
        """End the training soon, say so, and keep what was trained."""
        with self._page.view.lock:
            if self._task is not None and self._task.busy:
                self._task.stop()
                self._page.say("stopping…")

    def end(self) -> None:
        """End the training soon, and say nothing."""
        if self._task is not None:
            self._task.stop()

    def drop(self, part: str) -> None:
        """End a training of a part soon, and keep nothing of it."""
        if self._task is not None and self._part == part:
            self._task.stop(keep=False)

    def wait(self) -> None:
        """Wait until the training is done."""
        if self._task is not None:
            self._task.join()

    def _work(self, setup: Setup, task: Task) -> None:
        """What the training's thread does, from Start to the end."""
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
        except Exception as problem:  # whatever it is, the student is to see it
            words, alert = f"{type(problem).__name__}: {problem}", True
            _log.exception("the laboratory's training failed")
        finally:
            with self._page.view.lock:
                task.stopped.set()  # from here on another Start is right, and waits for its turn
                self._page.end(words, alert, speaks=task is self._task)

    def _train(self, setup: Setup, task: Task) -> tuple[Run, str]:
        """Train; the run, and in words how it ended."""
        with interruptions() as interrupted:
            self._page.say("starting…")
            training, told = self._begun(setup)
            model = training.loop.model
            glimpses = Glimpses(model, setup.part.key == "linear", self._page.digits)
            self._page.begin(training.run)

            def look(run: Run) -> bool:
                # A stopped task still sends its curve but must not set the status line any more.
                self._page.follow(run, glimpses, speaks=task is self._task and task.busy)
                return task.stopped.is_set() or interrupted.is_set()

            ended = training.train(look)
        run = training.run
        match ended:
            case "finished":
                words = f"Done in {duration(run.seconds)}{_compiling(run)}."
            case "stopped":
                done = f"{len(run.batch_loss):,} iterations"
                words = f"Stopped after {done}. What was trained is kept."
            case "diverged":
                words = divergence(run, model)
        if ended != "diverged":
            run.weights = model.get_weights()
        return run, f"{words} {told}".rstrip()

    def _begun(self, setup: Setup) -> tuple[Training, str]:
        """A training that is ready to go, and what compiling it had to tell."""
        values, key = setup.values, (setup.network, self._data.name, self._sha256)
        loop, told = _loops.pop(key, None), ""
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
            told = training.compile()
        _loops[key] = loop
        for oldest in list(_loops)[:-LOOPS_KEPT]:
            del _loops[oldest]
        return training, told


def _compiling(run: Run) -> str:
    """How long compiling took before a run, if it was anything to speak of."""
    if run.compile_seconds < 0.1:
        return ""
    return f", after {duration(run.compile_seconds)} of compiling"
