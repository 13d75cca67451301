"""What a step computes in another way than Keras, with the same results: Adam, dropout, bfloat16.

Each is put in place while an iteration is traced, for whatever layers and optimiser a student
has written.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf


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

    replaced = [
        layer
        for layer in model._flatten_layers()
        if type(layer) is keras.layers.Dropout and layer.noise_shape is None and 0 < layer.rate < 1
    ]
    for layer in replaced:
        vars(layer)["call"] = replacement(layer)
    try:
        yield
    finally:
        for layer in replaced:
            del vars(layer)["call"]


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
