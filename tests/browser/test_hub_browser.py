"""Two students at once on a real JupyterHub, under a base URL and with real-time editing."""

import shutil
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

import environments
import nbformat
import pytest
from conftest import KERNEL_IS_READY, SECONDS, wait_for

from mnist_lab import places
from mnist_lab.__main__ import main
from mnist_lab.notebooks import digest

PROJECT = places.here.home
PROXY = PROJECT / "node_modules/.bin/configurable-http-proxy"
STUDENTS = ("ada", "bob")
CONFIG = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}/classes/"
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True"]
c.SimpleLocalProcessSpawner.interrupt_timeout = 1
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Start a hub; its address, the folder of the students' homes, and its Python."""
    if not PROXY.exists():
        pytest.skip("configurable-http-proxy is missing: npm ci")
    folder = tmp_path_factory.mktemp("hub")
    homes = folder / "homes"
    environment = environments.add_to_lab(folder / "environment", PROJECT / ".ci/hub.txt")
    port, hub_port, proxy_port = _free_ports(3)
    (folder / "jupyterhub_config.py").write_text(
        CONFIG.format(
            port=port,
            hub_port=hub_port,
            proxy_port=proxy_port,
            proxy=str(PROXY),
            homes=str(homes),
        )
    )
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [shutil.which("jupyterhub", path=environment["PATH"])],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}/classes"
        wait_for(f"{address}/hub/login", server, folder / "log")
        yield address, homes, shutil.which("python", path=environment["PATH"])
    finally:
        server.terminate()
        server.wait(60)


def _free_ports(number):
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports


def _log_in(browser, address, student):
    """Log in, and open a server with the student's first notebook."""
    page = browser.new_context().new_page()
    page.set_default_timeout(1000 * SECONDS)
    lab = f"/classes/hub/spawn/{student}?next=/classes/user/{student}/lab/tree/mine/1_linear.ipynb"
    page.goto(f"{address}/hub/login?next={urllib.parse.quote(lab)}")
    page.fill("#username_input", student)
    page.fill("#password_input", "any")
    page.click("#login_submit")
    return page


def _has(path: Path, words: str) -> str:
    """Wait until a file has some words; its text."""
    ends = time.monotonic() + SECONDS
    while not path.exists() or words not in (text := path.read_text("utf-8")):
        assert time.monotonic() < ends, path
        time.sleep(0.2)
    return text


def _make_older(path: Path) -> None:
    """Turn a copy into one of an exercise with another title."""
    book = nbformat.read(path, 4)
    book.cells[0].source = "# 1. An older title"
    book.cells[0].metadata.mnist_lab.sha256 = digest(book.cells[0].source)
    nbformat.write(book, path)


def test_two_students_work_at_once_and_an_update_loses_nothing(browser, hub, capsys):
    address, homes, python = hub
    for student in STUDENTS:
        settings = homes / student / ".jupyter/lab/user-settings/@jupyterlab/notebook-extension"
        settings.mkdir(parents=True)
        # All cells are in the page, even those out of sight.
        (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
        assert main(["update", "--folder", str(homes / student / "mine")]) == 0
        _make_older(homes / student / "mine/1_linear.ipynb")
    pages = {student: _log_in(browser, address, student) for student in STUDENTS}
    for student, page in pages.items():
        page.wait_for_function(KERNEL_IS_READY)
        page.locator(".jp-CodeCell .cm-content", has_text="YOUR CODE HERE").first.click()
        page.keyboard.press("Control+End")
        page.keyboard.type(f"  # by {student}")
    for page in pages.values():
        page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell') }")
        page.evaluate("() => { jupyterapp.commands.execute('terminal:create-new') }")
        page.locator(".jp-Terminal .xterm-helper-textarea").wait_for(state="attached")
        page.locator(".jp-Terminal").click()
        page.keyboard.type(
            f"{python} -m mnist_lab update --folder mine &> told; echo done >> told\n"
        )
    for student in STUDENTS:
        told = _has(homes / student / "told", "done\n")
        assert "1_linear.ipynb: open in Jupyter at http://127.0.0.1:" in told
        assert f"/classes/user/{student}/: save, close it" in told
        text = _has(homes / student / "mine/1_linear.ipynb", f"by {student}")
        assert "An older title" in text
        (other,) = set(STUDENTS) - {student}
        assert f"by {other}" not in text
    for page in pages.values():
        page.goto(f"{address}/hub/home")
        page.click("#stop")  # or the hub takes half a minute to end
        page.locator("#stop").wait_for(state="hidden")
        page.context.close()
