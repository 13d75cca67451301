"""The page's side of the laboratory: its one ES module, and the messages that go over to it."""

import graphlib
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

FRONT = Path(__file__).parent / "front"


def joined() -> str:
    """uPlot and the modules of `front` as one, for anywidget loads no others.

    They are joined as they stand, each behind those that it imports from, without a bundler: what
    is read in `front` is what runs. So no name may be used twice; `import` and `export` go.
    """
    sources = {path.stem: path.read_text("utf-8") for path in sorted(FRONT.glob("*.js"))}
    needs = {name: re.findall(r'from "\./(\w+)\.js"', text) for name, text in sources.items()}
    own = "\n".join(sources[name] for name in graphlib.TopologicalSorter(needs).static_order())
    plain = re.sub(r"^import .*?;\n|^export (?!default)", "", own, flags=re.MULTILINE | re.DOTALL)
    return (FRONT / "uPlot" / "uPlot.iife.min.js").read_text("utf-8") + plain


def styles() -> str:
    """uPlot's style sheet and the laboratory's own."""
    files = FRONT / "uPlot" / "uPlot.min.css", FRONT / "style.css"
    return "\n".join(file.read_text("utf-8") for file in files)


class Surface(anywidget.AnyWidget):
    """What the page shows, by name; each page that opens is told all of it, and then the news.

    Parameters
    ----------
    hear
        Called with what a page asks for: its kind, its figures, and bytes that came with it.
    """

    _esm = joined()
    _css = styles()
    # What a page begins with, and its arrays as bytes. Traits reach the browser with the output;
    # what a page asks for waits until all cells have run that were started before.
    opening = traitlets.Dict().tag(sync=True)

    def __init__(self, hear: Callable[[dict[str, Any], list[memoryview]], None]):
        super().__init__()
        self.shown: dict[str, Any] = {}
        self.lock = threading.RLock()  # held while what is shown changes
        self.on_msg(lambda _, content, buffers: hear(content, buffers))

    def opens_with(self, values: dict[str, Any]) -> None:
        """Have pages begin with these values, until what they ask for arrives."""
        buffers: list[bytes] = []
        self.opening = {"values": _packed(values, buffers), "buffers": buffers}

    def show(self, **values: Any) -> None:
        """Have all pages show these values from now on."""
        with self.lock:
            self.shown |= values
            self.tell(values)

    def tell(self, values: dict[str, Any]) -> None:
        """Send values, arrays among them as bytes, that are not kept for pages to come."""
        buffers: list[bytes] = []
        self.send(_packed(values, buffers), buffers)


def _packed(value: Any, buffers: list[bytes]) -> Any:
    """A value without its arrays, which are put into `buffers` and referred to."""
    if isinstance(value, np.ndarray):
        buffers.append(value.tobytes())
        return {"buffer": len(buffers) - 1, "dtype": value.dtype.name, "shape": value.shape}
    if isinstance(value, dict):
        return {key: _packed(inner, buffers) for key, inner in value.items()}
    if isinstance(value, list):
        return [_packed(inner, buffers) for inner in value]
    return value
