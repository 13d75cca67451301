"""`check`: is this the network that a part of the sheet asks for, and if not, why not?"""

import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..course import COMPILE_HINTS, NOTEBOOKS, PARTS, Part
from ..data import Dataset, as_stored, is_one_hot
from ..descriptions import describe_network, describe_training
from . import arrays, behaviour
from .comparing import compare, perhaps_the_same
from .findings import Finding, remark, with_reasons
from .judging import judged, kind_of, not_judged
from .reading import LOGITS, read
from .verdicts import CheckResult, verdict

if TYPE_CHECKING:
    import keras


_NOTHING = (
    "This is None, which is what model.compile(...) returns: write that in a line of its own, "
    "without model = in front."
)


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
    judge = functools.partial(_judge, chosen_part(part), data)
    hints = NOTEBOOKS[part].hints + COMPILE_HINTS
    return judged(model, judge, hints, lambda: NOTEBOOKS[part].code, nothing=_NOTHING)


def chosen_part(key: str) -> Part:
    """The part of a key.

    Raises
    ------
    ValueError
        If there is none.
    """
    if key not in PARTS:
        raise ValueError(f"part={key!r}: it must be one of {', '.join(map(repr, PARTS))}")
    return PARTS[key]


def _judge(part: Part, data: Dataset | None, model: Any) -> CheckResult:
    import keras

    if not isinstance(model, keras.Model):
        return not_judged(model)
    if not model.weights:
        return CheckResult(
            "wrong",
            "This model has no weights yet, because it has no layers or does not know the shape "
            "of an image: begin it with keras.Input(...), or call it once on some images.",
        )
    asked = part.build(loss="categorical_crossentropy")
    initial = asked.get_weights()  # trying the networks out changes the weights of the part's
    findings = against_part(model, part, asked)
    if data is not None and not any(each.topic == "compile" for each in findings):
        findings += _against_data(model, data)
    findings += [*_copies(model), *_trained(model, initial, findings)]
    return verdict(
        with_reasons(findings),
        f"Right: this is the network that part {part.key} asks for.",
        f"Not yet: this is not the network that part {part.key} asks for.",
    )


def against_part(model: "keras.Model", part: Part, asked: "keras.Model") -> list[Finding]:
    """What differs from the part's network, in the layers and in how it was compiled."""
    compiled = describe_training(asked)
    wanted = read(asked, asked.input_shape[1:], compiled)
    found = read(model, input_shape(model, asked), compiled)
    shared = _shared(model)
    layers = compare(found.layers, wanted.layers) + shared
    training = found.training
    if layers and perhaps_the_same(found.layers, wanted.layers):
        rate = part.figures.get("dropout", 0)
        otherwise = behaviour.behaves_otherwise(model, asked, found.from_logits, rate)
        if not otherwise or isinstance(found.layers["layers"], str):
            layers = otherwise
            # Its outputs have shown what its loss takes.
            training = {key: value for key, value in training.items() if key != LOGITS}
    unlike = compare(training, wanted.training)
    exact = (
        model.compiled and not found.clipped and not any(each.topic == "loss" for each in unlike)
    )
    of_today = [remark("loss of today")] if exact and part.clips else []
    return [*layers, *unlike, *found.findings, *of_today]


def input_shape(model: "keras.Model", asked: "keras.Model") -> tuple[int, ...]:
    """The shape of one image as a model takes it; of one that does not say so, as is asked for."""
    shape = (model.get_build_config() or {}).get("input_shape") or asked.input_shape
    return tuple(shape[1:])


def _shared(model: "keras.Model") -> list[Finding]:
    """Which layers stand twice in a sequential model, which is described as if each stood once."""
    weighted = [layer for layer in model.layers if layer.weights]
    twice = [layer.name for layer in dict.fromkeys(weighted) if weighted.count(layer) > 1]
    return [Finding("shared", True, False, f"layer {name}", "layers") for name in twice]


def _copies(model: "keras.Model") -> list[Finding]:
    """Which layers begin with the same random weights, and why."""
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "kernel")]
    kernels = [(layer, np.asarray(layer.kernel)) for layer in layers]
    return [
        remark("copies" if _has_seed(this) else "copies of one", this.name, that.name)
        for (this, one), (that, other) in itertools.combinations(kernels, 2)
        if one.shape == other.shape and np.ptp(one) and np.array_equal(one, other)
    ]


def _has_seed(layer: "keras.Layer") -> bool:
    """Whether somebody gave the initialiser of a layer's kernel a seed."""
    get_config = getattr(layer.kernel_initializer, "get_config", dict)
    return get_config().get("seed") is not None


def _trained(
    model: "keras.Model", initial: list[np.ndarray], findings: list[Finding]
) -> list[Finding]:
    """Whether a model's weights are no longer those that it began with."""
    if model.compiled and (steps := int(model.optimizer.iterations)):
        return [remark("trained", steps)]
    if any(each.figure in ("initial weights", "initial bias") for each in findings):
        return []  # it began otherwise
    weights = model.get_weights()
    comparable = [weight.shape for weight in weights] == [weight.shape for weight in initial]
    moved = comparable and behaviour.unlike_initially(weights, initial)
    return [remark("not new")] if moved else []


def _against_data(model: "keras.Model", data: Any) -> list[Finding]:
    """What keeps a model from learning from these data."""
    if not isinstance(data, Dataset):
        return [Finding("no data", *kind_of(data), place="data", topic="data")]
    divides = "input: divided by" in describe_network(model, data.x_train.shape[1:])
    findings = arrays.unusable_images(data) or arrays.unscaled(data, divides)
    adapted = as_stored(data.x_train)
    own, taken = data.x_train.shape[1:], getattr(model, "input_shape", (None,))[1:]
    if not findings and not adapted and taken and own != taken:
        findings = [Finding("shape for the network", own, taken, "x_train", "images")]
    one_hot = is_one_hot(data.y_train)
    sparse = model.compiled and "sparse" in describe_training(model)["loss"]
    if one_hot and sparse:
        findings.append(Finding("one-hot", place="y_train", topic="labels"))
    elif model.compiled and not one_hot and not sparse and not adapted:
        findings.append(remark("class numbers"))
    return findings
