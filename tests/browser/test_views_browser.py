"""A view of the laboratory leaves nothing behind; what it says and expects is heard and kept."""

import re

from conftest import found_by_axe
from playwright.sync_api import expect

AGAIN = 'import mnist_lab as lab\nmlp = globals().get("mlp") or lab.explore("mlp")\nmlp'
MLP = """import mnist_lab as lab
train, valid = slice(0, 3000), slice(0, 1000)
whole = lab.load_mnist()
data = lab.Dataset(whole.x_train[train], whole.y_train[train], whole.x_valid[valid],
                   whole.y_valid[valid])
mlp = lab.explore("mlp", data=data)
mlp.set(hidden_units=10, epochs=8)
mlp"""
# JupyterLab's own setting, which takes cells that are out of sight out of the page.
WINDOWED = """() => { const {content} = jupyterapp.shell.currentWidget;
    content.notebookConfig = {...content.notebookConfig, windowingMode: "full"}; }"""
# No element is handed to the test, which would keep it.
NEW = "() => Boolean(document.querySelector('.ml-grid:not(.old) .ml-plot-loss canvas'))"


def show_again(lab, times):
    """Run the cell again and again; each time another view takes the place of the last."""
    for _ in range(times):
        lab.page.evaluate("() => document.querySelector('.ml-grid').classList.add('old')")
        lab.command("notebook:run-all-cells")
        lab.page.wait_for_function(NEW)


def in_memory(lab, cdp):
    """Return what the page holds, without garbage."""
    for _ in range(2):
        cdp.send("HeapProfiler.collectGarbage")
    found = cdp.send("Performance.getMetrics")["metrics"]
    metrics = {each["name"]: each["value"] for each in found}
    return [metrics[key] for key in ("JSHeapUsedSize", "Nodes", "JSEventListeners")]


def test_twenty_views_leave_nothing_behind(open_notebook):
    lab = open_notebook(AGAIN)
    lab.run_all()
    cdp = lab.page.context.new_cdp_session(lab.page)
    cdp.send("Performance.enable")
    show_again(lab, 5)
    before = in_memory(lab, cdp)
    show_again(lab, 20)
    after = in_memory(lab, cdp)
    # A view has 470 elements with 80 listeners, and took 0.7 MB.
    grown = [now - then for then, now in zip(before, after, strict=True)]
    assert grown[0] < 20 * 40_000, grown
    assert grown[1] < 20 * 20, grown
    assert grown[2] < 20 * 5, grown


def heard(lab, words):
    """Wait until a screen reader would have said this."""
    expect(lab.page.locator(".ml-heard").first).to_have_text(re.compile(words, re.DOTALL))


def rows(lab):
    return lab.part("Runs").get_by_role("listitem").filter(has=lab.page.get_by_label("name of"))


def test_a_prediction_by_mouse_and_by_keys_is_kept_with_its_run(open_notebook):
    lab = open_notebook(MLP, width=1440, height=900)
    lab.run_all()
    lab.page.evaluate(WINDOWED)
    lab.button("Predict").click()
    expect(lab.button("Predict")).to_have_attribute("aria-pressed", "true")
    lab.draw(".ml-plot-accuracy .u-over", [(0.13, 0.4), (0.4, 0.2), (0.98, 0.1)])
    expect(lab.button("Forget it")).to_be_visible()
    # The loss, in the middle of its axis from 0.1 to 3. By keys it falls at the third epoch.
    lab.draw(".ml-plot-loss .u-over", [(0.13, 0.5), (0.2, 0.5)])
    lab.page.locator(".ml-plots").focus()
    press = lab.page.keyboard.press
    press("Home")
    heard(lab, r"Your loss at epoch 1: 0\.[56]")
    for key in ("m", "m", "ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        press(key)
    heard(lab, r"Your loss at epoch 3: 0\.2")
    lab.screenshot("expected")
    press("Escape")
    lab.page.evaluate("() => void jupyterapp.shell.currentWidget.context.save()")
    lab.page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    lab.page.reload()
    lab.shown()
    expect(lab.button("Forget it")).to_be_visible()
    # A seed counts with Enter, though the focus stays in its field.
    seed = lab.part("Network").get_by_label("seed")
    for key in ("Control+a", "7", "Enter"):
        seed.press(key)
    lab.button("Start").dispatch_event("click")
    expect(rows(lab).first).to_contain_text("seed 7")
    lab.ended()
    heard(lab, r"Done in .* mlp, .*: \d\d\.\d%, gap .*Off on average: your accuracy by .* loss by")
    expect(rows(lab).first).to_contain_text(re.compile(r"your accuracy by \d+\.\d points"))
    expect(lab.button("Forget it")).to_be_hidden()
    lab.screenshot("expected-and-trained")
    lab.button("Copy code").click()
    expect(lab.page.locator(".ml-code")).to_have_value(re.compile(r"run\.expected = .*val_loss"))
    # The values by arrows, and the curve as tones.
    lab.page.locator(".ml-plots").focus()
    press("End")
    heard(lab, r"Epoch 8\. mlp, .*: loss \d\.\d+, validation \d\.\d+, accuracy \d+\.\d%, valid")
    rows(lab).first.get_by_role("button", name="Hear").click()
    heard(lab, r"8 epochs, from \d+\.\d% to \d+\.\d%")


def test_axe_finds_nothing(open_notebook):
    """With all parts filled: a run, what is expected, a drawn digit seen through, all tables."""
    lab = open_notebook(MLP, width=1440, height=1400)
    lab.run_all()
    lab.start()
    lab.ended()
    lab.draw(".ml-field", [(0.5, 0.2), (0.5, 0.8)])
    lab.part("Draw a digit").get_by_role("row").nth(1).wait_for()
    lab.answered()
    lab.button("Predict").click()
    lab.draw(".ml-plot-loss .u-over", [(0.2, 0.5), (0.8, 0.7)])
    lab.part("Learning curves").get_by_text("as a table").click()
    lab.part("Draw a digit").get_by_text("Keep it as a").first.click()
    through = lab.part("Through the network")
    through.get_by_text("Look inside").click()
    through.locator(".ml-mosaic").nth(1).click(position={"x": 20, "y": 5})
    through.locator(".ml-total").first.wait_for()
    for dark in (False, True):
        lab.theme(dark)
        lab.settled()
        lab.screenshot(f"axe-{'dark' if dark else 'light'}")
        assert found_by_axe(lab.page, ".mnist-lab") == []
