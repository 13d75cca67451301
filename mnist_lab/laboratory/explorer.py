"""`explore`, and the laboratory that it returns for the next cells of a notebook."""

import math
import sys
from typing import Any

import numpy as np

from ..course import PARTS
from ..data import Dataset, load_mnist
from ..runs import Run
from .answering import AtHand, at_hand
from .controls import Setup
from .driving import Driver
from .estimates import remember
from .page import Page

_open: dict[str | None, "Explorer"] = {}


def explore(
    part: str | None = None, *, data: Dataset | None = None, blocking: bool | None = None
) -> "Explorer":
    """Open the laboratory of a part: sliders, live curves, weights, and a field to draw digits.

    An earlier laboratory of the same part is closed, and its training stops. Drawn digits that are
    kept are written to `my_digits.npz` in the current folder; `load_digits` reads them.

    Parameters
    ----------
    part
        "linear", "mlp", "dropout" or "cnn"; without it, the page offers a choice.
    data
        Images of 28 x 28 pixels to use instead of MNIST.
    blocking
        Whether the notebook waits after Start until the training is done; Interrupt then stops it
        early. The default is true in Colab, where a thread cannot change the page, else false.

    Returns
    -------
    Explorer
        A notebook shows it as the last value of a cell. Later cells find its runs in `runs`;
        `compare(explorer.runs)` draws them.

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
    """The laboratory of one part or of all parts; `explore` opens it.

    Attributes
    ----------
    setup : Setup
        The values of the controls.
    rows : list of Row
        The rows of the table, one for each run.
    view : Surface
        The widget.
    """

    def __init__(self, part: str | None, data: Dataset, blocking: bool):
        self._part, self._data, self._blocking = part, data, blocking
        self._sha256 = data.sha256
        self._page = Page(data, part, self.hear, self._at_hand)
        self.rows, self.view = self._page.rows, self._page.view
        self._driver = Driver(self._page, data, self._sha256, self._keep)
        self.choose_part(part or "linear")
        self.view.opens_with(self._page.whole())

    @property
    def runs(self) -> list[Run]:
        """The runs in the order of the table, with their weights unless they diverged."""
        return [row.run for row in self.rows]

    @property
    def status(self) -> str:
        """The text below the buttons."""
        return self.view.shown["status"]["text"]

    @property
    def digit(self) -> np.ndarray | None:
        """The last drawn digit as the networks get it, if there is one: uint8, (28, 28)."""
        return self._page.through.drawn

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
            If a control does not exist or cannot have this value.
        """
        self.setup = self.setup.moved(**values)
        self._page.show_setup(self.setup)
        if self.setup.part.key == "linear":  # it trains at once when a control moves
            self._driver.drop("linear")
            self.start()

    def reset(self) -> None:
        """Set all controls to the sheet's values."""
        self.set(**Setup.of_sheet(self.setup.part).values)

    def choose_part(self, part: str) -> None:
        """Switch to another part, with the controls at the sheet's values."""
        self.setup = Setup.of_sheet(PARTS[part], self._data.classes)
        self._page.show_setup(self.setup)
        self._page.show_rows()

    def start(self, *, wait: bool = False) -> None:
        """Train with the values of the controls.

        Parameters
        ----------
        wait
            Whether to wait until it is done. A blocking laboratory always waits.
        """
        self._driver.start(self.setup, wait=wait or self._blocking)

    def stop(self) -> None:
        """Stop the training within moments, and keep its run."""
        self._driver.stop()

    def wait(self) -> None:
        """Wait until the training is done."""
        self._driver.wait()

    def close(self) -> None:
        """Stop the training and remove the laboratory from the page. It keeps its runs."""
        self._driver.stop()
        if _open.get(self._part) is self:
            del _open[self._part]
        self.view.layout.close()  # ipywidgets never forgets a widget that is not closed
        self.view.close()

    def hear(self, message: dict[str, Any], buffers: list[memoryview]) -> None:
        """Do what a page asks for: call the method that its message names, with its arguments."""
        page, view, digits, kept = self._page, self.view, self._page.digits, self._page.kept
        images = [_square(each) for each in buffers]
        methods = {
            "hello": page.greet,
            "start": self.start,
            "stop": self.stop,
            "reset": self.reset,
            "part": self.choose_part,
            "move": lambda key, place: self.set(**{key: self.setup.sliders[key].choices[place]}),
            "overlay": page.overlay,
            "rename": page.rename,
            "hide": page.hide,
            "remove": page.remove,
            "code": page.show_code,
            "expect": lambda expected: view.show(expected=expected),
            "look": lambda index: page.select(digits.look_at(index)),
            "go_on": lambda by: page.select(digits.go_on(by)),
            "behind": lambda **field: view.show(**digits.behind(**field)),
            "digit": lambda: page.answer(images[0]),
            "keep": lambda label: view.show(kept=kept.add(images[0], label, images[1])),
            "unkeep": lambda index: view.show(kept=kept.remove(index)),
            "through": page.through.want,
        }
        methods[message.pop("ask")](**message)

    def _keep(self, run: Run, setup: Setup) -> None:
        """Put a finished run into the table, and remember its speed."""
        if run.epochs:
            remember(setup, run)
        self._page.keep(run, setup)
        self._page.show_setup(self.setup)
        self._page.show_rows()

    def _at_hand(self) -> dict[str, AtHand]:
        """List all networks, also those of other open laboratories of these data; its own last."""
        same_data = [each for each in _open.values() if each._sha256 == self._sha256]
        same_data.sort(key=lambda each: each is self)
        return at_hand(self._data, [row for each in same_data for row in each.rows])


def _square(pixels: memoryview) -> np.ndarray:
    """Return bytes as an image, as long as it is wide."""
    return np.frombuffer(pixels, np.uint8).reshape(math.isqrt(len(pixels)), -1)
