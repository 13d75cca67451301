"""`check`: is this the network that a part of the sheet asks for, and if not, why not?"""

import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..course import COMPILE_HINTS, NOTEBOOKS, PARTS, Part, rubric
from ..data import Dataset, as_stored, is_one_hot
from ..descriptions import describe_network, describe_training
from . import arrays, behaviour
from .comparing import compare, perhaps_the_same
from .findings import Finding, faults, remark, with_reasons
from .judging import judged, kind_of, not_judged
from .reading import LOGITS, read
from .verdicts import CheckResult, verdict

if TYPE_CHECKING:
    import keras


# Topics of findings about `compile`.
_OF_COMPILE = {"optimiser", "loss", "metrics", "compile"}
_NOT_COMPILED = (
    "Not compiled yet: model.compile(optimizer=..., loss=..., metrics=[...]). The layers are right."
)
_NOTHING = (
    "This is None, which is what model.compile(...) returns: write that in a line of its own, "
    "without model = in front."
)


def check(
    part: str, model: Any, data: Dataset | None = None, *, compiled: bool = False
) -> CheckResult:
    """Judge whether a model is the one that a part of the sheet asks for, however it is written.

    Parameters
    ----------
    part
        "linear", "mlp", "dropout" or "cnn".
    model
        A Keras model, or a function without arguments that builds one. It stays as it is.
    data
        The data that you mean to train it on, to be judged with it.
    compiled
        Whether the model must be compiled. Otherwise only the layers of one that is not are judged.

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
    Right so far: 4 of 5.
    """
    judge = functools.partial(_judge, chosen_part(part), data, compiled)
    question = f"{part}, compiled" if compiled else part
    result = judged(
        model,
        judge,
        (),
        lambda: NOTEBOOKS[part].code,
        rubric=rubric(f"{part}.compile" if compiled else f"{part}.build"),
        question=question,
        nothing=_NOTHING,
    )
    result._hints = _hints(part, result.findings, compiled)
    return result


def _hints(part: str, findings: list[Finding], compiled: bool) -> tuple[str, ...]:
    """Hints on the layers, on `compile` or on both, by what was found."""
    topics = {each.topic for each in faults(findings)}
    on_layers = topics - _OF_COMPILE or (not topics and not compiled)
    on_compile = topics & _OF_COMPILE or (not topics and compiled)
    return (NOTEBOOKS[part].hints if on_layers else ()) + (COMPILE_HINTS if on_compile else ())


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


def _judge(part: Part, data: Dataset | None, compiled: bool, model: Any) -> CheckResult:
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
    if compiled and not model.compiled and not faults(findings):
        return CheckResult("not attempted", _NOT_COMPILED)
    return verdict(
        with_reasons(findings),
        f"Right: this is the network that part {part.key} asks for.",
        f"Not yet: this is not the network that part {part.key} asks for.",
    )


def against_part(model: "keras.Model", part: Part, asked: "keras.Model") -> list[Finding]:
    """Compare with the part's network: the layers, and how it was compiled."""
    compiled = describe_training(asked)
    wanted = read(asked, asked.input_shape[1:], compiled)
    found = read(model, input_shape(model, asked), compiled)
    layers = compare(found.layers, wanted.layers)
    training, remarks = found.training, []
    if layers and perhaps_the_same(found.layers, wanted.layers):
        rate = part.figures.get("dropout", 0)
        otherwise = behaviour.behaves_otherwise(model, asked, found.from_logits, rate)
        if not otherwise or isinstance(found.layers["layers"], str):
            layers = otherwise
            # Its outputs have shown what its loss takes.
            training = {key: value for key, value in training.items() if key != LOGITS}
            remarks = [] if otherwise else [remark("written otherwise")]
    unlike = compare(training, wanted.training)
    of_loss = [each for each in unlike + found.findings if each.topic in ("loss", "compile")]
    if part.clips and model.compiled and not found.clipped and not of_loss:
        remarks.append(remark("loss of today"))
    return [*layers, *unlike, *found.findings, *remarks]


def input_shape(model: "keras.Model", asked: "keras.Model") -> tuple[int, ...]:
    """The shape of one image as the model takes it, or as the part's does if it does not say."""
    shape = (model.get_build_config() or {}).get("input_shape") or asked.input_shape
    return tuple(shape[1:])


def _copies(model: "keras.Model") -> list[Finding]:
    """Remarks on layers that start with the same random weights."""
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "kernel")]
    kernels = [(layer, np.asarray(layer.kernel)) for layer in layers]
    return [
        remark("copies" if _has_seed(this) else "copies of one", this.name, that.name)
        for (this, one), (that, other) in itertools.combinations(kernels, 2)
        if one.shape == other.shape and np.ptp(one) and np.array_equal(one, other)
    ]


def _has_seed(layer: "keras.Layer") -> bool:
    """Whether the initialiser of a layer's kernel has a seed."""
    get_config = getattr(layer.kernel_initializer, "get_config", dict)
    return get_config().get("seed") is not None


def _trained(
    model: "keras.Model", initial: list[np.ndarray], findings: list[Finding]
) -> list[Finding]:
    """A remark on a model whose weights are no longer the initial ones."""
    if model.compiled and (steps := int(model.optimizer.iterations)):
        return [remark("trained", steps)]
    if any(each.figure in ("initial weights", "initial bias") for each in findings):
        return []  # it began otherwise
    weights = model.get_weights()
    comparable = [weight.shape for weight in weights] == [weight.shape for weight in initial]
    moved = comparable and behaviour.unlike_initially(weights, initial)
    return [remark("not new")] if moved else []


def _against_data(model: "keras.Model", data: Any) -> list[Finding]:
    """Faults that keep a model from learning from these data."""
    if not isinstance(data, Dataset):
        return [Finding("no data", *kind_of(data, "data"), place="data", topic="data")]
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
