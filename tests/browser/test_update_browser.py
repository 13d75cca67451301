"""An update under a notebook that somebody is typing in, alone or with real-time editing."""

import shutil
import sys
import threading
import time

import environments
import pytest
from conftest import KERNEL_IS_READY, new_page, run_jupyter

from mnist_lab import places
from mnist_lab.__main__ import main

LOCK = places.here.home / ".ci/hub.txt"


@pytest.fixture(params=["alone", "together", "together, without a kernel"])
def way(request):
    return request.param


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """A Python whose JupyterLab has jupyter-collaboration."""
    programs = environments.add_to_lab(tmp_path_factory.mktemp("hub"), LOCK)
    return shutil.which("python", path=programs["PATH"])


def test_nothing_that_is_typed_during_an_update_is_lost(
    browser, house, tmp_path, monkeypatch, request, way, capsys
):
    python = sys.executable if way == "alone" else request.getfixturevalue("together")
    main(["exercises"])
    main(["update"])
    path, solution = house.mine / "9_sample.ipynb", house.solutions / "9_sample.ipynb"
    notes = tmp_path / "notes"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(notes / "jupyter_runtime_dir"))
    with run_jupyter(house.home, notes, python) as (address, token):
        page = new_page(
            browser, f"{address}/lab/tree/notebooks/mine/{path.name}?reset&token={token}"
        )
        page.wait_for_function(KERNEL_IS_READY)
        if way.endswith("without a kernel"):
            page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.locator(".jp-CodeCell .cm-content", has_text="YOUR CODE HERE").first.click()
        page.keyboard.press("Control+End")
        solution.write_text(solution.read_text("utf-8").replace("A sample", "The sample"), "utf-8")
        capsys.readouterr()
        words = typed_during(page, lambda: main(["update"]))
        assert "left as it is" in capsys.readouterr().out
        page.keyboard.press("Control+s")
        page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
        ends = time.monotonic() + 30
        while any(word not in path.read_text("utf-8") for word in words):
            assert time.monotonic() < ends, path.read_text("utf-8")
            time.sleep(0.2)
        assert page.locator(".jp-Dialog").count() == 0
        page.close()
    assert main(["update"]) == 0
    text = path.read_text("utf-8")
    assert "The sample" in text
    assert all(word in text for word in words)


def typed_during(page, update):
    """Type words before, during and after three updates; return the words."""
    updating = threading.Thread(target=lambda: [update() for _ in range(3)])
    words = []
    for number in range(60):
        if number == 15:
            updating.start()
        words.append(f"word{number:02d} ")
        page.keyboard.type(words[-1])
        time.sleep(0.05)
    updating.join()
    return words
