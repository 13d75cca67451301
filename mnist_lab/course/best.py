"""Notebook 8: as good as it gets."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..runs import Run, load_records
from .measures import drawn, mnist
from .tasks import Answer, Built, Function, Layers, Notebook, Schedule, Slip


def _augmentation(
    turn: float = 10 / 360, shift: float = 2 / 28, fill_mode: str = "constant"
) -> list[Any]:
    from keras import layers

    return [
        layers.RandomRotation(turn, fill_mode=fill_mode),
        layers.RandomTranslation(shift, shift, fill_mode=fill_mode),
        layers.RandomZoom(0.1, fill_mode=fill_mode),
    ]


def _normalised(
    x: np.ndarray,
    gamma: Any,
    beta: Any,
    *,
    axis: int | None = 0,
    power: float = 0.5,
    epsilon: float = 0.001,
    centred: bool = True,
) -> np.ndarray:
    """Batch normalisation in training."""
    mean = x.mean(axis=axis, keepdims=True) if centred else 0
    spread = (x.var(axis=axis, keepdims=True) + epsilon) ** power
    return gamma * (x - mean) / spread + beta


def _batches() -> list[tuple]:
    """Outputs of some units for a batch, and a scale and an offset for each unit."""
    random = np.random.default_rng()
    fixed = np.array([[1.0, 10, -2], [3, 30, -2.5], [5, 20, -3], [7, 40, -2.25]])
    drawn = 3 * random.normal(size=(6, 4)) + random.normal(size=4)
    return [
        (fixed, np.ones(3), np.zeros(3)),
        (fixed / 100, np.array([1.0, 2, 0.5]), np.array([0.0, -1, 3])),
        (drawn, random.uniform(0.5, 2, 4), random.normal(size=4)),
    ]


def _block(
    filters: int,
    kernel_size: int,
    strides: int = 1,
    padding: str = "valid",
    *,
    bias: bool = False,
    order: str = "CNR",
) -> list[Any]:
    from keras import layers

    made = {
        "C": lambda: layers.Conv2D(filters, kernel_size, strides, padding, use_bias=bias),
        "N": layers.BatchNormalization,
        "R": layers.ReLU,
    }
    return [made[kind]() for kind in order]


def _half_wave(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


def _rate(
    iteration: int,
    highest: float,
    iterations: int,
    *,
    fall: Callable[[float], float] = _half_wave,
    whole: bool = False,
) -> float:
    """A learning rate that warms up in the first tenth, then falls along half a cosine wave."""
    warm_up = iterations // 10
    if iteration < warm_up:
        return highest * (0.1 + 0.9 * iteration / warm_up)
    begin = 0 if whole else warm_up
    return highest * fall((iteration - begin) / (iterations - begin))


def _steps(highest: float, iterations: int) -> list[int]:
    """Iterations in the warm-up, at its end, on the way down and at the end."""
    shares = (0, 0.05, 0.1, 0.3, 0.55, 0.9, 1)
    return [int(share * iterations) for share in shares]


def _swapped(iteration: int, highest: float, iterations: int) -> float:
    """A cosine over all iterations that begins behind the warm-up, and so never ends."""
    warm_up = iterations // 10
    if iteration < warm_up:
        return _rate(iteration, highest, iterations)
    return highest * _half_wave((iteration - warm_up) / iterations)


def _without_warm_up(iteration: int, highest: float, iterations: int) -> float:
    return highest * _half_wave(iteration / iterations)


def _from_zero(iteration: int, highest: float, iterations: int) -> float:
    warm_up = iterations // 10
    if iteration < warm_up:
        return highest * iteration / warm_up
    return _rate(iteration, highest, iterations)


def _network() -> Any:
    from ..models import build_modern_cnn

    return build_modern_cnn()


def _missed(runs: list[Run], truth: np.ndarray, count: Callable[..., Any] = np.all) -> np.ndarray:
    """The places of the images that every run reads wrong."""
    wrong = [run.val_probabilities.argmax(axis=1) != truth for run in runs]
    return np.flatnonzero(count(wrong, axis=0))


_ANSWERS = {
    "augment": Answer(
        "these layers turn, shift and zoom the images",
        Layers(
            _augmentation,
            (28, 28, 1),
            [()],
            (
                Slip(
                    lambda: _augmentation(turn=10 / 180),
                    "the images are turned by up to 20 degrees",
                    "a whole turn is 360 degrees",
                ),
                Slip(
                    lambda: _augmentation(fill_mode="reflect"),
                    "at the border the picture is mirrored",
                    'what comes in is paper, fill_mode="constant"',
                ),
                Slip(
                    lambda: _augmentation(shift=0.2),
                    "0.2 of 28 pixels are nearly 6",
                    "2 pixels are 2 / 28",
                ),
                Slip(
                    lambda: _augmentation()[::-1],
                    "the order is the other way round",
                    "turn, then shift, then zoom",
                ),
            ),
        ),
        (
            "Three layers of keras.layers, whose names begin with Random.",
            'All three take fill_mode="constant"; the shift takes one share for each direction.',
        ),
    ),
    "normalise": Answer(
        "this is what batch normalisation computes in training",
        Function(
            _normalised,
            (
                Slip(
                    functools.partial(_normalised, axis=1),
                    "that is over the units of each image",
                    "the batch is axis 0",
                ),
                Slip(
                    functools.partial(_normalised, axis=None),
                    "that is one mean for all units together",
                    "each unit has its own, axis=0",
                ),
                Slip(
                    functools.partial(_normalised, power=1),
                    "that divides by the variance",
                    "by its square root, please",
                ),
                Slip(functools.partial(_normalised, centred=False), "the mean is not taken off"),
                Slip(
                    lambda x, gamma, beta: _normalised(x, 1, 0),
                    "gamma and beta are missing",
                    "multiply by the one and add the other, at the end",
                ),
                Slip(
                    functools.partial(_normalised, epsilon=0),
                    "epsilon is missing",
                    "it is added to the variance, below the root",
                ),
                Slip(
                    lambda x, gamma, beta: (
                        gamma * (x - x.mean(axis=0)) / (x.std(axis=0) + 0.001) + beta
                    ),
                    "epsilon is added to the standard deviation",
                    "add it to the variance, below the root",
                ),
            ),
            _batches,
        ),
        (
            "x.mean(axis=0) has one number for each unit, and x.var(axis=0) too.",
            "(x - mean) / np.sqrt(variance + epsilon), then gamma and beta.",
        ),
    ),
    "block": Answer(
        "a convolution, its normalisation, then the ReLU",
        Layers(
            _block,
            (28, 28, 1),
            [(32, 5, 2, "same"), (48, 3), (64, 3, 2, "same")],
            (
                Slip(
                    functools.partial(_block, bias=True),
                    "the convolution has a bias, which the normalisation takes off again",
                    "use_bias=False",
                ),
                Slip(
                    functools.partial(_block, order="CRN"),
                    "the ReLU comes before the normalisation",
                    "normalise first; an activation in Conv2D is such a ReLU, too",
                ),
                Slip(functools.partial(_block, order="CN"), "the ReLU is missing"),
                Slip(functools.partial(_block, order="CR"), "the normalisation is missing"),
                Slip(
                    lambda filters, size, *_: _block(filters, size),
                    "strides and padding are not passed on",
                    "Conv2D takes both",
                ),
            ),
        ),
        (
            "Conv2D, BatchNormalization and ReLU, all in keras.layers.",
            "The first takes all four arguments of the function, and use_bias=False.",
        ),
    ),
    "rate": Answer(
        "this is the learning rate of each iteration",
        Function(
            _rate,
            (
                Slip(
                    functools.partial(_rate, fall=lambda done: 1 - done),
                    "that falls along a straight line",
                    "a cosine, please",
                ),
                Slip(
                    functools.partial(_rate, fall=lambda done: _half_wave(done / math.pi)),
                    "half a wave goes from the angle 0 to π, in radians",
                ),
                Slip(
                    functools.partial(_rate, fall=lambda done: _half_wave(2 * done)),
                    "that is a whole wave, which rises again",
                    "up to the angle π",
                ),
                Slip(
                    functools.partial(_rate, fall=lambda done: math.cos(math.pi * done)),
                    "it becomes negative",
                    "half of 1 + cos goes from 1 to 0",
                ),
                Slip(
                    functools.partial(_rate, whole=True),
                    "the wave begins where the warm-up ends, not at iteration 0",
                ),
            ),
            lambda: [
                *((at, 0.003, 12_000) for at in (0, 600, 1_200, 3_000, 7_000, 11_000)),
                *((at, drawn(1, 9) / 100, 500) for at in (0, 20, 50, 51, 300, drawn(100, 499))),
            ],
        ),
        (
            "Which share of the iterations after the warm-up is done?",
            "(1 + cos(π · share)) / 2 goes from 1 to 0.",
        ),
    ),
    "schedule": Answer(
        "the optimiser can take this schedule",
        Schedule(
            _rate,
            [(0.003, 15_000), (0.01, 2_000)],
            _steps,
            (
                Slip(
                    _swapped,
                    "at the last iteration the rate is not zero yet",
                    "decay_steps counts from the end of the warm-up",
                ),
                Slip(
                    _without_warm_up,
                    "the warm-up is missing",
                    "warmup_target and warmup_steps",
                ),
                Slip(
                    _from_zero,
                    "the warm-up begins at zero",
                    "initial_learning_rate is a tenth of the highest",
                ),
                Slip(
                    lambda at, highest, _: _rate(at, highest, 15_000),
                    "15,000 is only the usual number",
                    "take iterations",
                ),
                Slip(
                    lambda at, _, iterations: _rate(at, 0.003, iterations),
                    "0.003 is only the usual rate",
                    "take highest",
                ),
            ),
        ),
        (
            "keras.optimizers.schedules.CosineDecay has a warm-up of its own.",
            "It takes initial_learning_rate, decay_steps, warmup_target and warmup_steps; "
            "the decay begins when the warm-up ends.",
        ),
    ),
    "network": Answer(
        "this is the network on file",
        Built(_network),
        (
            "Input, your augmentation, four blocks, Flatten, Dropout and Dense make one list.",
            "keras.Sequential takes the list, *augmentation() unpacks yours; Adam takes "
            "schedule() as its learning rate.",
        ),
    ),
    "missed": Answer(
        "these are the digits that none of the networks reads",
        Function(
            _missed,
            (
                Slip(
                    functools.partial(_missed, count=np.any),
                    "these are all that any network reads wrong",
                    "all of them must",
                    free=True,
                ),
                Slip(
                    lambda runs, truth: np.flatnonzero(
                        np.all(
                            [run.val_probabilities.argmax(axis=1) == truth for run in runs], axis=0
                        )
                    ),
                    "these are the digits that all read right",
                ),
                Slip(
                    lambda runs, truth: np.isin(np.arange(len(truth)), _missed(runs, truth)),
                    "that is yes or no for each image",
                    "np.flatnonzero gives the places",
                ),
                Slip(
                    lambda *given: len(_missed(*given)),
                    "that is how many they are",
                    "which?",
                    free=True,
                ),
                Slip(
                    lambda runs, truth: _missed(runs[:1], truth),
                    "that is by the first network alone",
                ),
            ),
            lambda: [
                *((load_records(part), mnist().y_valid) for part in ("cnn", "mlp")),
                (load_records("mlp"), np.roll(mnist().y_valid, 1)),
            ],
        ),
        (
            "run.val_probabilities.argmax(axis=1) is what a network reads.",
            "np.all(..., axis=0), then np.flatnonzero.",
        ),
    ),
}
NOTEBOOK = Notebook("best", answers=_ANSWERS)
