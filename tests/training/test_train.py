"""`train`: repeatable, interruptible, and clear about what it cannot do."""

import dataclasses
import functools
import math
import random
import threading

import keras
import numpy as np
import pytest
from classifiers import BATCH, ONE_HOT, WithoutConfig, compiled, same, sparse_logits
from keras import layers, ops

import mnist_lab as lab
from mnist_lab.training import api

pytestmark = pytest.mark.usefixtures("plainly")


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


class Beside(layers.Dense):
    """While it is built, another thread draws from Python's generator."""

    def __init__(self, *arguments, **settings):
        draws = threading.Thread(target=random.random)
        draws.start()
        draws.join()
        super().__init__(*arguments, **settings)


def test_a_draw_in_another_thread_changes_no_weights(small):
    def run(layer):
        stack = [keras.Input((784,)), layer(8, activation="relu"), layer(10, activation="softmax")]
        model = keras.Sequential(stack)
        model.compile("sgd", ONE_HOT)
        return lab.train(model, small, epochs=1, batch_size=BATCH, seed=3)

    assert same(run(layers.Dense), run(Beside))


def test_epochs_are_shuffled_anew():
    first, second = lab.epoch_order(0, 0, 100), lab.epoch_order(0, 1, 100)
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, lab.epoch_order(0, 0, 100))


def test_weights_that_cannot_be_drawn_again_are_refused(small):
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
        ({"recorded": "yes"}, "recorded='yes': it must be True, False or 'only'"),
        ({"precision": "float16"}, "precision='float16': it must be 'float32' or 'bfloat16'"),
    ],
)
def test_bad_arguments_are_refused(small, arguments, message):
    with pytest.raises(ValueError, match=message):
        lab.train(compiled("sequential, SGD"), small, **{"epochs": 1, **arguments})


def for_class_numbers(y_true, y_pred):
    chosen = ops.take_along_axis(y_pred, ops.cast(y_true, "int32")[:, None], axis=1)
    return ops.logsumexp(y_pred, axis=1) - chosen[:, 0]


def for_one_hot(y_true, y_pred):
    return ops.logsumexp(y_pred, axis=1) - ops.sum(y_true * y_pred, axis=1)


class ForClassNumbers(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return for_class_numbers(y_true, y_pred)


FROM_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
partial = functools.partial(keras.losses.sparse_categorical_crossentropy, from_logits=True)
LOSSES = {
    "in a list": [FROM_LOGITS],
    "partial": partial,
    "function": lambda y_true, y_pred: partial(y_true, y_pred),
    "for class numbers": for_class_numbers,
    "for one-hot": for_one_hot,
    "class": ForClassNumbers(),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_any_loss_from_logits_gives_probabilities(small, kind):
    runs = []
    for loss in (FROM_LOGITS, LOSSES[kind]):
        model = keras.Sequential([keras.Input((784,)), layers.Dense(10)])
        model.compile("sgd", loss)
        runs.append(lab.train(model, small, epochs=1, batch_size=BATCH, seed=0))
    usual, own = runs
    assert np.allclose(own.batch_loss, usual.batch_loss, rtol=1e-4)
    assert np.allclose(own.val_probabilities, usual.val_probabilities, atol=1e-3)
    assert np.allclose(lab.predict(model, small.x_valid), own.val_probabilities, atol=1e-3)


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        (lambda y_true, y_pred: -ops.sum(y_true * ops.log(y_pred), axis=1), "softmax"),
        ("binary_crossentropy", "sigmoid"),
        ("mse", "softmax"),
    ],
)
def test_what_are_probabilities_stays_as_it_is(small, loss, activation):
    model = keras.Sequential([keras.Input((784,)), layers.Dense(10, activation)])
    model.compile("sgd", loss)
    run = lab.train(model, small, epochs=1, batch_size=BATCH, seed=0)
    outputs = model.predict(small.x_valid.reshape(-1, 784) / np.float32(255), verbose=0)
    assert np.allclose(lab.predict(model, small.x_valid), outputs, atol=1e-5)
    assert np.allclose(run.val_probabilities, outputs, atol=1e-3)


def test_a_loss_that_takes_no_labels_is_refused_in_a_sentence(small):
    def broken(y_true, y_pred):
        raise TypeError("no such loss\nin two lines")

    for loss, words in (
        (broken, "no such loss"),
        ("crossentropie", "crossentropie"),
        (None, "loss"),
    ):
        model = keras.Sequential([keras.Input((784,)), layers.Dense(10)])
        model.compile("sgd", loss)
        with pytest.raises(ValueError, match=f"takes neither one-hot rows nor class .*{words}"):
            lab.train(model, small, epochs=1)


@pytest.mark.parametrize("shape", [(784,), (28, 28, 1)])
def test_bytes_of_another_shape_are_taken_as_they_are(small, shape):
    """A mistake in preparing is to be seen, and the same in prediction as in training."""
    images = [x.reshape(-1, *shape) for x in (small.x_train, small.x_valid)]
    unscaled = lab.Dataset(images[0], small.y_train, images[1], small.y_valid)
    model = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    run = lab.train(model, unscaled, epochs=1, seed=0)
    outputs = lab.predict(model, unscaled.x_valid)
    assert np.allclose(run.val_probabilities, outputs, atol=1e-3)
    assert np.allclose(model.predict(unscaled.x_valid, verbose=0), outputs, atol=1e-3)
    assert unscaled.white == unscaled.x_valid.max() > 200


def test_of_no_images_nothing_is_predicted(small):
    model = compiled("sequential, SGD")
    for none in (small.x_valid[:0], np.empty((0, 784), np.float32)):
        assert lab.predict(model, none).shape == (0, 10)


def test_a_column_of_labels_is_class_numbers(small):
    column = dataclasses.replace(
        small, y_train=small.y_train[:, None], y_valid=small.y_valid[:, None]
    )
    runs = [
        lab.train(compiled("sequential, SGD"), data, epochs=1, batch_size=BATCH, seed=0)
        for data in (small, column)
    ]
    assert same(*runs)


def test_words_are_refused_as_labels(small):
    words = dataclasses.replace(small, y_train=small.y_train.astype(str))
    with pytest.raises(ValueError, match="labels are <U3 and must be numbers"):
        lab.train(compiled("sequential, SGD"), words, epochs=1)


def test_labels_below_zero_are_refused(small):
    for part in ("y_train", "y_valid"):
        labels = getattr(small, part).astype(int) - 1
        data = dataclasses.replace(small, **{part: labels})
        with pytest.raises(ValueError, match="the smallest label is -1: class numbers begin"):
            lab.train(compiled("sequential, SGD"), data, epochs=1)


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
            r"has its own train_step \(class OwnStep\), which lab.train would ignore: use",
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
        ("epoch", "has no argument 'epoch'"),
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
