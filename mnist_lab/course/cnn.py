"""Notebook 4: the convolutional network."""

import functools
from typing import Any

import numpy as np

from ..runs import Run, load_records
from .measures import mnist, said, start, wrong
from .mlp import BEGINNING, END, RUN_HINTS
from .parts import Part
from .programs import program
from .sliders import FILTERS, LEARNING_RATE
from .tasks import (
    Answer,
    Function,
    GivenModel,
    GivenRun,
    Layer,
    Notebook,
    Slip,
    Trained,
    Value,
    dense,
)

PART = Part("cnn", "Convolutional network", "build_cnn", 34, 83_466, 0.992)
_SLIDERS = (LEARNING_RATE, FILTERS)
_HINTS = (
    "Convolution and pooling, twice; then the maps become one row, and a dense layer answers.",
    "Conv2D, MaxPooling2D, Flatten and Dense, all in keras.layers, after a keras.Input.",
    'Both convolutions and both poolings keep the borders: padding="same". The convolutions '
    "start as the hidden layers of part mlp do.",
)
_LAYERS = """\
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 5, padding="same", activation="relu", **start()),
        layers.MaxPooling2D(2, padding="same"),
        layers.Conv2D(64, 5, padding="same", activation="relu", **start()),
        layers.MaxPooling2D(2, padding="same"),
        layers.Flatten(),
"""
_RANDOM = np.random.default_rng(0)
_IMAGE, _KERNEL = _RANDOM.random((28, 28)), _RANDOM.normal(size=(5, 5))
_FLAT_IMAGE = _RANDOM.integers(0, 9, (28, 28)).astype(float)


def _count(classes: int, *, filters: tuple[int, int], **_: Any) -> int:
    first, second = filters
    return dense(25, first) + dense(25 * first, second) + dense(49 * second, classes)


def _convolution(filters: int) -> Any:
    import keras

    return keras.layers.Conv2D(filters, 5, padding="same", activation="relu", **start())


def _windows(image: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(np.pad(image, 2), (5, 5))


def _drawn() -> tuple[np.ndarray, np.ndarray]:
    """An image and a kernel, drawn anew each time."""
    random = np.random.default_rng()
    return 10 * random.normal(size=(28, 28)), random.normal(size=(5, 5))


def _squares(image: np.ndarray) -> np.ndarray:
    return image.reshape(14, 2, 14, 2)


def _kernels(model: Any) -> np.ndarray:
    return model.layers[0].get_weights()[0][:, :, 0, :]


def _linear_networks() -> list[tuple[Any, int]]:
    """Two linear networks that take images of different shapes, with the pixels to move."""
    import keras

    networks = []
    for shape, run in zip(((784,), (28, 28, 1)), load_records("linear"), strict=False):
        first, start, second, bias = run.weights
        network = keras.Sequential(
            [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10)]
        )
        network.set_weights([first @ second, start @ second + bias])
        networks.append(network)
    return [(networks[0], 0), (networks[1], 3)]


def _accuracy(network: Any, pixels_moved: int, scale: float = 1) -> float:
    data = mnist()
    images = np.roll(data.x_valid[::10], pixels_moved, axis=2) / 255 * scale
    scores = images.reshape(-1, 784) @ network.get_weights()[0] + network.get_weights()[1]
    return 100 * np.mean(scores.argmax(axis=1) == data.y_valid[::10])


def _second(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """For each image, whether the answer is wrong, and whether the second guess is right."""
    order = said(run).argsort(axis=1)
    return wrong(run), order[:, -2] == mnist().y_valid


_ANSWERS = {
    "slide": Answer(
        "each number is the sum over one window",
        Function(
            lambda image, kernel: (_windows(image) * kernel).sum(axis=(2, 3)),
            (
                Slip(
                    lambda image, kernel: (_windows(image) * kernel).mean(axis=(2, 3)),
                    "the mean is not asked for",
                    "add up",
                ),
                Slip(
                    lambda image, kernel: (_windows(image) * kernel).sum(axis=(0, 1)),
                    "it adds up over the places, not over each window",
                    "the last two axes are 2 and 3",
                ),
                Slip(
                    lambda image, kernel: (_windows(image) * kernel).sum(),
                    "it adds up everything",
                    "only over the last two axes, axis=(2, 3)",
                    free=True,
                ),
                Slip(
                    lambda image, kernel: _windows(image) * kernel,
                    "it multiplies, but does not add up",
                ),
                Slip(
                    lambda image, kernel: (_windows(image) * kernel).sum(axis=3),
                    "it adds up over one axis of the window",
                    "there are two",
                ),
                Slip(
                    lambda image, kernel: (_windows(image) @ kernel).sum(axis=(2, 3)),
                    "@ is a matrix product",
                    "* multiplies number by number",
                ),
                Slip(
                    lambda image, kernel: (_windows(image) * kernel[::-1, ::-1]).sum(axis=(2, 3)),
                    "the kernel is turned round",
                    "here it is laid on as it is",
                ),
            ),
            lambda: [(_IMAGE, _KERNEL), (_FLAT_IMAGE, np.ones((5, 5))), _drawn()],
        ),
        ("windows has the shape (28, 28, 5, 5).", "sum takes axis=(2, 3)."),
    ),
    "pool": Answer(
        "of each square the largest number is left",
        Function(
            lambda image: _squares(image).max(axis=(1, 3)),
            (
                Slip(
                    lambda image: _squares(image).mean(axis=(1, 3)),
                    "that is the mean of each square",
                    "the largest number is asked for",
                ),
                Slip(
                    lambda image: _squares(image).min(axis=(1, 3)),
                    "that is the smallest number of each square",
                ),
                Slip(
                    lambda image: _squares(image).sum(axis=(1, 3)), "that is the sum of each square"
                ),
                Slip(
                    lambda image: _squares(image)[:, 0, :, 0],
                    "that is the first number of each square, not its largest",
                ),
                Slip(
                    lambda image: _squares(image).max(axis=(0, 2)),
                    "axes 0 and 2 count the squares; 1 and 3 are inside each square",
                ),
                Slip(
                    lambda image: image.max(),
                    "that is the largest number of all",
                    "one for each square is asked for",
                    free=True,
                ),
            ),
            lambda: [(_IMAGE,), (-_FLAT_IMAGE,), _drawn()[:1]],
        ),
        ("squares[i, :, j, :] is one square.", "max takes axis=(1, 3)."),
    ),
    "convolution": Answer(
        "this is the convolution that the sheet describes",
        Layer(_convolution, (28, 28, 1), [(32,), (64,)]),
        (
            "One keras.layers.Conv2D with all that the text above says.",
            "padding, activation, kernel_initializer and bias_initializer are its arguments.",
        ),
    ),
    "train": Answer(
        "this is the sheet's network, trained as the sheet trains it", Trained("cnn"), RUN_HINTS
    ),
    "filters": Answer(
        "32 filters of 5 × 5",
        Value(
            lambda model: _kernels(model).transpose(2, 0, 1),
            (
                Slip(
                    lambda model: _kernels(model).reshape(32, 5, 5),
                    "reshape only breaks the row of numbers in other places",
                    "move the axes",
                    free=True,
                ),
                Slip(
                    lambda model: _kernels(model).transpose(2, 1, 0),
                    "rows and columns of each filter are swapped",
                ),
                Slip(
                    _kernels,
                    "the filters are still the last axis",
                    "it has to be the first",
                    free=True,
                ),
                Slip(
                    lambda model: _kernels(model).transpose(2, 0, 1)[..., np.newaxis],
                    "the axis of the one channel is still there",
                ),
            ),
        ),
        ("kernels is (5, 5, 1, 32): rows, columns, channel, filter.", "See np.transpose."),
        {"model": GivenModel("cnn", trained=True)},
    ),
    "shift": Answer(
        "any of the networks can be asked, however far the digits are moved",
        Function(
            _accuracy,
            (
                Slip(
                    functools.partial(_accuracy, scale=1 / 255),
                    "the images are scaled already",
                    "do not divide again",
                ),
            ),
            _linear_networks,
        ),
        (
            "network.input_shape says what the network takes; its first number is None.",
            "reshape(-1, *network.input_shape[1:]), then network.predict and argmax(axis=1).",
        ),
    ),
    "second": Answer(
        "for so many of the wrong ones the second guess is right",
        Value(
            lambda run: int((np.logical_and(*_second(run))).sum()),
            (
                Slip(
                    lambda run: (_second(run)[0] & ~_second(run)[1]).sum(),
                    "that counts those of which the second guess is wrong, too",
                ),
                Slip(lambda run: _second(run)[0].sum(), "that counts all wrong answers", free=True),
                Slip(
                    lambda run: _second(run)[1][_second(run)[0]].mean(),
                    "that is a share; count them",
                ),
                Slip(
                    0,
                    "it counts none",
                    "compare the second guess: of the wrong ones the first is wrong",
                    free=True,
                ),
            ),
        ),
        (
            "second[wrong] is the second guess for each wrong one.",
            "Compare with data.y_valid[wrong].",
        ),
        {"run": GivenRun()},
    ),
    "program": program("cnn", 1),
}
NOTEBOOK = Notebook(
    "cnn", PART, _SLIDERS, _HINTS, BEGINNING + _LAYERS + END, _count, _ANSWERS, {"program": 5}
)
