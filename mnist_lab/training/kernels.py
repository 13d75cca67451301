"""What a step computes in another way than Keras, with the same results.

Adam, dropout, the gradients of convolutions and max pooling, bfloat16.

Each is put in place while an iteration is traced, for whatever layers and optimiser a student
has written.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

# Raised where XLA cannot compile a network, or where TensorFlow was built without XLA.
XLA_REFUSES = (tf.errors.OpError, ValueError)
LARGEST_WINDOW = 16  # values; each is compared with the window's maximum one after the other


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, gradients: list, variables: list
) -> None:
    """Take the optimiser's step; plain Adam in one pass over the weights instead of a dozen."""
    pairs = [pair for pair in zip(gradients, variables, strict=True) if pair[0] is not None]
    if not _is_plain_adam(optimizer, variables):
        optimizer.apply_gradients(pairs)
        return
    optimizer._apply_weight_decay(variables)  # which does nothing where there is none
    count = tf.cast(optimizer.iterations + 1, tf.float32)
    for gradient, variable in pairs:
        index = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            beta1_power=tf.pow(tf.constant(optimizer.beta_1), count),
            beta2_power=tf.pow(tf.constant(optimizer.beta_2), count),
            lr=tf.cast(tf.convert_to_tensor(optimizer.learning_rate), tf.float32),
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )
    optimizer.iterations.assign_add(1)


def _is_plain_adam(optimizer: keras.optimizers.Optimizer, variables: list) -> bool:
    extras = ("clipnorm", "global_clipnorm", "clipvalue", "loss_scale_factor")
    return (
        type(optimizer) is keras.optimizers.Adam
        and not optimizer.amsgrad
        and not optimizer.use_ema
        and optimizer.gradient_accumulation_steps is None
        and all(getattr(optimizer, extra) is None for extra in extras)
        and all(v.dtype == "float32" and v.constraint is None for v in variables)
    )


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

    with _called_otherwise(model, suits, replacement):
        yield


@contextlib.contextmanager
def fast_convolution(model: keras.Model) -> Iterator[None]:
    """Let convolutions with a bias, and max pooling, pass their gradients back fast while tracing.

    TensorFlow's own kernel for the gradient of max pooling takes as long on a processor as a
    convolution. XLA takes a third to a sixth of that, with the same result bit by bit, and takes
    the ReLU of a convolution in its stride. Windows that overlap or stick out are left to
    TensorFlow.
    """
    before_relu = {}  # by a convolution's output, what it was before its ReLU

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
        _called_otherwise(model, convolves, convolution),
        _called_otherwise(model, pools, pooling),
    ):
        yield


@contextlib.contextmanager
def _called_otherwise(
    model: keras.Model, suits: Callable[..., bool], replacement: Callable[..., Callable]
) -> Iterator[None]:
    """Replace `call` of those layers of a model that suit, for a while."""
    replaced = [layer for layer in model._flatten_layers() if suits(layer)]
    for layer in replaced:
        vars(layer)["call"] = replacement(layer)
    try:
        yield
    finally:
        for layer in replaced:
            del vars(layer)["call"]


def _biased(products, bias):
    """Products plus bias; in float32 the bias' gradient is a sum of its own.

    Where both gradients begin with the same tensor, TensorFlow has oneDNN take the sum along with
    the convolution's gradient. In float32 that takes several times as long as the sum.
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
    """Max pooling of `inputs`, which follow from `source`, where `backward` takes the gradient."""

    @tf.custom_gradient
    def pool(_):
        largest = tf.nn.max_pool2d(inputs, window, window, "VALID")
        return largest, lambda gradient: backward(inputs, largest, gradient, window)

    return pool(source)


@tf.function(autograph=False, jit_compile=True)
def _through_relu(x, largest, gradient, window: tuple[int, int]):
    """The gradient before the ReLU whose output is `x`.

    Only numbers above zero pass anything, and of those equal ones have equal bits, which XLA
    compares twice as fast as bfloat16.
    """
    passed = tf.where(largest > 0, gradient, tf.zeros((), gradient.dtype))
    bits = tf.as_dtype(f"int{8 * x.dtype.size}")
    arrays = (tf.bitcast(array, bits) for array in (x, largest, passed))
    return tf.bitcast(_to_the_largest(*arrays, window), x.dtype)


@tf.function(autograph=False, jit_compile=True)
def _to_the_largest(x, largest, gradient, window: tuple[int, int]):
    """Each window's gradient goes to its largest value, of equal ones to the first in rows."""
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
    """Whether this TensorFlow has XLA; some builds have not."""
    try:
        with tf.init_scope():  # at once, though something else is being traced
            one = tf.ones((1, 1, 1, 1))
            _to_the_largest(one, one, one, (1, 1))
    except XLA_REFUSES:
        return False
    return True


def _keep_mask(inputs, rate: float, seed):
    """Zeros where a unit is dropped, 1 / (1 - rate) elsewhere; `rate` to the nearest 1/65536."""
    bits = 1 if rate == 0.5 else 16
    threshold = round(rate * 2**bits)
    size = int(np.prod(inputs.shape))
    words = tf.random.stateless_uniform(
        (-(-size * bits // 32), 1), seed, None, None, tf.uint32, alg="philox"
    )
    shifts = tf.constant(np.arange(0, 32, bits), tf.uint32)
    numbers = tf.bitwise.bitwise_and(
        tf.bitwise.right_shift(words, shifts), tf.constant(2**bits - 1, tf.uint32)
    )
    numbers = tf.reshape(tf.reshape(tf.cast(numbers, tf.int32), [-1])[:size], inputs.shape)
    return tf.cast(numbers >= threshold, inputs.dtype) / tf.cast(1 - rate, inputs.dtype)


@contextlib.contextmanager
def mixed_precision(model: keras.Model, precision: str) -> Iterator[None]:
    """Let all layers but the last with weights compute in bfloat16 while tracing.

    The weights stay float32, and so does what decides: the output layer and all after it.
    """
    layers = [layer for layer in model._flatten_layers() if not layer._layers]
    last = max((i for i, layer in enumerate(layers) if layer.weights), default=0)
    lowered = layers[:last] if precision == "bfloat16" else []
    policies = [layer.dtype_policy for layer in lowered]
    for layer in lowered:
        layer.dtype_policy = "mixed_bfloat16"
    try:
        yield
    finally:
        for layer, policy in zip(lowered, policies, strict=True):
            layer.dtype_policy = policy
