"""Notebook 11: five Keras programs with a bug in each, and one without."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..data import load_mnist
from .tasks import Answer, Mended, Notebook, Slip, Value

IMAGES, VALIDATION, EPOCHS = 3_000, 1_000, 10  # of each program
# The programs are printed in the notebook, so each is complete, as somebody might have written it.


def healthy(images, labels):
    """Train on all images but the last 1,000, which validate."""
    import keras

    x = images.reshape(-1, 784) / 255
    x_train, x_valid = x[:-1_000], x[-1_000:]
    y_train, y_valid = labels[:-1_000], labels[-1_000:]

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    validation = (x_valid, y_valid)
    history = model.fit(
        x_train, y_train, batch_size=100, epochs=10, validation_data=validation, verbose=0
    )
    return history, (x_train, y_train, x_valid, y_valid)


def program_a(images, labels):
    """Train on all images but the last 1,000, which validate."""
    import keras

    x = images.reshape(-1, 784).astype("float32")
    x_train, x_valid = x[:-1_000], x[-1_000:]
    y_train, y_valid = labels[:-1_000], labels[-1_000:]

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    validation = (x_valid, y_valid)
    history = model.fit(
        x_train, y_train, batch_size=100, epochs=10, validation_data=validation, verbose=0
    )
    return history, (x_train, y_train, x_valid, y_valid)


def program_b(images, labels):
    """Train on all images but the first 1,000, which validate."""
    import keras

    x = images.reshape(-1, 784) / 255
    x_train, y_train = x[1_000:], labels[1_000:]
    x_valid, y_valid = x[:1_000], labels[:1_000]

    keras.utils.set_random_seed(0)
    pixels = keras.Input((784,))
    hidden = keras.layers.Dense(100, activation="relu")(pixels)
    hidden = keras.layers.Dense(100, activation="relu")(hidden)
    scores = keras.layers.Dense(10, activation="softmax")(hidden)
    probabilities = keras.layers.Softmax()(scores)
    model = keras.Model(pixels, probabilities)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.002),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    validation = (x_valid, y_valid)
    history = model.fit(
        x_train, y_train, batch_size=100, epochs=10, validation_data=validation, verbose=0
    )
    return history, (x_train, y_train, x_valid, y_valid)


def program_c(images, labels):
    """Shuffle, then train on all images but the first 1,000, which validate."""
    import keras

    random = np.random.default_rng(0)
    x = images.reshape(-1, 784) / 255
    x = x[random.permutation(len(x))]
    y = labels[random.permutation(len(labels))]
    x_train, y_train = x[1_000:], y[1_000:]
    x_valid, y_valid = x[:1_000], y[:1_000]

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    validation = (x_valid, y_valid)
    history = model.fit(
        x_train, y_train, batch_size=100, epochs=10, validation_data=validation, verbose=0
    )
    return history, (x_train, y_train, x_valid, y_valid)


def program_d(images, labels):
    """Train, and validate with 1,000 images that are drawn at random."""
    import keras

    x_train = images.reshape(-1, 784) / 255
    y_train = labels
    drawn = np.random.default_rng(0).permutation(len(x_train))[:1_000]
    x_valid, y_valid = x_train[drawn], y_train[drawn]

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,))])
    for _ in range(2):
        model.add(keras.layers.Dense(100, activation="relu"))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    validation = (x_valid, y_valid)
    history = model.fit(
        x_train, y_train, batch_size=100, epochs=10, validation_data=validation, verbose=0
    )
    return history, (x_train, y_train, x_valid, y_valid)


def program_e(images, labels):
    """Train on all images but the last 1,000, which validate."""
    import keras

    x = images.reshape(-1, 784) / 255
    x_train, x_valid = x[:-1_000], x[-1_000:]
    y_train, y_valid = labels[:-1_000], labels[-1_000:]

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=2.0, momentum=0.9),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    validation = (x_valid, y_valid)
    history = model.fit(
        x_train, y_train, batch_size=100, epochs=10, validation_data=validation, verbose=0
    )
    return history, (x_train, y_train, x_valid, y_valid)


PROGRAMS = {
    "healthy": healthy,
    "A": program_a,
    "B": program_b,
    "C": program_c,
    "D": program_d,
    "E": program_e,
}


def _network(optimiser: Callable[[], Any]) -> Any:
    """The network of all six programs, compiled as a healthy program compiles it."""
    import keras

    hidden = [keras.layers.Dense(100, activation="relu") for _ in range(2)]
    output = keras.layers.Dense(10, activation="softmax")
    model = keras.Sequential([keras.Input((784,)), *hidden, output])
    model.compile(optimiser(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _adam() -> Any:
    from keras import optimizers

    return optimizers.Adam(0.002)


def _sgd() -> Any:
    from keras import optimizers

    return optimizers.SGD(0.2, momentum=0.9)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """As many digits as the notebook gives to a program, drawn anew, and their labels."""
    images, labels = _training_images()
    drawn = np.random.default_rng().permutation(len(images))[:IMAGES]
    return images[drawn], labels[drawn]


@functools.cache
def _training_images() -> tuple[np.ndarray, np.ndarray]:
    """Cached, as loading takes a third of a second, and a program may be checked many times."""
    data = load_mnist()
    return data.x_train, data.y_train


def _mended(
    right: str,
    *hints: str,
    optimiser: Callable[[], Any] = _adam,
    free: tuple[str, ...] = (),
) -> Answer:
    build = functools.partial(_network, optimiser)
    return Answer(right, Mended(build, _digits, EPOCHS, VALIDATION, free), hints)


_SURE = math.e / (math.e + 9)  # the softmax of a 1 among nine 0

_ANSWERS = {
    "a-mend": _mended(
        "its pixels go from 0 to 1, and nothing else has changed",
        "Copy the program, and give the copy the new name.",
        "Two arrays of images go into fit. One line makes both of them.",
        "Divide by 255, where x is made.",
    ),
    "b-floor": Answer(
        "no smaller loss is possible with a second softmax",
        Value(
            -math.log(_SURE),
            (
                Slip(
                    _SURE, "that is the probability", "the loss is minus its logarithm", free=True
                ),
                Slip(math.log(_SURE), "the sign", "a probability below 1 has a negative logarithm"),
                Slip(
                    -math.log10(_SURE),
                    "that is the logarithm to base 10",
                    "the loss takes the natural one, np.log",
                ),
                Slip(
                    -math.log(math.e / (math.e + 10)),
                    "e^0 stands there ten times",
                    "nine of the ten classes have the 0",
                ),
                Slip(
                    math.log(10), "that is the loss of guessing, ten equal probabilities", free=True
                ),
                Slip(
                    0.0,
                    "that is the smallest loss with one softmax",
                    "the second one takes numbers from 0 to 1",
                    free=True,
                ),
            ),
        ),
        (
            "Which ten numbers would the second softmax get from a network that is quite sure?",
            "Of a 1 and nine 0, it makes e / (e + 9) and nine times 1 / (e + 9).",
        ),
    ),
    "b-mend": _mended(
        "one softmax, and nothing else has changed",
        "Count the layers between the pixels and the probabilities.",
        "Which of them make probabilities? One is enough.",
        "Take the layer Softmax out, or the activation of the layer before it.",
    ),
    "c-mend": _mended(
        "each image has its own label again, and nothing else has changed",
        "Follow one image and its label through the lines that shuffle.",
        "Each call of permutation draws another order.",
        "Draw one order, and take both x[order] and labels[order].",
    ),
    "d-mend": _mended(
        "the images that validate are no longer learned from",
        "How many images go into fit to be learned, and how many should?",
        "A permutation of all places can be cut in two: the first 1,000, and the rest.",
        "order[:1_000] are the places that validate, order[1_000:] those that train.",
    ),
    "e-mend": _mended(
        "it learns, with the same network and the same kind of optimiser",
        "The layers are as in the other programs. What decides how far a step goes?",
        "Try a tenth of it.",
        optimiser=_sgd,
        free=("learning rate",),
    ),
}
NOTEBOOK = Notebook("bugs", answers=_ANSWERS)
