"""Linear networks side by side are trained as each would be alone."""

import os
import signal

import keras
import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.training import replicas

pytestmark = pytest.mark.usefixtures("plainly")
LOSSES = (keras.losses.CategoricalCrossentropy(), lab.ClippedCrossentropy())


def test_replicas_are_trainings(data):
    arrays = data.x_train[:800], data.y_train[:800], data.x_valid[:10], data.y_valid[:10]
    some = lab.Dataset(*arrays)
    rates = [0.1, 0.5]
    losses, accuracies = lab.train_replicas(
        some, rates, LOSSES, seeds=3, iterations=8, accuracies=True
    )
    assert losses.shape == accuracies.shape == (2, 2, 3, 8)
    for place, (rate, loss) in enumerate(zip(rates, LOSSES, strict=True)):
        model = lab.build_linear(learning_rate=rate, loss=loss)
        run = lab.train(model, some, epochs=1, seed=2)
        assert np.allclose(losses[place, place, 2], run.batch_loss, rtol=1e-4)
        assert np.allclose(accuracies[place, place, 2], run.batch_accuracy)


def test_prepared_images_of_other_classes_are_trained_as_they_are(small):
    """They are not scaled a second time."""
    labels = [np.arange(len(y), dtype=np.uint8) % 27 for y in (small.y_train, small.y_valid)]
    letters = lab.Dataset(small.x_train, labels[0], small.x_valid, labels[1])
    images = (x.reshape(-1, 784) / np.float32(255) for x in (small.x_train, small.x_valid))
    one_hot = (keras.utils.to_categorical(y, 27) for y in labels)
    x_train, x_valid, y_train, y_valid = *images, *one_hot
    prepared = lab.Dataset(x_train, y_train, x_valid, y_valid)
    row = lab.train_replicas(prepared, [0.1], LOSSES[1:], seeds=1, iterations=3)[0, 0, 0]
    model = lab.build_linear(learning_rate=0.1, classes=27)
    run = lab.train(model, letters, epochs=1, seed=0)
    assert np.allclose(row, run.batch_loss[:3], rtol=1e-4)


def test_interrupted_replicas_keep_what_was_trained(small, monkeypatch, capsys):
    calls = []

    def show(self, text):
        calls.append(text)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    whole = lab.train_replicas(small, [0.1], LOSSES[:1], seeds=2, iterations=3, progress=True)
    said = capsys.readouterr().out.rstrip().split("\r")
    assert said[1].startswith("iteration 1/3")
    assert said[1].endswith(" left")
    assert said[-1].startswith("iteration 3/3")
    assert "left" not in said[-1]
    with monkeypatch.context() as patch:
        patch.setattr(replicas.MovingLine, "show", show)
        part = lab.train_replicas(small, [0.1], LOSSES[:1], seeds=2, iterations=3)
    assert part.shape == (1, 1, 2, 2)
    assert np.array_equal(part, whole[..., :2])
    assert "stopped after 2 of 3 iterations" in capsys.readouterr().out


def test_replicas_refuse_bad_arguments(data):
    for arguments, message in (
        ({"seeds": 0}, "seeds=0"),
        ({"iterations": 601}, "iterations=601: it must be a whole number from 1 to 600"),
        ({"learning_rates": [0.1, -1]}, r"learning_rates\[1\]=-1"),
    ):
        with pytest.raises(ValueError, match=message):
            lab.train_replicas(data, **{"learning_rates": [0.1], "losses": [], **arguments})
