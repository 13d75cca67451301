"""*Copy code* on the page gives a Keras program that builds and trains the run's network."""

import keras
import numpy as np
import pytest
from test_setup import node

import mnist_lab as lab
from mnist_lab.models import ClippedCrossentropy
from mnist_lab.web.figures import figures

PROGRAM = """
import { program } from "./program.js";
import { Setup } from "./setup.js";
const { figures, part, values, images } = given;
console.log(JSON.stringify(program(Setup.ofSheet(figures, part).moved(values), images, 60000)));
"""
SETUPS = [
    ("linear", {"hidden_units": 7, "learning_rate": 0.1}),
    ("linear", {"loss": "categorical_crossentropy"}),
    ("mlp", {"hidden_units": 20, "learning_rate": 0.0002}),
    ("mlp", {"hidden_units": 10, "dropout": 0.3}),
    ("dropout", {"hidden_units": 50, "dropout": 0.25}),
    ("dropout", {"hidden_units": 20, "dropout": 0.0}),
    ("cnn", {"filters": (2, 4), "learning_rate": 0.01}),
]


@pytest.fixture
def few(data, monkeypatch):
    """500 training and 100 validation images of MNIST, where Keras looks for all of them."""
    arrays = (data.x_train[:500], data.y_train[:500]), (data.x_valid[:100], data.y_valid[:100])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: arrays)


@pytest.mark.gate
@pytest.mark.parametrize(("part", "values"), SETUPS)
def test_the_program_trains_the_lab_s_network(few, part, values):
    training = {"epochs": 1, "batch_size": 50, "seed": 3}
    given = {"figures": figures(), "part": part, "values": values | training, "images": 10_000}
    found = {}
    exec(compile(node(PROGRAM, given), "program.py", "exec"), found)
    model = found["model"]
    clipped = "clipped_crossentropy" in found
    assert clipped == (part == "linear" and "loss" not in values)
    expected = lab.PARTS[part].build(**values)
    if clipped:
        same_loss(found["clipped_crossentropy"])
        model.compile(model.optimizer, ClippedCrossentropy(), metrics=["accuracy"])
    assert lab.describe(model) == lab.describe(expected)
    assert len(found["x_train"]) == 500
    assert found["history"].params == {"verbose": "auto", "epochs": 1, "steps": 10}
    assert 0 < found["history"].history["val_accuracy"][0] <= 1


def same_loss(loss):
    """Compare a loss with the lab's, where probabilities are clipped, too."""
    said = np.random.default_rng(0).dirichlet(np.full(10, 0.1), 50).astype(np.float32)
    said[0] = np.eye(10)[3]
    labels = np.eye(10, dtype=np.float32)[np.arange(50) % 10]
    own, labs = loss(labels, said), ClippedCrossentropy(reduction=None)(labels, said)
    np.testing.assert_allclose(np.asarray(own), np.asarray(labs), rtol=1e-6)
