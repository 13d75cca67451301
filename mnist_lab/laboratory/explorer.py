"""The laboratory's face: what the next cells of a notebook can do with it."""

import sys
from typing import Any

import numpy as np

from ..course import PARTS
from ..data import Dataset, load_mnist
from ..runs import Run
from .answering import answers
from .controls import Setup
from .driving import Driver
from .estimates import remember
from .page import Page
from .rows import Row
from .surface import Surface

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
    """

    def __init__(self, part: str | None, data: Dataset, blocking: bool):
        self._part, self._data, self._blocking = part, data, blocking
        self._sha256 = data.sha256
        self._page = Page(data, part, self.hear, self._answers)
        self._driver = Driver(self._page, data, self._sha256, self._keep)
        self.choose_part(part or "linear")
        self.view.opens_with(self._page.whole())

    @property
    def rows(self) -> list[Row]:
        """One for each run in the table."""
        return self._page.rows

    @property
    def runs(self) -> list[Run]:
        """The runs in the table, in its order; with their weights, unless they diverged."""
        return [row.run for row in self.rows]

    @property
    def status(self) -> str:
        """The line below the buttons."""
        return self._page.status

    @property
    def digit(self) -> np.ndarray | None:
        """The digit in the field as the networks get it, if there is one: uint8, (28, 28)."""
        return self._page.digit

    @property
    def view(self) -> Surface:
        """What is shown."""
        return self._page.view

    def __repr__(self) -> str:
        count = len(self.rows)
        runs = f"{count} run{'' if count == 1 else 's'}"
        return f"Laboratory of {self._part or 'all parts'}, {runs} (run this cell to open it)"

    def _repr_mimebundle_(self, **options: object) -> tuple[dict, dict]:
        self.view.opens_with(self._page.whole())
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
        self._page.show_setup(self.setup)
        if self.setup.part.key == "linear":  # it is trained at once
            self._driver.drop("linear")
            self.start()

    def reset(self) -> None:
        """Put all controls to the sheet's values."""
        self.set(**Setup.of_sheet(self.setup.part).values)

    def choose_part(self, part: str) -> None:
        """Have the controls of another part, at the sheet's values."""
        self.setup = Setup.of_sheet(PARTS[part], self._data.classes)
        self._page.show_setup(self.setup)
        self._page.show_rows()

    def start(self, *, wait: bool = False) -> None:
        """Train with what the controls say.

        Parameters
        ----------
        wait
            Whether to wait until it is done. Always so if the laboratory is a blocking one.
        """
        self._driver.start(self.setup, wait=wait or self._blocking)

    def stop(self) -> None:
        """End the training soon, and keep what was trained."""
        self._driver.stop()

    def wait(self) -> None:
        """Wait until the training is done."""
        self._driver.wait()

    def close(self) -> None:
        """End the training, and take the laboratory from the page. Its runs stay with it."""
        self._driver.end()
        if _open.get(self._part) is self:
            del _open[self._part]
        self.view.layout.close()  # ipywidgets keeps for ever what is not closed
        self.view.close()

    def hear(self, message: dict[str, Any], buffers: list[memoryview]) -> None:
        """Do what a page asks for: its message says what, and on what."""
        page = self._page
        asked = {
            "hello": page.greet,
            "start": self.start,
            "stop": self.stop,
            "reset": self.reset,
            "part": self.choose_part,
            "move": self._move,
            "overlay": page.overlay,
            "rename": page.rename,
            "hide": page.hide,
            "remove": page.remove,
            "code": page.tell_code,
            "look": page.look_at,
            "go_on": page.go_on,
            "behind": page.show_behind,
            "digit": lambda: page.answer(np.frombuffer(buffers[0], np.uint8).reshape(28, 28)),
        }
        asked[message.pop("ask")](**message)

    def _move(self, key: str, place: int) -> None:
        self.set(**{key: self.setup.sliders[key].choices[place]})

    def _keep(self, run: Run, setup: Setup) -> None:
        """Give a run that has ended its row, and remember how fast it was."""
        if run.epochs:
            remember(setup, run)
        self._page.keep(run, setup)
        self._page.show_setup(self.setup)
        self._page.show_rows()

    def _answers(self, digit: np.ndarray) -> list[dict[str, Any]]:
        """What all networks say of a digit, those of other laboratories of these data included."""
        alike = [each for each in _open.values() if each._sha256 == self._sha256]
        rows = [row for each in alike for row in each.rows]
        return answers(digit, self._page.digits, self._data, rows)
