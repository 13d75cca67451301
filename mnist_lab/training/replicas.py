"""Trains hundreds of the sheet's linear networks side by side, to see how many survive."""

import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ..data import Dataset
from ..models import build_linear
from ..progress import MovingLine, time_left
from ..signals import interruptions, signals_blocked
from ..support import in_range
from .epochs import epoch_order
from .fitting import intake_of
from .initial import redraw

BATCH = 100


def train_replicas(
    data: Dataset,
    learning_rates: Sequence[float],
    losses: Sequence[keras.losses.Loss],
    *,
    seeds: int = 100,
    iterations: int = 150,
    accuracies: bool = False,
    progress: bool | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Train the linear network from many seeds at many learning rates at once.

    A linear network is so small that most of its training time is overhead. Here one array holds
    the weights of all replicas, and one matrix product computes them all. Replica k starts from
    the weights of `train(build_linear(), ..., seed=k)` and sees the same batches; the losses agree
    within rounding.

    Parameters
    ----------
    data
        From `load_mnist`; or prepared images of 784 pixels, which are used as they are.
    learning_rates
        Of plain gradient descent, each 0 to 1,000.
    losses
        Keras losses for one-hot labels, such as `keras.losses.CategoricalCrossentropy()`.
    seeds
        Seeds 0 to seeds - 1 are trained, 1 to 1,000. Memory: about 2 MB a seed (at seven rates).
    iterations
        Number of batches of 100 images, at most one epoch.
    accuracies
        Whether to return the batches' accuracies, too.
    progress
        Whether to show a progress line, as in `train`.

    Returns
    -------
    numpy.ndarray
        The loss of each batch, float32 of shape (losses, learning rates, seeds, iterations).
        Ctrl-C (in a notebook: Interrupt) stops early; the array then has fewer iterations.
        With `accuracies`, this and the accuracy of each batch, 0 to 1, of the same shape.

    Raises
    ------
    ValueError
        If an argument lies outside its range.
    """
    seeds = in_range("seeds", seeds, 1, 1000, whole=True)
    iterations = in_range("iterations", iterations, 1, len(data.x_train) // BATCH, whole=True)
    learning_rates = [
        in_range(f"learning_rates[{index}]", rate, 0, 1000)
        for index, rate in enumerate(learning_rates)
    ]
    count, model = len(learning_rates), build_linear(classes=data.classes)
    intake = intake_of(model, data)
    images, labels = intake.tensors(data.x_train, data.y_train)
    weights = _initial_weights(model, seeds, count)
    rates = tf.constant(learning_rates, tf.float32)
    steps = [tf.repeat(rates, 10), tf.repeat(rates, 10), rates[:, None, None], rates[:, None, None]]
    orders = [epoch_order(seed, 0, len(data.x_train)) for seed in range(seeds)]
    batches = np.stack(orders).astype(np.int32)[:, : iterations * BATCH]

    @tf.function(autograph=False)
    def step(loss, weights, batch):
        flat = tf.reshape(batch, [-1])
        x, y, _ = intake.adapted(tf.gather(images, flat), tf.gather(labels, flat))
        x = tf.reshape(x, (seeds, BATCH, 784))
        y = tf.reshape(y, (seeds, 1, BATCH, -1))
        with tf.GradientTape() as tape:
            tape.watch(weights)
            hidden = tf.reshape(x @ weights[0] + weights[1], (seeds, BATCH, count, 10))
            logits = tf.transpose(hidden, (0, 2, 1, 3)) @ weights[2] + weights[3]
            output = keras.ops.softmax(logits)
            each = tf.reduce_mean(loss.call(tf.broadcast_to(y, output.shape), output), axis=-1)
        own = [each]
        if accuracies:
            right = tf.argmax(output, axis=-1) == tf.argmax(y, axis=-1)
            own.append(tf.reduce_mean(tf.cast(right, tf.float32), axis=-1))
        gradients = tape.gradient(each, weights)
        return [w - s * g for w, s, g in zip(weights, steps, gradients, strict=True)], own

    # Of each batch its loss and, if asked for, its accuracy
    history = np.empty((len(losses), iterations, 1 + accuracies, seeds, count), np.float32)
    now, done = [weights] * len(losses), 0
    with MovingLine(progress) as line, interruptions() as interrupted:
        began = time.perf_counter()
        while done < iterations and not interrupted.is_set():
            batch = tf.constant(batches[:, done * BATCH : (done + 1) * BATCH])
            for index, loss in enumerate(losses):
                with signals_blocked():
                    now[index], history[index, done] = step(loss, now[index], batch)
            done += 1
            left = time_left(time.perf_counter() - began, done, iterations)
            line.show(f"iteration {done}/{iterations}  {left}")
    if done < iterations:
        print(f"stopped after {done} of {iterations} iterations")
    measured = tuple(history[:, :done].transpose(2, 0, 4, 3, 1))
    return measured if accuracies else measured[0]


def _initial_weights(model: keras.Model, seeds: int, count: int) -> list[tf.Tensor]:
    """Draw the weights of `count` replicas for each seed.

    Shapes are (seed, learning rate, ...). In the first layer the rates are joined to the columns.
    """
    kernels = []
    for seed in range(seeds):
        redraw(model, seed, (784,))
        kernels.append(model.layers[1].get_weights()[0])
    second = tf.repeat(tf.constant(kernels)[:, tf.newaxis], count, axis=1)
    return [
        tf.zeros((seeds, 784, count * 10)),
        tf.zeros((seeds, 1, count * 10)),
        second,
        tf.zeros((seeds, count, 1, second.shape[-1])),
    ]
