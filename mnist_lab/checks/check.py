"""`check`, `check_data`, `check_count`: is this what the sheet asks for, and if not, why not?"""

import functools
import itertools
import numbers
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Dataset
from ..descriptions import Description, describe, describe_network, describe_training, mathematics
from ..parts import PARTS, Part
from ..runs import Run
from . import behaviour, counts, diagnoses, prepared
from .verdicts import CheckResult, in_one_line, judged

if TYPE_CHECKING:
    import keras


def check(part: str, model: Any, data: Dataset | None = None) -> CheckResult:
    """Judge whether a model is the one that a part of the sheet asks for, however it is written.

    Parameters
    ----------
    part
        "linear", "mlp", "dropout" or "cnn".
    model
        A Keras model, or a function without arguments that builds one. Before `compile`, only
        its layers are judged. It stays as it is.
    data
        The data that you mean to train it on, to be judged with it.

    Raises
    ------
    ValueError
        If there is no such part.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.check("mlp", lab.build_mlp(hidden_units=100))
    Not yet: this is not the network that part mlp asks for.
      - hidden layers 1, 2 and 3: units are 100, the part asks for 1500
    """
    chosen = _part(part)
    judge = functools.partial(_judge_model, chosen, data)
    return judged(model, judge, _HINTS[part] + _HINTS["compile"], lambda: _code(chosen))


def check_data(dataset: Any) -> CheckResult:
    """Judge arrays that you prepared from MNIST: shape, scale, labels, order.

    Parameters
    ----------
    dataset
        `lab.Dataset(x_train, y_train, x_valid, y_valid)`, or a function without arguments that
        makes it. Images are flat (784) or 28 × 28 or 28 × 28 × 1, from 0 to 1; labels are one-hot
        or class numbers. As `load_mnist` gives it, it is right, too.
    """
    return judged(dataset, _judge_data, _HINTS["data"], lambda: _DATA_CODE)


def check_count(part: str, number: Any) -> CheckResult:
    """Judge a number of parameters that you counted by hand, and find the slip in a wrong one.

    Parameters
    ----------
    part
        "linear", "mlp", "dropout" or "cnn".
    number
        Weights and biases of the part's network.

    Raises
    ------
    ValueError
        If there is no such part.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.check_count("linear", 7850)
    Not yet: 7,850 is too few.
      - the output layer is forgotten
    """
    chosen = _part(part)
    judge = functools.partial(_judge_count, chosen)
    return judged(number, judge, _HINTS["count"], lambda: counts.arithmetic(chosen))


def _part(key: str) -> Part:
    if key not in PARTS:
        raise ValueError(f"part={key!r}: it must be one of {', '.join(map(repr, PARTS))}")
    return PARTS[key]


def _verdict(lines: list[str], remarks: list[str], right: str, wrong: str) -> CheckResult:
    reasons = {line: words for line in lines if (words := diagnoses.reason(line))}
    outcome, verdict = ("wrong", wrong) if lines else ("right", right)
    return CheckResult(outcome, verdict, lines, reasons, remarks)


def _judge_model(part: Part, data: Dataset | None, model: Any) -> CheckResult:
    import keras

    if not isinstance(model, keras.Model):
        return CheckResult("wrong", f"This is {_what(model)}.")
    if not model.weights:
        return CheckResult(
            "wrong",
            "This model has no weights yet, because it has no layers or does not know the shape "
            "of an image: begin it with keras.Input(...), or call it once on some images.",
        )
    part_model = part.build(loss="categorical_crossentropy")
    initial, remarks = part_model.get_weights(), []
    lines = _differences(model, part, part_model, remarks)
    if data is not None and not any(line.startswith("compile:") for line in lines):
        lines += _against_data(model, data, remarks)
    steps = int(model.optimizer.iterations) if model.compiled else 0
    remarks += _copies(model)
    if steps or not (_starts_alike(model, initial) or any("initial" in line for line in lines)):
        so_far = f" for {steps:,} iterations" if steps else ", or its weights were set"
        remarks.append(
            f"This model was trained already{so_far}: build it anew, or train it with a seed, "
            "which starts anew."
        )
    return _verdict(
        lines,
        remarks,
        f"Right: this is the network that part {part.key} asks for.",
        f"Not yet: this is not the network that part {part.key} asks for.",
    )


def _copies(model: "keras.Model") -> list[str]:
    """Which layers begin with the same random weights, and why."""
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "kernel")]
    kernels = [(layer.name, np.asarray(layer.kernel)) for layer in layers]
    return [
        f"Layers {this} and {that} start as copies of each other, for their initialisers have the "
        "same seed: leave seed=... out, or give each layer a seed of its own."
        for (this, one), (that, other) in itertools.combinations(kernels, 2)
        if one.shape == other.shape and np.ptp(one) and np.array_equal(one, other)
    ]


def _starts_alike(model: "keras.Model", initial: list[np.ndarray]) -> bool:
    """Whether nothing shows that a model's weights are no longer those that it began with."""
    weights = model.get_weights()
    comparable = [weight.shape for weight in weights] == [weight.shape for weight in initial]
    return not (comparable and behaviour.unlike_initially(weights, initial))


def _differences(
    model: "keras.Model", part: Part, part_model: "keras.Model", remarks: list[str]
) -> list[str]:
    """What differs in the network and in how it was compiled; remarks are added to the list."""
    shape = (model.get_build_config() or {}).get("input_shape") or part_model.input_shape
    found, lines = describe_network(model, tuple(shape[1:])), []
    asked, training = describe(part_model), describe_training(part_model)
    if model.compiled:
        try:
            training = describe_training(model)
            lines = _metrics(model, training)
        except (ValueError, TypeError) as problem:
            lines = [f"compile: {in_one_line(problem)}"]
        remarks += diagnoses.overlook(training)
    else:
        remarks.append("It is not compiled yet, so only its layers were judged.")
        if found.get("output layer: activation") == "linear":
            training["loss: from logits"] = True
            remarks.append("It gives logits: compile it with a loss that has from_logits=True.")
    logits = training.get("loss: from logits", False) if model.compiled else None
    if "input: divided by" in found:
        remarks.append(_DIVIDES)
    found, asked = mathematics({**found, **training}), mathematics(asked)
    network, asked_network = _layers_only(found), _layers_only(asked)
    told = diagnoses.told(network, asked_network)
    # A sequential model that holds one object twice is described as if it held it once.
    weighted = [layer for layer in model.layers if layer.weights]
    twice = [layer.name for layer in dict.fromkeys(weighted) if weighted.count(layer) > 1]
    told += [f"layer {name}: shared is True, the part asks for False" for name in twice]
    if told and diagnoses.perhaps_the_same(network, asked_network):
        rate = part.figures.get("dropout", 0)
        otherwise = behaviour.behaves_otherwise(model, part_model, logits, rate)
        if not otherwise or isinstance(found["layers"], str):
            told = otherwise
            found.pop("loss: from logits", None)  # judged by its outputs
    return told + diagnoses.told({**asked_network, **_layers_only(found, False)}, asked) + lines


def _layers_only(description: Description, only: bool = True) -> Description:
    """The part of a description that is about the layers, or the rest."""
    return {k: v for k, v in description.items() if (diagnoses.topic(k) == "layers") is only}


def _metrics(model: "keras.Model", training: Description) -> list[str]:
    """What is wrong with the metrics: one of them has to be the accuracy."""
    config = model.get_compile_config()
    names = [*_names(config["metrics"]), *_names(config["weighted_metrics"])]
    kinds = ("categorical_accuracy", "CategoricalAccuracy")
    sparse = ("sparse_categorical_accuracy", "SparseCategoricalAccuracy")
    fitting, other = (sparse, kinds) if training["loss"].startswith("sparse") else (kinds, sparse)
    if {"accuracy", "acc", *fitting} & set(names):
        return []
    found = ", ".join(names) or "none"
    if set(other) & set(names):
        found += f" (for other labels than the loss, {training['loss']})"
    return [f"metrics: {found}, the part asks for accuracy"]


def _names(config: Any) -> list[str]:
    """Names of all metrics in a compile configuration; those of objects are their classes'."""
    if isinstance(config, str):
        return [config]
    if isinstance(config, dict) and "class_name" in config:
        name = config["class_name"]
        return [config["config"] if name == "function" else name]
    parts = config.values() if isinstance(config, dict) else config or ()
    return [name for part in parts for name in _names(part)]


def _against_data(model: "keras.Model", data: Any, remarks: list[str]) -> list[str]:
    """What keeps a model from learning from these data."""
    if not isinstance(data, Dataset):
        return [f"data: this is {_what(data)}"]
    divides = "input: divided by" in describe_network(model, data.x_train.shape[1:])
    lines = prepared.unusable_images(data) or prepared.unscaled(data, divides)
    adapted = data.x_train.dtype == np.uint8 and data.x_train.ndim == 3
    own, taken = data.x_train.shape[1:], getattr(model, "input_shape", (None,))[1:]
    if not lines and not adapted and taken and own != taken:
        lines.append(f"x_train: an image has the shape {own}, the network takes {taken}")
    one_hot = data.y_train.ndim == 2
    sparse = model.compiled and "sparse" in describe_training(model)["loss"]
    if one_hot and sparse:
        lines.append(
            "y_train: labels are one-hot, the loss is a sparse one, for class numbers: compile "
            'with "categorical_crossentropy"'
        )
    elif model.compiled and not one_hot and not sparse and not adapted:
        remarks.append(
            "y_train holds class numbers and the loss takes one-hot labels: lab.train makes them "
            "one-hot, model.fit would refuse."
        )
    return lines


def _judge_data(data: Any) -> CheckResult:
    if not isinstance(data, Dataset):
        return CheckResult("wrong", f"This is {_what(data)}.")
    lines, remarks = prepared.faults(data)
    return _verdict(
        lines,
        remarks,
        "Right: these are MNIST's images and labels, ready to train on.",
        "Not yet: something is wrong with these arrays.",
    )


def _what(thing: Any) -> str:
    """What something is that cannot be judged, and what to do."""
    import keras

    name = type(thing).__name__
    if isinstance(thing, type):
        return f"the class {thing.__name__} itself: call it, as in {thing.__name__}(...)"
    if type(thing).__module__.startswith("torch") or "torch.nn" in str(type(thing).__mro__):
        return f"a PyTorch module ({name}): build the network with Keras, which this lab uses"
    if isinstance(thing, list | tuple) and isinstance((*thing, None)[0], keras.Layer):
        return f"a {name} of layers: put it into keras.Sequential(...)"
    kinds = {
        keras.Model: "a Keras model: give it to lab.check",
        keras.Layer: f"a layer ({name}), not a model: put your layers into keras.Sequential([...])",
        keras.KerasTensor: "the output of a layer: make a model with keras.Model(inputs, outputs)",
        Run: "a Run, which is what lab.train returns: give the model that you trained",
        Dataset: "a Dataset: give it to lab.check_data",
        (list, tuple): f"a {name}: lab.Dataset(x_train, y_train, x_valid, y_valid) makes data",
        np.ndarray: "an array: lab.Dataset(x_train, y_train, x_valid, y_valid) takes all four",
        object: f"{textwrap.shorten(repr(thing), 40)} (of type {name}): give a Keras model, or for "
        "check_data a lab.Dataset",
    }
    return next(words for kind, words in kinds.items() if isinstance(thing, kind))


def _judge_count(part: Part, number: Any) -> CheckResult:
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        words = _what(number).split(":")[0]
        return CheckResult("wrong", f"This is {words}: give the number of parameters.")
    if number == part.parameters:
        right = f"Right: the network of part {part.key} has {part.parameters:,} parameters."
        return CheckResult("right", right)
    amount = "few" if number < part.parameters else "many"
    line = counts.slip(part, number) or "count layer by layer: inputs · units + biases"
    return _verdict([line], [], "", f"Not yet: {number:,} is too {amount}.")


_DIVIDES = (
    "It divides the pixels by 255 itself: right for images as lab.load_mnist gives them, which "
    "lab.train then leaves unscaled. Images that you have scaled already would be scaled twice."
)
_HINTS = {
    "linear": [
        "Two layers, one after the other, and nothing in between.",
        "Both are keras.layers.Dense. The first has no activation, the second has softmax.",
        "The first layer starts at zero: look up kernel_initializer.",
    ],
    "mlp": [
        "Three hidden layers that are alike, and an output layer.",
        "All are keras.layers.Dense: 1500 units each in the hidden ones, one unit per digit last.",
        "Hidden layers take activation, kernel_initializer and bias_initializer; see "
        "TruncatedNormal and Constant in keras.initializers.",
    ],
    "dropout": [
        "It is the network of part mlp with something after each hidden layer.",
        "keras.layers.Dropout takes the share of units to drop. There are three of them.",
    ],
    "cnn": [
        "Convolution and pooling, twice; then the maps become one row, and a dense layer answers.",
        "Conv2D, MaxPooling2D, Flatten and Dense, all in keras.layers, after a keras.Input.",
        'Both convolutions and both poolings keep the borders: padding="same". The convolutions '
        "start as the hidden layers of part mlp do.",
    ],
    "compile": [
        "model.compile takes the optimiser, the loss and a list of metrics.",
        "Part linear takes SGD with a large learning rate, the others Adam with Keras' usual one; "
        "the loss is the cross-entropy for ten classes, the metric is the accuracy.",
    ],
    "data": [
        "Compare shape, type, smallest and largest value with what the sheet asks for.",
        "An image is a row of 784 numbers: see numpy's reshape. The largest number is 1.",
        "np.eye(10) has ten rows, one for each digit; a label can pick its row.",
    ],
    "count": [
        "Count layer by layer, weights and biases.",
        "Each unit has one weight for each number that comes in, and one bias.",
        "A kernel of a convolution has a weight for each of its pixels in each channel of its "
        "input. Flatten, pooling and dropout have no weights.",
    ],
}
_DATA_CODE = """\
import numpy as np
import mnist_lab as lab

data = lab.load_mnist()
dataset = lab.Dataset(
    data.x_train.reshape(-1, 784).astype("float32") / 255,
    np.eye(10, dtype="float32")[data.y_train],
    data.x_valid.reshape(-1, 784).astype("float32") / 255,
    np.eye(10, dtype="float32")[data.y_valid],
)"""
_ADAM = "keras.optimizers.Adam(0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8)"
_LAYERS = {
    "linear": ['layers.Dense(10, kernel_initializer="zeros")'],
    "mlp": ['layers.Dense(1500, activation="relu", **start)'] * 3,
    "dropout": ['layers.Dense(1500, activation="relu", **start)', "layers.Dropout(0.5)"] * 3,
    "cnn": [
        'layers.Conv2D(32, 5, padding="same", activation="relu", **start)',
        'layers.MaxPooling2D(2, padding="same")',
        'layers.Conv2D(64, 5, padding="same", activation="relu", **start)',
        'layers.MaxPooling2D(2, padding="same")',
        "layers.Flatten()",
    ],
}


def _code(part: Part) -> str:
    """One way to build and compile a part's model, as Python code."""
    linear, shape = part.key == "linear", (28, 28, 1) if part.key == "cnn" else (784,)
    stack = [f"keras.Input({shape})", *_LAYERS[part.key], 'layers.Dense(10, activation="softmax")']
    start = """\
start = {
    "kernel_initializer": keras.initializers.TruncatedNormal(0.0, 0.01),
    "bias_initializer": keras.initializers.Constant(0.1),
}
"""
    return (
        "import keras\nfrom keras import layers\nimport mnist_lab as lab\n\n"
        + ("" if linear else start)
        + "model = keras.Sequential(\n    [\n        "
        + ",\n        ".join(stack)
        + ",\n    ]\n)\nmodel.compile(\n    optimizer="
        + ("keras.optimizers.SGD(0.5)" if linear else _ADAM)
        + ",\n    loss="
        + ("lab.ClippedCrossentropy()" if linear else '"categorical_crossentropy"')
        + ',\n    metrics=["accuracy"],\n)'
    )
