"""Dropout, pooling and bfloat16 as this lab computes them: other ways, the same results."""

import contextlib
import itertools
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from classifiers import BATCH, ONE_HOT, SPARSE, same, sequential, sgd, softmax
from keras import layers, ops

import mnist_lab as lab
from mnist_lab.training import kernels

train_module = sys.modules[lab.train.__module__]  # which the function of this name hides


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


def gradients(model, images, fast=contextlib.nullcontext):
    """The output, the gradients of images and weights, traced as a step is; and the operations."""

    @tf.function(autograph=False)
    def trace(x, of_output):
        with fast(model), tf.GradientTape() as tape:
            tape.watch(x)
            output = model(x, training=True)
        return output, *tape.gradient(output, [x, *model.trainable_variables], of_output)

    of_output = np.random.default_rng(1).integers(-3, 4, (len(images), *model.output_shape[1:]))
    of_output = tf.cast(of_output, images.dtype)
    traced = trace.get_concrete_function(images, of_output)
    found = [tensor.numpy() for tensor in traced(images, of_output)]
    return found, {operation.type for operation in traced.graph.get_operations()}


def tied(shape, dtype="float32"):
    """Few different values, so that many windows have several largest ones; sums are exact."""
    return tf.cast(np.random.default_rng(0).integers(-2, 3, shape), dtype)


def in_a_row(images, *parts):
    return keras.Sequential([keras.Input(images.shape[1:], dtype=images.dtype), *parts])


def same_bits(ones, others):
    return len(ones) == len(others) and all(map(np.array_equal, ones, others))


@pytest.mark.parametrize(
    ("figures", "shape", "dtype"),
    [
        ({"pool_size": 2, "padding": "same"}, (5, 28, 28, 3), "float32"),
        ({"pool_size": 2}, (5, 28, 28, 3), "bfloat16"),
        ({"pool_size": (2, 4)}, (3, 6, 8, 2), "float32"),
        ({"pool_size": 3, "strides": 3, "padding": "same"}, (4, 27, 9, 1), "float32"),
        ({"pool_size": 1}, (2, 4, 4, 2), "float32"),
    ],
)
def test_max_pooling_has_the_same_gradient_bit_by_bit(figures, shape, dtype):
    layer, images = keras.layers.MaxPooling2D(**figures, dtype=dtype), tied(shape, dtype)
    model = in_a_row(images, layer)
    plain, operations = gradients(model, images)
    fast, fast_operations = gradients(model, images, kernels.fast_convolution)
    assert "MaxPoolGrad" in operations
    assert "MaxPoolGrad" not in fast_operations
    assert same_bits(plain, fast)
    assert "call" not in vars(layer)


def exact_convolution(dtype="float32", **figures):
    """Its weights are a few whole numbers, so that all sums are exact, in whatever order."""
    return layers.Conv2D(
        4, 3, kernel_initializer=tied, bias_initializer=tied, dtype=dtype, **figures
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("figures", "relu_gradients"),
    [
        ({"activation": "relu", "padding": "same"}, set()),
        ({"activation": "relu", "strides": 2, "padding": "same"}, set()),
        ({"activation": "relu", "use_bias": False, "padding": "same"}, {"ReluGrad"}),
        ({"activation": "relu6", "padding": "same"}, {"Relu6Grad"}),
        ({"padding": "same"}, set()),
    ],
)
def test_convolution_and_pooling_have_the_same_gradients_bit_by_bit(figures, relu_gradients, dtype):
    images = tied((5, 8, 8, 2), dtype)
    pooling = layers.MaxPooling2D(2, dtype=dtype)
    model = in_a_row(images, exact_convolution(dtype, **figures), pooling)
    plain, operations = gradients(model, images)
    fast, fast_operations = gradients(model, images, kernels.fast_convolution)
    assert same_bits(plain, fast)
    assert all(found.any() for found in plain)
    # XLA passes the gradient through max pooling, and through a ReLU between it and a bias.
    assert "MaxPoolGrad" in operations
    assert fast_operations & {"MaxPoolGrad", "ReluGrad", "Relu6Grad"} == relu_gradients


def test_what_else_follows_a_convolution_has_its_gradient():
    """Not all that looks at a convolution's output needs to be the max pooling behind it."""
    image = keras.Input((8, 8, 2))
    seen = exact_convolution(activation="relu", padding="same")(image)
    ways = [layers.MaxPooling2D(2)(seen), layers.MaxPooling2D(4)(seen), seen]
    model = keras.Model(image, layers.Concatenate()([layers.Flatten()(way) for way in ways]))
    images = tied((5, 8, 8, 2))
    plain, _ = gradients(model, images)
    fast, _ = gradients(model, images, kernels.fast_convolution)
    assert same_bits(plain, fast)


@pytest.mark.parametrize(
    "layer",
    [
        layers.MaxPooling2D(3, strides=1),  # windows overlap
        layers.MaxPooling2D(3),  # a row and a column of 28 are left over
        layers.MaxPooling2D(3, padding="same"),  # or stick out
        layers.MaxPooling2D(7),  # larger than is fast
        type("Own", (layers.MaxPooling2D,), {})(2),
        layers.AveragePooling2D(2),
    ],
)
def test_other_pooling_is_left_to_tensorflow(layer):
    images = tied((2, 28, 28, 2))
    model = in_a_row(images, layer)
    plain, operations = gradients(model, images)
    fast, same_operations = gradients(model, images, kernels.fast_convolution)
    assert operations == same_operations
    assert same_bits(plain, fast)


def test_without_xla_pooling_is_left_to_tensorflow(monkeypatch):
    def missing(*_):
        raise tf.errors.UnimplementedError(None, None, "no XLA here")

    kernels._xla_works.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "_to_the_largest", missing)
        images = tied((2, 4, 4, 1))
        model = in_a_row(images, layers.MaxPooling2D(2))
        _, operations = gradients(model, images, kernels.fast_convolution)
    kernels._xla_works.cache_clear()
    assert "MaxPoolGrad" in operations


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
    # It is validated in bfloat16, too, which says the same of all digits but a few close calls.
    in_full = lab.predict(model, data.x_valid)
    assert not np.array_equal(short.val_probabilities, in_full)
    assert (short.val_probabilities.argmax(axis=1) != in_full.argmax(axis=1)).sum() < 20
