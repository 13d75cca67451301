"""The widget: the page's one ES module, and the messages to and from it."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ..support import join_modules

FRONT = Path(__file__).parent / "front"
UPLOT = FRONT / "uPlot" / "uPlot.iife.min.js"


def joined() -> str:
    """Join uPlot and the modules of `front` into one, since anywidget loads a single module.

    A browser keeps a module for each widget that it has ever shown; within a function that runs but
    once, all after the first are hardly more than their text.
    """
    own = join_modules(FRONT / "main.js")
    code = f"{UPLOT.read_text('utf-8')}{own}\nreturn laboratory;"
    place = f'globalThis["mnist-lab {hashlib.sha256(code.encode()).hexdigest()}"]'
    return f"{place} ??= (() => {{\n{code}\n}})();\nexport default {place};\n"


def styles() -> str:
    """Join uPlot's style sheet and the laboratory's own."""
    files = FRONT / "uPlot" / "uPlot.min.css", FRONT / "style.css"
    return "\n".join(file.read_text("utf-8") for file in files)


class Surface(anywidget.AnyWidget):
    """A widget whose pages show values by name. A page gets them all first, then changes.

    `hear` is called with each message of a page, and with the bytes that came with it.
    """

    _esm = joined()
    _css = styles()
    # The values that a page begins with, arrays as bytes. Traits reach the browser together with
    # the output; a page's messages wait until all cells that were started before have run.
    opening = traitlets.Dict().tag(sync=True)

    def __init__(self, hear: Callable[[dict[str, Any], list[memoryview]], None]):
        super().__init__()
        self.shown: dict[str, Any] = {}
        self.lock = threading.RLock()  # held while the values change
        self.on_msg(lambda _, content, buffers: hear(content, buffers))

    def opens_with(self, values: dict[str, Any]) -> None:
        """Set the values that a page begins with, before Python can answer it."""
        buffers: list[bytes] = []
        self.opening = {"values": _packed(values, buffers), "buffers": buffers}

    def show(self, **values: Any) -> None:
        """Send values to all pages, and keep them for pages that open later."""
        with self.lock:
            self.shown |= values
            self.send_values(values)

    def send_values(self, values: dict[str, Any]) -> None:
        """Send values to all pages, arrays as bytes, without keeping them."""
        buffers: list[bytes] = []
        self.send(_packed(values, buffers), buffers)


def _packed(value: Any, buffers: list[bytes]) -> Any:
    """Replace each array by a reference, and append its bytes to `buffers`."""
    if isinstance(value, np.ndarray):
        buffers.append(value.tobytes())
        return {"buffer": len(buffers) - 1, "dtype": value.dtype.name, "shape": value.shape}
    if isinstance(value, dict):
        return {key: _packed(inner, buffers) for key, inner in value.items()}
    if isinstance(value, list):
        return [_packed(inner, buffers) for inner in value]
    return value
