"""`train`: repeatable, interruptible, and clear about what it cannot do."""

import math

import keras
import numpy as np
import pytest
from classifiers import BATCH, ONE_HOT, WithoutConfig, compiled, same, sparse_logits
from keras import layers

import mnist_lab as lab
from mnist_lab.training import api


@pytest.mark.parametrize("case", ["sequential, SGD", "convolutional, Adam", "batch normalisation"])
def test_the_same_seed_gives_the_same_run(small, case):
    model = compiled(case)
    first = lab.train(model, small, epochs=2, batch_size=BATCH, seed=5)
    weights = model.get_weights()
    again = lab.train(model, small, epochs=2, batch_size=BATCH, seed=5)
    assert same(first, again)
    assert all(map(np.array_equal, weights, model.get_weights()))
    elsewhere = lab.train(compiled(case), small, epochs=2, batch_size=BATCH, seed=5)
    assert same(first, elsewhere)
    assert not same(first, lab.train(model, small, epochs=2, batch_size=BATCH, seed=6))


def test_without_a_seed_training_goes_on(small):
    model = compiled("sequential, SGD")
    first = lab.train(model, small, epochs=3, batch_size=BATCH, seed=0)
    second = lab.train(model, small, epochs=3, batch_size=BATCH)
    assert second.history["loss"][0] < first.history["loss"][-1]
    third = lab.train(model, small, epochs=1, batch_size=BATCH)
    assert not np.array_equal(third.batch_loss, second.batch_loss[:6])


def test_a_seed_leaves_other_generators_alone(small):
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    lab.train(compiled("sequential, SGD"), small, epochs=1, seed=9)
    assert np.random.rand() == expected


def test_epochs_are_shuffled_anew():
    first, second = lab.epoch_order(0, 0, 100), lab.epoch_order(0, 1, 100)
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, lab.epoch_order(0, 0, 100))


def test_weights_that_cannot_be_drawn_anew_are_told(small):
    model = WithoutConfig(10)
    model.compile("sgd", sparse_logits())
    with pytest.raises(ValueError, match=r"cannot be drawn anew.*set_random_seed\(0\)"):
        lab.train(model, small, epochs=1, seed=0)
    assert lab.train(model, small, epochs=1).epochs == 1


def test_divergence_is_a_result(data, capsys):
    model = lab.build_linear(loss=ONE_HOT)
    run = lab.train(model, data, epochs=17, seed=0)
    assert run.diverged
    assert not np.isfinite(run.batch_loss[-1])
    assert np.all(np.isfinite(run.batch_loss[:-1]))
    assert len(run.batch_loss) < 150
    assert math.isnan(run.val_accuracy)
    said = capsys.readouterr().out
    assert f"iteration {len(run.batch_loss)}" in said
    assert "smaller learning rate than 0.5, say 0.2" in said


def test_callback_stops_between_chunks(small):
    seen = []

    def stop_in_second_epoch(run):
        seen.append(len(run.batch_loss))
        return len(run.batch_loss) > 40

    run = lab.train(
        compiled("sequential, SGD"),
        small,
        epochs=3,
        batch_size=10,
        seed=0,
        callback=stop_in_second_epoch,
    )
    assert run.interrupted
    assert 40 < len(run.batch_loss) == seen[-1] <= 66
    assert run.epochs == (2 if len(run.batch_loss) == 66 else 1)
    assert seen == sorted(seen)


def test_a_callback_that_stops_at_the_end_interrupts_nothing(small):
    run = lab.train(
        compiled("sequential, SGD"), small, epochs=1, callback=lambda run: run.epochs == 1
    )
    assert (run.epochs, run.interrupted) == (1, False)


def test_progress_line(small, capsys):
    model = compiled("sequential, SGD")
    lab.train(model, small, epochs=2, seed=0)
    assert capsys.readouterr().out == ""
    lab.train(model, small, epochs=2, batch_size=BATCH, seed=0, progress=True)
    said = capsys.readouterr().out
    assert said.startswith("\rcompiling ...")
    last = said.rstrip().split("\r")[-1]
    for part in ("epoch 2/2", "iteration 12/12", "loss ", "validation accuracy ", " s"):
        assert part in last


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs=0: it must be a whole number from 1 to 10,000"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"batch_size": 331}, "batch_size=331: it must be a whole number from 1 to 330"),
        ({"seed": -1}, "seed=-1: it must be a whole number from 0"),
        ({"precision": "float16"}, "precision='float16': it must be 'float32' or 'bfloat16'"),
    ],
)
def test_bad_arguments_are_refused(small, arguments, message):
    with pytest.raises(ValueError, match=message):
        lab.train(compiled("sequential, SGD"), small, **{"epochs": 1, **arguments})


def test_bfloat16_without_the_processor_is_warned_about(small, monkeypatch):
    monkeypatch.setattr(api, "has_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match="no bfloat16 found in this processor"):
        lab.train(compiled("sequential, SGD"), small, epochs=1, precision="bfloat16")


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


def two_outputs(joined):
    image = keras.Input((784,))
    outputs = [layers.Dense(10, "softmax", name=name)(image) for name in ("first", "second")]
    return keras.Model(image, joined(outputs))


def two_inputs():
    images = [keras.Input((784,)), keras.Input((784,))]
    return keras.Model(images, layers.Dense(10, "softmax")(layers.Add()(images)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: OwnStep([keras.Input((784,)), layers.Dense(10, "softmax")]),
            r"has its own train_step \(class OwnStep\), which lab.train would pass over: use",
        ),
        (lambda: two_outputs(list), "has not one output but 2 in a list"),
        (
            lambda: two_outputs(lambda both: dict(zip("ab", both, strict=True))),
            r"has not one output but \['a', 'b'\]",
        ),
        (two_inputs, "has 2 inputs: this lab trains networks that take one"),
    ],
)
def test_what_fit_would_do_otherwise_is_refused(small, build, message):
    model = build()
    model.compile("sgd", ONE_HOT)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        lab.train(model, small, epochs=1, seed=0)
    assert all(map(np.array_equal, model.get_weights(), before))


def test_arguments_of_fit_are_refused_with_what_there_is_instead(small):
    model = compiled("sequential, SGD")
    for argument, words in (
        ("class_weight", "unlike model.fit: weight the classes in a loss"),
        ("validation_split", "holds the validation images, too"),
        ("verbose", "progress=True or False"),
        ("epoch", "knows no argument 'epoch'"),
    ):
        with pytest.raises(TypeError, match=words):
            lab.train(model, small, epochs=1, **{argument: 1})


def test_data_as_keras_gives_them_are_taken_and_others_refused(small):
    pairs = (small.x_train, small.y_train), (small.x_valid, small.y_valid)
    own = lab.train(compiled("sequential, SGD"), pairs, epochs=1, batch_size=BATCH, seed=0)
    same_run = lab.train(compiled("sequential, SGD"), small, epochs=1, batch_size=BATCH, seed=0)
    assert same(own, same_run)
    for data in (pairs[0], small.x_train, None):
        with pytest.raises(ValueError, match=r"data is a .*lab\.Dataset\(x_train, y_train"):
            lab.train(compiled("sequential, SGD"), data, epochs=1)
