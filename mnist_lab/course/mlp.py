"""Notebook 2: the multi-layer perceptron."""

from typing import Any

import numpy as np

from ..runs import Run
from .measures import said, start, wrong
from .parts import Part
from .programs import program
from .sliders import DROPOUT, HIDDEN_UNITS, LEARNING_RATE
from .tasks import Answer, Function, GivenRun, Layer, Notebook, Slip, Trained, Value, dense

PART = Part("mlp", "Multi-layer perceptron", "build_mlp", 34, 5_695_510, 0.984)
SLIDERS = (LEARNING_RATE, HIDDEN_UNITS, DROPOUT)
_HINTS = (
    "Three hidden layers that are alike, and an output layer.",
    "All are keras.layers.Dense: 1500 units each in the hidden ones, one unit per digit last.",
    "Hidden layers take activation, kernel_initializer and bias_initializer; see "
    "TruncatedNormal and Constant in keras.initializers.",
)
# Parts 2 to 4 begin and end alike.
BEGINNING = """\
import keras
from keras import layers
import mnist_lab as lab


def start():
    return {
        "kernel_initializer": keras.initializers.TruncatedNormal(0.0, 0.01),
        "bias_initializer": keras.initializers.Constant(0.1),
    }


model = keras.Sequential(
    [
"""
END = """\
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8),
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)"""
_LAYERS = """\
        keras.Input((784,)),
        layers.Dense(1500, activation="relu", **start()),
        layers.Dense(1500, activation="relu", **start()),
        layers.Dense(1500, activation="relu", **start()),
"""
RUN_HINTS = (
    "lab.train takes the model and the data first.",
    "The text above the cell names the arguments: epochs, seed, recorded and name.",
)


def count(classes: int, *, hidden_units: int, **_: Any) -> int:
    """Parameters of three hidden layers and the output layer; dropout adds none."""
    between = 2 * dense(hidden_units, hidden_units)
    return dense(784, hidden_units) + between + dense(hidden_units, classes)


def _hidden() -> Any:
    import keras

    return keras.layers.Dense(1500, "relu", **start())


def _sure(run: Run, limit: float = 0.99) -> np.ndarray:
    return said(run).max(axis=1) > limit


def _first_step(
    gradient: np.ndarray, learning_rate: float = 0.001, epsilon: float = 1e-8
) -> np.ndarray:
    """Of Adam."""
    return -learning_rate * gradient / (np.sqrt(gradient**2) + epsilon)


def _numbers() -> list[tuple]:
    """Small and large numbers of both signs, some of them drawn anew each time."""
    drawn = np.random.default_rng().normal(size=(2, 3, 4))
    fixed = np.array([-3.0, -0.5, 0, 0.5, 2]), np.array([[-1.0, 4], [0.25, -7]])
    return [(each,) for each in (*fixed, *(drawn * [[[100]], [[0.01]]]), drawn)]


def _gradients() -> list[tuple]:
    """Gradients alone, and with other figures than the usual ones."""
    drawn = np.random.default_rng().normal(size=(3, 4))
    fixed = np.array([100.0, 1, 0.001, -0.001, -5]), np.array([[2.0, -3], [1e-8, -1e-6]])
    return [*((each,) for each in fixed), (fixed[0], 0.02), (drawn, 0.5, 0.1), (drawn, 0.001, 1)]


def _fading() -> list[tuple[float, int]]:
    """Betas and numbers of batches, drawn anew for each check."""
    rng = np.random.default_rng()
    return [(round(rng.uniform(0.5, 0.99), 3), int(rng.integers(2, 30))) for _ in range(3)]


_ANSWERS = {
    "relu": Answer(
        "negative numbers become 0, all others stay",
        Function(
            lambda x: np.maximum(x, 0),
            (
                Slip(lambda x: x, "the negative numbers are still there", free=True),
                Slip(
                    lambda x: np.minimum(x, 0),
                    "the sign",
                    "it keeps the negative numbers, and the positive ones become 0",
                ),
                Slip(np.abs, "the negative numbers become positive", "they are to become 0"),
                Slip(
                    lambda x: x > 0,
                    "it says where x is positive",
                    "the numbers themselves are asked for",
                ),
                Slip(
                    lambda x: max(np.max(x), 0),
                    "it returns the largest number of all",
                    "np.maximum compares one by one",
                    free=True,
                ),
            ),
            _numbers,
        ),
        ("Compare each number with 0.", "np.maximum compares two, number by number."),
    ),
    "hidden": Answer(
        "this is the hidden layer that the sheet describes",
        Layer(_hidden, (784,), [()]),
        (
            "One keras.layers.Dense with all that the text above says.",
            "activation, kernel_initializer and bias_initializer are its arguments.",
        ),
    ),
    "adam": Answer(
        "this is Adam's first step",
        Function(
            _first_step,
            (
                Slip(
                    lambda *given: -_first_step(*given),
                    "the sign",
                    "Adam goes downhill, against the gradient",
                ),
                Slip(
                    lambda gradient, rate=0.001, epsilon=1e-8: (
                        -rate * gradient / (gradient**2 + epsilon)
                    ),
                    "v is a mean of squares",
                    "take its square root",
                ),
                Slip(
                    lambda gradient, rate=0.001, epsilon=1e-8: -rate * np.sign(gradient) + epsilon,
                    "epsilon is added to the fraction, it belongs below the line",
                    "put np.sqrt(v) + epsilon in parentheses",
                ),
                Slip(
                    lambda gradient, rate=0.001, epsilon=1e-8: (
                        -(rate * np.sign(gradient) + epsilon)
                    ),
                    "epsilon is added to the fraction, with the wrong sign, too",
                    "put np.sqrt(v) + epsilon in parentheses",
                ),
                Slip(
                    lambda gradient, rate=0.001, epsilon=1e-8: (
                        -rate * gradient / np.sqrt(gradient**2 + epsilon)
                    ),
                    "epsilon is inside the square root",
                    "the root is of v alone",
                ),
                Slip(
                    lambda gradient, rate=0.001, _=0: -rate * gradient,
                    "that is a step of SGD",
                    "divide by the square root of v",
                ),
                Slip(
                    lambda gradient, _=0, epsilon=1e-8: _first_step(gradient, 1, epsilon),
                    "the learning rate is missing",
                ),
                Slip(
                    lambda gradient, *_: _first_step(gradient),
                    "0.001 and 1e-8 are only the usual figures",
                    "take learning_rate and epsilon",
                ),
                Slip(
                    lambda *given: -np.abs(_first_step(*given)),
                    "the gradient has a sign, too",
                    "m is the gradient itself",
                ),
            ),
            _gradients,
        ),
        ("m is the gradient, and v its square.", "np.sqrt(v), plus epsilon, goes below m."),
    ),
    "memory": Answer(
        "this is the share that each gradient has in the mean",
        Function(
            lambda beta, batches: (1 - beta) * beta**batches,
            (
                Slip(
                    lambda beta, batches: beta**batches,
                    "this is how much has faded since",
                    "when it came, the gradient entered with the share 1 - beta",
                ),
                Slip(
                    lambda beta, batches: (1 - beta) ** batches * beta,
                    "beta and 1 - beta are swapped",
                    "the mean keeps the share beta of itself",
                ),
                Slip(
                    lambda beta, batches: (1 - beta) ** batches,
                    "the gradient fades by beta for each batch, not by 1 - beta",
                ),
                Slip(
                    lambda beta, batches: (1 - beta) * beta * batches,
                    "it is multiplied by beta once for each batch",
                    "that is beta**batches",
                ),
                Slip(
                    lambda beta, batches: (1 - beta) * beta ** (batches + 1),
                    "the newest gradient has not faded yet",
                    "for batches=0 the share is 1 - beta",
                ),
            ),
            lambda: ((0.9, 0), *_fading()),
        ),
        (
            "Start with batches=0: what share does the newest gradient get?",
            "After that it is multiplied by beta once for each batch.",
        ),
    ),
    "train": Answer(
        "this is the sheet's network, trained as the sheet trains it", Trained("mlp"), RUN_HINTS
    ),
    "sure": Answer(
        "so many are both wrong and more than 99 % sure",
        Value(
            lambda run: (wrong(run) & _sure(run)).sum(),
            (
                Slip(
                    lambda run: _sure(run).sum(),
                    "that counts all answers of which it is sure, the right ones too",
                ),
                Slip(lambda run: wrong(run).sum(), "that counts all wrong answers", free=True),
                Slip(
                    lambda run: (~wrong(run) & _sure(run)).sum(),
                    "that counts the right answers of which it is sure",
                ),
                Slip(
                    lambda run: (wrong(run) & ~_sure(run)).sum(),
                    "that counts the wrong answers of which it is not sure",
                ),
                Slip(
                    0,
                    "it counts none",
                    "if you compare with 99: sure goes from 0 to 1, and 99 % is 0.99",
                    free=True,
                ),
                Slip(lambda run: (wrong(run) & _sure(run)).mean(), "that is a share; count them"),
                Slip(
                    lambda run: _sure(run)[wrong(run)].mean(),
                    "that is a share of the wrong answers; count them",
                ),
            ),
        ),
        (
            "Both must be true: wrong, and surer than 0.99.",
            "& joins two arrays of True and False. It comes before >, so a comparison needs "
            "parentheses.",
            ".sum() counts what is True.",
        ),
        {"run": GivenRun()},
    ),
    "program": program("mlp", 1),
}
NOTEBOOK = Notebook(
    "mlp", PART, SLIDERS, _HINTS, BEGINNING + _LAYERS + END, count, _ANSWERS, {"program": 5}
)
