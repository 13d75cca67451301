"""A student's own digits: drawn with the mouse, kept, taken back, removed, and read by networks."""

import math
import re

import pytest
from playwright.sync_api import expect

import mnist_lab as lab_package

OPEN = """import os
os.makedirs("{folder}", exist_ok=True)
os.chdir("{folder}")
import mnist_lab as lab
lab.explore("cnn")"""


def arc(x, y, width, height, first, last):
    """Part of an ellipse; angles in turns, clockwise from the top."""
    angles = [2 * math.pi * (first + (last - first) * i / 8) for i in range(9)]
    return [(x + width * math.sin(angle), y - height * math.cos(angle)) for angle in angles]


# As a hand writes them: strokes of points, in shares of the field.
DIGITS = [
    [arc(0.5, 0.5, 0.2, 0.33, 0, 1.07)],
    [[(0.5, 0.15), (0.48, 0.85)]],
    [[*arc(0.48, 0.34, 0.19, 0.19, -0.2, 0.35), (0.28, 0.83), (0.75, 0.82)]],
    [arc(0.45, 0.32, 0.2, 0.17, -0.15, 0.45) + arc(0.45, 0.68, 0.24, 0.2, 0.05, 0.62)],
    [[(0.36, 0.15), (0.28, 0.52), (0.72, 0.52)], [(0.68, 0.15), (0.6, 0.87)]],
    [[(0.72, 0.17), (0.4, 0.17), (0.36, 0.47), *arc(0.46, 0.64, 0.23, 0.21, -0.05, 0.6)]],
    [[(0.62, 0.13), (0.42, 0.4), *arc(0.5, 0.67, 0.18, 0.19, -0.25, 0.8)]],
    [[(0.25, 0.18), (0.74, 0.18), (0.45, 0.86)]],
    [arc(0.5, 0.32, 0.16, 0.17, 0.5, 1.5) + arc(0.5, 0.68, 0.19, 0.18, 0, -1)],
    [[*arc(0.48, 0.34, 0.18, 0.18, 0.25, 1.25), (0.62, 0.87)]],
]


@pytest.fixture
def open_empty(open_notebook, jupyter, request):
    """Return a function that opens the laboratory in a folder of its own; and the kept file."""
    folder = jupyter[2] / request.node.name

    def open_empty(**size):
        lab = open_notebook(OPEN.format(folder=folder), **size)
        lab.run_all()
        return lab

    return open_empty, folder / "my_digits.npz"


def keep(lab, label, strokes):
    lab.draw(".ml-field", *strokes)
    lab.button("Keep it as an 8" if label == 8 else f"Keep it as a {label}").click()


def pictures(lab):
    return lab.page.get_by_role("list", name="kept digits").get_by_role("listitem")


def prompt(lab):
    return lab.page.locator(".ml-keep").get_by_role("status")


def test_digits_are_kept_taken_back_and_removed(open_empty):
    open_lab, file = open_empty
    lab = open_lab(width=1440, height=1400)
    panel = lab.part("Draw a digit")
    lab.screenshot("keep-closed-1440")
    panel.get_by_text("Keep it as a …").click()
    expect(prompt(lab)).to_have_text("Draw a 0 — 1 of 20")
    expect(lab.button("Keep it as a 0")).to_be_disabled()
    for label in range(3):
        keep(lab, label, DIGITS[label])
        expect(pictures(lab)).to_have_count(label + 1)
    expect(prompt(lab)).to_have_text("Draw a 3 — 4 of 20")
    assert lab_package.load_digits(file).labels.tolist() == [0, 1, 2]
    # Another label, Enter instead of the button, and a spoilt digit, which is kept as it was drawn.
    panel.get_by_role("button", name="It is an 8.").click()
    expect(prompt(lab)).to_have_text("Draw an 8 — 4 of 20")
    lab.draw(".ml-field", *DIGITS[8])
    panel.get_by_role("button", name="Invert").click()
    expect(panel).to_contain_text("inverted")
    lab.page.locator(".ml-field").press("Enter")
    expect(pictures(lab)).to_have_count(4)
    expect(lab.button("Keep it as a 3")).to_be_disabled()
    expect(panel).not_to_contain_text("inverted")
    digits = lab_package.load_digits(file)
    assert digits.labels.tolist() == [0, 1, 2, 8]
    assert digits.images[3].mean() < 80
    assert abs(lab_package.prepare(digits.drawings).astype(int) - digits.images).max() <= 1
    # The last is taken back, another removed by its button, on the keyboard.
    lab.button("Take back").click()
    expect(pictures(lab)).to_have_count(3)
    panel.get_by_role("button", name="Remove digit 1, a 0.").press("Enter")
    expect(pictures(lab)).to_have_count(2)
    expect(panel.get_by_role("button", name="Remove digit 1, a 1.")).to_be_focused()
    assert lab_package.load_digits(file).labels.tolist() == [1, 2]
    expect(prompt(lab)).to_have_text("Draw a 0 — 3 of 20")
    # A digit of MNIST is not the student's own.
    lab.button("Spoil it").click()
    expect(panel).to_contain_text("as it was")
    expect(lab.button("Keep it as a 0")).to_be_disabled()
    # All is there again after a reload, and in another notebook's laboratory.
    lab.page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
    lab.page.reload()
    lab.shown()
    expect(pictures(lab)).to_have_count(2)
    lab.close()
    expect(pictures(open_lab(width=900, height=1400))).to_have_count(2)


def test_twenty_digits_in_a_row(open_empty):
    """By mouse, as they are asked for; the networks on file read all of these."""
    open_lab, file = open_empty
    lab = open_lab(width=1440, height=1400)
    lab.part("Draw a digit").get_by_text("Keep it as a …").click()
    for number in range(20):
        expect(prompt(lab)).to_have_text(re.compile(f"Draw an? {number % 10} — {number + 1} of 20"))
        keep(lab, number % 10, DIGITS[number % 10])
        expect(pictures(lab)).to_have_count(number + 1)
    expect(prompt(lab)).to_have_text("All 20 are kept. Draw more if you like.")
    digits = lab_package.load_digits(file)
    assert digits.labels.tolist() == [*range(10), *range(10)]
    record = lab_package.load_records("cnn")[0]
    model = lab_package.build_cnn()
    model.set_weights(record.weights)
    assert (
        lab_package.predict(model, digits.images).argmax(axis=1).tolist() == digits.labels.tolist()
    )
    for width, dark in ((1440, False), (900, True)):
        lab.page.set_viewport_size({"width": width, "height": 1400})
        lab.theme(dark)
        lab.settled()
        lab.part("Draw a digit").scroll_into_view_if_needed()
        lab.screenshot(f"keep-{'dark' if dark else 'light'}-{width}")


def test_a_broken_file_is_told_in_the_page(open_empty):
    open_lab, file = open_empty
    file.parent.mkdir()
    file.write_bytes(b"broken")
    lab = open_lab(width=900, height=1400)
    problem = lab.page.locator(".ml-keep").get_by_role("alert")
    expect(problem).to_contain_text("first move that file elsewhere")
    problem.evaluate("it => { it.textContent = 'as before'; }")
    keep(lab, 0, DIGITS[0])
    expect(problem).to_contain_text("first move that file elsewhere")
    expect(pictures(lab)).to_have_count(0)
    expect(lab.button("Keep it as a 0")).to_be_enabled()  # the drawing is still there
    lab.screenshot("keep-broken-900")
    file.unlink()
    lab.button("Keep it as a 0").click()
    expect(pictures(lab)).to_have_count(1)
    expect(problem).to_be_hidden()
