"""How soon the page without Python is there, on a connection of 10 Mbit/s, and how it stays alive.

Usage: python bench_page.py TIMES, with Chromium; CHROMIUM=/path/to/it may name it. Start is pressed
as soon as it is there. Frames are counted while an MLP of 100 units trains.
"""

import functools
import http.server
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from mnist_lab.web import write_page

NETWORK = {"offline": False, "latency": 20, "downloadThroughput": 10e6 / 8, "uploadThroughput": 1e6}
SECONDS = 5  # in which frames are counted
WATCH = """
window.times = {};
const note = (name, there) => { if (there) times[name] ??= performance.now(); };
new MutationObserver(() => {
    const start = document.querySelector(".ml-primary");
    if (start && !times.controls) requestAnimationFrame(() => start.click());
    note("controls", start);
    note("training", document.querySelector(".ml-status")?.textContent.includes("iteration"));
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
TRAINS = """new Promise((resolve) => {
    const look = () => times.training ? resolve() : setTimeout(look, 20);
    look();
})"""
FRAMES = """new Promise((resolve) => {
    const frames = [], began = performance.now();
    const frame = (now) => {
        frames.push(now);
        if (now - began < %d) requestAnimationFrame(frame);
        else resolve(frames);
    };
    requestAnimationFrame(frame);
})"""
PAINT = 'performance.getEntriesByName("first-contentful-paint")[0].startTime'


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def opened(browser: Browser, address: str) -> tuple[dict[str, float], list[float]]:
    """Open the page; return milliseconds from then, and the lengths of the frames of a training."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    page.add_init_script(WATCH)
    page.goto(address)
    page.evaluate(TRAINS)
    times = {"first paint": page.evaluate(PAINT), **page.evaluate("times")}
    frames = page.evaluate(FRAMES % (1000 * SECONDS))
    page.context.close()
    return times, [after - before for before, after in itertools.pairwise(frames)]


def main(count: int) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place) / "page"
        write_page(folder)
        handler = functools.partial(Handler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        address = f"http://127.0.0.1:{server.server_port}/#mlp&units=100&epochs=50"
        runs = [opened(browser, address) for _ in range(count)]
        for name in runs[0][0]:
            values = [times[name] / 1000 for times, _ in runs]
            print(f"{name}: {statistics.median(values):.2f} s, at most {max(values):.2f}")
        lengths = sorted(length for _, each in runs for length in each)
        slowest = lengths[int(0.99 * len(lengths))]
        print(
            f"{1000 / statistics.mean(lengths):.0f} frames a second, 99 of 100 in {slowest:.0f} ms"
        )
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
