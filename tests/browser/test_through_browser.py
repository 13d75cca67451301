"""A network seen through in JupyterLab: its layers, and what a value is computed from."""

import re

import numpy as np
from playwright.sync_api import expect
from test_explorer_browser import IMPORT, THREE, assert_nothing_sticks_out

SMALL = "whole = lab.load_mnist()\nsmall = whole.x_train[:2000], whole.y_train[:2000]"
CNN = f"""import keras
{SMALL}
data = lab.Dataset(*small, whole.x_valid[:100], whole.y_valid[:100], "MNIST")
mine = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(4, 5, padding="same", activation="relu"),
    keras.layers.MaxPool2D(4),
    keras.layers.Flatten(),
    keras.layers.Dropout(0.5),
    keras.layers.Dense(10, activation="softmax"),
])
mine.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
run = lab.train(mine, data, epochs=2, seed=0, name="mine", progress=False)
laboratory = lab.explore("cnn", data=data)
laboratory"""
# By NumPy alone: one value of the first layer, and the scores.
BY_HAND = """import numpy as np
kernel, bias, weights, offsets = mine.get_weights()
image = np.pad(data.x_valid[7] / 255, 2)
windows = np.lib.stride_tricks.sliding_window_view(image, (5, 5))
maps = np.maximum(np.einsum("rcij,ijf->rcf", windows, kernel[:, :, 0]) + bias, 0)
pooled = maps.reshape(7, 4, 7, 4, 4).max(axis=(1, 3))
scores = pooled.reshape(-1) @ weights + offsets
print("by hand", *(f"{value:.4f}" for value in [maps[14, 14, 0], *scores]))"""
SHAPES = [(1440, 2400), (900, 3200), (400, 4600)]


def numbers(words):
    return np.array([float(each.replace("−", "-")) for each in re.findall(r"[-−]?\d+\.\d+", words)])


def test_a_cnn_of_a_cell_is_seen_through(open_notebook):
    lab = open_notebook(IMPORT, CNN, BY_HAND, width=1440, height=1400)
    lab.run_all()
    by_hand = lab.page.locator(".jp-OutputArea-output", has_text="by hand")
    expect(by_hand).to_contain_text(re.compile(r"by hand( -?\d+\.\d{4}){11}"))
    value, *scores = numbers(by_hand.inner_text())
    through = lab.part("Through the network")
    through.get_by_text("Look inside").click()
    through.get_by_label("network to look into").select_option("mine, from a cell")
    through.get_by_label("number of the validation digit").fill("7")
    expect(through).to_contain_text("it is a 9")
    expect(through.locator(".ml-layers li")).to_have_count(5)
    # Where nothing is drawn yet, the menu of digits is at its widest.
    lab.page.set_viewport_size({"width": 400, "height": 4600})
    assert_nothing_sticks_out(lab, 400)
    lab.page.set_viewport_size({"width": 1440, "height": 1400})
    rows = through.locator(".ml-scores tr")
    shown = [numbers(rows.nth(1 + digit).locator("td").first.inner_text()) for digit in range(10)]
    assert np.allclose(np.ravel(shown), scores, atol=2e-4)
    # By keys: the middle of the first map, and what it is computed from.
    through.locator(".ml-mosaic").first.focus()
    lab.page.keyboard.press("Enter")
    expect(through.get_by_role("status").last).to_contain_text("Layer 1, row 14, column 14, map 0")
    result = through.locator(".ml-sum tr").last.locator("td").inner_text()
    assert abs(numbers(result)[0] - value) < 2e-4
    assert_adds_up(through)
    # By mouse: another place; a click holds it.
    lab.page.mouse.move(5, 5)
    pooled = through.locator(".ml-mosaic").nth(1)
    pooled.click(position={"x": 20, "y": 20})
    expect(through.get_by_role("status").last).to_contain_text(re.compile(r"Layer 2, row \d, col"))
    assert_adds_up(through)
    # Dropout's masks of one pass.
    through.get_by_label("drop units").check()
    expect(through).to_contain_text(re.compile(r"Dropout: \d+ units.* \d+% dropped"))
    # A network on file, and the drawn digit.
    through.get_by_label("network to look into").select_option("linear, on file")
    lab.draw(".ml-field", THREE)
    through.get_by_label("digit to look at").select_option("drawn")
    expect(through).to_contain_text("it says 3")
    expect(through).to_contain_text("so this is exact")
    through.get_by_label("network to look into").select_option("CNN, on file")
    expect(through).to_contain_text("64 maps")
    for (width, height), dark in zip(SHAPES, (False, True, False), strict=True):
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.theme(dark)
        through.locator(".ml-mosaic").first.click(position={"x": 30, "y": 20})
        through.scroll_into_view_if_needed()
        lab.settled()
        lab.screenshot(f"through-{'dark' if dark else 'light'}-{width}")
        assert_nothing_sticks_out(lab, width)


def assert_adds_up(through):
    """What is shown of the products and of the bias is the sum that is shown."""
    rows = through.locator(".ml-sum tr")
    rows.last.wait_for()
    shown = rows.evaluate_all("rows => rows.map(({cells}) => [...cells].map(it => it.innerText))")
    values = [numbers(value)[0] for _, value in shown]
    end = [kind for kind, _ in shown].index("sum")
    assert abs(sum(values[:end]) - values[end]) < 1e-9
