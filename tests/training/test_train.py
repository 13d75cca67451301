"""`train` does what `fit` does, repeatably, for any classifier; and ends well when it must end."""

import contextlib
import itertools
import math
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from keras import layers, ops

import mnist_lab as lab
from mnist_lab import progress
from mnist_lab.training import loop, redraw

BATCH = 64
train_module = sys.modules[lab.train.__module__]  # which the door's function hides


def hidden(**options):
    return layers.Dense(12, activation="relu", **options)


def sequential(*stack, shape=(784,)):
    return keras.Sequential([keras.Input(shape), *stack])


def softmax():
    return layers.Dense(10, activation="softmax")


def functional():
    image = keras.Input((28, 28))
    flat = layers.Flatten()(image)
    joined = layers.Concatenate()([hidden()(flat), layers.Dense(5, "tanh")(flat)])
    return keras.Model(image, layers.Dense(10)(joined))


def convolutional():
    return sequential(
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPool2D(4),
        layers.Flatten(),
        softmax(),
        shape=(28, 28, 1),
    )


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.outer = hidden(), layers.Dense(10)

    def call(self, x):
        return self.outer(self.inner(x))


class WithoutConfig(Subclassed):
    def __init__(self, units):
        super().__init__()
        self.outer = layers.Dense(units)

    def get_config(self):
        raise NotImplementedError("no config here")


def sgd():
    return keras.optimizers.SGD(0.1)


def sparse_logits():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


ONE_HOT = "categorical_crossentropy"
SPARSE = "sparse_categorical_crossentropy"
PLAIN = (lambda: sequential(hidden(), softmax()), ONE_HOT)
# What is compared with fit, in which every way of writing a classifier and every kind of
# optimiser occurs: (model, loss, optimiser).
CASES = {
    "sequential, SGD": (*PLAIN, sgd),
    "functional, logits, sparse": (functional, sparse_logits(), sgd),
    "subclassed": (Subclassed, sparse_logits(), sgd),
    "convolutional, Adam": (convolutional, SPARSE, lambda: keras.optimizers.Adam(epsilon=1e-8)),
    "two layers alike, Adam": (
        lambda: sequential(hidden(), hidden(), softmax()),
        ONE_HOT,
        keras.optimizers.Adam,
    ),
    "batch normalisation": (
        lambda: sequential(hidden(), layers.BatchNormalization(), softmax()),
        ONE_HOT,
        sgd,
    ),
    "regularisers": (
        lambda: sequential(
            hidden(kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.ActivityRegularization(l1=1e-4),
            softmax(),
        ),
        ONE_HOT,
        sgd,
    ),
    "clipped loss": (lambda: sequential(softmax()), lab.ClippedCrossentropy(), sgd),
    "mean squared error": (PLAIN[0], "mse", sgd),
    "momentum": (*PLAIN, lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)),
    "RMSprop": (*PLAIN, keras.optimizers.RMSprop),
    "AdamW": (*PLAIN, keras.optimizers.AdamW),
    "Adam, clipped gradients": (*PLAIN, lambda: keras.optimizers.Adam(clipnorm=0.1)),
    "Adam, averaged weights": (*PLAIN, lambda: keras.optimizers.Adam(use_ema=True)),
    "Adam, schedule": (
        *PLAIN,
        lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)),
    ),
    "a frozen layer": (
        lambda: sequential(layers.Dense(12, trainable=False), softmax()),
        ONE_HOT,
        sgd,
    ),
    "scaling inside": (
        lambda: sequential(layers.Rescaling(1 / 255), layers.Flatten(), softmax(), shape=(28, 28)),
        ONE_HOT,
        sgd,
    ),
}


def compiled(case):
    build, loss, optimizer = CASES[case]
    model = build()
    model.compile(optimizer(), loss, metrics=["accuracy"])
    return model


class OwnValues(keras.callbacks.Callback):
    """Collects each batch's own loss and accuracy from `fit`, which reports running means."""

    def __init__(self):
        super().__init__()
        self.loss, self.accuracy = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.loss.append(logs["loss"])
        self.accuracy.append(logs["accuracy"])


def fit(model, data, shape, epochs, seed):
    """Train by Keras on the batches of `train(..., seed=seed)`, in the same order."""
    scale = 1 if any(isinstance(layer, layers.Rescaling) for layer in model.layers) else 255
    x_train, x_valid = (
        x.reshape(-1, *shape).astype(np.float32) / scale for x in (data.x_train, data.x_valid)
    )
    y_train, y_valid = data.y_train, data.y_valid
    if "Sparse" not in type(model.loss).__name__ and model.loss != SPARSE:
        y_train, y_valid = (keras.utils.to_categorical(y, 10) for y in (y_train, y_valid))

    def batches():
        for epoch in range(epochs):
            order = lab.epoch_order(seed, epoch, len(x_train))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                yield x_train[chosen], y_train[chosen]

    own = OwnValues()
    history = model.fit(
        batches(),
        steps_per_epoch=-(-len(x_train) // BATCH),
        epochs=epochs,
        validation_data=(x_valid, y_valid),
        # All at once, as `train` does: before Keras 3.14 what an activity regulariser adds to the
        # loss grows with the batch.
        validation_batch_size=len(x_valid),
        callbacks=[own],
        verbose=0,
    ).history
    return own, history


@pytest.mark.parametrize("case", CASES)
def test_same_as_fit_step_by_step(small, case):
    model, reference = compiled(case), compiled(case)
    frozen = [layer.get_weights() for layer in model.layers if not layer.trainable]
    shape = loop.CompiledLoop(reference, small, BATCH, "float32").input_shape
    run = lab.train(model, small, epochs=2, batch_size=BATCH, seed=3)
    redraw(reference, 3, shape)
    for layer, weights in zip(
        (layer for layer in reference.layers if not layer.trainable), frozen, strict=True
    ):
        layer.set_weights(weights)
    own, history = fit(reference, small, shape, 2, 3)
    assert len(run.batch_loss) == 12  # six an epoch, the short batch included
    assert np.allclose(run.batch_loss, own.loss, rtol=2e-4, atol=1e-6)
    assert np.allclose(run.batch_accuracy, own.accuracy, atol=1e-6)
    for ours, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    assert run.history["val_loss"][-1] == pytest.approx(history["val_loss"][-1], rel=1e-3)
    assert run.val_accuracy == pytest.approx(history["val_accuracy"][-1], abs=1e-6)


def test_history_summarises_the_batches(small):
    model = compiled("sequential, SGD")
    run = lab.train(model, small, epochs=2, batch_size=BATCH, seed=0)
    weights = [64] * 5 + [10]
    for epoch in range(2):
        batches = slice(6 * epoch, 6 * epoch + 6)
        loss = np.average(run.batch_loss[batches], weights=weights)
        assert run.history["loss"][epoch] == pytest.approx(loss)
    x = small.x_train.reshape(-1, 784) / np.float32(255)
    right = model.predict(x, verbose=0).argmax(axis=1) == small.y_train
    assert run.history["fit_accuracy"][-1] == pytest.approx(right.mean())
    assert run.seconds > 0
    assert run.settings["steps_per_epoch"] == 6


def test_fit_sample_is_fair(data):
    sample = loop.fit_sample(len(data.x_train))
    assert len(np.unique(sample)) == 5000
    assert abs(np.mean(sample % 2) - 0.5) < 0.02
    shares = np.bincount(data.y_train[sample]) / 5000
    assert np.allclose(shares, np.bincount(data.y_train) / 60000, atol=0.01)


def same(run, other):
    return np.array_equal(run.batch_loss, other.batch_loss) and run.history == other.history


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


def test_the_pace_of_chunks_changes_nothing(small, monkeypatch):
    model = lab.build_mlp(hidden_units=8, dropout=0.3)
    first = lab.train(model, small, epochs=2, batch_size=10, seed=1)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    assert same(first, lab.train(model, small, epochs=2, batch_size=10, seed=1))


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


@keras.saving.register_keras_serializable("tests")
class Recorder(layers.Layer):
    """Keeps what passed it last, in training and in validation."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.trained = self.add_weight(shape=(50, 784), initializer="zeros", trainable=False)
        self.validated = self.add_weight(shape=(50, 784), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if x.shape[0] not in (1, 2):  # not a first look at what the model takes
            (self.trained if training else self.validated).assign(ops.reshape(x, (50, 784)))
        return x


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.3, 0.9])
def test_dropout(rate):
    ones = np.ones((50, 784), np.float32)
    labels = np.arange(50) % 10
    data = lab.Dataset(ones, labels, ones, labels)
    recorder = Recorder()
    model = sequential(layers.Dropout(rate), recorder, softmax())
    model.compile(keras.optimizers.SGD(0.0), SPARSE)

    def masks(seed):
        seen = []

        def look(run):
            if run.epochs == len(seen) + 1:
                seen.append(recorder.trained.numpy())

        lab.train(model, data, epochs=6, batch_size=50, seed=seed, callback=look)
        return np.array(seen)

    seen = masks(0)
    kept = seen > 0
    # 235,200 units; four standard errors are at most 0.0042.
    assert kept.mean() == pytest.approx(1 - rate, abs=0.0042)
    assert np.allclose(seen[kept], 1 / (1 - rate), rtol=1e-4)
    for one, other in itertools.pairwise(kept):
        # Masks of two steps agree as often as independent ones do.
        agreement = (1 - rate) ** 2 + rate**2
        assert np.mean(one == other) == pytest.approx(agreement, abs=0.02)
    # Nor do the rows of one mask repeat, nor its columns.
    assert len(np.unique(kept[0], axis=0)) == 50
    assert len(np.unique(kept[0], axis=1).T) == 784 or rate == 0.9
    assert np.all(recorder.validated.numpy() == 1)
    assert np.array_equal(seen, masks(0))
    assert not np.array_equal(seen, masks(1))


def test_two_dropout_layers_draw_different_masks():
    ones = np.ones((50, 784), np.float32)
    data = lab.Dataset(ones, np.zeros(50, int), ones, np.zeros(50, int))
    first, second, shared = Recorder(), Recorder(), layers.Dropout(0.5)
    image = keras.Input((784,))
    one, other = first(shared(image)), second(shared(image))
    model = keras.Model(image, softmax()(layers.Add()([one, other])))
    model.compile("sgd", SPARSE)
    lab.train(model, data, epochs=1, batch_size=50, seed=0)
    masks = first.trained.numpy(), second.trained.numpy()
    assert np.mean((masks[0] > 0) == (masks[1] > 0)) == pytest.approx(0.5, abs=0.02)


def test_other_noise_layers_work_and_repeat(small):
    def build():
        model = sequential(layers.GaussianNoise(0.5), layers.Dropout(0.5, (None, 1)), softmax())
        model.compile(sgd(), ONE_HOT)
        return model

    model = build()
    first = lab.train(model, small, epochs=2, batch_size=BATCH, seed=2)
    assert same(first, lab.train(model, small, epochs=2, batch_size=BATCH, seed=2))
    assert same(first, lab.train(build(), small, epochs=2, batch_size=BATCH, seed=2))


def test_prepared_arrays_are_used_as_they_are(small):
    flat = [x.reshape(-1, 784) for x in (small.x_train, small.x_valid)]
    one_hot = [keras.utils.to_categorical(y, 10) for y in (small.y_train, small.y_valid)]

    def train(scale):
        data = lab.Dataset(flat[0] / scale, one_hot[0], flat[1] / scale, one_hot[1])
        return lab.train(compiled("sequential, SGD"), data, epochs=1, batch_size=BATCH, seed=0)

    stored = lab.train(compiled("sequential, SGD"), small, epochs=1, batch_size=BATCH, seed=0)
    assert np.allclose(train(255).batch_loss, stored.batch_loss, rtol=1e-5)
    # Pixels left at 0 to 255 show in the curve.
    assert train(1).batch_loss[0] > 5 * stored.batch_loss[0]


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


def test_interrupt_returns_what_was_trained(small, capsys):
    def interrupt(run):
        if run.epochs == 2:
            os.kill(os.getpid(), signal.SIGINT)

    usual = signal.getsignal(signal.SIGINT)
    model = compiled("sequential, SGD")
    run = lab.train(model, small, epochs=10_000, seed=0, callback=interrupt)
    assert run.interrupted
    assert run.epochs == 2
    assert "the model keeps what it learned" in capsys.readouterr().out
    x = small.x_valid.reshape(-1, 784) / np.float32(255)
    right = model.predict(x, verbose=0).argmax(axis=1) == small.y_valid
    assert right.mean() > 0.3
    assert signal.getsignal(signal.SIGINT) is usual


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_keeps_the_run(tmp_path):
    file = tmp_path / "run.npz"
    command = [sys.executable, "-m", "mnist_lab", "train", "linear", "--epochs", "5000"]
    terminal, inside = os.openpty()
    with subprocess.Popen([*command, "--save", str(file)], stdout=inside) as process:
        os.close(inside)
        said = ""
        while " left" not in said:
            said += os.read(terminal, 1000).decode()
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how Linux ends what comes out of a terminal
            while more := os.read(terminal, 1000):
                said += more.decode()
    os.close(terminal)
    assert process.returncode == 130
    assert "stopped after" in said
    assert said.splitlines()[-1].startswith("final validation accuracy: ")
    run = lab.Run.load(file)
    assert run.interrupted
    assert 0 < len(run.batch_loss) < 5000 * 600


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


def test_replicas_show_progress(data, capsys):
    losses = [keras.losses.CategoricalCrossentropy()]
    lab.train_replicas(data, [0.1], losses, seeds=1, iterations=25, progress=True)
    said = capsys.readouterr().out.rstrip().split("\r")
    assert said[1].startswith("iteration 10/25")
    assert said[-1].startswith("iteration 25/25")
    assert "left" in said[1]
    assert "left" not in said[-1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.94, "0.9 s"), (42.3, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds, words):
    assert progress.duration(seconds) == words


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


def test_models_that_do_not_fit_are_refused(small):
    raw = sequential(softmax())
    with pytest.raises(ValueError, match=r"is not compiled: call model\.compile"):
        lab.train(raw, small, epochs=1)
    cases = [
        (sequential(softmax(), shape=(100,)), ONE_HOT, "does not take these images"),
        (sequential(layers.Dense(7)), ONE_HOT, "labels up to 9, but the model 7 outputs"),
        (sequential(layers.Dense(10), shape=(28, 28)), ONE_HOT, r"shape \(2, 28, 10\)"),
    ]
    for model, loss, message in cases:
        model.compile("sgd", loss)
        with pytest.raises(ValueError, match=message):
            lab.train(model, small, epochs=1)
    one_hot = [keras.utils.to_categorical(y, 10) for y in (small.y_train, small.y_valid)]
    data = lab.Dataset(small.x_train, one_hot[0], small.x_valid, one_hot[1])
    raw.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match="loss is a sparse one"):
        lab.train(raw, data, epochs=1)


def test_an_unbuilt_model_is_built(small):
    for stack in (
        [layers.Flatten(), softmax()],
        [layers.Conv2D(2, 5), layers.Flatten(), softmax()],
    ):
        model = keras.Sequential(stack)
        model.compile("sgd", ONE_HOT)
        assert lab.train(model, small, epochs=1, seed=0).epochs == 1


def test_bfloat16_learns_the_same(data):
    part = lab.Dataset(data.x_train[:6000], data.y_train[:6000], data.x_valid, data.y_valid)
    runs = {}
    for precision in ("float32", "bfloat16"):
        model = lab.build_mlp(hidden_units=100, dropout=0.2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(train_module, "has_bfloat16", lambda: True)
            runs[precision] = lab.train(model, part, epochs=3, seed=0, precision=precision)
        assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
        assert {weight.dtype for weight in model.weights} == {"float32"}
    short, full = runs["bfloat16"], runs["float32"]
    assert not np.array_equal(short.batch_loss, full.batch_loss)
    # The first loss has the same weights and differs by rounding alone: 8 bits of each product.
    assert short.batch_loss[0] == pytest.approx(full.batch_loss[0], rel=0.01)
    assert short.val_accuracy == pytest.approx(full.val_accuracy, abs=0.02)


def test_bfloat16_without_the_processor_is_warned_about(small, monkeypatch):
    monkeypatch.setattr(train_module, "has_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match="no bfloat16 found in this processor"):
        lab.train(compiled("sequential, SGD"), small, epochs=1, precision="bfloat16")


def test_xla_refusing_a_model_is_told_and_survived(small, capsys):
    def build():
        # XLA cannot compile a call back into Python.
        def identity(x):
            y = keras.tree.flatten(x)[0]
            same = tf.py_function(lambda value: value, [y], tf.float32)
            return tf.ensure_shape(same, y.shape)

        model = sequential(layers.Lambda(identity, output_shape=(784,)), softmax())
        model.compile(sgd(), ONE_HOT)
        return model

    run = lab.train(build(), small, epochs=1)
    assert "Training without XLA, which is slower" in capsys.readouterr().out
    assert run.epochs == 1


def trainings(data):
    """Each part trained on few images: what came of it, and the weights."""
    for part in lab.PARTS.values():
        model = part.build(**{"filters": (2, 4)} if part.key == "cnn" else {"hidden_units": 20})
        yield lab.train(model, data, epochs=2, batch_size=BATCH, seed=0), model.get_weights()


@pytest.fixture(scope="module")
def by_xla(small):
    return list(trainings(small))


@pytest.mark.filterwarnings("error")
def test_without_xla_it_is_told_once_and_the_results_are_the_same(
    small, capsys, by_xla, without_xla
):
    plain = list(trainings(small))
    told = capsys.readouterr().out
    assert told.count("Training without XLA, which is slower") == 1
    assert f"within rounding: {without_xla}\n" in told
    for (run, weights), (other, others) in zip(plain, by_xla, strict=True):
        assert np.allclose(run.batch_loss, other.batch_loss, rtol=1e-4)
        assert np.allclose(run.val_probabilities, other.val_probabilities, atol=1e-3)
        for ours, theirs in zip(weights, others, strict=True):
            assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-5)


THREADS = """
import sys
import numpy as np
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
tf.config.threading.set_inter_op_parallelism_threads(int(sys.argv[1]))
import test_train
from mnist_lab import load_mnist, Dataset
from mnist_lab.training import loop
whole = load_mnist()
part = Dataset(whole.x_train[:330], whole.y_train[:330], whole.x_valid[:120], whole.y_valid[:120])
results = list(test_train.trainings(part))
loop._suits_xla = lambda traced: False
results += test_train.trainings(part)
arrays = [[run.batch_loss, run.val_probabilities, *weights] for run, weights in results]
np.savez(sys.argv[2], *sum(arrays, []))
"""


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_with_xla_and_without(tmp_path):
    files = [tmp_path / f"{threads}.npz" for threads in (1, 2)]
    for threads, file in enumerate(files, 1):
        command = [sys.executable, "-c", THREADS, str(threads), file]
        subprocess.run(command, cwd=os.path.dirname(__file__), check=True)
    one, two = (np.load(file) for file in files)
    assert len(one.files) == 2 * (4 * 2 + 4 + 8 + 8 + 6)
    for name in one.files:
        # Sums are rounded in another order: we saw 2e-7, and probabilities are kept to 1e-3.
        tolerance = 1e-3 if one[name].dtype == np.float16 else 1e-5
        assert np.allclose(one[name], two[name], rtol=tolerance, atol=tolerance)


MEMORY = """
import re, sys
import mnist_lab as lab
whole = lab.load_mnist()
part = lab.Dataset(whole.x_train[:2000], whole.y_train[:2000], whole.x_valid, whole.y_valid)
lab.train(lab.PARTS[sys.argv[1]].build(), part, epochs=2, seed=0)
# Not getrusage, which counts what this process was before it became Python.
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 2**20)
"""


@pytest.mark.parametrize(
    ("key", "limit"), [("linear", 1.0), ("mlp", 1.2), ("dropout", 1.2), ("cnn", 1.2)]
)
@pytest.mark.slow
def test_memory_stays_small(key, limit):
    if not os.path.exists("/proc/self/status"):
        pytest.skip("only Linux tells the peak of one process")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, key], capture_output=True, text=True, check=True
    )
    # The 58,000 images left out here would be held once more, beside those of the data set.
    assert float(done.stdout.split()[-1]) + 58_000 * 784 / 2**30 < limit


def test_models_that_are_gone_leave_nothing_behind(data):
    process, sizes = psutil.Process(), []
    for _ in range(6):
        lab.train(lab.build_linear(), data, epochs=1)
        sizes.append(process.memory_info().rss / 2**20)
    # Four trainings later; a copy of the training images is 45 MiB, what XLA compiled some 8.
    assert sizes[-1] - sizes[1] < 2 * 45


def test_replicas_are_trainings(data):
    rates = [0.1, 0.5]
    losses = [keras.losses.CategoricalCrossentropy(), lab.ClippedCrossentropy()]
    replicas = lab.train_replicas(data, rates, losses, seeds=3, iterations=30)
    assert replicas.shape == (2, 2, 3, 30)
    for loss, rows in zip(losses, replicas, strict=True):
        for rate, row in zip(rates, rows, strict=True):
            model = lab.build_linear(learning_rate=rate, loss=loss)
            run = lab.train(model, data, epochs=1, seed=2, callback=lambda run: True)
            size = min(30, len(run.batch_loss))
            assert np.allclose(row[2, :size], run.batch_loss[:size], rtol=1e-4)


def test_replicas_refuse_bad_arguments(data):
    for arguments, message in (
        ({"seeds": 0}, "seeds=0"),
        ({"iterations": 601}, "iterations=601: it must be a whole number from 1 to 600"),
        ({"learning_rates": [0.1, -1]}, r"learning_rates\[1\]=-1"),
    ):
        with pytest.raises(ValueError, match=message):
            lab.train_replicas(data, **{"learning_rates": [0.1], "losses": [], **arguments})
