"""`check_answer`: the small answers of the notebooks, in one table of what each has to satisfy."""

import dataclasses
import functools
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ..data import Dataset, load_mnist
from ..parts import PARTS
from ..runs import Run, load_records
from .judges import Judge, function, layer, training, value
from .solutions import solution
from .verdicts import CheckResult, judged


class Answer(NamedTuple):
    """What one answer of the notebooks has to satisfy, and what helps on."""

    right: str  # what is said of a right one
    judge: Judge
    hints: tuple[str, ...]


def check_answer(name: str, attempt: Any, **given: Any) -> CheckResult:
    """Judge one of the small answers of the notebooks, and find the slip in a wrong one.

    Parameters
    ----------
    name
        Which answer: notebook and cell, such as "linear.flat".
    attempt
        The answer: a number, an array, a tuple of these, a function that is then tried, or a Run.
    **given
        What the answer was computed from: `model`, `run` or `runs`, where the notebook says so.

    Raises
    ------
    ValueError
        If there is no such answer.

    Examples
    --------
    >>> import mnist_lab as lab, numpy as np
    >>> lab.check_answer("mlp.relu", lambda x: np.minimum(x, 0))
    Not yet: mlp.relu is not right.
      - the sign: it keeps the negative numbers, and the positive ones become 0
    """
    if name not in ANSWERS:
        raise ValueError(f"name={name!r}: it must be one of {', '.join(map(repr, ANSWERS))}")
    answer = ANSWERS[name]
    return judged(
        attempt,
        functools.partial(_judge, name, given),
        list(answer.hints),
        functools.partial(solution, name),
        call=False,
    )


def _judge(name: str, given: dict[str, Any], attempt: Any) -> CheckResult:
    for key, thing in given.items():
        if thing is Ellipsis:
            return CheckResult("not attempted", f"Not attempted yet: {key} comes first.")
        if not isinstance(thing, _GIVEN[key]()):
            kind = type(thing).__name__
            return CheckResult("wrong", f"{key} is a {kind}: {_GIVE[key]}.")
    try:
        lines = ANSWERS[name].judge(attempt, **given)
    except NotImplementedError:
        return CheckResult("not attempted", "Not attempted yet: nothing to check.")
    if lines:
        return CheckResult("wrong", f"Not yet: {name} is not right.", lines)
    return CheckResult("right", f"Right: {ANSWERS[name].right}.")


def _model() -> type:
    import keras

    return keras.Model


_GIVEN = {"run": lambda: Run, "runs": lambda: dict, "model": _model}
_GIVE = {
    "run": "give the Run that lab.train returned",
    "runs": "give the runs as the notebook has them, by part or by learning rate",
    "model": "give the Keras model",
}


# 1. Linear network


@functools.cache
def _mnist() -> Dataset:
    """Of the training part the first image only; kept, for loading takes a third of a second."""
    data = load_mnist()
    return dataclasses.replace(data, x_train=data.x_train[:1].copy(), y_train=data.y_train[:1])


def _first() -> np.ndarray:
    return _mnist().x_train[0]


def _one_hot(place: int = 5, number: float = 1) -> np.ndarray:
    """The label of the first image, a 5."""
    label = np.zeros(10)
    label[place] = number
    return label


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
    """Two batches of few numbers, with weights: inputs, one-hot labels, and the four arrays."""
    random = np.random.default_rng(0)
    shapes = (6, 4), (4,), (4, 3), (3,)
    return [
        (
            random.random((images, 6)),
            np.eye(3)[random.integers(0, 3, images)],
            *(random.normal(size=shape) for shape in shapes),
        )
        for images in (5, 2)
    ]


def _said(run: Run) -> np.ndarray:
    return run.val_probabilities.astype(np.float64)


_LINEAR = {
    "flat": Answer(
        "one row of 784 numbers from 0 to 1",
        value(
            lambda: _first().reshape(784) / 255,
            {
                "it is flat, but its pixels still go up to 255: divide them by 255": lambda: (
                    _first().reshape(784)
                ),
                "it is scaled, but not flat: it still has rows and columns": lambda: _first() / 255,
                "// rounds down, and the grey is lost: divide with /": lambda: (
                    _first().reshape(784) // 255
                ),
                "the largest pixel is 255, not 256: divide by that": lambda: (
                    _first().reshape(784) / 256
                ),
                "rows and columns are swapped: reshape goes row by row by itself": lambda: (
                    _first().T.reshape(784) / 255
                ),
                "it is a table of one row: reshape(784) makes a plain row of it": lambda: (
                    _first().reshape(1, 784) / 255
                ),
                "it is one column: reshape(784) makes a plain row of it": lambda: (
                    _first().reshape(784, 1) / 255
                ),
            },
            before=_first,
        ),
        ("Two things: the shape, and the size of the numbers.", "See reshape; 255 is the largest."),
    ),
    "onehot": Answer(
        "a 1 at the place of the 5, and 0 elsewhere",
        value(
            _one_hot,
            {
                "one place too far: Python counts from 0, so the digit is its own place": lambda: (
                    _one_hot(6)
                ),
                "one place too early: Python counts from 0": lambda: _one_hot(4),
                "at the right place stands the digit itself: put a 1 there": lambda: _one_hot(5, 5),
                "there is a 1 at every place: only the digit's own has one": lambda: np.ones(10),
            },
            before=lambda: np.zeros(10),
        ),
        ("label[0] is the place of the digit 0.", "data.y_train[0] is the place."),
    ),
    "step": Answer(
        "these are the gradients of the mean loss",
        function(
            _gradients,
            {
                "the sign: the gradient at the scores is p - y": functools.partial(
                    _gradients, sign=-1
                ),
                "the loss is a mean over the batch: divide by the number of images": (
                    functools.partial(_gradients, mean=False)
                ),
                "the labels are missing: the gradient at the scores is p - y": functools.partial(
                    _gradients, exact=False
                ),
            },
            _batches,
        ),
        (
            "Begin at the scores: at_scores = (p - y) / len(x). Then at_hidden = at_scores @ w2.T.",
            "A layer's weights get its inputs, transposed, @ the gradient at its outputs.",
        ),
    ),
    "weights": Answer(
        "one layer with these weights does what the two do",
        value(
            _merged,
            {
                "it is transposed: one column for each digit, not one row": lambda model: (
                    _merged(model).T
                ),
                "that is the first layer alone": lambda model: model.get_weights()[0],
                "* multiplies number by number; a matrix product is @": lambda model: (
                    model.get_weights()[0] * model.get_weights()[2][:, 0]
                ),
                "the biases are added: the weights alone are asked for": lambda model: (
                    _merged(model) + model.get_weights()[3]
                ),
            },
        ),
        ("x @ W1 @ W2 is the same as x @ (W1 @ W2).", "The product is (784, 10)."),
    ),
    "confusion": Answer(
        "this is the network's answer for each image",
        value(
            lambda run: run.val_probabilities.argmax(axis=1),
            {
                "these are the probabilities of the answers: argmax says which it is": lambda run: (
                    run.val_probabilities.max(axis=1)
                ),
                "axis=0 compares the images with each other: the digits are axis 1": lambda run: (
                    run.val_probabilities.argmax(axis=0)
                ),
                "that is the digit that the network believes in least": lambda run: (
                    run.val_probabilities.argmin(axis=1)
                ),
                "that is a single number: look for the largest in each row, axis=1": lambda run: (
                    run.val_probabilities.argmax()
                ),
            },
        ),
        ("The answer is the place of the largest probability.", "argmax(axis=1)."),
    ),
}

# 2. Multi-layer perceptron


def _hidden() -> Any:
    import keras

    return keras.layers.Dense(1500, "relu", **_start())


def _convolution(filters: int) -> Any:
    import keras

    return keras.layers.Conv2D(filters, 5, padding="same", activation="relu", **_start())


def _start() -> dict[str, Any]:
    from keras import initializers

    return {
        "kernel_initializer": initializers.TruncatedNormal(0.0, 0.01),
        "bias_initializer": initializers.Constant(0.1),
    }


def _wrong(run: Run) -> np.ndarray:
    return _said(run).argmax(axis=1) != _mnist().y_valid


def _sure(run: Run, limit: float = 0.99) -> np.ndarray:
    return _said(run).max(axis=1) > limit


def _first_step(gradient: np.ndarray) -> np.ndarray:
    """Of Adam, with the sheet's figures."""
    return -0.001 * gradient / (np.sqrt(gradient**2) + 1e-8)


_RUN_HINTS = (
    "lab.train takes the model and the data first.",
    "The text above the cell names the arguments: epochs, seed, recorded and name.",
)
_MLP = {
    "relu": Answer(
        "negative numbers become 0, all others stay",
        function(
            lambda x: np.maximum(x, 0),
            {
                "the negative numbers are still there": lambda x: x,
                "the sign: it keeps the negative numbers, and the positive ones become 0": (
                    lambda x: np.minimum(x, 0)
                ),
                "the negative numbers become positive: they are to become 0": np.abs,
                "it says where x is positive: the numbers themselves are asked for": lambda x: (
                    x > 0
                ),
                "it returns the largest number of all: np.maximum compares one by one": lambda x: (
                    max(np.max(x), 0)
                ),
            },
            [(np.array([-3.0, -0.5, 0, 0.5, 2]),), (np.array([[-1.0, 4], [0.25, -7]]),)],
        ),
        ("Compare each number with 0.", "np.maximum compares two, number by number."),
    ),
    "hidden": Answer(
        "this is the hidden layer that the sheet describes",
        layer(_hidden, (784,), [()]),
        (
            "One keras.layers.Dense with all that the text above says.",
            "activation, kernel_initializer and bias_initializer are its arguments.",
        ),
    ),
    "adam": Answer(
        "this is Adam's first step",
        function(
            _first_step,
            {
                "the sign: Adam goes downhill, against the gradient": lambda gradient: (
                    -_first_step(gradient)
                ),
                "v is a mean of squares: take its square root": lambda gradient: (
                    -0.001 * gradient / (gradient**2 + 1e-8)
                ),
                "that is a step of SGD: divide by the square root of v": lambda gradient: (
                    -0.001 * gradient
                ),
                "the learning rate is missing": lambda gradient: 1000 * _first_step(gradient),
                "the gradient has a sign, too: m is the gradient itself": lambda gradient: (
                    -np.abs(_first_step(gradient))
                ),
            },
            [(np.array([100.0, 1, 0.001, -0.001, -5]),), (np.array([[2.0, -3], [1e-8, -1e-6]]),)],
        ),
        ("m is the gradient, and v its square.", "np.sqrt(v), plus epsilon, goes below m."),
    ),
    "train": Answer(
        "this is the sheet's network, trained as the sheet trains it", training("mlp"), _RUN_HINTS
    ),
    "sure": Answer(
        "so many are both wrong and more than 99 % sure",
        value(
            lambda run: (_wrong(run) & _sure(run)).sum(),
            {
                "that counts all answers of which it is sure, the right ones too": lambda run: (
                    _sure(run).sum()
                ),
                "that counts all wrong answers": lambda run: _wrong(run).sum(),
                "that counts the right answers of which it is sure": lambda run: (
                    ~_wrong(run) & _sure(run)
                ).sum(),
                "that counts the wrong answers of which it is not sure": lambda run: (
                    _wrong(run) & ~_sure(run)
                ).sum(),
                "99 % is 0.99": lambda run: (_wrong(run) & _sure(run, 99)).sum(),
                "that is a share; count them": lambda run: (_wrong(run) & _sure(run)).mean(),
                "that is a share of the wrong answers; count them": lambda run: _sure(run)[
                    _wrong(run)
                ].mean(),
            },
        ),
        ("Both must be true: wrong, and surer than 0.99.", "& joins two arrays of True and False."),
    ),
}

# 3. Dropout


def _layer_mean(attempt: Any) -> list[str]:
    try:
        mean = float(attempt)
    except (TypeError, ValueError):
        return ["it is not one number: take the mean of all that comes out"]
    if mean == 1:
        return [
            "it is exactly 1, as with dropout off: give training=True (by chance alone this comes "
            "up once in 1,250 times; then run the cell again)"
        ]
    near = {
        0.5: "that is the share of units that are left; take the mean of what they send on",
        2.0: "that is what a unit that is left sends on; the dropped ones send 0, and count",
        0.0: "that is what a dropped unit sends on; take the mean of all",
    }
    # The mean of a million numbers that are 0 or 2 has a standard deviation of 0.001.
    told = [words for number, words in near.items() if abs(mean - number) < 0.01]
    return [] if abs(mean - 1) < 0.01 else told or [f"{mean:.6g} is not the mean of what comes out"]


def _gaps(run: Run, scale: float = 100) -> tuple[float, float]:
    last = {key: scale * values[-1] for key, values in run.history.items()}
    return tuple(last[key] - last["val_accuracy"] for key in ("accuracy", "fit_accuracy"))


_MET, _DIGITS = 34 * 60_000, len(str(2**4500))
_DROPOUT = {
    "masks": Answer(
        "so many are met, and so long is the number of all",
        value(
            lambda: (_MET, _DIGITS),
            {
                "each image of a batch meets a network of its own, not each batch": lambda: (
                    34 * 600,
                    _DIGITS,
                ),
                "that is one epoch; there are 34": lambda: (60_000, _DIGITS),
                "there are three layers with dropout, 4,500 units in all": lambda: (
                    _MET,
                    len(str(2**1500)),
                ),
                "each unit is there or not: multiply 2 by itself 4,500 times": lambda: (
                    _MET,
                    len(str(2 * 4500)),
                ),
                "that is the number of units: each of them is there or missing": lambda: (
                    _MET,
                    4500,
                ),
            },
        ),
        ("Each image of each epoch meets one.", "len(str(2**3)) is the number of digits of 8."),
    ),
    "layer-mean": Answer(
        "the mean is 1, as without dropout: those that stay make up for those that are dropped",
        _layer_mean,
        ("Give the layer an array of ones, with training=True.", "np.mean of what comes out."),
    ),
    "train": Answer(
        "this is the sheet's network, trained as the sheet trains it",
        training("dropout"),
        _RUN_HINTS,
    ),
    "fair-words": Answer(
        "these are the two gaps, in points",
        value(
            _gaps,
            {
                "the sign: the gap is training minus validation": lambda run: tuple(
                    -gap for gap in _gaps(run)
                ),
                "the two are swapped: as reported comes first": lambda run: _gaps(run)[::-1],
                "these are shares; 1 % is one point": lambda run: _gaps(run, 1),
                "these are training accuracies: take the validation accuracy away": lambda run: (
                    100 * run.history["accuracy"][-1],
                    100 * run.history["fit_accuracy"][-1],
                ),
            },
        ),
        ("A gap is one accuracy minus another.", "Take validation away from each of the two."),
    ),
}

# 4. Convolutional network

_RANDOM = np.random.default_rng(0)
_IMAGE, _KERNEL = _RANDOM.random((28, 28)), _RANDOM.normal(size=(5, 5))
_FLAT_IMAGE = _RANDOM.integers(0, 9, (28, 28)).astype(float)


def _windows(image: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(np.pad(image, 2), (5, 5))


def _squares(image: np.ndarray) -> np.ndarray:
    return image.reshape(14, 2, 14, 2)


def _kernels(model: Any) -> np.ndarray:
    return model.layers[0].get_weights()[0][:, :, 0, :]


def _linear_networks() -> list[tuple[Any, int]]:
    """The recorded linear network for rows and for images, each with digits moved or not."""
    import keras

    first, start, second, bias = load_records("linear")[0].weights
    networks = []
    for shape in ((784,), (28, 28, 1)):
        network = keras.Sequential(
            [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10)]
        )
        network.set_weights([first @ second, start @ second + bias])
        networks.append(network)
    return [(networks[0], 0), (networks[1], 3)]


def _accuracy(network: Any, pixels_moved: int, scale: float = 1) -> float:
    data = _mnist()
    images = np.roll(data.x_valid[::10], pixels_moved, axis=2) / 255 * scale
    scores = images.reshape(-1, 784) @ network.get_weights()[0] + network.get_weights()[1]
    return 100 * np.mean(scores.argmax(axis=1) == data.y_valid[::10])


def _second(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Which answers are wrong, and of which of all the second guess is right."""
    order = _said(run).argsort(axis=1)
    return _wrong(run), order[:, -2] == _mnist().y_valid


_CNN = {
    "start": Answer(
        "a network that knows nothing has this loss",
        value(
            lambda: math.log(10),
            {
                "the sign: a loss is positive, -np.log(p)": lambda: -math.log(10),
                "that is the probability; the loss is -np.log of it": lambda: 0.1,
                "that is the logarithm to the base 10; np.log is the natural one": lambda: 1.0,
                "that is of two classes; here are ten": lambda: math.log(2),
            },
        ),
        ("Each digit gets the probability 1/10.", "The loss of one image is -ln p."),
    ),
    "slide": Answer(
        "each number is the sum over one window",
        function(
            lambda image, kernel: (_windows(image) * kernel).sum(axis=(2, 3)),
            {
                "the mean is not asked for: add up": lambda image, kernel: (
                    _windows(image) * kernel
                ).mean(axis=(2, 3)),
                "it adds up over the places, not over each window: the last two axes are 2 and 3": (
                    lambda image, kernel: (_windows(image) * kernel).sum(axis=(0, 1))
                ),
                "it adds up everything: only over the last two axes, axis=(2, 3)": (
                    lambda image, kernel: (_windows(image) * kernel).sum()
                ),
                "it multiplies, but does not add up": lambda image, kernel: (
                    _windows(image) * kernel
                ),
                "it adds up over one axis of the window: there are two": lambda image, kernel: (
                    _windows(image) * kernel
                ).sum(axis=3),
                "the kernel is turned round: here it is laid on as it is": lambda image, kernel: (
                    _windows(image) * kernel[::-1, ::-1]
                ).sum(axis=(2, 3)),
            },
            [(_IMAGE, _KERNEL), (_FLAT_IMAGE, np.ones((5, 5)))],
        ),
        ("windows has the shape (28, 28, 5, 5).", "sum takes axis=(2, 3)."),
    ),
    "pool": Answer(
        "of each square the largest number is left",
        function(
            lambda image: _squares(image).max(axis=(1, 3)),
            {
                "that is the mean of each square: the largest number is asked for": lambda image: (
                    _squares(image).mean(axis=(1, 3))
                ),
                "that is the smallest number of each square": lambda image: _squares(image).min(
                    axis=(1, 3)
                ),
                "that is the sum of each square": lambda image: _squares(image).sum(axis=(1, 3)),
                "that is the first number of each square, not its largest": lambda image: _squares(
                    image
                )[:, 0, :, 0],
                "axes 0 and 2 count the squares; 1 and 3 are inside each square": lambda image: (
                    _squares(image).max(axis=(0, 2))
                ),
                "that is the largest number of all: one for each square is asked for": (
                    lambda image: image.max()
                ),
            },
            [(_IMAGE,), (-_FLAT_IMAGE,)],
        ),
        ("squares[i, :, j, :] is one square.", "max takes axis=(1, 3)."),
    ),
    "convolution": Answer(
        "this is the convolution that the sheet describes",
        layer(_convolution, (28, 28, 1), [(32,), (64,)]),
        (
            "One keras.layers.Conv2D with all that the text above says.",
            "padding, activation, kernel_initializer and bias_initializer are its arguments.",
        ),
    ),
    "train": Answer(
        "this is the sheet's network, trained as the sheet trains it", training("cnn"), _RUN_HINTS
    ),
    "filters": Answer(
        "32 filters of 5 × 5",
        value(
            lambda model: _kernels(model).transpose(2, 0, 1),
            {
                "reshape only breaks the row of numbers in other places: move the axes": (
                    lambda model: _kernels(model).reshape(32, 5, 5)
                ),
                "rows and columns of each filter are swapped": lambda model: _kernels(
                    model
                ).transpose(2, 1, 0),
                "the filters are still the last axis: it has to be the first": _kernels,
                "the axis of the one channel is still there": lambda model: _kernels(
                    model
                ).transpose(2, 0, 1)[..., np.newaxis],
            },
        ),
        ("kernels is (5, 5, 1, 32): rows, columns, channel, filter.", "See np.transpose."),
    ),
    "shift": Answer(
        "any of the networks can be asked, however far the digits are moved",
        function(
            _accuracy,
            {
                "the images are scaled already: do not divide again": functools.partial(
                    _accuracy, scale=1 / 255
                ),
            },
            _linear_networks,
        ),
        (
            "network.input_shape says what the network takes; its first number is None.",
            "reshape(-1, *network.input_shape[1:]), then network.predict and argmax(axis=1).",
        ),
    ),
    "second": Answer(
        "for so many of the wrong ones the second guess is right",
        value(
            lambda run: int((np.logical_and(*_second(run))).sum()),
            {
                "that counts those of which the second guess is wrong, too": lambda run: (
                    _second(run)[0] & ~_second(run)[1]
                ).sum(),
                "that counts all wrong answers": lambda run: _second(run)[0].sum(),
                "that is a share; count them": lambda run: _second(run)[1][_second(run)[0]].mean(),
                "among the wrong ones the first guess is never right": lambda run: 0,
            },
        ),
        (
            "second[wrong] is the second guess for each wrong one.",
            "Compare with data.y_valid[wrong].",
        ),
    ),
}

# 5. Comparison


def _finals(part: str, what: str, runs: dict[str, list[Run]]) -> np.ndarray:
    return np.array([100 * run.history[what][-1] for run in runs[part]])


def _right(runs: dict[str, list[Run]]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(~_wrong(runs[part][0]) for part in ("mlp", "dropout"))


def _mcnemar(only_first: int, only_second: int, sides: int = 2, last: int = 1) -> float:
    n, fewer = only_first + only_second, min(only_first, only_second)
    return sides * sum(math.comb(n, k) for k in range(fewer + last)) / 2**n


def _permutation(
    first: np.ndarray, second: np.ndarray, sign: Any = abs, least: float = -1e-9
) -> float:
    """The share of ways to choose a group that differs by `least` more than the observed one."""
    numbers, ways = np.concatenate([first, second]), []
    for chosen in combinations(range(len(numbers)), len(first)):
        others = [index for index in range(len(numbers)) if index not in chosen]
        ways.append(sign(numbers[list(chosen)].mean() - numbers[others].mean()))
    observed = abs(np.mean(first) - np.mean(second))
    return float(np.mean([difference >= observed + least for difference in ways]))


_COMPARISON = {
    "finals": Answer(
        "one number in percent for each run",
        function(
            _finals,
            {
                "these are shares: 1 is 100 %": lambda part, what, runs: (
                    _finals(part, what, runs) / 100
                ),
                "that is the first epoch; the last one is [-1]": lambda part, what, runs: np.array(
                    [100 * run.history[what][0] for run in runs[part]]
                ),
                "that is the best epoch of each run, not its last": lambda part, what, runs: (
                    np.array([100 * max(run.history[what]) for run in runs[part]])
                ),
                "that is the mean over all epochs: only the last one counts": (
                    lambda part, what, runs: np.array(
                        [100 * np.mean(run.history[what]) for run in runs[part]]
                    )
                ),
                "that is their mean: one number for each run is asked for": (
                    lambda part, what, runs: _finals(part, what, runs).mean()
                ),
            },
            [(part, what) for part in PARTS for what in ("val_accuracy", "fit_accuracy")],
        ),
        ("runs[part] is a list of runs.", "run.history[what][-1] is the last value, a share."),
    ),
    "pairs": Answer(
        "these are the images that only one of the two reads right",
        value(
            lambda runs: _only(*_right(runs)),
            {
                "the two are swapped: only the MLP comes first": lambda runs: _only(*_right(runs))[
                    ::-1
                ],
                "these are all that each network reads right": lambda runs: tuple(
                    one.sum() for one in _right(runs)
                ),
                "these are the images that each network gets wrong": lambda runs: tuple(
                    (~one).sum() for one in _right(runs)
                ),
            },
        ),
        ("True of one and not of the other.", "~ turns True and False round, & joins two."),
    ),
    "mcnemar": Answer(
        "this is the exact two-sided p-value",
        function(
            lambda *pair: min(1, _mcnemar(*pair)),
            {
                "one-sided: the other side is as unequal, so twice that": functools.partial(
                    _mcnemar, sides=1
                ),
                "a probability is never above 1: min(1, ...)": _mcnemar,
                "the case that was seen is left out: `at least as unequal` includes it": (
                    lambda *pair: min(1, _mcnemar(*pair, last=0))
                ),
                "one-sided, and the case that was seen is left out": functools.partial(
                    _mcnemar, sides=1, last=0
                ),
                "it is divided by the number of tosses: there are 2**n ways": lambda *pair: min(
                    1, _mcnemar(*pair) * 2 ** sum(pair) / max(sum(pair), 1)
                ),
            },
            [(3, 11), (11, 3), (5, 5), (0, 7), (20, 9), (1, 2)],
        ),
        (
            "Add up comb(n, k) for all k that are at most `fewer`, and divide by 2**n.",
            "The other side is just as unequal: twice that, but never more than 1.",
        ),
    ),
    "permutation": Answer(
        "this is the exact two-sided p-value",
        function(
            _permutation,
            {
                "one-sided: a difference counts whatever its sign, so take abs(...)": (
                    functools.partial(_permutation, sign=lambda difference: difference)
                ),
                "ties are left out: `at least as much` includes them": functools.partial(
                    _permutation, least=1e-9
                ),
                "rounding hides some ties: compare with observed - 1e-9": functools.partial(
                    _permutation, least=0
                ),
                "it counts every way, whether the groups differ or not": lambda *groups: 1.0,
            },
            [
                (np.array([1.0, 2, 3]), np.array([4.0, 5, 6])),
                (np.array([98.1, 98.3, 98.2]), np.array([98.2, 98.4, 98.5])),
                (np.array([0.3, 0.1, 0.2, 0.7]), np.array([0.6, 0.4])),
            ],
        ),
        ("numbers[list(chosen)] is one group, numbers[others] the other.", "Compare the means."),
    ),
    "claim6-numbers": Answer(
        "this is the ratio, and these are the roots",
        value(
            lambda: _claim6(*_counts()),
            {
                "the ratio is the wrong way round: MLP by CNN": lambda: (
                    1 / _claim6(*_counts())[0],
                    _claim6(*_counts())[1],
                ),
                "the roots are swapped: the MLP's comes first": lambda: (
                    _claim6(*_counts())[0],
                    _claim6(*_counts())[1][::-1],
                ),
                "those are the squares: np.sqrt is the square root": lambda: (
                    _claim6(*_counts())[0],
                    np.square(_counts(), dtype=float),
                ),
            },
        ),
        ("Divide, and see np.sqrt.", "np.sqrt takes a list of both numbers."),
    ),
}


def _only(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    return (first & ~second).sum(), (~first & second).sum()


def _counts() -> tuple[int, int]:
    return PARTS["mlp"].parameters, PARTS["cnn"].parameters


def _claim6(mlp: int, cnn: int) -> tuple[float, tuple[float, float]]:
    return mlp / cnn, (math.sqrt(mlp), math.sqrt(cnn))


# 6. Beyond the sheet


def _flattery(run: Run) -> float:
    accuracies = 100 * np.array(run.history["val_accuracy"])
    return accuracies.max() - accuracies[-1]


def _standard_error(accuracy: float, images: int, *, root: bool = True) -> float:
    share = accuracy / 100
    variance = share * (1 - share) / images
    return 100 * (math.sqrt(variance) if root else variance)


def _choice(runs: dict, key: str = "val_accuracy", last: bool = False, first: int = 1) -> tuple:
    """The learning rate and the number of epochs of the best accuracy."""

    def best(run: Run) -> float:
        return run.history[key][-1] if last else max(run.history[key])

    rate = max(runs, key=lambda each: best(runs[each]))
    return rate, int(np.argmax(runs[rate].history[key])) + first


def _tested(model: Any, scale: float = 100) -> float:
    from ..training import predict

    data = _mnist()  # whose validation images are the test part of a split
    return scale * np.mean(predict(model, data.x_valid).argmax(axis=1) == data.y_valid)


def _seen(images: int) -> float:
    return 3_000 * 100 / images


def _gains(without: list[Run], having: list[Run]) -> np.ndarray:
    """Points of accuracy that a cure gains, seed by seed."""
    finals = [[100 * run.history["val_accuracy"][-1] for run in runs] for runs in (having, without)]
    return np.subtract(*finals)


def _remains(iterations: int, learning_rate: float, weight_decay: float) -> float:
    return (1 - learning_rate * weight_decay) ** iterations


def _stopped(watched: Run, judged: Run, plus: int = 0) -> float:
    """Accuracy of a run, in percent, at the epoch that the loss of another one chooses."""
    place = int(np.argmin(watched.history["val_loss"])) + plus
    return 100 * judged.history["val_accuracy"][place]


def _ece(probabilities: np.ndarray, truth: np.ndarray, *, part: str = "") -> float:
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((10 * confidence).astype(int), 9)
    total = 0.0
    for own in (bins == number for number in np.unique(bins)):
        distance = right[own].mean() - confidence[own].mean()
        distance = distance if part == "signed" else abs(distance)
        total += distance * (1 if part == "unweighted" else own.mean())
    return 100 * total


def _some_answers() -> list[tuple[np.ndarray, np.ndarray]]:
    """What two networks say of a few hundred images, and the truth."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(300, 10)) * random.uniform(0.5, 4, (300, 1))
    said = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    truth = np.where(random.random(300) < 0.6, said.argmax(axis=1), random.integers(0, 10, 300))
    return [(said, truth), (said[:50], truth[:50])]


def _cool(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


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


def _missed(runs: list[Run], truth: np.ndarray, count: Callable[..., Any] = np.all) -> np.ndarray:
    """The places of the images that all runs read wrong."""
    wrong = [run.val_probabilities.argmax(axis=1) != truth for run in runs]
    return np.flatnonzero(count(wrong, axis=0))


_BEYOND = {
    "flattery": Answer(
        "these are the points by which the best epoch flatters",
        function(
            _flattery,
            {
                "the sign: the best one minus the last one": lambda run: -_flattery(run),
                "that is the best accuracy itself: take the last one away": lambda run: (
                    100 * max(run.history["val_accuracy"])
                ),
                "that is best minus worst: the last one is [-1]": lambda run: (
                    100 * np.ptp(run.history["val_accuracy"])
                ),
                "that is best minus first: the last one is [-1]": lambda run: (
                    100 * (max(run.history["val_accuracy"]) - run.history["val_accuracy"][0])
                ),
                "these are shares; accuracies holds percent": lambda run: _flattery(run) / 100,
            },
            lambda: [(run,) for run in load_records("linear")[:3]],
        ),
        ("accuracies.max() is the best one.", "accuracies[-1] is the last one."),
    ),
    "error": Answer(
        "this is the standard error in points",
        function(
            _standard_error,
            {
                "the square root is missing": functools.partial(_standard_error, root=False),
                "that is a share; one point is 1 %": lambda accuracy, images: (
                    _standard_error(accuracy, images) / 100
                ),
                "that is not divided by the number of images": lambda accuracy, _: _standard_error(
                    accuracy, 1
                ),
                "the root is of all of it, the number of images too": lambda accuracy, images: (
                    _standard_error(accuracy, 1) / images
                ),
            },
            [(50, 100), (98.3, 10_000), (91.0, 2_500)],
        ),
        ("p is accuracy / 100.", "100 * np.sqrt(p * (1 - p) / images)."),
    ),
    "choose": Answer(
        "this network reads the validation images best",
        value(
            _choice,
            {
                "Python counts epochs from 0: one more": lambda runs: _choice(runs, first=0),
                "that rate is best at its last epoch; the best of all epochs counts": lambda runs: (
                    _choice(runs, last=True)
                ),
                "that is by the training accuracy": lambda runs: _choice(runs, "accuracy"),
            },
        ),
        (
            "Compare max(run.history['val_accuracy']) of the three.",
            "np.argmax says at which place the largest is, counted from 0.",
        ),
    ),
    "test": Answer(
        "this is the accuracy on images that took no part in the choice",
        value(
            _tested,
            {
                "that is a share; in percent, please": lambda model: _tested(model, 1),
                "these are the wrong answers, in percent": lambda model: 100 - _tested(model),
                "that is a number of images; in percent, please": lambda model: _tested(
                    model, len(_mnist().y_valid)
                ),
            },
        ),
        (
            "said.argmax(axis=1) is the answers.",
            "Compare them with split.y_test, and take the mean.",
        ),
    ),
    "seen": Answer(
        "this is how often each image is seen",
        function(
            _seen,
            {
                "a batch holds 100 images, not one": lambda images: 3_000 / images,
                "that is upside down: the fewer the images, the more often": lambda images: (
                    images / 300_000
                ),
                "that is how many images are seen: divide by how many there are": lambda _: 300_000,
            },
            [(100,), (3_000,), (60_000,)],
        ),
        ("How many images do 3,000 batches hold?", "Divide that by the number of images."),
    ),
    "gains": Answer(
        "these are the points that the cure gains, seed by seed",
        function(
            _gains,
            {
                "the sign: with minus without": lambda *runs: -_gains(*runs),
                "these are shares: in percent, please": lambda *runs: _gains(*runs) / 100,
                "one number for each seed, not their mean": lambda *runs: _gains(*runs).mean(),
            },
            lambda: [(load_records("mlp"), load_records("dropout"))],
        ),
        (
            "run.history['val_accuracy'][-1] is a run's last accuracy.",
            "Make an array of each list, and subtract.",
        ),
    ),
    "remains": Answer(
        "this is the share of the weight that remains",
        function(
            _remains,
            {
                "the share taken off is the learning rate times the weight decay": lambda n, _, w: (
                    (1 - w) ** n
                ),
                "each time a share of what is left, not of what there was": lambda n, rate, w: (
                    1 - n * rate * w
                ),
                "that is what is gone: what remains?": lambda *figures: 1 - _remains(*figures),
                "that is after a single iteration": lambda _, *figures: _remains(1, *figures),
            },
            [(3_000, 0.001, 0.5), (600, 0.001, 0.1), (2, 0.5, 0.5)],
        ),
        (
            "After one iteration 1 - learning_rate * weight_decay remains.",
            "After two, the same share of that: a power.",
        ),
    ),
    "stopped": Answer(
        "this is the accuracy where the validation images would have stopped",
        function(
            _stopped,
            {
                "that is chosen by the test images: the watched run says when to stop": (
                    lambda _, judged: _stopped(judged, judged)
                ),
                "that is on the validation images that chose: judge by the other run": (
                    lambda watched, _: _stopped(watched, watched)
                ),
                "that is one epoch later: np.argmin counts from 0, as the list does": (
                    functools.partial(_stopped, plus=1)
                ),
                "that is a share: in percent, please": lambda *runs: _stopped(*runs) / 100,
                "that is the last epoch": lambda _, judged: 100 * judged.val_accuracy,
            },
            lambda: list(zip(load_records("mlp"), load_records("dropout"), strict=True)),
        ),
        (
            "np.argmin(watched.history['val_loss']) is the place of its smallest loss.",
            "Take judged.history['val_accuracy'] at that place.",
        ),
    ),
    "ece": Answer(
        "this is the expected calibration error in points",
        function(
            _ece,
            {
                "each bin counts by its share of the images, own.mean()": functools.partial(
                    _ece, part="unweighted"
                ),
                "a distance is never negative: abs(...)": functools.partial(_ece, part="signed"),
                "it is multiplied by 100 at the end already": lambda *said: 100 * _ece(*said),
            },
            _some_answers,
        ),
        (
            "right[own].mean() is how many of the bin are right.",
            "Add abs(right - sure) times own.mean().",
        ),
    ),
    "cool": Answer(
        "these are the probabilities at that temperature",
        function(
            _cool,
            {
                "the power is 1 / T, not T": lambda said, heat: _cool(said, 1 / heat),
                "they do not add up to 1: divide by the sum of each row": lambda said, heat: (
                    said ** (1 / heat)
                ),
                "divided by the sum of all: each row adds up to 1, axis=1": lambda said, heat: (
                    said ** (1 / heat) / (said ** (1 / heat)).sum()
                ),
                "that divides the probabilities, not the scores: take powers": lambda said, heat: (
                    said / heat
                ),
            },
            lambda: [(_some_answers()[1][0], heat) for heat in (1.0, 2.0, 0.5)],
        ),
        ("probabilities ** (1 / temperature).", "See sum(axis=1, keepdims=True)."),
    ),
    "rate": Answer(
        "this is the learning rate of each iteration",
        function(
            _rate,
            {
                "that falls along a straight line: a cosine, please": functools.partial(
                    _rate, fall=lambda done: 1 - done
                ),
                "half a wave goes from the angle 0 to π, in radians": functools.partial(
                    _rate, fall=lambda done: _half_wave(done / math.pi)
                ),
                "that is a whole wave, which rises again: up to the angle π": functools.partial(
                    _rate, fall=lambda done: _half_wave(2 * done)
                ),
                "it becomes negative: half of 1 + cos goes from 1 to 0": functools.partial(
                    _rate, fall=lambda done: math.cos(math.pi * done)
                ),
                "the wave begins where the warm-up ends, not at iteration 0": functools.partial(
                    _rate, whole=True
                ),
            },
            [(at, 0.003, 12_000) for at in (0, 600, 1_200, 3_000, 7_000, 11_000)],
        ),
        (
            "Which share of the iterations after the warm-up is done?",
            "(1 + cos(π · share)) / 2 goes from 1 to 0.",
        ),
    ),
    "missed": Answer(
        "these are the digits that none of the networks reads",
        function(
            _missed,
            {
                "these are all that any network reads wrong: all of them must": functools.partial(
                    _missed, count=np.any
                ),
                "these are the digits that all read right": lambda runs, truth: np.flatnonzero(
                    np.all([run.val_probabilities.argmax(axis=1) == truth for run in runs], axis=0)
                ),
                "that is yes or no for each image: np.flatnonzero gives the places": (
                    lambda runs, truth: np.isin(np.arange(len(truth)), _missed(runs, truth))
                ),
                "that is how many they are: which?": lambda *given: len(_missed(*given)),
                "that is by the first network alone": lambda runs, truth: _missed(runs[:1], truth),
            },
            lambda: [(load_records(part), _mnist().y_valid) for part in ("cnn", "mlp")],
        ),
        (
            "run.val_probabilities.argmax(axis=1) is what a network reads.",
            "np.all(..., axis=0), then np.flatnonzero.",
        ),
    ),
}

ANSWERS = {
    f"{notebook}.{name}": answer
    for notebook, answers in (
        ("linear", _LINEAR),
        ("mlp", _MLP),
        ("dropout", _DROPOUT),
        ("cnn", _CNN),
        ("comparison", _COMPARISON),
        ("beyond", _BEYOND),
    )
    for name, answer in answers.items()
}
