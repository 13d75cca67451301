"""Seeing through a network, without a browser: what is sent, when, and of which network."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import mnist_lab as lab
from mnist_lab.laboratory import answering, networks, through, validation

pytestmark = pytest.mark.usefixtures("plainly")


@pytest.fixture
def laboratory(data, monkeypatch, tmp_path):
    """A laboratory of some of MNIST, and the list of what it sends of networks seen through."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    train, valid = (data.x_train, data.y_train), (data.x_valid, data.y_valid)
    arrays = *(a[:3000] for a in train), *(a[:200] for a in valid)
    laboratory = lab.explore("cnn", data=lab.Dataset(*arrays, name="MNIST"))
    sent, send = [], laboratory.view.send

    def note(content, buffers):
        if "through" in content:
            sent.append((content["through"], buffers))
        send(content, buffers)

    monkeypatch.setattr(laboratory.view, "send", note)
    laboratory.sent = sent
    yield laboratory
    laboratory.close()
    laboratory.wait()


def wish(laboratory, **wishes):
    """Ask as a page does; return the last that was sent, and its arrays' bytes."""
    laboratory.hear(json.loads(json.dumps({"ask": "through", "wish": wishes})), [])
    return laboratory.sent[-1]


def array(about, buffers, dtype=np.float32):
    return np.frombuffer(buffers[about["buffer"]], dtype).reshape(about["shape"])


def train_in_a_cell(data, *stack, shape=(28, 28), name="mine"):
    model = keras.Sequential([keras.Input(shape), *stack, layers.Dense(10, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    lab.train(model, data, epochs=1, name=name, progress=False)
    return model


def test_nothing_is_sent_before_anybody_looks_and_after(laboratory, data):
    laboratory.hear({"ask": "digit"}, [data.x_valid[0].tobytes()])
    assert not laboratory.sent
    wish(laboratory)
    laboratory.hear({"ask": "look", "index": 3}, [])
    assert len(laboratory.sent) == 2
    laboratory.hear({"ask": "through", "wish": None}, [])
    laboratory.hear({"ask": "look", "index": 4}, [])
    assert len(laboratory.sent) == 2


def test_the_newest_network_is_seen_while_it_trains_and_afterwards(laboratory, monkeypatch):
    monkeypatch.setattr(answering, "trained", {})  # other tests have networks, too
    laboratory.setup = laboratory.setup.moved(filters=(4, 8), epochs=2)
    shown, _ = wish(laboratory)
    assert shown["network"] == "CNN, on file"
    laboratory.start(wait=True)
    names = [shown["network"] for shown, _ in laboratory.sent]
    name = laboratory.runs[0].name
    assert names[1] == f"{name} (training)"
    assert names[-1] == name
    shown, buffers = laboratory.sent[-1]
    said = array(shown["probabilities"], buffers)
    index = shown["index"]
    assert np.allclose(said, laboratory.runs[0].val_probabilities[index], atol=0.002)
    maps = array(shown["layers"][0]["values"], buffers, np.int8)
    assert maps.shape == (4, 28, 28)
    assert np.abs(maps).max() == 127
    assert sum(map(len, buffers)) < 40_000


@pytest.mark.parametrize("drawn", [True, False])
def test_of_a_network_in_training_the_digit_that_is_wanted_is_shown(laboratory, data, drawn):
    laboratory.setup = laboratory.setup.moved(filters=(4, 8), epochs=1)
    laboratory.hear({"ask": "look", "index": 3}, [])
    laboratory.hear({"ask": "digit"}, [data.x_valid[7].tobytes()])
    wish(laboratory, drawn=drawn)
    laboratory.start(wait=True)
    live = [each for each in laboratory.sent if each[0]["network"].endswith("(training)")]
    shown, buffers = live[-1]
    assert (shown["drawn"], shown["label"]) == ((True, None) if drawn else (False, 0))
    assert np.array_equal(
        array(shown["digit"], buffers, np.uint8), data.x_valid[[3, 7][drawn]].ravel()
    )
    said = laboratory.runs[0].val_probabilities[[3, 7][drawn]]
    assert np.allclose(array(shown["probabilities"], buffers), said, atol=0.002)


def test_the_drawn_digit_the_selected_one_and_a_value(laboratory, data):
    laboratory.hear({"ask": "look", "index": 7}, [])
    shown, _ = wish(laboratory, network="linear, on file")
    assert (shown["drawn"], shown["label"]) == (False, 9)  # nothing is drawn yet
    laboratory.hear({"ask": "digit"}, [data.x_valid[0].tobytes()])
    shown, buffers = wish(laboratory, network="linear, on file", at=[0, [3]])
    assert (shown["drawn"], shown["label"]) == (True, None)
    assert array(shown["probabilities"], buffers).argmax() == 7
    record = lab.load_records("linear")[0]
    value = data.x_valid[0].reshape(784) / 255 @ record.weights[0][:, 3] + record.weights[1][3]
    assert shown["sum"]["before"] == pytest.approx(value, abs=1e-4)
    assert shown["sum"]["value"] == pytest.approx(value, abs=1e-4)
    # A place that another network does not have, and a layer that it does not have.
    for at in ([0, [3000]], [0, [1, 2, 3]], [99, [0]]):
        assert wish(laboratory, network="linear, on file", at=at)[0]["sum"] is None


def test_networks_of_cells_as_they_take_images(laboratory, data):
    of = laboratory._data
    whole = train_in_a_cell(of, layers.Rescaling(1 / 255), layers.Flatten(), name="scaling")
    shown, buffers = wish(laboratory, network="scaling, from a cell", drawn=False)
    expected = whole(data.x_valid[:1].astype(np.float32))[0]
    assert np.allclose(array(shown["probabilities"], buffers), expected, atol=1e-5)
    laboratory.hear({"ask": "digit"}, [data.x_valid[0].tobytes()])
    said = {each["name"]: each["probabilities"] for each in laboratory.view.shown["answers"]}
    assert np.allclose(said["scaling, from a cell"], expected, atol=1e-5)
    parts = layers.Flatten(), layers.Dense(30, "relu"), layers.Dropout(0.5)
    dropping = train_in_a_cell(of, *parts, name="dropping")
    shown, _ = wish(laboratory, network="dropping, from a cell")
    assert shown["dropout"]
    kinds = [(each["kind"], each["why"]) for each in shown["layers"]]
    assert kinds[0] == ("Flatten", "the same values in another order")
    assert kinds[2] == ("Dropout", "passes everything on, except in training")
    shown, _ = wish(laboratory, network="dropping, from a cell", masks=True)
    assert shown["layers"][2]["dropped"].endswith("% dropped")
    dropping.set_weights([np.full_like(each, np.nan) for each in dropping.get_weights()])
    wish(laboratory)  # opened anew, not as it was
    shown, _ = wish(laboratory, network="dropping, from a cell")
    assert shown["layers"][-1]["why"] == "gives values that are no longer numbers"
    del whole, dropping


@pytest.mark.parametrize("part", lab.PARTS)
def test_of_a_network_in_training_numpy_computes_what_tensorflow_does(data, part):
    model = lab.PARTS[part].build()
    weights = [each + 0.01 for each in model.get_weights()]  # biases, too
    model.set_weights(weights)
    at_hand = answering.of_model(model, model.input_shape[1:], data.white)
    opened = through.Opened(at_hand, False, validation.Digits(data))
    network = networks.Network(part, weights, part == "linear")
    seen = [opened.look(data.x_valid[:1]), opened.glance(network, data.x_valid[:1])]
    assert len(seen[0].values) == len(opened.about) + 1
    for one, other in zip(*(each.values for each in seen), strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=1e-3, atol=1e-4)
    for key in ("scores", "probabilities"):
        one, other = (getattr(each, key) for each in seen)
        assert np.allclose(one, other, rtol=1e-3, atol=1e-4)
    for number, value in enumerate(seen[0].values[:-1]):
        place = tuple(length // 2 for length in value.shape[1:])
        one, other = (opened.layers.sum_at(each, number, place) for each in seen)
        assert one.before == pytest.approx(other.before, rel=1e-3, abs=1e-3)


def test_runs_of_one_name_are_told_apart(laboratory):
    laboratory.setup = laboratory.setup.moved(filters=(4, 8), epochs=1)
    for seed in (1, 2):
        laboratory.setup = laboratory.setup.moved(seed=seed)
        laboratory.start(wait=True)
    shown, _ = wish(laboratory)
    name = laboratory.runs[0].name
    assert shown["networks"][0] == through.NEWEST
    assert shown["networks"][-2:] == [name, f"{name} · 2"]
    assert shown["network"] == f"{name} · 2"


@pytest.mark.gate
def test_a_page_may_look_and_look_away_at_any_moment_of_a_training(laboratory):
    laboratory.setup = laboratory.setup.moved(filters=(2, 4), epochs=3)
    laboratory.start()
    ask = laboratory.hear
    while laboratory.view.shown["running"]:
        ask({"ask": "through", "wish": {}}, [])
        ask({"ask": "through", "wish": {"masks": True, "at": [0, [1, 1, 1]]}}, [])
        ask({"ask": "through", "wish": None}, [])
    laboratory.wait()
    assert laboratory.status.startswith("Done in")
