"""The laboratory without a browser: every button and slider, driven from Python."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import nbformat
import numpy as np
import pytest
from ipywidgets.widgets import widget as widget_module
from nbclient import NotebookClient

import mnist_lab as lab
from mnist_lab.laboratory import background, controls, estimates, explorer, live, sight

pytestmark = pytest.mark.usefixtures("plainly")
OTHER = {
    "learning_rate": 0.02,
    "hidden_units": 20,
    "filters": (2, 4),
    "dropout": 0.3,
    "loss": "categorical_crossentropy",
    "epochs": 2,
    "batch_size": 50,
    "seed": 7,
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder in which no speed is known."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def medium(data):
    """Enough images that a training takes some seconds."""
    return lab.Dataset(data.x_train[:6000], data.y_train[:6000], data.x_valid, data.y_valid)


@pytest.fixture
def open_laboratory():
    """Open laboratories, and close them in the end."""
    opened = []

    def open_laboratory(part, data, **values):
        opened.append(lab.explore(part, data=data))
        own = opened[-1].controls
        # Set without training at once, as the linear part would.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(own, "_moved", lambda: None)
            for key, value in values.items():
                own.widgets[key].value = value
        return opened[-1]

    yield open_laboratory
    for laboratory in opened:
        laboratory.close()
        laboratory.wait()


def long_training(open_laboratory, medium):
    return open_laboratory("linear", medium, epochs=50, batch_size=10)


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def has_begun(laboratory):
    return lambda: "iteration" in laboratory.status


@pytest.mark.parametrize("part", lab.PARTS)
def test_every_control_has_its_effect(open_laboratory, small, part):
    laboratory = open_laboratory(part, small)
    own = laboratory.controls.widgets
    assert set(own) == set(controls.Setup.of_sheet(lab.PARTS[part]).values)
    for key, widget in own.items():
        assert widget.description == controls.LABELS[key]
        assert widget.tooltip == controls.TOOLTIPS[key]
    values = {key: OTHER[key] for key in own}
    laboratory = open_laboratory(part, small, **values)
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    figures = {key: value for key, value in values.items() if key not in controls.TRAINING}
    model = lab.PARTS[part].build(**figures)
    assert run.settings["model"] == lab.describe(model, model.input_shape[1:])
    assert {key: run.settings[key] for key in controls.TRAINING} == {
        key: OTHER[key] for key in controls.TRAINING
    }
    assert run.epochs == 2
    assert laboratory.rows[0].setup.html().count("<b>") == len(own)


@pytest.mark.parametrize("part", lab.PARTS)
def test_it_opens_as_the_sheet_is(part):
    setup = controls.Setup.of_sheet(lab.PARTS[part])
    assert setup.changed == set()
    assert setup.name == part
    assert setup.parameters == lab.PARTS[part].parameters
    assert setup.values["epochs"] == lab.PARTS[part].epochs


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_number_of_parameters_follows(open_laboratory, small, part):
    laboratory = open_laboratory(part, small)
    key = "filters" if part == "cnn" else "hidden_units"
    widget = laboratory.controls.widgets[key]
    for value in [option[1] if part == "cnn" else option for option in widget.options][:5]:
        laboratory = open_laboratory(part, small, **{key: value})
        parameters = lab.PARTS[part].build(**{key: value}).count_params()
        assert f"<b>{parameters:,}</b>" in laboratory.controls.box.children[-1].value


def test_reset(open_laboratory, small):
    laboratory = open_laboratory("mlp", small, **{key: OTHER[key] for key in ("dropout", "seed")})
    assert laboratory.controls.setup.changed == {"dropout", "seed"}
    laboratory.reset_button.click()
    assert laboratory.controls.setup == controls.Setup.of_sheet(lab.PARTS["mlp"])
    assert not laboratory.runs


def test_the_learning_rate_beside_the_slider_is_used(open_laboratory, small):
    laboratory = open_laboratory("mlp", small, learning_rate=10**-2.3)
    assert laboratory.controls.setup.values["learning_rate"] == 0.005


def test_stop_at_random_moments(open_laboratory, medium):
    laboratory = long_training(open_laboratory, medium)
    chance = random.Random(0)
    for _ in range(7):
        laboratory.start_button.click()
        assert laboratory.start_button.disabled
        time.sleep(chance.uniform(0, 0.7))
        laboratory.stop_button.click()
        laboratory.wait()
        assert not laboratory.start_button.disabled
        assert laboratory.stop_button.disabled
    assert laboratory.runs
    for run in laboratory.runs:
        assert run.interrupted
        assert 0 < len(run.batch_loss) < 30_000
        assert np.isfinite(run.batch_loss).all()
    # All began alike, since the seed was the same.
    shortest = min(len(run.batch_loss) for run in laboratory.runs)
    first = laboratory.runs[0].batch_loss[:shortest]
    assert all(np.array_equal(run.batch_loss[:shortest], first) for run in laboratory.runs)


def test_start_stop_start(open_laboratory, medium):
    laboratory = long_training(open_laboratory, medium)
    for _ in range(3):
        laboratory.start()
        laboratory.stop()
    laboratory.start()
    laboratory.start()  # while it runs: nothing happens
    assert "Another training goes on" in laboratory.status
    wait_until(has_begun(laboratory))
    laboratory.stop()
    laboratory.wait()
    assert "Stopped after" in laboratory.status
    assert len(laboratory.runs) >= 1
    assert not laboratory.start_button.disabled


def test_closed_it_leaves_no_widget_behind(open_laboratory, small):
    before = set(widget_module._instances)
    laboratory = open_laboratory("mlp", small, hidden_units=10, epochs=1)
    laboratory.start(wait=True)
    assert len(widget_module._instances) > len(before) + 50
    laboratory.close()
    assert set(widget_module._instances) <= before
    assert len(laboratory.runs) == 1


LOAD = """
import re, sys, threading, time
import mnist_lab as lab
from ipywidgets.widgets import widget as widget_module
part, slider, *values = sys.argv[1:]
whole = lab.load_mnist()
data = lab.Dataset(whole.x_train[:2000], whole.y_train[:2000], whole.x_valid, whole.y_valid)
laboratory = lab.explore(part, data=data)
laboratory.controls._moved = lambda: None  # no training until Start
own = laboratory.controls.widgets
own["hidden_units"].value, own["epochs"].value = 50, 100
for value in values:
    if slider == "open":
        laboratory = lab.explore(part, data=data)
    else:
        own[slider].value = float(value)
    laboratory.start()
    while "iteration" not in laboratory.status:
        time.sleep(0.01)
    laboratory.stop()
    laboratory.wait()
    laboratory.rows[-1].remove_button.click()
    status = open("/proc/self/status").read()
    memory = int(re.search(r"RssAnon:\\s+(\\d+) kB", status)[1]) / 1024
    print(memory, threading.active_count(), len(widget_module._instances))
"""


@pytest.mark.parametrize(
    ("part", "slider"),
    [("linear", "learning_rate"), ("mlp", "seed"), ("linear", "open")],
)
@pytest.mark.gate
def test_ten_starts_and_stops_leave_nothing_behind(part, slider):
    if not os.path.exists("/proc/self/status"):
        pytest.skip("only Linux tells the memory of one process")
    values = [str(number) if slider == "seed" else f"{number / 200}" for number in range(1, 11)]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, part, slider, *values],
        capture_output=True,
        text=True,
        check=True,
    )
    memory, threads, widgets = zip(
        *(line.split() for line in done.stdout.splitlines()), strict=True
    )
    assert set(threads) == {"1"}
    assert len(set(widgets)) == 1
    # After two to warm up; the lowest of three, since it goes up and down by some megabytes.
    first, last = (min(map(float, three)) for three in (memory[2:5], memory[-3:]))
    assert last < 1.05 * first, memory


def test_two_laboratories_train_one_after_the_other(open_laboratory, medium):
    first = long_training(open_laboratory, medium)
    second = open_laboratory("mlp", medium, hidden_units=10, epochs=1)
    first.start()
    second.start()
    assert "Another training goes on" in second.status
    assert not second.start_button.disabled
    first.stop()
    second.start(wait=True)
    assert [run.name for run in second.runs] == ["mlp, hidden units 10, 1 epoch"]


def test_opened_again_the_earlier_one_ends(open_laboratory, medium):
    first = long_training(open_laboratory, medium)
    first.start()
    wait_until(has_begun(first))
    second = open_laboratory("linear", medium, epochs=1)
    second.start(wait=True)
    first.wait()
    assert first.view.comm is None
    assert first.runs[0].interrupted
    assert second.runs[0].epochs == 1


def test_an_exception_is_told(open_laboratory, small, monkeypatch):
    laboratory = open_laboratory("linear", small, epochs=1)

    def fail(*_):
        raise MemoryError("no room for 2 GB")

    with monkeypatch.context() as patch:
        patch.setattr(explorer, "train_epochs", fail)
        laboratory.start()
        laboratory.wait()
    assert laboratory.status == "MemoryError: no room for 2 GB"
    assert not laboratory.start_button.disabled
    laboratory.start(wait=True)
    assert laboratory.status.startswith("Done in")


def test_without_xla_it_is_told_once(open_laboratory, small, capfd, monkeypatch, without_xla):
    monkeypatch.setattr(explorer, "_loops", {})
    laboratory = open_laboratory("mlp", small, epochs=1)
    for units in (10, 20):
        laboratory.controls.widgets["hidden_units"].value = units
        laboratory.start(wait=True)
        assert laboratory.status.startswith("Done in")
        assert laboratory.status.endswith(f"within rounding: {without_xla}") == (units == 10)
    assert capfd.readouterr() == ("", "")


def test_a_batch_larger_than_the_data_is_told(open_laboratory, small):
    laboratory = open_laboratory("linear", small, batch_size=500)
    laboratory.start(wait=True)
    assert laboratory.status.startswith("ValueError: batch size=500")


def test_divergence_is_told(open_laboratory, medium, capsys):
    laboratory = open_laboratory(
        "linear", medium, learning_rate=10, loss="categorical_crossentropy"
    )
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    assert run.diverged
    assert f"from iteration {len(run.batch_loss)} on" in laboratory.status
    assert "Try a smaller learning rate than 10, say 3" in laboratory.status
    assert "diverged" in laboratory.rows[0].box.children[3].value
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("part", ["linear", "dropout"])
def test_the_code_repeats_the_run(open_laboratory, small, part):
    values = {"hidden_units": 20, "epochs": 2, "batch_size": 50, "learning_rate": 0.02, "seed": 3}
    laboratory = open_laboratory(part, small, **values)
    laboratory.start(wait=True)
    laboratory.controls.widgets["learning_rate"].value = 0.01
    if part != "linear":
        laboratory.start()
    laboratory.wait()
    row = laboratory.rows[1]
    row.name.value = "it's <b>mine</b>"
    row.copy_button.click()
    assert laboratory.code.layout.display == ""
    space = {}
    code = laboratory.code.value
    assert "data = ..." in code
    exec(code.replace("...  #", "small #"), {"small": small}, space)
    again = space["run"]
    assert again.name == "it's <b>mine</b>"
    assert np.array_equal(again.batch_loss, row.run.batch_loss)
    assert again.history == row.run.history
    assert not np.array_equal(again.batch_loss, laboratory.runs[0].batch_loss)


def test_the_code_for_mnist_loads_it(open_laboratory, data):
    setup = controls.Setup.of_sheet(lab.PARTS["cnn"])
    assert "lab.load_mnist()" in setup.code("cnn", "lab.load_mnist()")
    assert 'lab.PARTS["cnn"].build()' in setup.code("cnn", "lab.load_mnist()")


def test_rows_can_be_hidden_renamed_and_removed(open_laboratory, small):
    laboratory = open_laboratory("mlp", small, hidden_units=10, epochs=2)
    for seed in range(3):
        laboratory.controls.widgets["seed"].value = seed
        laboratory.start(wait=True)
    all_three = laboratory._picture.image.value
    laboratory.rows[0].hidden.value = True
    assert laboratory._picture.image.value != all_three
    laboratory.rows[0].hidden.value = False
    assert laboratory._picture.image.value == all_three
    laboratory.rows[1].name.value = "the second"
    assert laboratory.runs[1].name == "the second"
    laboratory.rows[0].remove_button.click()
    assert [run.settings["seed"] for run in laboratory.runs] == [1, 2]
    assert len({row.curve.color for row in laboratory.rows}) == 2
    assert repr(laboratory) == "Laboratory of mlp, 2 runs (run this cell to open it)"


def test_the_linear_part_trains_when_a_slider_is_let_go(open_laboratory, medium):
    laboratory = open_laboratory("linear", medium, epochs=2)
    assert not laboratory.controls.widgets["learning_rate"].continuous_update
    for rate in (0.1, 0.2, 0.3):
        laboratory.controls.widgets["learning_rate"].value = rate
    laboratory.wait()
    # Those that were overtaken are not kept, unless they were done.
    assert laboratory.runs[-1].name == "linear, learning rate 0.3, 2 epochs"
    assert laboratory.runs[-1].epochs == 2
    assert not any(run.interrupted for run in laboratory.runs)


def test_time_is_estimated(open_laboratory, small, cache):
    laboratory = open_laboratory("linear", small, epochs=10)
    assert "about" in laboratory.time.value
    laboratory.start(wait=True)
    assert "about" not in laboratory.time.value
    file = estimates.speeds_file()
    setup, run = laboratory.controls.setup, laboratory.runs[0]
    speed = run.seconds / len(run.batch_loss)
    assert estimates._read() == {setup.network: pytest.approx(speed)}
    # One for each kind of network, whatever the learning rate.
    laboratory.controls.widgets["learning_rate"].value = 0.1
    laboratory.wait()
    assert len(estimates._read()) == 1
    for broken in ("{", "[1]", '{"' + setup.network + '": null}'):
        file.write_text(broken)
        assert "about" in estimates.estimate(setup, 330)


def test_a_guess_follows_the_size_of_the_network(data):
    def guess(**values):
        sheet = controls.Setup.of_sheet(lab.PARTS["mlp"])
        return estimates.estimate(controls.Setup(sheet.part, sheet.values | values), 60_000)

    assert "min" in guess()
    assert " min" not in guess(hidden_units=10)


def test_without_a_part_there_is_a_choice(open_laboratory, small):
    laboratory = open_laboratory(None, small)
    assert [key for _, key in laboratory.part_menu.options] == list(lab.PARTS)
    laboratory.part_menu.value = "cnn"
    assert set(laboratory.controls.widgets) >= {"filters"}
    assert repr(laboratory) == "Laboratory of all parts, 0 runs (run this cell to open it)"
    with pytest.raises(ValueError, match="it must be one of linear, mlp, dropout, cnn"):
        lab.explore("rnn")


def test_data_with_other_classes(open_laboratory, small):
    """EMNIST's letters, whose labels are 1 to 26."""
    labels = [1 + np.arange(len(y), dtype=np.uint8) % 26 for y in (small.y_train, small.y_valid)]
    letters = lab.Dataset(small.x_train, labels[0], small.x_valid, labels[1], "letters")
    laboratory = open_laboratory("mlp", letters, hidden_units=10, epochs=1)
    parameters = lab.build_mlp(hidden_units=10, classes=27).count_params()
    assert f"<b>{parameters:,}</b>" in laboratory.controls.box.children[-1].value
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    assert run.val_probabilities.shape == (len(letters.x_valid), 27)
    laboratory.rows[0].copy_button.click()
    assert ".build(hidden_units=10, classes=27)" in laboratory.code.value
    with pytest.raises(ValueError, match=r"labels up to 26, but the model 10 .*classes=27"):
        lab.train(lab.build_linear(), letters, epochs=1)


def test_blocking(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    laboratory = lab.explore("mlp", data=small)
    laboratory.controls.widgets["hidden_units"].value = 10
    laboratory.controls.widgets["epochs"].value = 1
    laboratory.start_button.click()
    assert len(laboratory.runs) == 1
    laboratory.close()


def test_interrupt_ends_a_blocking_training(open_laboratory, medium):
    laboratory = long_training(open_laboratory, medium)

    def interrupt():
        wait_until(has_begun(laboratory))
        os.kill(os.getpid(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    laboratory.start(wait=True)
    other.join()
    assert laboratory.runs[0].interrupted
    assert "Stopped after" in laboratory.status


def test_the_first_point_is_drawn_at_once(open_laboratory, medium, monkeypatch):
    laboratory = open_laboratory("linear", medium, epochs=20, batch_size=10)
    drawn = []
    monkeypatch.setattr(
        laboratory._picture, "draw", lambda _, live=None: live and drawn.append(live.run.seconds)
    )
    laboratory.start(wait=True)
    assert drawn[0] == 0  # the axes, while time does not count yet
    assert next(filter(None, drawn)) < 1


class Clock:
    """Time as a test wants it."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    thread_time = perf_counter


@pytest.mark.parametrize("cost", [0.001, 0.01, 0.1])
def test_drawing_takes_its_share_and_no_more(cost, monkeypatch):
    clock, began = Clock(), []
    monkeypatch.setattr(live, "time", clock)

    def draw():
        began.append(clock.now)
        clock.now += cost * (4 if len(began) in (1, 3) else 1)  # new axes

    with live.Frames(draw, alone=False) as frames:
        began.clear()
        start = clock.now
        while clock.now < start + 30:
            frames.look()
            clock.now += 0.05
    assert began[0] == start
    assert np.diff(began).min() >= 0.25
    assert len(began) * cost <= 0.02 * 30 + cost
    assert len(began) > min(85, 0.012 * 30 / cost)


def test_frames_in_a_thread_of_their_own_end_with_it(monkeypatch):
    monkeypatch.setattr(live, "SECONDS_BETWEEN", 0)
    shown, latest, threads = [], 0, set(threading.enumerate())
    with live.Frames(lambda: shown.append(latest), alone=True) as frames:
        for latest in range(1, 4):
            while shown[-1] != latest:
                frames.look()
        assert set(threading.enumerate()) - threads
    assert set(threading.enumerate()) == threads


def test_an_exception_while_drawing_is_told(open_laboratory, small, monkeypatch):
    laboratory = open_laboratory("linear", small)
    draw = laboratory._picture.draw

    def fail(curves, live=None):
        if live is not None and len(live.run.batch_loss):
            raise RuntimeError("no ink")
        draw(curves, live)

    monkeypatch.setattr(laboratory._picture, "draw", fail)
    laboratory.start()
    laboratory.wait()
    assert "no ink" in laboratory.status


def test_overlays(open_laboratory, small):
    laboratory = open_laboratory("cnn", small)
    seen = {laboratory._picture.image.value}
    for box in laboratory.overlays.values():
        box.value = True
        seen.add(laboratory._picture.image.value)
    assert len(seen) == 3
    printed = live.sheet_curve(lab.PARTS["cnn"]).run.history["val_accuracy"]
    assert len(printed) == 34
    assert printed[-1] == pytest.approx(lab.PARTS["cnn"].sheet_accuracy, abs=0.0006)


@pytest.mark.parametrize("part", lab.PARTS.values())
def test_what_the_sheet_printed_is_whole(part):
    printed = part.sheet_history()
    assert printed["epoch"][-1] == part.epochs
    assert {len(values) for values in printed.values()} == {len(printed["epoch"])}
    assert printed["val_accuracy"][-1] == pytest.approx(part.sheet_accuracy, abs=0.0006)


def test_what_the_network_sees(data):
    record = lab.load_records("linear")[0]
    view = sight.Sight(data)
    assert view.box.layout.display == "none"
    view.show(record)
    wrong = round((1 - record.val_accuracy) * 10_000)
    assert f"mistake 1 of {wrong}" in view.words
    first = view._picture.value
    view.next_button.click()
    assert "mistake 2 of" in view.words
    assert view._picture.value != first
    view.back_button.click()
    view.back_button.click()
    assert f"right, {10_000 - wrong:,} of {10_000 - wrong:,}" in view.words


def test_a_job_that_fails_gives_its_turn_to_the_next():
    done = []
    first = background.Job(lambda job: job.stopped.wait())
    second = background.Job(done.append)
    assert first.claim()
    first.begin(wait=False)
    assert not second.claim()
    first.stop()
    assert second.claim()
    second.begin(wait=True)
    assert done == [second]


NOTEBOOK = (
    "import mnist_lab as lab\n"
    "whole = lab.load_mnist()\n"
    "arrays = whole.x_train[:500], whole.y_train[:500], whole.x_valid[:100], whole.y_valid[:100]\n"
    "data = lab.Dataset(*arrays)",
    'mlp = lab.explore("mlp", data=data)\nmlp',
    'linear = lab.explore("linear", data=data)\nlinear',
    "mlp.controls.widgets['hidden_units'].value = 10\n"
    "mlp.controls.widgets['epochs'].value = 2\n"
    "mlp.start_button.click()\n"
    "mlp.wait()\n"
    "mlp.runs[0].epochs",
    "linear.controls.widgets['learning_rate'].value = 0.1\nlinear.wait()\nlinear",
    "mlp.start(wait=True)\n[run.name for run in mlp.runs]",
)


@pytest.mark.gate
def test_in_a_notebook_twice_the_same(tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in NOTEBOOK]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [cell.outputs[0].data["text/plain"] for cell in notebook.cells[1:]]
    assert shown[:2] == [
        "Laboratory of mlp, 0 runs (run this cell to open it)",
        "Laboratory of linear, 0 runs (run this cell to open it)",
    ]
    assert shown[3] == "Laboratory of linear, 1 run (run this cell to open it)"
    assert "application/vnd.jupyter.widget-view+json" in notebook.cells[1].outputs[0].data
    file = tmp_path / "laboratory.ipynb"
    nbformat.write(notebook, file)
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", file]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout
