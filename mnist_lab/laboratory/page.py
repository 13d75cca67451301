"""The page of a laboratory: its values, and the methods that change and send them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..course import PARTS
from ..data import Dataset
from ..runs import Run
from ..support import DataError
from ..training import report
from .answering import AtHand
from .controls import Setup
from .estimates import estimate
from .insight import Glimpses
from .keeping import Kept
from .rows import OVERLAYS, Row, curve, overlay
from .surface import Surface
from .through import Through
from .validation import Digits

# What the page says while a cell runs, which keeps Python from hearing it.
BUSY = "Python is busy with other cells, and answers when they are done."


class Page:
    """The values that a laboratory shows. A browser's page gets them all first, then changes.

    `at_hand` returns the networks that answer for drawn digits and can be seen through, by name.
    """

    def __init__(
        self,
        data: Dataset,
        part: str | None,
        hear: Callable[[dict[str, Any], list[memoryview]], None],
        at_hand: Callable[[], dict[str, AtHand]],
    ):
        self.view, self.rows = Surface(hear), []
        self.digits, self.kept = Digits(data), Kept()
        self.through = Through(self.view.send_values, self.digits, at_hand)
        self._data, self._at_hand = data, at_hand
        self._count = 0  # runs so far; also the number of the next row
        self._live: Run | None = None
        parts = [] if part else [(key, each.title) for key, each in PARTS.items()]
        self.view.show(parts=parts, overlays=dict.fromkeys(OVERLAYS, False), live=None)
        self.view.show(running=False, status={"text": "", "alert": False}, rows=[], expected={})
        self.view.show(**self.digits.sight(), kept=self.kept.values(), busy=BUSY)

    def say(self, text: str, alert: bool = False) -> None:
        """Set the text below the buttons."""
        self.view.show(status={"text": text, "alert": alert})

    def whole(self) -> dict[str, Any]:
        """Return all values, curves included."""
        with self.view.lock:
            curves = [curve(row.number, row.run) for row in self.rows]
            if self._live is not None:
                curves.append(curve(self._count, self._live))
            return self.view.shown | {"curves": curves + self._overlays()}

    def greet(self, page: str) -> None:
        """Send all values to a page that has opened."""
        with self.view.lock:
            self.view.send_values(self.whole() | {"page": page})

    def show_setup(self, setup: Setup) -> None:
        """Show the controls, the number of parameters and the estimated time."""
        if self.view.shown.get("part") != setup.part.key:  # else they would go over with each move
            self.view.show(part=setup.part.key, choices=setup.choices())
        self.view.show(
            controls=setup.controls(),
            parameters=setup.parameters,
            estimate=estimate(setup, len(self._data.x_train)),
        )

    def show_rows(self) -> None:
        """Show the table, and its networks' answers for the drawn digit."""
        self.view.show(rows=[row.values() for row in self.rows])
        self.view.send_values({"curves": self._overlays()})
        if self.through.drawn is None:
            self.through.show()
        else:
            self.answer(self.through.drawn)

    def begin(self, run: Run) -> None:
        """Show a training that begins."""
        with self.view.lock:
            self._live, self._sent, self.through.training = run, 0, True
            run.expected = self.view.shown["expected"]
            self.view.show(live=self._count, expected={})
            self.view.send_values({"curves": [curve(self._count, run)]})

    def follow(self, run: Run, glimpses: Glimpses, *, speaks: bool, last: bool = False) -> None:
        """Show a training's new batches and a glimpse of its network, in one message.

        The last is sent in any case. A training that `speaks` sets the text below the buttons.
        """
        if not (last or glimpses.due):
            return
        with self.view.lock:
            news = glimpses.look(run, last) if not run.diverged else {}
            if speaks:
                news["status"] = {"text": report(run).replace("  ", " · "), "alert": False}
            self.view.shown |= {key: value for key, value in news.items() if key != "through"}
            self.view.send_values(news | {"curves": [curve(self._count, run, self._sent)]})
            self._sent = len(run.batch_loss)

    def keep(self, run: Run, setup: Setup) -> None:
        """Append a finished run to the table."""
        with self.view.lock:
            self.rows.append(Row(self._count, run, setup))
            self._count += 1
            if run.epochs:
                self.view.show(**self.digits.see(run), **self.digits.confusion(run))

    def end(self, words: str, alert: bool, *, speaks: bool) -> None:
        """Show that a training has ended, unless a newer one has taken over (`speaks`)."""
        with self.view.lock:
            self._live = None
            if speaks:
                self.say(words, alert)
                self.view.show(running=False, live=None, training=None)
        self.through.ended()

    def overlay(self, kind: str, shown: bool) -> None:
        """Show or hide a curve to compare with."""
        self.view.show(overlays=self.view.shown["overlays"] | {kind: shown})
        self.view.send_values({"curves": self._overlays()})

    def rename(self, row: int, name: str) -> None:
        """Give a run another name."""
        self._row(row).run.name = name
        self.show_rows()

    def hide(self, row: int, hidden: bool) -> None:
        """Hide a run's curve, or show it again."""
        self._row(row).hidden = hidden
        self.show_rows()

    def remove(self, row: int) -> None:
        """Remove a run from the table."""
        with self.view.lock:
            self.rows.remove(self._row(row))
        self.show_rows()

    def show_code(self, row: int) -> None:
        """Send the lines of Python that repeat a run."""
        mnist = self._data.name == "MNIST"
        data = "lab.load_mnist()" if mnist else "...  # as you gave them to lab.explore"
        chosen = self._row(row)
        code = chosen.setup.code(chosen.run.name, data)
        if chosen.run.expected:
            code += f"run.expected = {chosen.run.expected}\n"
        self.view.send_values({"code": {"row": row, "text": code}})

    def select(self, sight: dict[str, Any]) -> None:
        """Show the validation digit that was selected."""
        self.view.show(**sight)
        self.through.show()

    def answer(self, digit: np.ndarray) -> None:
        """Show all networks' answers for a drawn digit."""
        self.through.drawn = digit
        said = {name: each.says(digit) for name, each in self._at_hand().items()}
        self.view.show(answers=[{"name": key, "probabilities": said[key]} for key in said])
        self.through.show()

    def _row(self, number: int) -> Row:
        return next(row for row in self.rows if row.number == number)

    def _overlays(self) -> list[dict[str, Any]]:
        """Return the shown curves to compare with; a missing record shows its reason instead."""
        curves = []
        for kind in (kind for kind, shown in self.view.shown["overlays"].items() if shown):
            try:
                curves.append(overlay(kind, self.view.shown["part"]))
            except DataError as problem:
                self.say(str(problem), alert=True)
        return curves
