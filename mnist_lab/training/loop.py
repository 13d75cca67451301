"""The compiled training loop: many iterations in one call, on data that stay in memory.

`model.fit` returns to Python for each batch. Here one compiled call runs a chunk of iterations: it
picks each batch by the epoch's permutation, scales it, takes the optimiser's step, and writes the
batch's loss and accuracy into the result. The mathematics is that of `fit`.
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..data import Dataset, as_stored
from ..signals import signals_blocked
from .adam import apply_gradients
from .dropout import fast_dropout
from .fitting import intake_of, scales_itself
from .hardware import graphics_cards
from .losses import takes_logits
from .pooling import fast_convolution
from .precision import mixed_precision
from .xla import XLA_REFUSES, suits_xla, without_xla

CHUNK_SECONDS = 0.15  # how long a call runs before Python gets control again
FIRST_CHUNK = 8.0  # iterations
CAPACITY = 1024  # most iterations in one call
EVALUATION_BATCH = 500  # larger ones are no faster and cost memory in the convolutions
# Training images for measuring the fit accuracy; at 99.5 % its standard error is 0.1 points.
FIT_SAMPLE = 5000


class Chunk(NamedTuple):
    """The loss and accuracy of each batch in one call, float32 of shape (iterations,)."""

    loss: np.ndarray
    accuracy: np.ndarray


class CompiledLoop:
    """A compiled Keras classifier and a data set, to be trained in chunks.

    Parameters
    ----------
    model
        Compiled; its layers, loss and optimiser are used as they are.
    data
        From `load_mnist`, or prepared.
    batch_size
        Images in a batch. The last batch of an epoch may be shorter.
    precision
        "float32" or "bfloat16" (see `train`).

    Raises
    ------
    ValueError
        If the model is not compiled, overrides how `fit` trains, has several inputs or outputs, or
        does not fit the data.
    """

    def __init__(self, model: keras.Model, data: Dataset, batch_size: int, precision: str):
        self.model, self.data = model, data
        self.batch_size, self.precision = batch_size, precision
        self._intake = intake_of(model, data)
        self.input_shape, self.classes = self._intake.input_shape, self._intake.classes
        model.optimizer.build(model.trainable_variables)
        self._size = FIRST_CHUNK  # iterations in the next chunk; adapts to the measured speed

    @property
    def images(self) -> int:
        """Number of training images."""
        return len(self.data.x_train)

    @property
    def steps_per_epoch(self) -> int:
        """Iterations in an epoch, the last short batch included."""
        return -(-self.images // self.batch_size)

    def compile(self) -> str:
        """Put the data into tensors, and trace and compile all that an epoch needs.

        Returns
        -------
        str
            A note that XLA is not used and why. Usually empty; a process gives each reason once.
        """
        self._load()
        whole, rest = self._batches(np.arange(self.images))
        self._run_evaluation = tf.function(self._evaluate, autograph=False).get_concrete_function(
            *self._specs()
        )
        self._run_whole, note = self._by_xla(whole)
        if self._run_whole is None:
            self._run_whole = self._traced(self.batch_size)
        if len(rest):
            self._run_rest = self._traced(rest.shape[1])
        return note

    def exchange(self, data: Dataset) -> None:
        """Replace the data by others of the same kind and size, without compiling again."""
        self.data = data
        self._load()

    def _load(self) -> None:
        data, sample = self.data, fit_sample(self.images)
        self._train = self._intake.tensors(data.x_train, data.y_train)
        self._valid = self._intake.tensors(data.x_valid, data.y_valid)
        self._fit_sample = tuple(tf.gather(array, sample) for array in self._train)

    def epoch(self, order: np.ndarray, key: int, first_step: int) -> Iterator[Chunk]:
        """Train one epoch, and yield each chunk.

        Parameters
        ----------
        order
            A permutation of the training images' indices.
        key
            Seeds the dropout masks, together with the iteration and the layer.
        first_step
            Number of iterations before this epoch.
        """
        whole, rest = self._batches(order)
        start = 0
        if not first_step:  # a new training, whose first point should appear at once
            self._size = FIRST_CHUNK
        while start < len(whole):
            count = min(int(self._size), len(whole) - start)
            began = time.perf_counter()
            chunk = self._run(self._run_whole, whole, start, count, key, first_step + start)
            # Grow at most fourfold: the first calls are slower than the others.
            pace = count * CHUNK_SECONDS / (time.perf_counter() - began)
            self._size = min(max(1.0, min(pace, 4 * count)), CAPACITY)
            start += count
            yield chunk
        if len(rest):
            yield self._run(self._run_rest, rest, 0, 1, key, first_step + start)

    def outputs(self, rows: np.ndarray, key: int, step: int) -> np.ndarray:
        """Return the network's outputs for a batch in training, without taking a step.

        Parameters
        ----------
        rows
            The batch, as indices of training images.
        key, step
            Seed the dropout masks, as in `epoch`.

        Returns
        -------
        numpy.ndarray
            Class probabilities, float32 of shape (rows, classes).
        """
        states = [(each, np.asarray(each)) for each in self.model.non_trainable_variables]
        mask = tf.constant(key, tf.int64), tf.constant(step, tf.int64)
        with signals_blocked(), fast_dropout(self.model, *mask):
            x, _, _ = self._intake.adapted(*(tf.gather(array, rows) for array in self._train))
            said = _probabilities(self.model(x, training=True), self._intake.logits)
        for variable, state in states:  # of batch normalisation and random layers
            variable.assign(state)
        return said

    def validate(self) -> tuple[float, float, np.ndarray]:
        """Measure loss and accuracy on the validation images, with dropout off.

        Returns
        -------
        float, float, numpy.ndarray
            Loss, accuracy and class probabilities: float16 of shape (images, classes). Rounding
            never changes which class is largest.
        """
        with signals_blocked():
            loss, accuracy, output = self._run_evaluation(*self._valid)
        return float(loss), float(accuracy), _rounded(_probabilities(output, self._intake.logits))

    def predicts(self, probabilities: np.ndarray) -> bool:
        """Whether the network gives these probabilities for the first validation images."""
        some = slice(EVALUATION_BATCH)
        stored = self._intake.tensors(self.data.x_valid[some], self.data.y_valid[some])
        images, _, _ = self._intake.adapted(*stored)
        said = predict(self.model, images)
        return bool(np.allclose(said, probabilities[:EVALUATION_BATCH], atol=0.002))

    def fit_accuracy(self) -> float:
        """Measure the accuracy on the training images of `fit_sample`, with dropout off."""
        with signals_blocked():
            return float(self._run_evaluation(*self._fit_sample)[1])

    def _batches(self, order: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        full = self.images // self.batch_size * self.batch_size
        rows = order.astype(np.int32)
        whole, rest = rows[:full].reshape(-1, self.batch_size), rows[full:]
        return tf.constant(whole), tf.constant(rest[np.newaxis] if len(rest) else rest)

    def _traced(self, batch_size: int, **options: bool) -> Callable:
        number, large = tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.int64)
        return tf.function(self._chunk, autograph=False, **options).get_concrete_function(
            *self._specs(),
            tf.TensorSpec((None, batch_size), tf.int32),
            number,
            number,
            large,
            large,
        )

    def _by_xla(self, rows: tf.Tensor) -> tuple[Callable | None, str]:
        """Compile the iterations by XLA. Return None if that is no gain, and perhaps a note."""
        # Most operations that XLA makes slow are in the evaluation too, which is traced already.
        if not self._gains_by_xla(self._run_evaluation):
            return None, ""
        try:
            compiled = self._traced(self.batch_size, jit_compile=True)
            if not self._gains_by_xla(compiled):
                return None, ""
            self._run(compiled, rows, 0, 0, 0, 0)
        except XLA_REFUSES as problem:
            return None, without_xla(problem)
        return compiled, ""

    def _gains_by_xla(self, traced) -> bool:
        """Whether XLA speeds a function up: any on a graphics card, only some on a processor."""
        return bool(graphics_cards()) or (self.precision == "float32" and suits_xla(traced))

    def _specs(self) -> list[tf.TensorSpec]:
        """Describe images and labels as arguments, since captured tensors are never freed."""
        return [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in self._train]

    def _run(self, function: Callable, rows, start: int, count: int, key: int, step: int) -> Chunk:
        small = (tf.constant(number, tf.int32) for number in (start, count))
        large = (tf.constant(number, tf.int64) for number in (key, step))
        with signals_blocked():
            loss, accuracy = function(*self._train, rows, *small, *large)
            return Chunk(loss.numpy()[:count], accuracy.numpy()[:count])

    def _chunk(self, images, labels, rows, start, count, key, first_step):
        """Run `count` iterations on the batches `rows[start:]`; the rest of the result is zero."""

        def iteration(i, losses, accuracies):
            chosen = tf.gather(rows, start + i)
            x, y = tf.gather(images, chosen), tf.gather(labels, chosen)
            loss, accuracy = self._step(x, y, key, first_step + tf.cast(i, tf.int64))
            losses = tf.tensor_scatter_nd_update(losses, [[i]], [loss])
            return i + 1, losses, tf.tensor_scatter_nd_update(accuracies, [[i]], [accuracy])

        state = (tf.constant(0), tf.zeros(CAPACITY), tf.zeros(CAPACITY))
        return tf.while_loop(lambda i, *_: i < count, iteration, state, parallel_iterations=1)[1:]

    def _step(self, x, y, key, step):
        model = self.model
        variables = model.trainable_variables
        x, target, label = self._intake.adapted(x, y)
        lower = mixed_precision(model, self.precision)
        with fast_dropout(model, key, step), fast_convolution(model), lower:
            with tf.GradientTape() as tape:
                output = model(x, training=True)
                loss = model.compute_loss(x=x, y=target, y_pred=output, training=True)
                scaled = model.optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, variables)
        apply_gradients(model.optimizer, gradients, variables)
        return tf.cast(loss, tf.float32), _accuracy(output, label)

    def _evaluate(self, x, y):
        images = tf.shape(x)[0]

        def batch(start, loss_sum, right, outputs):
            some = slice(start, start + EVALUATION_BATCH)
            inputs, target, label = self._intake.adapted(x[some], y[some])
            with mixed_precision(self.model, self.precision):
                output = self.model(inputs, training=False)
            loss = self.model.compute_loss(x=inputs, y=target, y_pred=output, training=False)
            size = tf.cast(tf.shape(inputs)[0], tf.float32)
            loss_sum += size * tf.cast(loss, tf.float32)
            right += size * _accuracy(output, label)
            outputs = outputs.write(start // EVALUATION_BATCH, tf.cast(output, tf.float32))
            return start + EVALUATION_BATCH, loss_sum, right, outputs

        outputs = tf.TensorArray(
            tf.float32, -(-images // EVALUATION_BATCH), element_shape=(None, self.classes)
        )
        state = (tf.constant(0), tf.constant(0.0), tf.constant(0.0), outputs)
        _, loss, right, outputs = tf.while_loop(
            lambda start, *_: start < images, batch, state, parallel_iterations=1
        )
        total = tf.cast(images, tf.float32)
        return loss / total, right / total, outputs.concat()


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return a compiled classifier's class probabilities for images, with dropout off.

    Parameters
    ----------
    model
        Built and compiled.
    images
        Batch first: stored like MNIST (uint8, 28 x 28), then scaled and reshaped as in training;
        or as the model takes them.

    Returns
    -------
    numpy.ndarray
        Class probabilities, float32 of shape (images, classes), even if the model gives logits.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.predict(lab.build_linear(), lab.load_mnist().x_valid).shape
    (10000, 10)
    """
    stored, scale = as_stored(images), np.float32(1 if scales_itself(model) else 1 / 255)
    outputs = []
    for start in range(0, max(len(images), 1), EVALUATION_BATCH):  # of no images, one empty batch
        some = images[start : start + EVALUATION_BATCH]
        if stored:
            some = (some * scale).reshape(len(some), *model.input_shape[1:])
        with signals_blocked():
            outputs.append(model(some, training=False))
    output = tf.concat(outputs, axis=0)
    return _probabilities(output, takes_logits(model, some.shape[1:], output.shape[1]))


def _probabilities(output: tf.Tensor, logits: bool) -> np.ndarray:
    return (tf.nn.softmax(output) if logits else output).numpy()


def fit_sample(images: int) -> np.ndarray:
    """Return the fixed random sample of training images for measuring the fit accuracy.

    Every 12th image would not do: in MNIST, images from two groups of writers alternate, and a
    linear network's accuracy is 4 points lower on those with an even index.

    Returns
    -------
    numpy.ndarray
        `FIT_SAMPLE` indices (all if there are fewer images), ascending.
    """
    size = min(FIT_SAMPLE, images)
    return np.sort(np.random.default_rng(0).choice(images, size, replace=False))


def _rounded(probabilities: np.ndarray) -> np.ndarray:
    """Round to float16, and raise the largest of each row by a step if rounding made a tie."""
    first = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    short = probabilities.astype(np.float16)
    tied = short[first] == np.sort(short, axis=1)[:, -2]
    short[first] = np.where(tied, np.nextafter(short[first], np.float16(2)), short[first])
    return short


def _accuracy(output, label):
    return tf.reduce_mean(tf.cast(tf.argmax(output, -1, tf.int32) == label, tf.float32))
