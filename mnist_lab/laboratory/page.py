"""What a laboratory shows: controls, runs, the training that goes on, digits, what is said."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..course import PARTS
from ..data import Dataset
from ..runs import Run
from ..support import DataError
from ..training import report
from .controls import Setup
from .estimates import estimate
from .insight import Digits, Glimpses
from .rows import OVERLAYS, Row, curve, overlay
from .surface import Surface


class Page:
    """All that is shown of a laboratory; whoever opens it later is told it, and then the news.

    Parameters
    ----------
    data
        What the laboratory trains on.
    part
        Whose laboratory it is; without it, one can be chosen.
    hear
        Called with what is asked for, as `Surface` says.
    answers
        Called with a drawn digit, for what the networks say of it.

    Attributes
    ----------
    view : Surface
        What goes over to the browser.
    rows : list of Row
        The table.
    status : str
        The line below the buttons.
    digits : Digits
        The validation digits, one of them under view.
    digit : numpy.ndarray or None
        The digit that was drawn last.
    """

    def __init__(
        self,
        data: Dataset,
        part: str | None,
        hear: Callable[[dict[str, Any], list[memoryview]], None],
        answers: Callable[[np.ndarray], list[dict[str, Any]]],
    ):
        self.view, self.rows, self.status = Surface(hear), [], ""
        self.digits, self.digit = Digits(data), None
        self._data, self._answers = data, answers
        self._count = 0  # of runs so far; the style of the next one follows
        self._live: Run | None = None
        self._confused: Run | None = None  # whose confusion matrix is shown
        parts = [] if part else [(key, each.title) for key, each in PARTS.items()]
        self.view.show(parts=parts, overlays=dict.fromkeys(OVERLAYS, False), live=None)
        self.view.show(running=False, status={"text": "", "alert": False}, rows=[])
        self.view.show(**self.digits.sight())

    def say(self, text: str, alert: bool = False) -> None:
        """Put a line below the buttons."""
        self.status = text
        self.view.show(status={"text": text, "alert": alert})

    def whole(self) -> dict[str, Any]:
        """All there is to show."""
        with self.view.lock:
            curves = [curve(row.number, row.run) for row in self.rows]
            if self._live is not None:
                curves.append(curve(self._count, self._live))
            return self.view.shown | {"curves": curves + self._overlays()}

    def greet(self, page: str) -> None:
        """Tell a page that has opened all there is to show."""
        with self.view.lock:
            self.view.tell(self.whole() | {"page": page})

    def show_setup(self, setup: Setup) -> None:
        """Show what the controls say, and what follows from it."""
        self.view.show(
            part=setup.part.key,
            controls=setup.controls(),
            parameters=setup.parameters,
            estimate=estimate(setup, len(self._data.x_train)),
        )

    def show_rows(self) -> None:
        """Show the table, and what its networks say of the drawn digit."""
        self.view.show(rows=[row.told() for row in self.rows])
        self._tell_overlays()
        if self.digit is not None:
            self.answer(self.digit)

    def begin(self, run: Run) -> None:
        """Show a training that begins."""
        with self.view.lock:
            self._live, self._sent = run, 0
            self.view.show(live=self._count)
            self.view.tell({"curves": [curve(self._count, run)]})

    def follow(self, run: Run, glimpses: Glimpses, *, speaks: bool) -> None:
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

    def keep(self, run: Run, setup: Setup) -> None:
        """Give a run that has ended its row."""
        with self.view.lock:
            self.rows.append(Row(self._count, run, setup))
            self._count += 1
            if run.epochs:
                self._confused = run
                self.view.show(**self.digits.see(run), **self.digits.confusion(run))

    def end(self, words: str, alert: bool, *, speaks: bool) -> None:
        """Show that a training has ended, unless another one has begun to speak."""
        with self.view.lock:
            self._live = None
            if speaks:
                self.say(words, alert)
                self.view.show(running=False, live=None, training=None)

    def overlay(self, kind: str, shown: bool) -> None:
        """Show something to compare with, or show it no longer."""
        self.view.show(overlays=self.view.shown["overlays"] | {kind: shown})
        self._tell_overlays()

    def rename(self, row: int, name: str) -> None:
        """Call a run otherwise."""
        self._row(row).run.name = name
        self.show_rows()

    def hide(self, row: int, hidden: bool) -> None:
        """Hide a run's curve, or show it again."""
        self._row(row).hidden = hidden
        self.show_rows()

    def remove(self, row: int) -> None:
        """Take a run out of the table."""
        with self.view.lock:
            self.rows.remove(self._row(row))
        self.show_rows()

    def tell_code(self, row: int) -> None:
        """Tell the lines of Python that repeat a run."""
        mnist = self._data.name == "MNIST"
        data = "lab.load_mnist()" if mnist else "...  # as you gave them to lab.explore"
        chosen = self._row(row)
        self.view.tell({"code": {"row": row, "text": chosen.setup.code(chosen.run.name, data)}})

    def look_at(self, index: int) -> None:
        """Have a validation digit under view."""
        self.view.show(**self.digits.look_at(index))

    def go_on(self, by: int) -> None:
        """Have the next digit under view, or the one before."""
        self.view.show(**self.digits.go_on(by))

    def show_behind(self, label: int, said: int) -> None:
        """Show the digits behind a field of the confusion matrix."""
        self.view.show(**self.digits.behind(self._confused, label, said))

    def answer(self, digit: np.ndarray) -> None:
        """Show what all networks make of a drawn digit."""
        self.digit = digit
        self.view.show(answers=self._answers(digit))

    def _row(self, number: int) -> Row:
        return next(row for row in self.rows if row.number == number)

    def _tell_overlays(self) -> None:
        self.view.tell({"curves": self._overlays()})

    def _overlays(self) -> list[dict[str, Any]]:
        """What is shown to compare with, as curves; says so where a record is missing."""
        curves = []
        for kind in (kind for kind, shown in self.view.shown["overlays"].items() if shown):
            try:
                curves.append(overlay(kind, self.view.shown["part"]))
            except DataError as problem:
                self.say(str(problem), alert=True)
        return curves
