"""The laboratory as a student uses it, in JupyterLab and in Notebook 7."""

import math
import re

import pytest
from playwright.sync_api import expect

IMPORT = "import mnist_lab as lab"
LINEAR = 'linear = lab.explore("linear")\nlinear'
# Few enough units to be fast, but enough epochs that training goes on while a slow browser reloads
# the page.
MLP = """mlp = lab.explore("mlp")
mlp.set(hidden_units=500, epochs=50)
mlp"""
# A three: two bows, from top to bottom.
THREE = [
    (0.45 + 0.2 * math.sin(turn), 0.32 - 0.17 * math.cos(turn)) for turn in (-0.9, 0, 0.8, 1.6, 2.6)
] + [(0.45 + 0.24 * math.sin(turn), 0.68 - 0.2 * math.cos(turn)) for turn in (0.4, 1.4, 2.4, 3.8)]
SHAPES = [(1600, 1000), (1250, 1000), (700, 2600), (400, 3200)]


def rows(lab):
    return lab.part("Runs").get_by_role("listitem").filter(has=lab.page.get_by_label("name of"))


def status(lab):
    return lab.part("Network").get_by_role("status")


def slider(lab, label):
    return lab.part("Network").get_by_label(re.compile(label))


def set_to_end(lab, label, key):
    slider(lab, label).focus()
    slider(lab, label).press(key)


def hover(lab, share):
    """Point at a place in the chart; return the readout."""
    chart = lab.page.locator(".ml-plot-loss .u-over").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    lab.page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    return lab.page.locator(".ml-readout").first


def progress(lab):
    return lab.page.get_by_role("progressbar").first.evaluate("bar => bar.value")


def goes_on(lab):
    """Wait until a training makes progress."""
    bar = "document.querySelector('.mnist-lab progress')?.value"
    lab.page.wait_for_function(f"now => {bar} > now", arg=progress(lab))


def test_the_page_is_there_while_the_cells_below_run(open_notebook):
    lab = open_notebook(IMPORT, MLP, "import time; time.sleep(3600)", width=1440, height=900)
    lab.run_all()
    expect(lab.part("Network")).to_contain_text("parameters")
    expect(slider(lab, "hidden units")).to_have_attribute("aria-valuetext", "500")
    expect(lab.page.locator(".ml-plot-loss canvas").first).to_be_visible()
    # Start waits and says so, and trains as soon as Python hears it.
    lab.start()
    expect(status(lab)).to_contain_text("Start waits: Python is busy")
    lab.screenshot("start-waits")
    lab.command("notebook:interrupt-kernel")
    expect(status(lab)).to_contain_text("iteration")
    lab.button("Stop").click()
    lab.ended()


def test_the_linear_part_is_touched_and_answers(open_notebook):
    lab = open_notebook(IMPORT, LINEAR, width=1440, height=900)
    lab.run_all()
    weights = ".ml-weights"
    # A slider, by keyboard: it trains at once, and the weights change meanwhile. This needs many
    # epochs: a fast processor finishes two before the weights can be compared.
    set_to_end(lab, "epochs", "End")
    first = lab.other_picture(weights, "data:,")
    lab.other_picture(weights, first)
    lab.button("Stop").click()
    lab.ended()
    rows(lab).first.get_by_role("button", name="Remove").click()
    expect(rows(lab)).to_have_count(0)
    set_to_end(lab, "epochs", "Home")
    slider(lab, "epochs").press("ArrowRight")
    expect(rows(lab)).to_have_count(1)
    lab.ended()
    lab.screenshot("linear")
    # Values under the pointer, and nowhere else.
    expect(hover(lab, 0.5)).to_contain_text(re.compile(r"epoch (0\.9|1)"))
    expect(hover(lab, 0.98)).to_contain_text(
        re.compile(r"epoch (1\.9|2).*linear, 2 epochs.*9\d\.\d%")
    )
    lab.page.mouse.move(5, 5)
    expect(lab.page.locator(".ml-readout")).to_be_hidden()
    # Zoom by dragging, back by a double click.
    lab.draw(".ml-plot-loss .u-over", [(0.25, 0.5), (0.5, 0.5)])
    expect(lab.button("Show all")).to_be_visible()
    expect(hover(lab, 0.5)).to_contain_text(re.compile(r"epoch 0\.7"))
    lab.page.locator(".ml-plot-loss .u-over").dblclick()
    expect(lab.button("Show all")).to_be_hidden()
    expect(hover(lab, 0.98)).to_contain_text(re.compile(r"epoch (1\.9|2)"))
    # The digits behind a field of the confusion matrix.
    lab.part("Confusion matrix").get_by_label(re.compile("a 4, taken for a 9")).click()
    expect(lab.part("Confusion matrix")).to_contain_text("times a 4 was wrongly taken for a 9")
    lab.part("Confusion matrix").get_by_label(re.compile("a 4; the network says 9")).first.click()
    expect(lab.part("What the network sees")).to_contain_text(re.compile("says 9 .* it is a 4"))
    # Names are text, whatever they look like.
    name = "<img src=x onerror=\"document.title='taken'\">"
    rows(lab).get_by_label("name of this run").fill(name)
    rows(lab).get_by_label("name of this run").press("Enter")
    expect(hover(lab, 0.9)).to_contain_text(name)
    lab.button("Copy code").click()
    expect(lab.page.locator(".ml-code")).to_have_value(re.compile(re.escape(repr(name))))
    assert lab.page.locator(".mnist-lab img").count() == 0
    assert "taken" not in lab.page.title()
    # Today's loss and the largest learning rate: the status says that it diverged.
    slider(lab, "loss").select_option("of today, exact")
    expect(rows(lab)).to_have_count(2)
    lab.ended()
    set_to_end(lab, "learning rate", "End")
    expect(status(lab)).to_contain_text("Diverged: from iteration")
    expect(rows(lab).last).to_contain_text("diverged")
    lab.screenshot("linear-diverged")
    rows(lab).first.get_by_role("button", name="Remove").click()
    expect(rows(lab)).to_have_count(2)


def test_reload_in_the_middle_two_laboratories_stop(open_notebook):
    lab = open_notebook(IMPORT, MLP, LINEAR, "print(40 + 2)", width=1440)
    lab.run_all()
    lab.start()
    goes_on(lab)
    # The other laboratory waits, and the notebook is free.
    second = lab.page.locator(".ml-grid").nth(1)
    second.get_by_role("button", name="Start", exact=True).click()
    expect(second.locator(".ml-status")).to_contain_text("Another training is running")
    expect(lab.page.locator(".jp-RenderedText", has_text="42")).to_be_visible()
    lab.screenshot("mlp-training")
    lab.page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    lab.page.reload()
    lab.shown()
    expect(lab.button("Start")).to_be_disabled()
    goes_on(lab)
    before = lab.picture(".ml-weights")
    lab.other_picture(".ml-weights", before)
    expect(hover(lab, 0.001)).to_contain_text("mlp, hidden units 500")
    lab.button("Stop").click()
    lab.ended()
    expect(status(lab)).to_contain_text("Stopped after")
    expect(rows(lab)).to_have_count(1)
    lab.screenshot("mlp-stopped")


@pytest.mark.parametrize("place", ["doc/tree", "notebooks"])
def test_draw_a_digit(open_notebook, place):
    """In JupyterLab and in Notebook 7."""
    lab = open_notebook(IMPORT, 'lab.explore("cnn")', place=place, height=1400)
    lab.run_all()
    field = lab.part("Draw a digit")
    lab.draw(".ml-field", THREE)
    cnn = field.get_by_role("row", name=re.compile("CNN, on file"))
    expect(cnn).to_contain_text(re.compile(r"^CNN, on file3 \d+%"))
    expect(field.get_by_role("row")).to_have_count(5)
    lab.answered()
    lab.screenshot(f"drawn-{place.split('/')[0]}")
    # The probabilities follow when the digit is spoilt.
    before = cnn.locator("td").first.inner_text()
    field.get_by_label("spoil by").select_option("fog")
    expect(field.get_by_label("strength")).to_have_value("3")
    field.get_by_label("spoil by").select_option("noise")
    field.get_by_label("strength").press("ArrowRight")
    field.get_by_role("button", name="Turn it by 10 degrees to the right.").click()
    expect(field).to_contain_text("turned 10° right, noise × 4")
    expect(cnn.locator("td").first).not_to_have_text(before)
    field.get_by_role("button", name="As it was").click()
    expect(cnn.locator("td").first).to_have_text(before)
    # A validation digit, to be spoilt by hand.
    lab.button("Spoil it").click()
    expect(cnn).to_contain_text("7 ✓")
    # By keyboard alone: a line from top to bottom is a one.
    field.get_by_role("button", name="Clear").press("Enter")
    lab.page.locator(".ml-field").focus()
    for key in [*["ArrowUp"] * 14, " ", *["ArrowDown"] * 28, " "]:
        lab.page.keyboard.press(key)
    expect(cnn).to_contain_text(re.compile(r"^CNN, on file1 \d+%"))


def test_it_fits_wide_and_narrow_light_and_dark(open_notebook):
    lab = open_notebook(IMPORT, MLP, "mlp.digit is None")
    lab.run_all()
    lab.part("Learning curves").get_by_label("the sheet's curve").check()
    lab.start()
    lab.draw(".ml-field", THREE)
    status(lab).get_by_text("validation accuracy").wait_for()
    for (width, height), dark in zip(SHAPES, (False, True, False, True), strict=True):
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.theme(dark)
        lab.settled()
        lab.page.locator(".ml-grid").scroll_into_view_if_needed()
        lab.screenshot(f"mlp-{'dark' if dark else 'light'}-{width}")
        assert_nothing_sticks_out(lab, width)
    lab.button("Stop").click()
    lab.ended()
    # Axes have the colours of the theme, and the chart is also shown as a table.
    lab.page.wait_for_function(AXIS_IS_LIGHT)
    lab.theme(False)
    lab.page.wait_for_function(f"() => !({AXIS_IS_LIGHT})()")
    lab.part("Learning curves").get_by_text("as a table").click()
    table = lab.part("Learning curves").locator(".ml-data table").first
    expect(table).to_contain_text(
        re.compile(r"epoch 1.*the sheet, 2020.*mlp, hidden units 500", re.DOTALL)
    )


def test_by_keyboard_alone(open_notebook):
    lab = open_notebook(IMPORT, MLP.replace("epochs=50", "epochs=1"))
    lab.run_all()
    press = lab.page.keyboard.press
    press("Tab")  # or what has the focus need not show it, after the mouse of another test
    lab.page.locator(".mnist-lab input").first.focus()
    seen = set()
    for _ in range(80):
        # Each focused element shows that it has the focus, and has a name.
        about = lab.page.evaluate(FOCUSED)
        if not about["inside"]:
            break
        assert about["outline"] != "none", about
        assert about["name"], about
        seen.add(about["name"])
        press("Tab")
    assert {"Start", "Reset", "Next digit"} <= {
        name.replace("Look at the next digit.", "Next digit") for name in seen
    }
    lab.button("Start").focus()
    press("Enter")
    expect(rows(lab)).to_have_count(1)
    # The chart's values by arrows.
    lab.page.locator(".ml-plots").focus()
    press("End")
    expect(lab.page.locator(".ml-readout")).to_contain_text("epoch 1")
    press("+")
    expect(lab.button("Show all")).to_be_visible()
    press("Escape")
    expect(lab.button("Show all")).to_be_hidden()
    # The matrix is one stop, and arrows go from field to field.
    lab.part("Confusion matrix").get_by_label(re.compile("a 0, taken for a 0")).focus()
    press("ArrowDown")
    press("ArrowRight")
    press("Enter")
    expect(lab.part("Confusion matrix")).to_contain_text("times a 1 was rightly taken for a 1")


def test_the_third_notebook_starts_stops_and_keeps_the_first_curve(open_solution):
    lab = open_solution("3_dropout.ipynb", program=False, width=1400)
    lab.run_all()
    for count in (1, 2):
        lab.start()
        goes_on(lab)
        lab.screenshot("notebook-3")
        lab.button("Stop").click()
        lab.ended()
        expect(rows(lab)).to_have_count(count)


FOCUSED = """() => {
    const {activeElement: it} = document;
    const inside = Boolean(it.closest(".mnist-lab"));
    const name = it.ariaLabel || it.textContent || it.labels?.[0]?.textContent || it.name;
    return {inside, name, outline: getComputedStyle(it).outlineStyle};
}"""

AXIS_IS_LIGHT = """() => {
    const canvas = document.querySelector(".ml-plot-loss canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, 38, canvas.height);
    const inked = [...Array(data.length / 4).keys()].filter(pixel => data[4 * pixel + 3] > 60);
    return inked.some(pixel => data[4 * pixel] > 128);
}"""


def assert_nothing_sticks_out(lab, width):
    """All parts lie within their panels, and these in the window, once the charts are redrawn."""
    script = """width => {
        const right = (element) => element.getBoundingClientRect().right;
        const panels = [...document.querySelectorAll(".ml-panel")];
        return panels.every((panel) => right(panel) <= width &&
            [...panel.querySelectorAll("*")].every((part) => right(part) <= right(panel)));
    }"""
    lab.page.wait_for_function(script, arg=width)
