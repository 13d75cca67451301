"""A separate JupyterLab on this machine, and Chromium to open it."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from mnist_lab import places
from mnist_lab.notebooks.opening import PROMPT

SCREENSHOTS = Path(__file__).parent / "screenshots"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KERNEL_IS_READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.status == "idle";
}"""
OPEN = "path => jupyterapp.commands.execute('docmanager:open', {path}).then(() => {})"
CLOSE = """async () => {
    for (const widget of [...jupyterapp.shell.widgets("main")]) widget.dispose();
    await jupyterapp.serviceManager.sessions.shutdownAll();
}"""
SETTLED = """async () => {
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    const moving = document.querySelector(".mnist-lab").getAnimations({subtree: true});
    await Promise.allSettled(moving.map(({finished}) => finished));
}"""
SECONDS = 300  # on a busy machine TensorFlow takes long to load, and a network to train


def chromium() -> str:
    """Return the path of Chromium, or exit and say what to do."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.exit(
            "The tests in a browser need Chromium. Install it (on Debian: apt-get install "
            "chromium), or say where it is: CHROMIUM=/path/to/chromium make test-browser",
            returncode=3,
        )
    return found


@pytest.fixture(scope="session")
def browser():
    expect.set_options(timeout=1000 * SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=ARGUMENTS, headless=True
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """Start JupyterLab; yield its address, its token and the folder that it shows."""
    folder = tmp_path_factory.mktemp("notebooks")
    with run_jupyter(folder, tmp_path_factory.mktemp("home")) as (address, token):
        yield address, token, folder


@contextlib.contextmanager
def run_jupyter(folder: Path, home: Path, python: str = sys.executable):
    """Start JupyterLab on a folder, with all that it notes in another; its address and token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    options = {
        "ServerApp.root_dir": folder,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.allow_root": True,
        "ServerApp.kernel_websocket_connection_class": PROMPT,
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": True,
        "JupyterNotebookApp.expose_app_in_browser": True,
        "LabApp.open_browser": False,
    }
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own += ("JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_DATA_DIR", "XDG_CACHE_HOME", "IPYTHONDIR")
    environment = os.environ | {name: str(home / name.lower()) for name in own}
    silent = home / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    silent.mkdir(parents=True)
    (silent / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    # All cells are in the page, even those out of sight.
    whole = home / "jupyterlab_settings_dir" / "@jupyterlab" / "notebook-extension"
    whole.mkdir(parents=True)
    (whole / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [python, "-m", "jupyterlab"] + [f"--{key}={value}" for key, value in options.items()],
            cwd=home,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api?token={token}", server, home / "log")
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:  # jupyter-collaboration, if it is saving a notebook
            server.kill()
            server.wait()


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text('utf-8')}")


def found_by_axe(page: Page, part: str = "html") -> list[tuple[str, list]]:
    """Return what axe-core finds wrong with a part of a page, and where."""
    page.evaluate((places.here.home / "node_modules/axe-core/axe.min.js").read_text("utf-8"))
    violations = page.evaluate("part => axe.run(part)", part)["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in violations]


class Lab:
    """A notebook in the browser."""

    def __init__(self, page: Page):
        self.page = page

    def command(self, name: str, **arguments: object) -> None:
        """Execute a command of JupyterLab, as its menus do."""
        self.page.evaluate(
            "([name, args]) => { jupyterapp.commands.execute(name, args) }", [name, arguments]
        )

    def run_all(self) -> None:
        """Run all cells, and wait for the laboratory."""
        self.command("notebook:run-all-cells")
        self.shown()

    def shown(self) -> None:
        """Wait for the first laboratory, and scroll to it."""
        self.page.wait_for_selector(".ml-grid")
        self.page.locator(".ml-grid").first.scroll_into_view_if_needed()

    def part(self, name: str):
        """Return a part of the first laboratory by its heading."""
        return self.page.get_by_role("region", name=name, exact=True).first

    def button(self, words: str):
        """Return the laboratory's first button with exactly this label."""
        return self.page.locator(".mnist-lab").get_by_role("button", name=words, exact=True).first

    def start(self) -> None:
        """Start a training, and check that it has begun."""
        self.button("Start").click()
        expect(self.button("Start")).to_be_disabled()

    def ended(self) -> None:
        """Wait until the training has ended."""
        expect(self.button("Start")).to_be_enabled()

    def answered(self) -> None:
        """Wait until the networks have answered for all that was drawn, if there are any."""
        answers = self.page.locator(".ml-answers").first
        expect(answers).to_have_attribute("aria-busy", "false")

    def settled(self) -> None:
        """Wait until what has changed is painted, and nothing moves any more."""
        self.page.evaluate(SETTLED)

    def picture(self, selector: str) -> str:
        """Return what a canvas shows now."""
        canvas = self.page.locator(f"{selector} canvas").first
        return canvas.evaluate("canvas => canvas.toDataURL()")

    def other_picture(self, selector: str, than: str) -> str:
        """Wait until a canvas shows something else."""
        script = """([selector, than]) =>
            document.querySelector(`${selector} canvas`)?.toDataURL() != than"""
        self.page.wait_for_function(script, arg=[selector, than])
        return self.picture(selector)

    def draw(self, selector: str, *strokes: list[tuple[float, float]]) -> None:
        """Draw lines with the mouse; coordinates are shares of the field's width and height."""
        field = self.page.locator(selector).first
        field.scroll_into_view_if_needed()
        box = field.bounding_box()
        for points in strokes:
            places = [
                (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points
            ]
            self.page.mouse.move(*places[0])
            self.page.mouse.down()
            for place in places[1:]:
                self.page.mouse.move(*place)
            self.page.mouse.up()

    def theme(self, dark: bool) -> None:
        """Switch the theme."""
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.command("apputils:change-theme", theme=theme)
        self.page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")

    def close(self) -> None:
        """Close the notebook, as it is, and stop its kernel."""
        self.page.evaluate(CLOSE)

    def screenshot(self, name: str) -> None:
        """Save a screenshot."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


def new_page(browser, address: str) -> Page:
    """Open an address of JupyterLab, and wait until its application has started."""
    page = browser.new_page()
    page.set_default_timeout(1000 * SECONDS)
    page.goto(address)
    page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
    return page


@pytest.fixture(scope="session")
def window(browser, jupyter):
    """Open JupyterLab once for most tests, since that takes seconds."""
    address, token, _ = jupyter
    return new_page(browser, f"{address}/doc?token={token}&reset")


@pytest.fixture
def open_file(browser, jupyter, window):
    """Return a function that opens a notebook of the folder in a window of a given size.

    With a place, such as "notebooks" for Notebook 7, it is opened by its address.
    """
    address, token, _ = jupyter
    opened = []

    def open_file(name: str, width: int = 1200, height: int = 1000, place: str = "") -> Lab:
        page = window
        if place:
            page = new_page(browser, f"{address}/{place}/{name}?token={token}&reset")
        else:
            page.evaluate(OPEN, name)
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function(KERNEL_IS_READY)
        opened.append(Lab(page))
        return opened[-1]

    yield open_file
    for lab in opened:
        lab.close()
        if lab.page != window:
            lab.page.close()
    Lab(window).theme(dark=False)


@pytest.fixture
def open_notebook(jupyter, open_file):
    """Return a function that writes a notebook of these cells and opens it."""

    def open_notebook(*cells: str, **view: int | str) -> Lab:
        name = f"laboratory{secrets.token_hex(4)}.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, jupyter[2] / name)
        return open_file(name, **view)

    return open_notebook


@pytest.fixture
def open_solution(jupyter, open_file):
    """Return a function that opens a copy of one of the lab's own notebooks.

    The program that a student writes without the lab, which trains for a minute, may be left out.
    """

    def open_solution(name: str, *, program: bool = True, **size: int) -> Lab:
        book = nbformat.read(places.here.solutions / name, as_version=4)
        if not program:
            book.cells = [cell for cell in book.cells if not cell.id.startswith("program")]
        nbformat.write(book, jupyter[2] / name)
        return open_file(name, **size)

    return open_solution
