"""Drives Debian's Firefox by WebDriver BiDi, which it speaks itself: no driver is needed."""

import base64
import contextlib
import itertools
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import websocket

SECONDS = 120


class Page:
    """A tab of Firefox."""

    def __init__(self, socket: websocket.WebSocket):
        self._socket, self._numbers = socket, itertools.count(1)
        self._send("session.new", capabilities={})
        self._tab = self._send("browsingContext.getTree")["contexts"][0]["context"]

    def _send(self, method: str, **parameters: object) -> dict:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            pass  # an event
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    def open(self, address: str) -> None:
        """Open an address."""
        self._send("browsingContext.navigate", context=self._tab, url=address, wait="complete")

    def resize(self, width: int, height: int) -> None:
        """Give the page a size."""
        size = {"width": width, "height": height}
        self._send("browsingContext.setViewport", context=self._tab, viewport=size)

    def evaluate(self, expression: str) -> object:
        """Return what an expression of JavaScript is: null, a truth, a number or a text."""
        found = self._send(
            "script.evaluate",
            expression=expression,
            target={"context": self._tab},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def wait_for(self, expression: str) -> object:
        """Wait until an expression of JavaScript is true; return it."""
        deadline = time.monotonic() + SECONDS
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression} is still {value}"
            time.sleep(0.1)
        return value

    def box(self, selector: str) -> dict[str, float]:
        """Return where an element is seen."""
        found = f"document.querySelector({selector!r}).getBoundingClientRect()"
        return json.loads(str(self.evaluate(f"JSON.stringify({found})")))

    def drag(self, *places: tuple[float, float]) -> None:
        """Draw a line with the mouse."""
        (x, y), *others = [(round(x), round(y)) for x, y in places]
        moves = [{"type": "pointerMove", "x": x, "y": y, "duration": 20} for x, y in others]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        actions = [{"type": "pointerMove", "x": x, "y": y}, down, *moves, up]
        pointer = {"type": "pointer", "id": "mouse", "actions": actions}
        self._send("input.performActions", context=self._tab, actions=[pointer])

    def screenshot(self, path: Path) -> None:
        """Save what is seen."""
        shot = self._send("browsingContext.captureScreenshot", context=self._tab)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextlib.contextmanager
def run_firefox(program: str, folder: Path) -> Iterator[Page]:
    """Start Firefox with a fresh profile in a folder; yield its page."""
    log = folder / "log"
    command = [program, "--headless", "--no-remote", "--profile", str(folder)]
    with log.open("w") as said:
        process = subprocess.Popen([*command, "--remote-debugging-port", "0"], stderr=said)
    try:
        address = f"{_address(process, log)}/session"
        socket = websocket.create_connection(address, SECONDS, suppress_origin=True)
        with contextlib.closing(socket):
            yield Page(socket)
    finally:
        process.terminate()
        process.wait()


def _address(process: subprocess.Popen, log: Path) -> str:
    """Wait until Firefox says where it listens."""
    deadline = time.monotonic() + SECONDS
    while not (found := re.search(r"WebDriver BiDi listening on (ws:\S+)", log.read_text("utf-8"))):
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found[1]
