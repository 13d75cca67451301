"""Notebook 1: the linear network."""

import dataclasses
import functools
from typing import Any

import numpy as np

from .measures import mnist
from .parts import Part
from .programs import program
from .sliders import HIDDEN_UNITS, LEARNING_RATE, LOSS
from .tasks import Answer, Function, GivenModel, GivenRun, Notebook, Slip, Value, dense

PART = Part("linear", "Linear network", "build_linear", 17, 7_960, 0.916)
_SLIDERS = (
    LEARNING_RATE,
    dataclasses.replace(HIDDEN_UNITS, choices=(1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)),
    LOSS,
)
_HINTS = (
    "Two layers, one after the other, and nothing in between.",
    "Both are keras.layers.Dense. The first has no activation, the second has softmax.",
    "The first layer starts at zero: look up kernel_initializer.",
)
_CODE = """\
import keras
from keras import layers
import mnist_lab as lab

model = keras.Sequential(
    [
        keras.Input((784,)),
        layers.Dense(10, kernel_initializer="zeros"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.5),
    loss=lab.ClippedCrossentropy(),
    metrics=["accuracy"],
)"""
DATA_HINTS = (
    "Compare shape, type, smallest and largest value with what the sheet asks for.",
    "An image is a row of 784 numbers: see numpy's reshape. The largest number is 1.",
    "np.eye(10) has ten rows, one for each digit; a label can pick its row.",
)
DATA_CODE = """\
import numpy as np
import mnist_lab as lab

data = lab.load_mnist()
dataset = lab.Dataset(
    data.x_train.reshape(-1, 784).astype("float32") / 255,
    np.eye(10, dtype="float32")[data.y_train],
    data.x_valid.reshape(-1, 784).astype("float32") / 255,
    np.eye(10, dtype="float32")[data.y_valid],
)"""


def _count(classes: int, *, hidden_units: int, **_: Any) -> int:
    return dense(784, hidden_units) + dense(hidden_units, classes)


def _first() -> np.ndarray:
    return mnist().x_train[0]


def _one_hot(place: int = 5, number: float = 1) -> np.ndarray:
    """The label of the first image, a 5."""
    label = np.zeros(10)
    label[place] = number
    return label


def _nearest(
    x_train, y_train, x_new, *, mean=np.mean, distance=np.square, choose=np.argmin
) -> np.ndarray:
    """The digit whose mean image is nearest, or what common mistakes make of it."""
    means = [mean(x_train[y_train == digit], axis=0) for digit in range(10)]
    return choose([distance(x_new - each).sum(axis=1) for each in means], axis=0)


def _images() -> list[tuple[np.ndarray, ...]]:
    """Three small sets: images, the digits on them, and new images.

    The last one is drawn anew each time.
    """
    sets = []
    for seed, pixels in ((0, 6), (1, 3), (None, 5)):
        random = np.random.default_rng(seed)
        digits = random.permutation(np.repeat(np.arange(10), np.arange(2, 12)))
        images = random.random((10, pixels))[digits] + random.normal(0, 0.3, (len(digits), pixels))
        sets.append((images, digits, random.random((60, pixels))))
    return sets


def _merged(model: Any) -> np.ndarray:
    first, _, second, _ = model.get_weights()
    return first @ second


def _gradients(x, y, w1, b1, w2, b2, *, sign=1, mean=True, exact=True) -> tuple[np.ndarray, ...]:
    """Of the mean cross-entropy of two linear layers, or what common mistakes make of them."""
    hidden = x @ w1 + b1
    exponentials = np.exp(hidden @ w2 + b2)
    said = exponentials / exponentials.sum(axis=1, keepdims=True)
    at_scores = sign * (said - y if exact else said) / (len(x) if mean else 1)
    at_hidden = at_scores @ w2.T
    return x.T @ at_hidden, at_hidden.sum(axis=0), hidden.T @ at_scores, at_scores.sum(axis=0)


def _batches() -> list[tuple[np.ndarray, ...]]:
    """Three batches of few numbers: inputs, one-hot labels, and the four arrays.

    The last one is drawn anew each time.
    """
    shapes = (6, 4), (4,), (4, 3), (3,)
    return [
        (
            random.random((images, 6)),
            np.eye(3)[random.integers(0, 3, images)],
            *(random.normal(size=shape) for shape in shapes),
        )
        for images, random in zip((5, 2, 7), map(np.random.default_rng, (0, 1, None)), strict=True)
    ]


def _own_values(means: np.ndarray) -> np.ndarray:
    return np.diff(means * np.arange(1, len(means) + 1), prepend=0)


def _losses() -> list[np.ndarray]:
    """Of a few batches, drawn anew for each check."""
    return [np.random.default_rng().uniform(0.2, 2.3, batches) for batches in (3, 7)]


_ANSWERS = {
    "flat": Answer(
        "one row of 784 numbers from 0 to 1",
        Value(
            lambda: _first().reshape(784) / 255,
            (
                Slip(
                    lambda: _first().reshape(784),
                    "it is flat, but its pixels still go up to 255",
                    "divide them by 255",
                ),
                Slip(
                    lambda: _first() / 255,
                    "it is scaled, but not flat",
                    "it still has rows and columns",
                ),
                Slip(
                    lambda: _first().reshape(784) // 255,
                    "// rounds down, and the grey is lost",
                    "divide with /",
                ),
                Slip(
                    lambda: _first().reshape(784) / 256,
                    "the largest pixel is 255, not 256",
                    "divide by that",
                ),
                Slip(
                    lambda: _first().T.reshape(784) / 255,
                    "rows and columns are swapped",
                    "reshape goes row by row by itself",
                ),
                Slip(
                    lambda: _first().reshape(1, 784) / 255,
                    "it is a table of one row",
                    "reshape(784) makes a plain row of it",
                ),
                Slip(
                    lambda: _first().reshape(784, 1) / 255,
                    "it is one column",
                    "reshape(784) makes a plain row of it",
                ),
            ),
            before=_first,
        ),
        ("Two things: the shape, and the size of the numbers.", "See reshape; 255 is the largest."),
    ),
    "onehot": Answer(
        "a 1 at the place of the 5, and 0 elsewhere",
        Value(
            _one_hot(),
            (
                Slip(
                    _one_hot(6),
                    "one place too far",
                    "Python counts from 0, so the digit is its own place",
                ),
                Slip(_one_hot(4), "one place too early", "Python counts from 0"),
                Slip(
                    _one_hot(5, 5),
                    "at the right place stands the digit itself",
                    "put a 1 there",
                ),
                Slip(
                    np.ones(10),
                    "there is a 1 at every place",
                    "only the digit's own has one",
                    free=True,
                ),
            ),
            before=np.zeros(10),
        ),
        ("label[0] is the place of the digit 0.", "data.y_train[0] is the place."),
    ),
    "baseline": Answer(
        "this is the digit with the nearest mean image",
        Function(
            _nearest,
            (
                Slip(
                    functools.partial(_nearest, choose=np.argmax),
                    "that is the digit that is farthest away",
                    "the smallest distance counts, np.argmin",
                ),
                Slip(
                    functools.partial(_nearest, choose=np.min),
                    "these are the distances",
                    "np.argmin says which digit has the smallest",
                ),
                Slip(
                    functools.partial(_nearest, distance=np.positive),
                    "differences of both signs cancel out",
                    "square them before the sum",
                ),
                Slip(
                    functools.partial(_nearest, distance=np.abs),
                    "these are absolute differences",
                    "square them",
                ),
                Slip(
                    functools.partial(_nearest, mean=np.sum),
                    "a digit with more images has a larger sum",
                    "take the mean of its images",
                ),
            ),
            _images,
        ),
        (
            "The images of one digit: x_train[y_train == digit]. Their mean has axis=0.",
            "Collect ten rows of distances, one for each digit; np.argmin(..., axis=0).",
        ),
    ),
    "step": Answer(
        "these are the gradients of the mean loss",
        Function(
            _gradients,
            (
                Slip(
                    functools.partial(_gradients, sign=-1),
                    "the sign",
                    "the gradient at the scores is p - y",
                ),
                Slip(
                    functools.partial(_gradients, mean=False),
                    "the loss is a mean over the batch",
                    "divide by the number of images",
                ),
                Slip(
                    lambda *all_: tuple(each / 100 for each in _gradients(*all_, mean=False)),
                    "it is divided by 100, but not every batch has 100 images",
                    "divide by len(x)",
                ),
                Slip(
                    functools.partial(_gradients, sign=-1, mean=False),
                    "the sign, and the loss is a mean over the batch",
                    "begin with (p - y) / len(x)",
                ),
                Slip(
                    functools.partial(_gradients, exact=False),
                    "the labels are missing",
                    "the gradient at the scores is p - y",
                ),
            ),
            _batches,
            names=("the gradient of w1", "that of b1", "that of w2", "that of b2"),
        ),
        (
            "Begin at the scores: at_scores = (p - y) / len(x). Then at_hidden = at_scores @ w2.T.",
            "A layer's weights get its inputs, transposed, @ the gradient at its outputs.",
        ),
    ),
    "weights": Answer(
        "one layer with these weights does what the two do",
        Value(
            _merged,
            (
                Slip(
                    lambda model: _merged(model).T,
                    "it is transposed",
                    "one column for each digit, not one row",
                ),
                Slip(
                    lambda model: model.get_weights()[0], "that is the first layer alone", free=True
                ),
                Slip(
                    lambda model: model.get_weights()[0] * model.get_weights()[2][:, 0],
                    "* multiplies number by number; a matrix product is @",
                ),
                Slip(
                    lambda model: _merged(model) + model.get_weights()[3],
                    "the biases are added",
                    "the weights alone are asked for",
                ),
            ),
        ),
        ("x @ W1 @ W2 is the same as x @ (W1 @ W2).", "The product is (784, 10)."),
        {"model": GivenModel("linear", trained=True)},
    ),
    "confusion": Answer(
        "this is the network's answer for each image",
        Value(
            lambda run: run.val_probabilities.argmax(axis=1),
            (
                Slip(
                    lambda run: run.val_probabilities.max(axis=1),
                    "these are the probabilities of the answers",
                    "argmax says which it is",
                    free=True,
                ),
                Slip(
                    lambda run: run.val_probabilities.argmax(axis=0),
                    "axis=0 compares the images with each other",
                    "the digits are axis 1",
                ),
                Slip(
                    lambda run: run.val_probabilities.argmin(axis=1),
                    "that is the digit that the network believes in least",
                ),
                Slip(
                    lambda run: run.val_probabilities.argmax(),
                    "that is a single number",
                    "look for the largest in each row, axis=1",
                    free=True,
                ),
            ),
        ),
        ("The answer is the place of the largest probability.", "argmax(axis=1)."),
        {"run": GivenRun()},
    ),
    "own": Answer(
        "these are the batches' own values",
        Function(
            _own_values,
            (
                Slip(
                    lambda means: means,
                    "these are the means themselves",
                    "undo the mean",
                    free=True,
                ),
                Slip(
                    lambda means: np.diff(means, prepend=0),
                    "these are the differences of the means",
                    "a mean times its number is a sum; take the differences of the sums",
                ),
                Slip(
                    lambda means: means * np.arange(1, len(means) + 1),
                    "these are the sums so far",
                    "one batch's own value is the difference of two sums",
                ),
                Slip(
                    lambda means: np.diff(means * np.arange(len(means)), prepend=0),
                    "the first mean is of one batch, not of none",
                    "count from 1",
                ),
                Slip(
                    lambda means: np.diff(means * np.arange(1, len(means) + 1)),
                    "the first batch is missing",
                    "its own value is the first mean",
                ),
            ),
            lambda: ((np.cumsum(own) / np.arange(1, len(own) + 1),) for own in _losses()),
        ),
        (
            "A mean over k batches, times k, is the sum of their k values.",
            "One sum minus the sum before is a single value: np.diff(sums, prepend=0).",
        ),
    ),
    "program": program("linear", 17, "linear_gentle", learning_rate=0.1),
}
NOTEBOOK = Notebook("linear", PART, _SLIDERS, _HINTS, _CODE, _count, _ANSWERS, {"program": 5})
