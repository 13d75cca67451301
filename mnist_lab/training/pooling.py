"""Faster gradients for convolutions and max pooling on a processor."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from .tracing import replaced_calls
from .xla import XLA_REFUSES

LARGEST_WINDOW = 16  # values; they are compared with the window's maximum one after the other


@contextlib.contextmanager
def fast_convolution(model: keras.Model) -> Iterator[None]:
    """Give convolutions with a bias, and max pooling, faster gradients while tracing.

    On a processor TensorFlow's kernel for the gradient of max pooling takes as long as a
    convolution. XLA needs a third to a sixth of that, with the same bits, and includes the ReLU of
    a convolution. TensorFlow still handles windows that overlap or reach beyond the image.
    """
    before_relu = {}  # a convolution's output before its ReLU, by the output after it

    def convolves(layer: keras.layers.Layer) -> bool:
        plain = type(layer) is keras.layers.Conv2D and layer.data_format == "channels_last"
        return plain and layer.use_bias

    def convolution(layer: keras.layers.Conv2D) -> Callable:
        def call(inputs):
            products = layer.convolution_op(inputs, layer.kernel)
            before = _biased(products, tf.convert_to_tensor(layer.bias))
            output = layer.activation(before)
            if layer.activation is keras.activations.relu:
                before_relu[output.ref()] = before
            return output

        return call

    def pools(layer: keras.layers.Layer) -> bool:
        plain = type(layer) is keras.layers.MaxPooling2D and layer.data_format == "channels_last"
        small = plain and np.prod(layer.pool_size) <= LARGEST_WINDOW
        return small and layer.strides == layer.pool_size and _xla_works()

    def pooling(layer: keras.layers.MaxPooling2D) -> Callable:
        usual = layer.call

        def call(inputs):
            sides = inputs.shape[1:3]
            if None in sides or np.any(np.mod(sides, layer.pool_size)):
                return usual(inputs)
            if inputs.ref() in before_relu:
                before = before_relu[inputs.ref()]
                return _pooled(inputs, layer.pool_size, before, _through_relu)
            return _pooled(inputs, layer.pool_size, inputs, _to_the_largest)

        return call

    with (
        replaced_calls(model, convolves, convolution),
        replaced_calls(model, pools, pooling),
    ):
        yield


def _biased(products, bias):
    """Add a bias whose gradient, in float32, is a separate sum.

    If both gradients start from the same tensor, TensorFlow lets oneDNN compute the sum together
    with the convolution's gradient. In float32 that takes several times as long as the sum alone.
    """

    @tf.custom_gradient
    def add(products, bias):
        def backward(gradient):
            summed = gradient
            if gradient.dtype == tf.float32:
                summed = tf.reshape(gradient, (-1, gradient.shape[-1]))  # another tensor
            return gradient, tf.raw_ops.BiasAddGrad(out_backprop=summed)

        return tf.nn.bias_add(products, bias), backward

    return add(products, bias)


def _pooled(inputs, window: tuple[int, int], source, backward: Callable):
    """Pool `inputs`, a function of `source`; `backward` computes the gradient for `source`."""

    @tf.custom_gradient
    def pool(_):
        largest = tf.nn.max_pool2d(inputs, window, window, "VALID")
        return largest, lambda gradient: backward(inputs, largest, gradient, window)

    return pool(source)


@tf.function(autograph=False, jit_compile=True)
def _through_relu(x, largest, gradient, window: tuple[int, int]):
    """Compute the gradient before the ReLU whose output is `x`.

    Only numbers above zero pass a gradient. Equal ones have equal bits, which XLA compares twice
    as fast as bfloat16.
    """
    passed = tf.where(largest > 0, gradient, tf.zeros((), gradient.dtype))
    bits = tf.as_dtype(f"int{8 * x.dtype.size}")
    arrays = (tf.bitcast(array, bits) for array in (x, largest, passed))
    return tf.bitcast(_to_the_largest(*arrays, window), x.dtype)


@tf.function(autograph=False, jit_compile=True)
def _to_the_largest(x, largest, gradient, window: tuple[int, int]):
    """Pass each window's gradient to its largest value, the first in rows among equal ones."""
    height, width = window
    shape = tf.shape(x)
    tiles = (shape[0], x.shape[1] // height, height, x.shape[2] // width, width, x.shape[3])
    values = tf.reshape(x, tiles)
    size = height * width
    first = tf.fill(tf.shape(largest), size - 1)
    for place in reversed(range(size - 1)):
        found = values[:, :, place // width, :, place % width] == largest
        first = tf.where(found, place, first)
    places = tf.reshape(tf.range(size), (1, 1, height, 1, width, 1))
    own = first[:, :, tf.newaxis, :, tf.newaxis] == places
    zero = tf.zeros((), gradient.dtype)
    return tf.reshape(tf.where(own, gradient[:, :, tf.newaxis, :, tf.newaxis], zero), shape)


@functools.cache
def _xla_works() -> bool:
    """Whether this TensorFlow has XLA; some builds do not."""
    try:
        with tf.init_scope():  # run now, not as part of what is being traced
            one = tf.ones((1, 1, 1, 1))
            _to_the_largest(one, one, one, (1, 1))
    except XLA_REFUSES:
        return False
    return True
