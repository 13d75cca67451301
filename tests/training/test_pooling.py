"""Convolutions and max pooling pass the same gradients back as TensorFlow's, bit by bit."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_lab.training import pooling


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
    fast, fast_operations = gradients(model, images, pooling.fast_convolution)
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
    largest = layers.MaxPooling2D(2, dtype=dtype)
    model = in_a_row(images, exact_convolution(dtype, **figures), largest)
    plain, operations = gradients(model, images)
    fast, fast_operations = gradients(model, images, pooling.fast_convolution)
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
    fast, _ = gradients(model, images, pooling.fast_convolution)
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
    fast, same_operations = gradients(model, images, pooling.fast_convolution)
    assert operations == same_operations
    assert same_bits(plain, fast)


def test_without_xla_pooling_is_left_to_tensorflow(monkeypatch):
    def missing(*_):
        raise tf.errors.UnimplementedError(None, None, "no XLA here")

    pooling._xla_works.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(pooling, "_to_the_largest", missing)
        images = tied((2, 4, 4, 1))
        model = in_a_row(images, layers.MaxPooling2D(2))
        _, operations = gradients(model, images, pooling.fast_convolution)
    pooling._xla_works.cache_clear()
    assert "MaxPoolGrad" in operations
