"""Adam in one pass over the weights."""

import keras
import tensorflow as tf


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, gradients: list, variables: list
) -> None:
    """Take an optimiser's step; plain Adam needs one pass over the weights instead of a dozen."""
    pairs = [pair for pair in zip(gradients, variables, strict=True) if pair[0] is not None]
    if not _is_plain_adam(optimizer, variables):
        optimizer.apply_gradients(pairs)
        return
    optimizer._apply_weight_decay(variables)  # does nothing if there is none
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
