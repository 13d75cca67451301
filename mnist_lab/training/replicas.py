"""Hundreds of the sheet's linear networks trained side by side, to see how many survive."""

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
CHUNK = 10  # iterations in one call; between calls the progress is shown


def train_replicas(
    data: Dataset,
    learning_rates: Sequence[float],
    losses: Sequence[keras.losses.Loss],
    *,
    seeds: int = 100,
    iterations: int = 150,
    progress: bool | None = None,
) -> np.ndarray:
    """Train the linear network from many seeds at many learning rates, all in one.

    A linear network is so small that a processor spends more time on looking after one than on
    computing it. Here the weights of all replicas lie in one array, and one product of matrices
    serves them all. Replica k starts from the weights of `train(build_linear(), ..., seed=k)` and
    sees the same batches; the losses agree within rounding.

    Parameters
    ----------
    data
        As `load_mnist` gives it; or prepared, images of 784 pixels, which are used as they are.
    learning_rates
        Of plain gradient descent, each 0 to 1,000.
    losses
        Keras losses for one-hot labels, such as `keras.losses.CategoricalCrossentropy()`.
    seeds
        Seeds 0 to seeds - 1 are trained, 1 to 1,000. Memory: about 2 MB a seed (at seven rates).
    iterations
        Of batches of 100, 1 to as many as the first epoch has.
    progress
        Whether to print a line that moves, as in `train`.

    Returns
    -------
    numpy.ndarray
        The loss of each batch, float32 of shape (losses, learning rates, seeds, iterations).
        Ctrl-C (in a notebook: Interrupt) ends the training early: then of fewer iterations.

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
    classes, count = data.classes, len(learning_rates)
    model = build_linear(classes=classes)
    intake = intake_of(model, data)
    kernels, orders = [], []
    for seed in range(seeds):
        redraw(model, seed, (784,))
        kernels.append(model.layers[1].get_weights()[0])
        orders.append(epoch_order(seed, 0, len(data.x_train))[: iterations * BATCH])
    batches = np.reshape(orders, (seeds, iterations, BATCH)).swapaxes(0, 1).astype(np.int32)
    # Shapes are (seed, learning rate, ...), the rates joined to the columns in the first layer.
    weights = [
        tf.zeros((seeds, 784, count * 10)),
        tf.zeros((seeds, 1, count * 10)),
        tf.repeat(tf.constant(kernels)[:, tf.newaxis], count, axis=1),
        tf.zeros((seeds, count, 1, classes)),
    ]
    rates = tf.constant(learning_rates, tf.float32)
    steps = [tf.repeat(rates, 10), tf.repeat(rates, 10), rates[:, None, None], rates[:, None, None]]
    images, labels = intake.tensors(data.x_train, data.y_train)

    def step(loss, weights, batch):
        flat = tf.reshape(batch, [-1])
        x, y, _ = intake.adapted(tf.gather(images, flat), tf.gather(labels, flat))
        x = tf.reshape(x, (seeds, BATCH, 784))
        y = tf.reshape(y, (seeds, 1, BATCH, classes))
        with tf.GradientTape() as tape:
            tape.watch(weights)
            hidden = tf.reshape(x @ weights[0] + weights[1], (seeds, BATCH, count, 10))
            logits = tf.transpose(hidden, (0, 2, 1, 3)) @ weights[2] + weights[3]
            output = keras.ops.softmax(logits)
            each = tf.reduce_mean(loss.call(tf.broadcast_to(y, output.shape), output), axis=-1)
        gradients = tape.gradient(each, weights)
        return [w - s * g for w, s, g in zip(weights, steps, gradients, strict=True)], each

    @tf.function(autograph=False)
    def train_some(loss, weights, batches):
        def iteration(i, weights, history):
            weights, each = step(loss, weights, batches[i])
            return i + 1, weights, tf.tensor_scatter_nd_update(history, [[i]], [each])

        some = batches.shape[0]
        state = (tf.constant(0), weights, tf.zeros((some, seeds, count)))
        return tf.while_loop(lambda i, *_: i < some, iteration, state, parallel_iterations=1)[1:]

    histories = np.empty((len(losses), iterations, seeds, count), np.float32)
    now, done = [weights] * len(losses), 0
    with MovingLine(progress) as line, interruptions() as interrupted:
        began = time.perf_counter()
        while done < iterations and not interrupted.is_set():
            some = slice(done, done + CHUNK)
            for index, loss in enumerate(losses):
                with signals_blocked():
                    now[index], history = train_some(loss, now[index], tf.constant(batches[some]))
                    histories[index, some] = history
            done = min(done + CHUNK, iterations)
            left = time_left(time.perf_counter() - began, done, iterations)
            line.show(f"iteration {done}/{iterations}  {left}")
    if done < iterations:
        print(f"stopped after {done} of {iterations} iterations")
    return histories[:, :done].transpose(0, 3, 2, 1)
