"""Dropout with masks from counted random words, which cost next to nothing."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from .tracing import called_otherwise


@contextlib.contextmanager
def fast_dropout(model: keras.Model, key, step) -> Iterator[None]:
    """Let the model's dropout layers draw their masks from counted random words while tracing.

    Keras' own generator costs more than the network it serves. A Philox word costs next to
    nothing, can be had for any iteration without the ones before it, and gives 32 units a mask at
    rate 0.5, or two units at any other rate.
    """
    calls = iter(range(1000))

    def replacement(layer: keras.layers.Dropout) -> Callable:
        def call(inputs, training=False):
            if not training:
                return inputs
            seed = tf.stack([key, step * 1000 + next(calls)])
            return inputs * _keep_mask(inputs, layer.rate, seed)

        return call

    def suits(layer: keras.layers.Layer) -> bool:
        plain = type(layer) is keras.layers.Dropout and layer.noise_shape is None
        return plain and 0 < layer.rate < 1

    with called_otherwise(model, suits, replacement):
        yield


def _keep_mask(inputs, rate: float, seed):
    """Zeros where a unit is dropped, 1 / (1 - rate) elsewhere; `rate` to the nearest 1/65536."""
    bits = 1 if rate == 0.5 else 16
    threshold = round(rate * 2**bits)
    # A student's own layer may leave it open how many images there are.
    known = inputs.shape.is_fully_defined()
    shape = inputs.shape if known else tf.shape(inputs)
    size = int(np.prod(shape)) if known else tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        (-(-size * bits // 32), 1), seed, None, None, tf.uint32, alg="philox"
    )
    shifts = tf.constant(np.arange(0, 32, bits), tf.uint32)
    numbers = tf.bitwise.bitwise_and(
        tf.bitwise.right_shift(words, shifts), tf.constant(2**bits - 1, tf.uint32)
    )
    numbers = tf.reshape(tf.reshape(tf.cast(numbers, tf.int32), [-1])[:size], shape)
    return tf.cast(numbers >= threshold, inputs.dtype) / tf.cast(1 - rate, inputs.dtype)
