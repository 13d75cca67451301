"""The loop: with XLA and without, on one thread and on two, in little memory."""

import os
import subprocess
import sys

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from classifiers import BATCH, ONE_HOT, SPARSE, compiled, same, sequential, sgd, softmax
from keras import layers

import mnist_lab as lab
from mnist_lab.training import loop


def test_fit_sample_is_fair(data):
    sample = loop.fit_sample(len(data.x_train))
    assert len(np.unique(sample)) == 5000
    assert abs(np.mean(sample % 2) - 0.5) < 0.02
    shares = np.bincount(data.y_train[sample]) / 5000
    assert np.allclose(shares, np.bincount(data.y_train) / 60000, atol=0.01)


def test_the_pace_of_chunks_changes_nothing(small, monkeypatch):
    model = lab.build_mlp(hidden_units=8, dropout=0.3)
    first = lab.train(model, small, epochs=2, batch_size=10, seed=1)
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)
    assert same(first, lab.train(model, small, epochs=2, batch_size=10, seed=1))


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


def test_models_that_do_not_fit_are_refused(small):
    raw = sequential(softmax())
    with pytest.raises(ValueError, match=r"is not compiled: call model\.compile"):
        lab.train(raw, small, epochs=1)
    cases = [
        (sequential(softmax(), shape=(100,)), ONE_HOT, "does not take these images"),
        (sequential(layers.Dense(7)), ONE_HOT, "labels up to 9, but the model has 7 outputs"),
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
    twice = [keras.utils.to_categorical(y, 10) for y in one_hot]
    data = lab.Dataset(small.x_train, twice[0], small.x_valid, twice[1])
    with pytest.raises(ValueError, match="made one-hot twice"):
        lab.train(raw, data, epochs=1)


def test_an_unbuilt_model_is_built(small):
    for stack in (
        [layers.Flatten(), softmax()],
        [layers.Conv2D(2, 5), layers.Flatten(), softmax()],
    ):
        model = keras.Sequential(stack)
        model.compile("sgd", ONE_HOT)
        assert lab.train(model, small, epochs=1, seed=0).epochs == 1


def test_xla_refusing_a_model_is_reported_and_survived(small, capsys):
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


def trainings(data, keys=tuple(lab.PARTS)):
    """Parts trained on few images: what came of each, and the weights."""
    for part in map(lab.PARTS.get, keys):
        model = part.build(**{"filters": (2, 4)} if part.key == "cnn" else {"hidden_units": 20})
        yield lab.train(model, data, epochs=2, batch_size=BATCH, seed=0), model.get_weights()


WITH_XLA = ("linear", "dropout")  # the MLP's network is that of dropout; the CNN goes without


@pytest.fixture(scope="module")
def by_xla(small):
    return list(trainings(small, WITH_XLA))


@pytest.mark.parametrize("without_xla", ["InvalidArgumentError"], indirect=True)
@pytest.mark.filterwarnings("error")
def test_without_xla_it_says_so_once_and_the_results_are_the_same(
    small, capsys, by_xla, without_xla
):
    plain = list(trainings(small, WITH_XLA))
    said = capsys.readouterr().out
    assert said.count("Training without XLA, which is slower") == 1
    assert f"within rounding: {without_xla}\n" in said
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
import test_loop
from mnist_lab import load_mnist, Dataset
from mnist_lab.training import loop
whole = load_mnist()
part = Dataset(whole.x_train[:330], whole.y_train[:330], whole.x_valid[:120], whole.y_valid[:120])
results = list(test_loop.trainings(part, [*test_loop.WITH_XLA, "cnn"]))
loop.suits_xla = lambda traced: False
results += test_loop.trainings(part, test_loop.WITH_XLA)
arrays = {}
for number, (run, weights) in enumerate(results):
    arrays |= {f"loss {number}": run.batch_loss, f"said {number}": run.val_probabilities}
    arrays |= {f"weights {number} {i}": each for i, each in enumerate(weights)}
np.savez(sys.argv[2], **arrays)
"""
# Sums are rounded in another order; losses were 3e-6 apart at the most. Adam takes as long a step
# from a small gradient as from a large one. So where a gradient is close to zero, its rounding
# moves the weight: by 3e-5 of the 0.012 that these iterations can move it. Probabilities are kept
# to 1e-3.
APART = {"loss": 1e-5, "said": 1e-3, "weights": 1e-4}


@pytest.mark.gate
def test_one_thread_and_two_give_the_same_with_xla_and_without(tmp_path):
    files = [tmp_path / f"{threads}.npz" for threads in (1, 2)]
    for threads, file in enumerate(files, 1):
        command = [sys.executable, "-c", THREADS, str(threads), file]
        subprocess.run(command, cwd=os.path.dirname(__file__), check=True)
    one, two = (np.load(file) for file in files)
    assert len(one.files) == 2 * (2 * 2 + 4 + 8) + 2 + 6
    for name in one.files:
        tolerance = APART[name.split()[0]]
        assert np.allclose(one[name], two[name], rtol=tolerance, atol=tolerance)


MEMORY = """
import re, sys
import mnist_lab as lab
whole = lab.load_mnist()
part = lab.Dataset(whole.x_train[:2000], whole.y_train[:2000], whole.x_valid, whole.y_valid)
lab.train(lab.PARTS[sys.argv[1]].build(), part, epochs=1, seed=0)
# Not getrusage, which counts what this process was before it became Python.
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 2**20)
"""


@pytest.mark.parametrize(
    ("key", "limit"),
    [("dropout", 1.2), ("cnn", 1.2)],  # one with XLA, the other without
)
@pytest.mark.gate
def test_memory_stays_small(key, limit):
    if not os.path.exists("/proc/self/status"):
        pytest.skip("only Linux tells the peak of one process")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, key], capture_output=True, text=True, check=True
    )
    # The 58,000 images left out here would be held once more, beside those of the data set.
    assert float(done.stdout.split()[-1]) + 58_000 * 784 / 2**30 < limit


@pytest.mark.gate
def test_models_that_are_gone_leave_nothing_behind(data):
    process, sizes = psutil.Process(), []
    for _ in range(5):
        lab.train(lab.build_linear(), data, epochs=1)
        sizes.append(process.memory_info().rss / 2**20)
    # The first grows anyway, and one of the others may for another reason. A copy of the training
    # images is 45 MiB, what XLA compiled some 8.
    assert np.median(np.diff(sizes[1:])) < 45 / 2
