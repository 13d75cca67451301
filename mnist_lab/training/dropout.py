"""Dropout with masks from a counter-based random generator, which costs next to nothing."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from .tracing import replaced_calls


@contextlib.contextmanager
def fast_dropout(model: keras.Model, key, step) -> Iterator[None]:
    """Let a model's dropout layers draw their masks from Philox words while tracing.

    Keras' own generator takes more time than the network. A Philox word costs next to nothing, can
    be computed for any iteration without those before it, and is enough for 32 units at rate 0.5,
    or for two units at any other rate.
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

    with replaced_calls(model, suits, replacement):
        yield


def _keep_mask(inputs, rate: float, seed):
    """Return 0 for dropped units, 1 / (1 - rate) for others; `rate` to the nearest 1/65536."""
    bits = 1 if rate == 0.5 else 16
    threshold = round(rate * 2**bits)
    # A student's own layer may lose the static number of images.
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
