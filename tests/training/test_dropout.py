"""Dropout as this lab computes it, and other layers that draw random numbers."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from classifiers import BATCH, ONE_HOT, SPARSE, same, sequential, sgd, softmax
from keras import layers, ops

import mnist_lab as lab
from mnist_lab.training.dropout import _keep_mask as keep_mask

pytestmark = pytest.mark.usefixtures("plainly")


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


@pytest.mark.parametrize("rate", [0.5, 0.3])  # a bit for each unit, and 16
def test_masks_are_random(rate):
    ones = tf.ones((50, 784))
    masks = [keep_mask(ones, rate, tf.constant([0, 1000 * step], tf.int64)) for step in range(6)]
    seen = np.array(masks)
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
    assert len(np.unique(kept[0], axis=1).T) == 784


@pytest.mark.parametrize("rate", [0.25, 0.9])
def test_other_rates_are_kept(rate):
    mask = keep_mask(tf.ones((300, 784)), rate, tf.constant([0, 0], tf.int64)).numpy()
    assert np.mean(mask > 0) == pytest.approx(1 - rate, abs=0.0042)
    assert np.allclose(mask[mask > 0], 1 / (1 - rate), rtol=1e-4)


def test_each_iteration_has_a_mask_of_its_own_that_follows_from_the_seed():
    ones = np.ones((50, 784), np.float32)
    labels = np.arange(50) % 10
    data = lab.Dataset(ones, labels, ones, labels)
    recorder = Recorder()
    model = sequential(layers.Dropout(0.5), recorder, softmax())
    model.compile(keras.optimizers.SGD(0.0), SPARSE)

    def masks(seed):
        seen = []

        def look(run):
            if run.epochs == len(seen) + 1:
                seen.append(recorder.trained.numpy())

        lab.train(model, data, epochs=3, batch_size=50, seed=seed, callback=look)
        return np.array(seen)

    seen = masks(0)
    assert np.mean(seen > 0) == pytest.approx(0.5, abs=0.01)
    for one, other in itertools.pairwise(seen):
        assert np.mean(one == other) == pytest.approx(0.5, abs=0.02)
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


@keras.saving.register_keras_serializable("tests")
class OfAnyNumber(layers.Layer):
    """Passes all images on, by an operation that might leave some out."""

    def call(self, x):
        return tf.boolean_mask(x, tf.reduce_min(x, axis=1) > -1)

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize("rate", [0.5, 0.3])
def test_dropout_needs_not_know_how_many_images_there_are(small, plainly, rate):
    runs = []
    for between in ([], [OfAnyNumber()]):
        model = sequential(*between, layers.Dropout(rate), softmax())
        model.compile(sgd(), SPARSE)
        runs.append(lab.train(model, small, epochs=1, batch_size=BATCH, seed=0))
    assert np.allclose(runs[0].batch_loss, runs[1].batch_loss, rtol=1e-5)


def test_other_noise_layers_work_and_repeat(small):
    def build():
        model = sequential(layers.GaussianNoise(0.5), layers.Dropout(0.5, (None, 1)), softmax())
        model.compile(sgd(), ONE_HOT)
        return model

    model = build()
    first = lab.train(model, small, epochs=2, batch_size=BATCH, seed=2)
    assert same(first, lab.train(model, small, epochs=2, batch_size=BATCH, seed=2))
    assert same(first, lab.train(build(), small, epochs=2, batch_size=BATCH, seed=2))
