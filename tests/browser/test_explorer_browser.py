"""The laboratory as a student sees it: in JupyterLab, in a browser."""

import re

from playwright.sync_api import expect

IMPORT = "import mnist_lab as lab"
LINEAR = 'linear = lab.explore("linear")\nlinear'
# Few units, so that seconds show what takes minutes with 1,500.
MLP = """mlp = lab.explore("mlp")
mlp.controls.widgets["hidden_units"].value = 50
mlp"""


def drag(lab, label, by):
    """Drag the handle of a slider by a share of the slider's width, and let it go."""
    slider = lab.page.locator(".widget-inline-hbox", has_text=label).first
    handle = slider.locator(".noUi-handle").bounding_box()
    whole = slider.locator(".noUi-base").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + by * whole["width"], y, steps=8)
    lab.page.mouse.up()


def rows(lab):
    return lab.page.locator(".mnist-lab-row")


def status(lab):
    return lab.page.locator(".mnist-lab-status, .mnist-lab-alert").first


def test_the_linear_part_answers_when_a_slider_is_let_go(open_notebook):
    lab = open_notebook(IMPORT, LINEAR)
    lab.run_all()
    before = lab.picture()
    drag(lab, "learning rate", -0.2)
    first = lab.other_picture(before)
    expect(rows(lab)).to_have_count(1)
    lab.ended()
    second = lab.picture()
    handle = lab.page.locator(".noUi-handle").first
    handle.focus()
    handle.press("ArrowLeft")
    assert len({before, first, second, lab.other_picture(second)}) == 4
    expect(rows(lab)).to_have_count(2)
    lab.screenshot("linear")
    # Today's loss, and the largest learning rate: a divergence, told as what it is.
    lab.page.get_by_label("loss").select_option("of today, exact")
    expect(rows(lab)).to_have_count(3)
    lab.ended()
    drag(lab, "learning rate", 1)
    expect(status(lab)).to_contain_text("Diverged: from iteration")
    lab.ended()
    lab.screenshot("linear-diverged")


def test_the_first_notebook_from_top_to_bottom(open_solution):
    lab = open_solution("1_linear.ipynb")
    lab.run_all()
    lab.screenshot("notebook-1")
    before = lab.picture()
    drag(lab, "learning rate", -0.2)
    lab.other_picture(before)
    lab.ended()
    expect(rows(lab)).to_have_count(1)


def test_the_third_notebook_starts_stops_and_keeps_the_first_curve(open_solution):
    lab = open_solution("3_dropout.ipynb", width=1400)
    lab.run_all()
    lab.button("Start").click()
    pictures = [lab.picture()]
    for _ in range(3):
        pictures.append(lab.other_picture(pictures[-1]))
    assert len(set(pictures)) == 4
    lab.button("Stop").click()
    lab.ended()
    expect(rows(lab)).to_have_count(1)
    lab.button("Start").click()
    lab.other_picture(lab.picture())
    lab.screenshot("notebook-3")
    lab.button("Stop").click()
    lab.ended()
    expect(rows(lab)).to_have_count(2)


def test_start_and_stop(open_notebook):
    lab = open_notebook(IMPORT, MLP, "print(40 + 2)", width=1600)
    lab.run_all()
    lab.button("Start").click()
    expect(lab.button("Start")).to_be_disabled()
    pictures = [lab.picture()]
    for _ in range(4):
        pictures.append(lab.other_picture(pictures[-1]))
    lab.screenshot("mlp-training-light-1600")
    assert len(set(pictures)) == 5
    lab.button("Stop").click()
    lab.ended()
    expect(status(lab)).to_contain_text("Stopped after")
    expect(rows(lab)).to_have_count(1)
    lab.screenshot("mlp-stopped-light-1600")
    drag(lab, "learning rate", 0.2)
    lab.button("Start").click()
    lab.other_picture(lab.picture())
    expect(rows(lab)).to_have_count(1)
    lab.button("Stop").click()
    expect(rows(lab)).to_have_count(2)
    lab.button("Copy code").click()
    code = lab.page.locator(".widget-textarea textarea").last
    expect(code).to_have_value(re.compile(r'PARTS\["mlp"\]\.build\(hidden_units=50\)'))


def test_it_fits_wide_and_narrow_light_and_dark(open_notebook):
    lab = open_notebook(IMPORT, MLP)
    lab.run_all()
    lab.page.get_by_label("the sheet's curve").check()
    lab.button("Start").click()
    status(lab).get_by_text("validation accuracy").wait_for()
    for width, height in ((1600, 1000), (1000, 1300), (700, 1900)):
        lab.page.set_viewport_size({"width": width, "height": height})
        for dark in (False, True):
            lab.theme(dark)
            lab.page.wait_for_timeout(500)
            lab.screenshot(f"mlp-{'dark' if dark else 'light'}-{width}")
            assert_nothing_sticks_out(lab, width)
    lab.button("Stop").click()
    lab.ended()
    for width, height in ((1600, 1000), (700, 1900)):
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.page.wait_for_timeout(500)
        lab.screenshot(f"mlp-stopped-dark-{width}")
        assert_nothing_sticks_out(lab, width)


def assert_nothing_sticks_out(lab, width):
    script = """() => [...document.querySelectorAll(".jp-OutputArea .jupyter-widgets")]
        .filter(element => element.offsetParent)
        .map(element => element.getBoundingClientRect().right)"""
    assert max(lab.page.evaluate(script)) <= width
