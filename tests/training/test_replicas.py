"""Linear networks side by side are trained as each would be alone."""

import os
import signal

import keras
import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.training import replicas

pytestmark = pytest.mark.usefixtures("plainly")


def test_replicas_are_trainings(data):
    arrays = data.x_train[:3000], data.y_train[:3000], data.x_valid[:10], data.y_valid[:10]
    some = lab.Dataset(*arrays)  # 30 iterations
    rates = [0.1, 0.5]
    losses = [keras.losses.CategoricalCrossentropy(), lab.ClippedCrossentropy()]
    trained = lab.train_replicas(some, rates, losses, seeds=3, iterations=30)
    assert trained.shape == (2, 2, 3, 30)
    for loss, rows in zip(losses, trained, strict=True):
        for rate, row in zip(rates, rows, strict=True):
            model = lab.build_linear(learning_rate=rate, loss=loss)
            run = lab.train(model, some, epochs=1, seed=2)
            # Later, the larger rate makes much of rounding.
            assert np.allclose(row[2, :8], run.batch_loss[:8], rtol=1e-4)


def test_prepared_images_are_not_scaled_again(small):
    x_train, x_valid = (
        x.reshape(-1, 784) / np.float32(255) for x in (small.x_train, small.x_valid)
    )
    y_train, y_valid = (keras.utils.to_categorical(y, 10) for y in (small.y_train, small.y_valid))
    prepared = lab.Dataset(x_train, y_train, x_valid, y_valid)
    losses = [keras.losses.CategoricalCrossentropy()]
    own, stored = (
        lab.train_replicas(each, [0.1], losses, seeds=2, iterations=3) for each in (prepared, small)
    )
    assert np.allclose(own, stored, rtol=1e-5)


def test_interrupted_replicas_keep_what_was_trained(small, monkeypatch, capsys):
    calls = []

    def show(self, text):
        calls.append(text)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    losses = [keras.losses.CategoricalCrossentropy(), lab.ClippedCrossentropy()]
    repeated = small.repeated(20)
    whole = lab.train_replicas(repeated, [0.1], losses, seeds=2, iterations=40)
    with monkeypatch.context() as patch:
        patch.setattr(replicas.MovingLine, "show", show)
        part = lab.train_replicas(repeated, [0.1], losses, seeds=2, iterations=40)
    assert part.shape == (2, 1, 2, 20)
    assert np.array_equal(part, whole[..., :20])
    assert "stopped after 20 of 40 iterations" in capsys.readouterr().out


def test_replicas_refuse_bad_arguments(data):
    for arguments, message in (
        ({"seeds": 0}, "seeds=0"),
        ({"iterations": 601}, "iterations=601: it must be a whole number from 1 to 600"),
        ({"learning_rates": [0.1, -1]}, r"learning_rates\[1\]=-1"),
    ):
        with pytest.raises(ValueError, match=message):
            lab.train_replicas(data, **{"learning_rates": [0.1], "losses": [], **arguments})


def test_replicas_show_progress(data, capsys):
    losses = [keras.losses.CategoricalCrossentropy()]
    lab.train_replicas(data, [0.1], losses, seeds=1, iterations=25, progress=True)
    said = capsys.readouterr().out.rstrip().split("\r")
    assert said[1].startswith("iteration 10/25")
    assert said[-1].startswith("iteration 25/25")
    assert "left" in said[1]
    assert "left" not in said[-1]


def test_replicas_of_other_classes_are_trainings(small):
    labels = [np.arange(len(y), dtype=np.uint8) % 27 for y in (small.y_train, small.y_valid)]
    letters = lab.Dataset(small.x_train, labels[0], small.x_valid, labels[1])
    loss = lab.ClippedCrossentropy()
    row = lab.train_replicas(letters, [0.1], [loss], seeds=1, iterations=3)[0, 0, 0]
    model = lab.build_linear(learning_rate=0.1, classes=27)
    run = lab.train(model, letters, epochs=1, seed=0)
    assert np.allclose(row, run.batch_loss[:3], rtol=1e-4)
