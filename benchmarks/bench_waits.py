"""How long a student waits: until the lab is open, for its first output, and for each slow cell.

The lab is opened twice in a new folder, as `make lab` does it once the environment is there, and
the first notebook's first cell is executed in Chromium. Then all solutions are executed, with all
processors, and the cells that take long are listed. The first cell that trains or asks about
TensorFlow waits for its import, too.

Usage: python bench_waits.py [SECONDS], a cell that takes longer is listed (3 without); with
Chromium, which CHROMIUM=/path/to/it may name.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

from mnist_lab import notebooks

MNIST_LAB = [sys.executable, "-m", "mnist_lab"]
MINUTE = 60_000  # in milliseconds


def opened(browser, folder: Path) -> dict[str, float]:
    """Seconds from the command until the notebook is shown, and from there to its first output."""
    began = time.perf_counter()
    command = [*MNIST_LAB, "lab", str(folder), "--no-browser"]
    workspaces = tempfile.mkdtemp(dir=folder.parent)  # nothing is open from another time
    own = {"JUPYTERLAB_WORKSPACES_DIR": workspaces}
    server = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | own,
    )
    try:
        address = next(found for line in server.stderr if (found := re.search(r"http\S+", line)))[0]
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(address)
        page.locator(".jp-Notebook .jp-MarkdownCell").first.click(timeout=MINUTE)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
        shown = time.perf_counter()
        cells = notebooks.read_notebook(folder / "1_linear.ipynb").cells
        for _ in itertools.takewhile(lambda cell: cell.cell_type == "markdown", cells):
            page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")
        page.locator(".jp-OutputArea-output").first.wait_for(timeout=MINUTE)
        answered = time.perf_counter()
        page.close()
    finally:
        server.terminate()
        server.wait(60)
    return {"page": shown - began, "first output": answered - shown}


def slow_cells(path: Path, limit: float) -> tuple[float, dict[str, float]]:
    """Seconds that a notebook's cells take in all, and those of the slow ones by their ids."""
    book = notebooks.read_notebook(path)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(book, kernel_name="python3", iopub_timeout=60, resources=place)
    client.extra_arguments = ["--log-level=ERROR"]  # of the kernel
    client.execute()
    seconds = {}
    for cell in book.cells:
        if times := cell.metadata.get("execution"):
            began, ended = times["iopub.execute_input"], times["shell.execute_reply"]
            spent = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
            seconds[cell.id] = spent.total_seconds()
    slow = {cell: each for cell, each in seconds.items() if each >= limit}
    return sum(seconds.values()), slow


def main() -> None:
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    print("| wait | seconds |\n| --- | --- |")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in ("first", "second"):
            for what, seconds in opened(browser, Path(folder) / "mine").items():
                print(f"| the lab opened for the {name} time: {what} | {seconds:.1f} |", flush=True)
        browser.close()
    for path in notebooks.list_solutions():
        total, slow = slow_cells(path, limit)
        cells = ", ".join(f"`{cell}` {seconds:.1f}" for cell, seconds in slow.items())
        print(f"| {path.stem}, all cells | {total:.1f} ({cells}) |", flush=True)


if __name__ == "__main__":
    main()
