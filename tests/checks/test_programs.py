"""Programs that students write without the lab: right ones, differently written, and wrong ones."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import mnist_lab as lab
from mnist_lab.course import ANSWERS

NAME = "linear.program"
STEPS = 600
RIGHT = "Right: your program trains this network"


class Batches(keras.callbacks.Callback):
    """As notebook 1 has students write it."""

    def on_train_begin(self, logs=None):
        self.losses, self.accuracies = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.means = 0, 0

    def on_train_batch_end(self, batch, logs=None):
        means = logs["loss"], logs.get("accuracy", 0)
        own = [(batch + 1) * now - batch * old for now, old in zip(means, self.means, strict=True)]
        self.means = means
        self.losses.append(own[0])
        self.accuracies.append(own[1])


class Means(Batches):
    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.accuracies.append(logs["accuracy"])


class Reset(Batches):
    """The other way to get each batch's own values."""

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.accuracies.append(logs["accuracy"])


@functools.cache
def arrays():
    data = np.load(lab.mnist_file())
    x, x_valid = (
        data[f"x_{side}"].reshape(-1, 784).astype("float32") for side in ("train", "test")
    )
    y, y_valid = (keras.utils.to_categorical(data[f"y_{side}"]) for side in ("train", "test"))
    return x / 255, y, x_valid / 255, y_valid


def sequential(activation="softmax", rate=0.1, metrics=("accuracy",)):
    first = layers.Dense(10, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((784,)), first, layers.Dense(10, activation=activation)])
    model.compile(keras.optimizers.SGD(rate), "categorical_crossentropy", metrics=list(metrics))
    return model


def functional():
    inputs = keras.Input((784,))
    hidden = layers.Dense(10, kernel_initializer=keras.initializers.Zeros())(inputs)
    outputs = layers.Softmax()(layers.Dense(10)(hidden))
    model = keras.Model(inputs, outputs)
    metric = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy(), metrics=[metric]
    )
    return model


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(10, kernel_initializer="zeros")
        self.second = layers.Dense(10, activation="softmax")

    def call(self, x):
        return self.second(self.first(x))


def subclassed():
    model = Subclassed()
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(build=sequential, batches=Batches, given=arrays, epochs=1, batch_size=100, **options):
    """What a program ends with: the run, the accuracy of `evaluate`, and the model."""
    x, y, *valid = given()
    keras.utils.set_random_seed(0)
    model, kept = build(), batches()
    options = {"validation_data": tuple(valid), **options}
    if "validation_split" in options:
        del options["validation_data"]
    history = model.fit(
        x, y, batch_size=batch_size, epochs=epochs, callbacks=[kept], verbose=0, **options
    )
    own = lab.Run.from_keras(history, kept.losses, kept.accuracies)
    return own, np.ravel(model.evaluate(*valid, verbose=0))[-1], model


def as_data_set():
    """The same program with `tf.data`, which shuffles and makes the batches."""
    x, y, *valid = arrays()
    keras.utils.set_random_seed(0)
    model, kept = sequential(), Batches()
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(60_000).batch(100)
    history = model.fit(train, epochs=1, validation_data=valid, callbacks=[kept], verbose=0)
    own = lab.Run.from_keras(history, kept.losses, kept.accuracies)
    return own, model.evaluate(*valid, verbose=0)[1], model


right = functools.cache(fit)
of_two_epochs = functools.cache(functools.partial(fit, epochs=2))


def changed(make=right, **changes):
    """A right program, but for what it hands over."""
    run, accuracy, model = make()
    accuracy = changes.pop("accuracy", lambda run, model: accuracy)(run, model)
    return dataclasses.replace(run, **changes), accuracy, model


def with_history(**changes):
    run, accuracy, model = right()
    return dataclasses.replace(run, history=run.history | changes), accuracy, model


def fed(x=lambda x: x, y=lambda y: y, valid=lambda x, y, *valid: valid, **options):
    """A program whose arrays are prepared otherwise."""
    a, b, *c = arrays()
    return fit(given=lambda: (x(a), y(b), *valid(a, b, *c)), **options)


def trained_before():
    x, y, *valid = arrays()
    model, kept = sequential(), Batches()
    for _ in range(2):
        history = model.fit(
            x, y, batch_size=100, validation_data=valid, callbacks=[kept], verbose=0
        )
    return lab.Run.from_keras(history, kept.losses, kept.accuracies), 0.9, model


def compiled_again():
    model = sequential()
    model.set_weights(right()[2].get_weights())
    return fit(build=lambda: model)


def two_calls():
    """The lists are made where the callback is made, and go on in the next `fit`."""
    run, accuracy, model = right()
    twice = [np.tile(values, 2) for values in (run.batch_loss, run.batch_accuracy)]
    run = dataclasses.replace(run, batch_loss=twice[0], batch_accuracy=twice[1])
    return run, accuracy, model


def of_the_lab():
    model = sequential()
    run = lab.train(model, lab.load_mnist(), epochs=1, seed=0, progress=False)
    return run, run.val_accuracy, model


def judged(made, epochs=1, monkeypatch=None):
    run, accuracy, model = made
    attempt = run if accuracy is None else (run, accuracy)
    answer = ANSWERS[NAME]
    task = dataclasses.replace(answer.task, epochs=epochs)
    monkeypatch.setitem(ANSWERS, NAME, dataclasses.replace(answer, task=task))
    return lab.check_answer(NAME, attempt, model=model)


@pytest.mark.parametrize(
    "program",
    [
        right,
        of_two_epochs,
        lambda: changed(accuracy=lambda run, model: 100 * run.history["val_accuracy"][-1]),
        pytest.param(lambda: fit(functional), marks=pytest.mark.gate),
        pytest.param(lambda: fit(subclassed), marks=pytest.mark.gate),
        pytest.param(as_data_set, marks=pytest.mark.gate),
        pytest.param(lambda: fit(batches=Reset), marks=pytest.mark.gate),
    ],
)
def test_right_programs(program, monkeypatch):
    result = judged(program(), monkeypatch=monkeypatch)
    assert str(result).startswith(RIGHT), result


WRONG = {
    "no batch size": (lambda: fit(batch_size=None), "batch_size=100 is missing"),
    "another batch size": (lambda: fit(batch_size=120), "an epoch has 500 iterations"),
    "validation split": (lambda: fit(validation_split=0.2), "an epoch has 480 iterations"),
    "pixels": (lambda: fed(x=lambda x: 255 * x), "divide the pixels by 255"),
    "validation pixels": (
        lambda: fed(valid=lambda x, y, *valid: (255 * valid[0], valid[1])),
        "prepare x_valid like x_train",
    ),
    "validation is training": (
        lambda: fed(valid=lambda x, y, *valid: (x, y)),
        "images that the network never trains on",
    ),
    "no validation": (
        lambda: with_history(val_accuracy=[np.nan]),
        "validation_data=(x_valid, y_valid)",
    ),
    "running means": (lambda: fit(batches=Means), "not each batch's own values"),
    "one epoch's batches": (
        lambda: changed(
            of_two_epochs,
            batch_loss=of_two_epochs()[0].batch_loss[STEPS:],
            batch_accuracy=of_two_epochs()[0].batch_accuracy[STEPS:],
        ),
        "only 600 of 1,200 batches were kept",
    ),
    "two calls' batches": (two_calls, "1,200 batches were kept, the training had 600"),
    "no batches": (
        lambda: changed(batch_loss=np.empty(0, np.float32)),
        "are missing",
    ),
    "losses for accuracies": (
        lambda: changed(batch_loss=right()[0].batch_accuracy, batch_accuracy=right()[0].batch_loss),
        "give the losses first",
    ),
    "trained before": (trained_before, "had been trained before"),
    "compiled again": (compiled_again, "had been trained before"),
    "no metrics": (lambda: fit(lambda: sequential(metrics=())), "asks for accuracy"),
    "learning rate": (lambda: fit(lambda: sequential(rate=0.5)), "learning rate is 0.5"),
    "no softmax": (lambda: fit(lambda: sequential(activation=None)), "softmax"),
    "shuffled labels": (
        lambda: fed(y=lambda y: np.random.default_rng(0).permutation(y)),
        "look at the labels",
    ),
    "from lab.train": (of_the_lab, "comes from lab.train"),
    "the history itself": (
        lambda: (right()[0].history, right()[1], right()[2]),
        "give what lab.Run.from_keras returns",
    ),
    "invented accuracy": (
        lambda: with_history(val_accuracy=[0.9876]),
        "the history ends with a validation accuracy of 98.76%",
    ),
    "not evaluated": (lambda: (right()[0], None, right()[2]), "give both"),
    "evaluate's pair": (
        lambda: changed(accuracy=lambda run, model: [0.3, 0.9]),
        "take the second of the two",
    ),
    "evaluate's loss": (
        lambda: changed(accuracy=lambda run, model: run.history["val_loss"][-1]),
        "evaluate returns the loss first",
    ),
    "evaluated on training images": (
        lambda: changed(accuracy=lambda run, model: run.history["accuracy"][-1]),
        "evaluate the network on the validation images",
    ),
    "accuracy in words": (lambda: changed(accuracy=lambda *_: "92.4 %"), "give the number"),
}


# Of five parts all but one are right, except here.
POINTS = {
    "pixels": 3,  # with which it validates nothing
    "validation split": 3,  # trained on fewer images, and validated on others
    "trained before": 3,  # and evaluated by a figure from elsewhere
    "no metrics": 2,  # so that no accuracy came out, neither of a batch nor of an epoch
    "learning rate": 2,  # with which, as without a softmax, it diverges and validates nothing
    "no softmax": 2,
    "from lab.train": 0,
    "the history itself": 0,
}
# Each trains for an epoch, and seldom breaks; the others change what a right program hands over.
TRAINED = {
    *("another batch size", "validation split", "pixels", "validation pixels", "running means"),
    *("no batch size", "validation is training", "trained before", "compiled again", "no metrics"),
    *("learning rate", "no softmax", "shuffled labels", "from lab.train"),
}


@pytest.mark.parametrize(
    "slip",
    [pytest.param(name, marks=[pytest.mark.gate] * (name in TRAINED)) for name in WRONG],
)
def test_wrong_programs(slip, monkeypatch):
    program, words = WRONG[slip]
    result = judged(program(), monkeypatch=monkeypatch)
    assert result.outcome == "wrong", result
    assert words in " ".join(str(result).split()), result
    assert float(result) * 5 == pytest.approx(POINTS.get(slip, 4))


def test_several_faults_of_a_program_add_up(monkeypatch):
    run, _, model = changed(batch_loss=np.empty(0, np.float32))
    result = judged((run, None, model), monkeypatch=monkeypatch)
    assert result.parts == {
        **{"network": 1, "compiling": 1, "training": 1},
        **{"batches": 0, "validation": 0},
    }


def test_too_few_epochs(monkeypatch):
    assert "epochs=17" in str(judged(right(), 17, monkeypatch))


@pytest.mark.parametrize("attempt", [..., (..., ...)])
def test_nothing_yet(attempt):
    result = lab.check_answer(NAME, attempt, model=right()[2])
    assert result.outcome == "not attempted"


def test_a_run_of_keras_is_plotted_saved_and_compared(tmp_path):
    run, *_ = right()
    run.save(tmp_path / "own.npz")
    again = lab.Run.load(tmp_path / "own.npz")
    assert again.history["val_accuracy"] == run.history["val_accuracy"]
    assert again.name == "my program"
    lab.plot_accuracy(run)
    lab.plot_iterations(run)
    lab.compare([run, *lab.load_records("linear_gentle")])


def test_only_what_fit_returned_makes_a_run():
    with pytest.raises(TypeError, match=r"history is a dict: give what model\.fit returned"):
        lab.Run.from_keras(right()[0].history)
