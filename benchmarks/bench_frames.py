"""Frames a second of the laboratory's page: six runs of 34 epochs are shown, and a seventh grows.

Usage: python bench_frames.py, with Chromium; CHROMIUM=/path/to/it may name it.
"""

import base64
import itertools
import os
import shutil

import numpy as np
from playwright.sync_api import sync_playwright

import mnist_lab as lab
from mnist_lab.laboratory.rows import Row, curve
from mnist_lab.laboratory.surface import _packed, joined, styles

SECONDS, NEWS = 10, 7  # how long, and how often a second something comes
PAGE = """async ([code, css]) => {
    document.head.append(Object.assign(document.createElement("style"), {textContent: css}));
    const url = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
    const front = (await import(url)).default;
    const model = {
        send: ({page}) => { window.page ??= page; },
        on: (_, hear) => { window.hear = hear; },
        get: () => ({}),
    };
    front.render({model, el: document.body});
    window.take = ([content, buffers]) => hear(
        content.page ? {...content, page: window.page} : content,
        buffers.map(text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt()).buffer)));
}"""
MEASURE = """([news, seconds]) => new Promise(resolve => {
    const frames = [], began = performance.now();
    const frame = now => {
        frames.push(now);
        const due = news.length * (now - began) / (1000 * seconds);
        while (news.done < Math.min(due, news.length)) take(news[news.done++]);
        if (now - began < 1000 * seconds) requestAnimationFrame(frame);
        else resolve(frames);
    };
    news.done = 0;
    requestAnimationFrame(frame);
})"""


def message(**values):
    """What `Surface.send_values` sends, as a page can be given it by hand."""
    buffers: list[bytes] = []
    return _packed(values, buffers), [base64.b64encode(each).decode() for each in buffers]


def main() -> None:
    laboratory = lab.explore("cnn")
    runs = [*lab.load_records("cnn"), lab.load_records("mlp")[0], lab.load_records("mlp")[1]]
    for number, run in enumerate(runs[:6]):
        laboratory.rows.append(Row(number, run, laboratory.setup))
    rows = [row.values() for row in laboratory.rows]
    live, count = runs[6], SECONDS * NEWS
    shown = laboratory.view.shown | {"rows": rows, "live": 6, "running": True, "page": "mine"}
    curves = [curve(row.number, row.run) for row in laboratory.rows]
    ends = np.linspace(0, len(live.batch_loss), count + 1).astype(int)
    news = []
    for first, end in itertools.pairwise(ends):
        piece = curve(6, live, int(first))
        piece |= {key: piece[key][: end - first] for key in ("loss", "accuracy")}
        weights = np.random.default_rng(first).normal(size=(10, 784)).astype(np.float32)
        about = {"of": "digit", "numbers": list(range(10)), "images": weights}
        news.append(message(curves=[piece], weights=about))
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.evaluate(PAGE, [joined(), styles()])
        page.evaluate("message => take(message)", message(**shown, curves=curves))
        frames = np.diff(page.evaluate(MEASURE, [news, SECONDS]))
        browser.close()
    print(
        f"front end: {1000 / frames.mean():.0f} frames a second with seven runs, one growing "
        f"{NEWS} times a second; {np.percentile(frames, 95):.0f} ms for the slowest 5 %"
    )


if __name__ == "__main__":
    main()
