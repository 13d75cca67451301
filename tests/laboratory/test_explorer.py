"""The laboratory without a browser: every button and slider, driven from Python."""

import gc
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pytest
from ipywidgets.widgets import widget as widget_module
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from samples import settings

import mnist_lab as lab
from mnist_lab import places
from mnist_lab.laboratory import (
    answering,
    background,
    controls,
    driving,
    estimates,
    insight,
    networks,
    pacing,
    rows,
    through,
    validation,
)
from mnist_lab.progress import duration
from mnist_lab.training import Training

pytestmark = pytest.mark.usefixtures("plainly")
TRAINING = ("epochs", "batch_size", "seed")  # what `train` takes; the builder takes the rest
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
    train, valid = (data.x_train, data.y_train), (data.x_valid, data.y_valid)
    return lab.Dataset(*(a[:6000] for a in train), *(a[:2000] for a in valid))


@pytest.fixture
def open_laboratory():
    """Open laboratories, and close them in the end."""
    opened = []

    def open_laboratory(part, data, **values):
        opened.append(lab.explore(part, data=data))
        # Set without training at once, as the linear part would.
        opened[-1].setup = opened[-1].setup.moved(**values)
        return opened[-1]

    yield open_laboratory
    for laboratory in opened:
        laboratory.close()
        laboratory.wait()


def long_training(open_laboratory, medium):
    return open_laboratory("linear", medium, epochs=50, batch_size=10)


def wait_until(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def has_begun(laboratory):
    return lambda: "iteration " in laboratory.status


def shown(laboratory):
    """All values that a page gets when it opens now."""
    sent = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laboratory.view, "send_values", sent.append)
        laboratory.hear({"ask": "hello", "page": "mine"}, [])
    (whole,) = (values for values in sent if values.get("page") == "mine")
    return whole


@pytest.mark.parametrize("part", lab.PARTS)
def test_every_control_has_its_effect(open_laboratory, small, part):
    laboratory = open_laboratory(part, small)
    whole = shown(laboratory)
    own = [one | other for one, other in zip(whole["choices"], whole["controls"], strict=True)]
    assert [control["key"] for control in own] == list(laboratory.setup.values)
    for control in own:
        slider = laboratory.setup.sliders[control["key"]]
        assert (control["label"], control["tooltip"]) == (slider.label, slider.tooltip)
        assert control["last"] == len(slider.choices) - 1
        if control["key"] == "seed":  # typed in: its 10,000 choices would go over with each move
            assert "choices" not in control
        else:
            assert control["choices"][control["place"]] == control["reads"]
    values = {control["key"]: OTHER[control["key"]] for control in own}
    laboratory = open_laboratory(part, small, **values)
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    figures = {key: value for key, value in values.items() if key not in TRAINING}
    model = lab.PARTS[part].build(**figures)
    assert run.settings.model == lab.describe(model, model.input_shape[1:])
    assert {key: getattr(run.settings, key) for key in TRAINING} == {
        key: OTHER[key] for key in TRAINING
    }
    assert run.epochs == 2
    assert all(changed for _, changed in laboratory.rows[0].setup.words)


@pytest.mark.parametrize("part", lab.PARTS)
def test_it_opens_as_the_sheet_is(part):
    setup = controls.Setup.of_sheet(lab.PARTS[part])
    assert setup.changed == set()
    assert setup.name == part
    assert setup.parameters == lab.PARTS[part].parameters
    assert setup.values["epochs"] == lab.PARTS[part].epochs
    assert all(value in setup.sliders[key].choices for key, value in setup.values.items())


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_number_of_parameters_follows(open_laboratory, small, part):
    laboratory = open_laboratory(part, small)
    laboratory.start = lambda: None
    key = "filters" if part == "cnn" else "hidden_units"
    for place, value in enumerate(laboratory.setup.sliders[key].choices[:5]):
        laboratory.hear({"ask": "move", "key": key, "place": place}, [])
        parameters = lab.PARTS[part].build(**{key: value}).count_params()
        assert shown(laboratory)["parameters"] == parameters


def test_reset(open_laboratory, small):
    laboratory = open_laboratory("mlp", small, **{key: OTHER[key] for key in ("dropout", "seed")})
    assert laboratory.setup.changed == {"dropout", "seed"}
    laboratory.hear({"ask": "reset"}, [])
    assert laboratory.setup == controls.Setup.of_sheet(lab.PARTS["mlp"])
    assert not laboratory.runs


def test_controls_are_set_from_python_within_their_range(open_laboratory, small):
    laboratory = open_laboratory("mlp", small)
    laboratory.set(learning_rate=0.0123, epochs=3)
    whole = shown(laboratory)
    rate = whole["controls"][0]
    assert rate["reads"] == "0.0123"
    assert whole["choices"][0]["choices"][rate["place"]] == "0.013"
    for wrong in ({"epochs": 51}, {"hidden_units": 33}, {"filters": (2, 4)}, {"learning_rate": 20}):
        (key,) = wrong
        with pytest.raises(ValueError, match=key.replace("_", ".")):
            laboratory.set(**wrong)
    assert laboratory.setup.changed == {"learning_rate", "epochs"}


@pytest.mark.gate
def test_stop_at_random_moments(open_laboratory, medium):
    laboratory = long_training(open_laboratory, medium)
    chance = random.Random(0)
    for _ in range(7):
        laboratory.hear({"ask": "start"}, [])
        assert laboratory.view.shown["running"]
        time.sleep(chance.uniform(0, 0.7))
        laboratory.hear({"ask": "stop"}, [])
        laboratory.wait()
        assert not laboratory.view.shown["running"]
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
    assert "Another training is running" in laboratory.status
    wait_until(has_begun(laboratory))
    laboratory.stop()
    laboratory.wait()
    assert "Stopped after" in laboratory.status
    assert len(laboratory.runs) >= 1
    assert not laboratory.view.shown["running"]


def test_closed_it_leaves_no_widget_behind(open_laboratory, small):
    before = set(widget_module._instances)
    laboratory = open_laboratory("mlp", small, hidden_units=10, epochs=1)
    laboratory.start(wait=True)
    assert len(widget_module._instances) > len(before)
    laboratory.close()
    assert set(widget_module._instances) <= before
    assert len(laboratory.runs) == 1


def test_closed_it_is_let_go(small):
    laboratory = lab.explore("mlp", data=small)
    laboratory.setup = laboratory.setup.moved(hidden_units=10, epochs=1)
    laboratory.start(wait=True)
    laboratory.close()
    watched = weakref.ref(laboratory)
    del laboratory
    gc.collect()
    assert watched() is None


def test_a_page_begins_with_what_came_with_the_output(open_laboratory, small):
    """While a cell runs, no question of a page is answered."""
    laboratory = open_laboratory("mlp", small, hidden_units=10, epochs=1)
    before = laboratory.view.opening["values"]  # what a page in somebody's own layout begins with
    assert [control["key"] for control in before["controls"]] == list(laboratory.setup.values)
    laboratory.start(wait=True)
    laboratory._repr_mimebundle_()
    opening, buffers = laboratory.view.opening["values"], laboratory.view.opening["buffers"]
    asked = shown(laboratory)
    assert opening.keys() == asked.keys() - {"page"}
    assert opening["controls"] == asked["controls"]
    loss = buffers[opening["curves"][0]["loss"]["buffer"]]
    assert np.array_equal(np.frombuffer(loss, np.float32), laboratory.runs[0].batch_loss)


LOAD = """
import json, re, sys, threading, time
import mnist_lab as lab
from ipywidgets.widgets import widget as widget_module
part, slider, *values = sys.argv[1:]
whole = lab.load_mnist()
data = lab.Dataset(whole.x_train[:2000], whole.y_train[:2000], whole.x_valid, whole.y_valid)
laboratory = lab.explore(part, data=data)
laboratory.setup = laboratory.setup.moved(hidden_units=50, epochs=50)
for value in values:
    if slider == "learning_rate":
        laboratory = lab.explore(part, data=data)  # as a cell that is run again
    laboratory.setup = laboratory.setup.moved(**{slider: json.loads(value)})
    laboratory.start()
    while "iteration" not in laboratory.status:
        time.sleep(0.01)
    laboratory.stop()
    laboratory.wait()
    laboratory.hear({"ask": "remove", "row": laboratory.rows[-1].number}, [])
    status = open("/proc/self/status").read()
    memory = int(re.search(r"RssAnon:\\s+(\\d+) kB", status)[1]) / 1024
    print(memory, threading.active_count(), len(widget_module._instances))
"""


@pytest.mark.parametrize(
    ("part", "slider"),
    [("linear", "learning_rate"), ("mlp", "seed")],
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
    assert "Another training is running" in second.status
    assert not second.view.shown["running"]
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


def test_an_exception_is_shown(open_laboratory, small, monkeypatch, caplog):
    laboratory = open_laboratory("linear", small, epochs=1)

    def fail(*_):
        raise MemoryError("no room for 2 GB")

    with monkeypatch.context() as patch:
        patch.setattr(Training, "train", fail)
        laboratory.start()
        laboratory.wait()
    assert laboratory.status == "MemoryError: no room for 2 GB"
    assert "in fail" in caplog.text  # its traceback, for a report
    assert not laboratory.view.shown["running"]
    laboratory.start(wait=True)
    assert laboratory.status.startswith("Done in")


@pytest.mark.parametrize("without_xla", ["ValueError"], indirect=True)
def test_without_xla_it_says_so_once(open_laboratory, small, capfd, monkeypatch, without_xla):
    monkeypatch.setattr(driving, "_loops", {})
    laboratory = open_laboratory("mlp", small, epochs=1)
    for units in (10, 20):
        laboratory.set(hidden_units=units)
        laboratory.start(wait=True)
        assert laboratory.status.startswith("Done in")
        assert laboratory.status.endswith(f"within rounding: {without_xla}") == (units == 10)
    assert capfd.readouterr() == ("", "")


def test_a_batch_larger_than_the_data_is_refused(open_laboratory, small):
    laboratory = open_laboratory("linear", small, batch_size=500)
    laboratory.start(wait=True)
    assert laboratory.status.startswith("batch size=500")


def test_divergence_is_shown(open_laboratory, medium, capsys):
    laboratory = open_laboratory(
        "linear", medium, learning_rate=10, loss="categorical_crossentropy"
    )
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    assert run.diverged
    assert f"from iteration {len(run.batch_loss)} on" in laboratory.status
    assert "Try a smaller learning rate than 10, say 3" in laboratory.status
    assert laboratory.rows[0].values()["accuracy"] == "diverged"
    assert shown(laboratory)["curves"][0]["diverged"]
    assert not run.weights
    assert capsys.readouterr() == ("", "")


def code_of(laboratory, row):
    sent = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laboratory.view, "send_values", sent.append)
        laboratory.hear({"ask": "code", "row": row.number}, [])
    return sent[0]["code"]["text"]


@pytest.mark.parametrize("part", ["linear", "dropout"])
def test_the_code_repeats_the_run(open_laboratory, small, part):
    values = {"hidden_units": 20, "epochs": 2, "batch_size": 50, "learning_rate": 0.02, "seed": 3}
    laboratory = open_laboratory(part, small, **values)
    laboratory.start(wait=True)
    laboratory.set(learning_rate=0.01)
    if part != "linear":
        laboratory.start()
    laboratory.wait()
    row = laboratory.rows[1]
    laboratory.hear({"ask": "rename", "row": row.number, "name": "it's <b>mine</b>"}, [])
    code = code_of(laboratory, row)
    space = {}
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
        laboratory.set(seed=seed)
        laboratory.start(wait=True)
    laboratory.hear({"ask": "hide", "row": 0, "hidden": True}, [])
    laboratory.hear({"ask": "rename", "row": 1, "name": "the second"}, [])
    table = shown(laboratory)["rows"]
    assert [row["hidden"] for row in table] == [True, False, False]
    assert [row["name"] for row in table][1:] == [
        laboratory.runs[1].name,
        "mlp, hidden units 10, 2 epochs",
    ]
    assert laboratory.runs[1].name == "the second"
    laboratory.hear({"ask": "remove", "row": 0}, [])
    assert [run.settings.seed for run in laboratory.runs] == [1, 2]
    # The styles of the others stay.
    assert [curve["id"] for curve in shown(laboratory)["curves"]] == [1, 2]
    assert repr(laboratory) == "Laboratory of mlp, 2 runs (run this cell to open it)"


def test_the_linear_part_trains_when_a_slider_is_let_go(open_laboratory, medium):
    laboratory = open_laboratory("linear", medium, epochs=2)
    for rate in (0.1, 0.2, 0.3):
        laboratory.set(learning_rate=rate)
    laboratory.wait()
    # Those that were overtaken are not kept, unless they were done.
    assert laboratory.runs[-1].name == "linear, learning rate 0.3, 2 epochs"
    assert laboratory.runs[-1].epochs == 2
    assert not any(run.interrupted for run in laboratory.runs)


def test_time_is_estimated(open_laboratory, small, cache):
    laboratory = open_laboratory("linear", small, epochs=10)
    laboratory.choose_part("linear")
    assert "about" in laboratory.view.shown["estimate"]
    laboratory.set(epochs=10)
    laboratory.wait()
    assert "about" not in laboratory.view.shown["estimate"]
    file = estimates.speeds_file()
    setup, run = laboratory.setup, laboratory.runs[0]
    speed = run.seconds / len(run.batch_loss)
    assert estimates._read() == {setup.network: pytest.approx(speed)}
    # One for each kind of network, whatever the learning rate.
    laboratory.set(learning_rate=0.1)
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


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_sheet_s_network_is_guessed_to_take_what_its_record_took(part):
    record = lab.load_records(part)[0]
    seconds = record.seconds / record.epochs * lab.PARTS[part].epochs
    guessed = estimates.estimate(controls.Setup.of_sheet(lab.PARTS[part]), 60_000)
    assert guessed == f"about {duration(seconds)} (a guess)"


def test_without_records_the_laboratory_works(open_laboratory, small, tmp_path, relocate):
    relocate(records=tmp_path)
    laboratory = open_laboratory("mlp", small, hidden_units=10, epochs=1)
    assert shown(laboratory)["estimate"] == ""
    laboratory.hear({"ask": "overlay", "kind": "the recorded run", "shown": True}, [])
    assert "holds no recorded run of 'mlp'" in laboratory.status
    assert shown(laboratory)["curves"] == []
    laboratory.start(wait=True)
    laboratory.hear({"ask": "digit"}, [small.x_valid[0].tobytes()])
    (answer,) = shown(laboratory)["answers"]
    assert answer["name"] == laboratory.runs[0].name


def test_without_a_part_there_is_a_choice(open_laboratory, small):
    laboratory = open_laboratory(None, small)
    assert [key for key, _ in shown(laboratory)["parts"]] == list(lab.PARTS)
    laboratory.hear({"ask": "part", "part": "cnn"}, [])
    assert "filters" in [control["key"] for control in shown(laboratory)["controls"]]
    assert repr(laboratory) == "Laboratory of all parts, 0 runs (run this cell to open it)"
    with pytest.raises(ValueError, match="it must be one of linear, mlp, dropout, cnn"):
        lab.explore("rnn")


def test_data_with_other_classes(open_laboratory, small):
    """EMNIST's letters, whose labels are 1 to 26."""
    labels = [1 + np.arange(len(y), dtype=np.uint8) % 26 for y in (small.y_train, small.y_valid)]
    letters = lab.Dataset(small.x_train, labels[0], small.x_valid, labels[1], "letters")
    laboratory = open_laboratory("mlp", letters, hidden_units=10, epochs=1)
    parameters = lab.build_mlp(hidden_units=10, classes=27).count_params()
    assert laboratory.setup.parameters == parameters
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    assert run.val_probabilities.shape == (len(letters.x_valid), 27)
    assert ".build(hidden_units=10, classes=27)" in code_of(laboratory, laboratory.rows[0])
    assert shown(laboratory)["confusion"]["counts"].shape == (27, 27)
    laboratory.hear({"ask": "digit"}, [bytes(784)])
    (answer,) = shown(laboratory)["answers"]  # MNIST's networks know other classes
    assert answer["probabilities"].shape == (27,)
    with pytest.raises(ValueError, match=r"labels up to 26, but the model has 10 .*classes=27"):
        lab.train(lab.build_linear(), letters, epochs=1)


def test_blocking(small, monkeypatch):
    output = SimpleNamespace(enable_custom_widget_manager=lambda: None)
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    laboratory = lab.explore("mlp", data=small)
    laboratory.set(hidden_units=10, epochs=1)
    laboratory.hear({"ask": "start"}, [])
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


@pytest.fixture
def listen(monkeypatch):
    """Record all messages that a laboratory sends to its pages."""

    def listen(laboratory):
        sent, send = [], laboratory.view.send_values
        monkeypatch.setattr(
            laboratory.view, "send_values", lambda values: sent.append(values) or send(values)
        )
        return sent

    return listen


@pytest.mark.parametrize("part", lab.PARTS)
def test_a_slider_s_move_sends_its_value_and_no_choices(open_laboratory, small, part, listen):
    laboratory = open_laboratory(part, small)
    laboratory.start = lambda: None
    sent = listen(laboratory)
    laboratory.hear({"ask": "move", "key": "seed", "place": 7}, [])
    assert len(json.dumps(sent)) < 2000
    assert sent[0]["controls"][-1] == {"key": "seed", "place": 7, "reads": "7"}


EXPECTED = {"val_accuracy": [0.5, 0.75, 1.0], "val_loss": [0.5]}


def test_what_is_expected_is_kept_with_the_next_run(open_laboratory, small):
    laboratory = open_laboratory("mlp", small, hidden_units=10, epochs=2)
    laboratory.hear({"ask": "expect", "expected": EXPECTED}, [])
    assert shown(laboratory)["expected"] == EXPECTED
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    assert run.expected == EXPECTED
    # Compared where there are both.
    came = run.history["val_accuracy"]
    far = (abs(came[0] - 0.5) + abs(came[1] - 0.75)) / 2
    assert run.surprise["val_accuracy"] == pytest.approx(far)
    assert run.surprise["val_loss"] == pytest.approx(abs(run.history["val_loss"][0] - 0.5))
    whole = shown(laboratory)
    assert whole["expected"] == {}
    assert whole["curves"][0]["expected"] == EXPECTED
    words = whole["rows"][0]["surprise"]
    assert words.startswith(
        f"Off on average: your accuracy by {100 * far:.1f} points, your loss by"
    )
    assert code_of(laboratory, laboratory.rows[0]).endswith(f"run.expected = {EXPECTED}\n")
    # The next run has another, or none.
    laboratory.start(wait=True)
    assert laboratory.runs[1].expected == {}
    assert shown(laboratory)["rows"][1]["surprise"] == ""
    assert "expected" not in code_of(laboratory, laboratory.rows[1])


def test_of_a_run_without_a_whole_epoch_nothing_is_compared():
    run = lab.Run("mlp", settings())
    run.expected = EXPECTED
    assert run.surprise == {}
    assert rows.surprise(run) == ""


def test_each_batch_goes_over_once_and_the_first_at_once(open_laboratory, medium, listen):
    laboratory = open_laboratory("linear", medium, epochs=20, batch_size=10)
    sent = listen(laboratory)
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    pieces = [curve for values in sent for curve in values.get("curves", ()) if curve["id"] == 0]
    assert np.array_equal(np.concatenate([piece["loss"] for piece in pieces]), run.batch_loss)
    assert [piece["first"] for piece in pieces][:2] == [0, 0]
    assert len(pieces[1]["loss"]) < 50
    whole = np.array(list(run.history.values()), np.float32)
    assert np.array_equal(pieces[-1]["history"], whole)


def test_a_page_opened_in_the_middle_gets_everything(open_laboratory, medium):
    laboratory = long_training(open_laboratory, medium)
    laboratory.start()
    wait_until(has_begun(laboratory))
    whole = shown(laboratory)
    assert whole["running"]
    assert whole["live"] == whole["curves"][0]["id"] == 0
    assert whole["curves"][0]["first"] == 0
    assert len(whole["curves"][0]["loss"]) > 0
    laboratory.stop()
    laboratory.wait()
    assert shown(laboratory)["live"] is None


@pytest.mark.parametrize(
    ("part", "values", "shape"),
    [
        ("linear", {}, (10, 784)),
        ("mlp", {"hidden_units": 20}, (16, 784)),
        ("mlp", {"hidden_units": 10}, (10, 784)),
        ("cnn", {"filters": (4, 8)}, (4, 25)),
    ],
)
def test_weights_are_seen_while_it_learns(open_laboratory, medium, listen, part, values, shape):
    laboratory = open_laboratory(part, medium, epochs=2, **values)
    laboratory.hear({"ask": "look", "index": 7}, [])
    laboratory.hear({"ask": "digit"}, [medium.x_valid[7].tobytes()])
    sent = listen(laboratory)
    laboratory.start(wait=True)
    (run,) = laboratory.runs
    weights = [values["weights"] for values in sent if "weights" in values]
    assert {each["images"].shape for each in weights} == {shape}
    assert all(len(each["numbers"]) == shape[0] for each in weights)
    assert not np.array_equal(weights[0]["images"], weights[-1]["images"])
    first = run.weights[0]
    last = {
        "linear": lambda: (first @ run.weights[2]).T,
        "mlp": lambda: first[:, weights[-1]["numbers"]].T,
        "cnn": lambda: first.reshape(25, -1).T,
    }[part]()
    assert np.allclose(weights[-1]["images"], last, atol=1e-5)
    live = [values["said"] for values in sent if values.get("training")]
    assert {each["index"] for each in live} == {7}
    said = live[-1]["probabilities"]
    assert np.allclose(said, run.val_probabilities[7], atol=0.002)
    drawn = [values["training"] for values in sent if values.get("training")][-1]
    assert np.allclose(drawn["probabilities"], said, atol=1e-6)
    counts = [values["confusion"]["counts"] for values in sent if "confusion" in values]
    assert len(counts) >= 2
    assert np.trace(counts[-1]) == round(run.val_accuracy * len(medium.x_valid))


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves: its first number."""
    now = [0.0]
    monkeypatch.setattr(pacing, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return now


def glimpses_of(data, wish):
    """Glimpses of a network in training, which a page wants to see through or not."""
    digits = validation.Digits(data)
    looking = through.Through(lambda _: None, digits, dict)
    looking.training = True
    looking.want(wish)
    return insight.Glimpses(lab.build_linear(), digits, looking), looking


def taking(clock, cost):
    """A stand-in for what takes so long, and the list of when it was done."""
    done = []

    def do(*_):
        done.append(clock[0])
        clock[0] += cost
        return {}

    return do, done


@pytest.mark.parametrize("wish", [None, {}])
@pytest.mark.parametrize("cost", [0.0002, 0.002, 0.02])
def test_looking_at_a_network_takes_its_share_and_no_more(data, monkeypatch, clock, wish, cost):
    glimpses, looking = glimpses_of(data, wish)
    looking.asked = False
    see, seen = taking(clock, cost)
    live, looked = taking(clock, cost)
    monkeypatch.setattr(glimpses, "_seen", see)
    monkeypatch.setattr(looking, "live", live)
    run = lab.Run("linear", settings(model={"hidden layer 1: activation": "linear"}))
    chunks = 0
    while clock[0] < 60:
        if glimpses.due:
            glimpses.look(run)
        chunks += 1
        clock[0] += 0.15 + (0.5 if chunks % 20 == 0 else 0)  # now and then a validation
    assert seen[0] <= cost
    apart = max(0.17, cost / (0.004 if wish is None else 0.0005))
    assert 0.9 * 60 / apart - 1 < len(seen) <= (60 + pacing.LATE) / apart + 1
    # Though it is let look between chunks only, all layers are shown five times a second.
    assert wish is None or 5 * 60 <= len(looked) < 5.2 * 60
    glimpses.look(run, last=True)
    assert seen[-1] > 60


def test_who_looks_inside_and_draws_another_digit_does_not_wait_for_it(data, monkeypatch, clock):
    glimpses, looking = glimpses_of(data, {})
    looked = []

    def live(*_):
        looking.asked = False
        looked.append(clock[0])
        return {}

    monkeypatch.setattr(glimpses, "_seen", lambda *_: {})
    monkeypatch.setattr(looking, "live", live)
    run = lab.Run("linear", settings(model={"hidden layer 1: activation": "linear"}))
    glimpses.look(run)
    assert not glimpses.due  # it is too early for another look
    looking.show()
    assert glimpses.due
    glimpses.look(run)
    assert len(looked) == 2


def test_an_exception_in_a_glimpse_is_shown(open_laboratory, small, monkeypatch):
    laboratory = open_laboratory("linear", small)

    def fail(*_):
        raise RuntimeError("no light")

    monkeypatch.setattr(insight.Glimpses, "look", fail)
    laboratory.start()
    laboratory.wait()
    assert laboratory.status == "RuntimeError: no light"


def test_overlays(open_laboratory, small):
    laboratory = open_laboratory("cnn", small)
    for kind in rows.OVERLAYS:
        laboratory.hear({"ask": "overlay", "kind": kind, "shown": True}, [])
    sheet, record = shown(laboratory)["curves"]
    assert len(record["loss"]) == 20_400
    finals = [run.val_accuracy for run in lab.load_records("cnn")]
    lowest, highest = record["band"]["val_accuracy"]
    assert [lowest[-1], highest[-1]] == pytest.approx([min(finals), max(finals)])
    printed = sheet["history"][3]
    assert len(printed) == 34
    assert np.isnan(printed[:2]).all()
    assert printed[-1] == pytest.approx(lab.PARTS["cnn"].sheet_accuracy, abs=0.0006)
    laboratory.hear({"ask": "overlay", "kind": rows.OVERLAYS[0], "shown": False}, [])
    assert [curve["id"] for curve in shown(laboratory)["curves"]] == [rows.OVERLAYS[1]]


@pytest.mark.parametrize("part", lab.PARTS.values())
def test_what_the_sheet_printed_is_whole(part):
    printed = part.sheet_history()
    assert printed["epoch"][-1] == part.epochs
    assert {len(values) for values in printed.values()} == {len(printed["epoch"])}
    assert printed["val_accuracy"][-1] == pytest.approx(part.sheet_accuracy, abs=0.0006)


def test_what_the_network_sees(data):
    record = lab.load_records("linear")[0]
    digits = validation.Digits(data)
    assert "said" not in digits.sight()
    wrong = round((1 - record.val_accuracy) * 10_000)
    sight = digits.see(record)["sight"]
    assert sight["words"] == f"mistake 1 of {wrong:,}"
    assert sight["sure"] == sorted(sight["sure"], reverse=True)
    assert np.array_equal(sight["pixels"][0].reshape(28, 28), data.x_valid[sight["index"]])
    assert digits.go_on(1)["sight"]["words"] == f"mistake 2 of {wrong:,}"
    digits.go_on(-1)
    last = digits.go_on(-1)["sight"]["words"]
    assert last == f"one that is right, {10_000 - wrong:,} of {10_000 - wrong:,}"
    # A digit of one's choice stays, whatever is trained next.
    index = digits.index
    digits.see(lab.load_records("cnn")[0])
    assert digits.index == index


def test_the_digits_behind_a_field_of_the_matrix(data):
    record = lab.load_records("linear")[0]
    digits = validation.Digits(data)
    counts = digits.confusion(record)["confusion"]["counts"]
    assert counts.sum() == 10_000
    behind = digits.behind(4, 9)["behind"]
    assert behind["count"] == counts[4, 9]
    assert set(behind["labels"]) == {4}
    assert set(behind["saids"]) == {9}
    assert behind["sure"] == sorted(behind["sure"], reverse=True)


def test_prepared_data_look_and_are_asked_like_stored_ones(open_laboratory, small):
    flat = [x.reshape(-1, 784).astype(np.float32) / 255 for x in (small.x_train, small.x_valid)]
    prepared = lab.Dataset(flat[0], small.y_train, flat[1], small.y_valid)
    digits = validation.Digits(prepared)
    assert np.array_equal(digits.pixels, small.x_valid.reshape(-1, 784))
    assert np.allclose(validation.scaled(digits.pixels, digits.white), flat[1], atol=1e-6)


@pytest.mark.parametrize("key", ["linear", "mlp_small", "dropout_small", "cnn"])
def test_the_networks_on_file_say_what_their_records_say(data, key):
    record = lab.load_records(key)[0]
    network = answering.recorded_networks(places.here.records)[answering.RECORDED[key][0]]
    said = network.answer(data.x_valid[:500].reshape(-1, 784).astype(np.float32) / 255)
    assert np.allclose(said, record.val_probabilities[:500], atol=0.001)


def test_records_elsewhere_are_found_without_a_restart(tmp_path, relocate):
    answering.recorded_networks(places.here.records)
    rows.overlay("the recorded run", "linear")
    relocate(records=tmp_path)
    assert answering.recorded_networks(places.here.records) == {}
    with pytest.raises(lab.DataError, match="holds no recorded run"):
        rows.overlay("the recorded run", "linear")


def test_asking_a_network_keeps_no_processor_busy_afterwards(data):
    images = data.x_valid[:2].reshape(2, 784).astype(np.float32) / 255
    network = networks.Network("mlp", lab.build_mlp(hidden_units=500).get_weights(), False)
    network.probabilities(images)
    time.sleep(0.5)
    began = time.process_time()
    network.probabilities(images)
    time.sleep(0.5)
    assert time.process_time() - began < 0.06  # OpenBLAS' second thread would go on for 0.14 s


def test_all_networks_say_what_a_drawn_digit_is(open_laboratory, data):
    piece = lab.Dataset(
        data.x_train[:2000], data.y_train[:2000], data.x_valid[:100], data.y_valid[:100], "MNIST"
    )
    laboratory = open_laboratory("linear", piece, epochs=2)
    other = open_laboratory("mlp", piece, epochs=1, hidden_units=10)
    laboratory.start(wait=True)
    other.start(wait=True)
    laboratory.hear({"ask": "digit"}, [data.x_valid[0].tobytes()])
    assert np.array_equal(laboratory.digit, data.x_valid[0])
    answers = {each["name"]: each["probabilities"] for each in shown(laboratory)["answers"]}
    on_file = {name: said for name, said in answers.items() if name.endswith("on file")}
    assert len(on_file) == 4
    assert {int(said.argmax()) for said in on_file.values()} == {7}
    assert set(answers) - set(on_file) == {"linear, 2 epochs", "mlp, hidden units 10, 1 epoch"}
    said = laboratory.runs[0].val_probabilities[0]
    assert np.allclose(answers["linear, 2 epochs"], said, atol=0.002)
    # Those of cells, too, whatever they are built of and given, as long as there are any.
    x_train, x_valid = (images.reshape(-1, 784) / 255 for images in (piece.x_train, piece.x_valid))
    prepared = lab.Dataset(x_train, piece.y_train, x_valid, piece.y_valid)
    model = keras.Sequential([keras.layers.Dense(20, "tanh"), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    run = lab.train(model, prepared, epochs=1, name="tanh", progress=False)
    laboratory.hear({"ask": "digit"}, [data.x_valid[0].tobytes()])
    answers = {each["name"]: each["probabilities"] for each in shown(laboratory)["answers"]}
    assert np.allclose(answers["tanh, from a cell"], run.val_probabilities[0], atol=0.002)
    del model
    gc.collect()
    laboratory.hear({"ask": "rename", "row": 0, "name": "mine"}, [])
    assert "tanh, from a cell" not in [each["name"] for each in shown(laboratory)["answers"]]
    assert "mine" in [each["name"] for each in shown(laboratory)["answers"]]
    laboratory.hear({"ask": "remove", "row": 0}, [])
    assert len(shown(laboratory)["answers"]) == 5


def test_a_task_that_fails_gives_its_turn_to_the_next():
    done = []
    first = background.Task(lambda task: task.stopped.wait())
    second = background.Task(done.append)
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
    "mlp.set(hidden_units=10, epochs=2)\nmlp.start()\nmlp.wait()\nmlp.runs[0].epochs",
    "linear.set(learning_rate=0.1)\nlinear.wait()\nlinear",
    "mlp.start(wait=True)\n[run.name for run in mlp.runs]",
)


@pytest.mark.gate
def test_in_a_notebook():
    cells = [nbformat.v4.new_code_cell(source) for source in NOTEBOOK]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [cell.outputs[0].data["text/plain"] for cell in notebook.cells[1:]]
    assert shown == [
        "Laboratory of mlp, 0 runs (run this cell to open it)",
        "Laboratory of linear, 0 runs (run this cell to open it)",
        "2",
        "Laboratory of linear, 1 run (run this cell to open it)",
        str(2 * ["mlp, hidden units 10, 2 epochs"]),
    ]
    assert all(len(cell.outputs) == 1 for cell in notebook.cells[1:])
    assert "application/vnd.jupyter.widget-view+json" in notebook.cells[1].outputs[0].data


IN_A_KERNEL = """import time
import mnist_lab as lab
mlp = lab.explore("mlp")
mlp.set(epochs=50)
mlp.start()
while "iteration" not in mlp.status: time.sleep(0.05)"""


@pytest.mark.gate
def test_a_page_that_opens_during_a_training_is_answered():
    """JupyterLab asks for a page's widgets in a subshell of the kernel, and then deletes that."""
    manager, client = start_new_kernel()

    def ask(channel, kind, content=None, subshell=None):
        message = client.session.msg(kind, content)
        message["header"]["subshell_id"] = subshell
        channel.send(message)
        while True:
            reply = channel.get_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply["content"]

    def next_message():
        """The next message of the laboratory to its pages."""
        while True:
            message = client.iopub_channel.get_msg(timeout=60)
            if message["msg_type"] == "comm_msg":
                return message["content"]

    try:
        assert client.execute_interactive(IN_A_KERNEL, timeout=120)["content"]["status"] == "ok"
        control = client.control_channel
        subshell = ask(control, "create_subshell_request")["subshell_id"]
        ask(client.shell_channel, "kernel_info_request", subshell=subshell)
        while client.iopub_channel.msg_ready():
            client.iopub_channel.get_msg()
        laboratory = next_message()["comm_id"]
        ask(control, "delete_subshell_request", {"subshell_id": subshell})
        hello = {"method": "custom", "content": {"ask": "hello", "page": "new"}}
        message = client.session.msg("comm_msg", {"comm_id": laboratory, "data": hello})
        client.shell_channel.send(message)
        answers = (next_message()["data"].get("content", {}) for _ in range(100))
        assert any(answer.get("page") == "new" for answer in answers)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
