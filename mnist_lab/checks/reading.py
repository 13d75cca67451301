"""Read a model for comparison: its layers, and how it was compiled."""

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..descriptions import Description, describe_network, describe_training, mathematics
from .findings import Finding, remark
from .judging import in_one_line

if TYPE_CHECKING:
    import keras

# As a description has them.
LOGITS, _CLIPPED = "loss: from logits", "clipped crossentropy"


@dataclass(frozen=True)
class Reading:
    """The description of a model, split for comparison.

    Attributes
    ----------
    layers, training : dict
        The parts of its description that are about the layers, and about how it was compiled.
    from_logits : bool
        Whether the loss takes logits.
    clipped : bool
        Whether the loss is that of 2020, `ClippedCrossentropy`.
    findings : list of Finding
        What is found without a comparison.
    """

    layers: Description
    training: Description
    from_logits: bool
    clipped: bool
    findings: list[Finding]


def read(model: "keras.Model", shape: tuple[int, ...], asked: Description) -> Reading:
    """Read a model.

    Parameters
    ----------
    model
        Built. One that is not compiled yet is treated as if it were compiled as asked.
    shape
        Of one image.
    asked
        How the part's model is compiled, as `describe_training` says it.
    """
    network = describe_network(model, shape)
    training, findings = _compiled(model, asked)
    clipped = training["loss"] == _CLIPPED
    training, harmless = overlook(training)
    findings += harmless
    if "input: divided by" in network:
        findings.append(remark("divides"))
    whole = mathematics({**network, **training})
    about_layers = {key: value for key, value in whole.items() if topic(key) == "layers"}
    about_training = {key: value for key, value in whole.items() if topic(key) != "layers"}
    from_logits = training.get(LOGITS, False)
    return Reading(about_layers, about_training, from_logits, clipped, findings)


def _compiled(model: "keras.Model", asked: Description) -> tuple[Description, list[Finding]]:
    """How a model was compiled, and what is wrong with that."""
    if not model.compiled:
        return asked, [remark("not compiled")]
    import keras

    given = model._compile_config.config
    for thing in keras.tree.flatten([given["loss"], given["metrics"]]):
        if inspect.isclass(thing):
            return asked, [Finding("class", thing.__name__, place="compile", topic="compile")]
    training = asked
    try:
        training = describe_training(model)
        faults = _metrics(model, training)
    except (ValueError, TypeError) as problem:
        faults = [Finding("compile", in_one_line(problem), place="compile", topic="compile")]
    return training, faults


def overlook(training: Description) -> tuple[Description, list[Finding]]:
    """Replace harmless variants by the sheet's values: the clipped loss, Keras' usual epsilon.

    Returns
    -------
    dict
        The description, with the sheet's values.
    list of Finding
        What is worth a remark.
    """
    alike = dict(training)
    if alike["loss"] == _CLIPPED:
        alike["loss"] = "categorical crossentropy"
        if alike.get("loss: epsilon") == 1e-7:
            del alike["loss: epsilon"]
    if alike["optimiser"] == "Adam" and alike["epsilon"] == 1e-7:
        return {**alike, "epsilon": 1e-8}, [remark("epsilon")]
    return alike, []


def topic(key: str) -> str:
    """The kind of thing that a figure of a description belongs to."""
    if key.startswith("loss"):
        return "loss"
    return "layers" if ": " in key or key in ("layers", "input") else "optimiser"


def _metrics(model: "keras.Model", training: Description) -> list[Finding]:
    """Faults of the metrics: one of them has to be the accuracy."""
    import keras

    # Not by get_compile_config, which refuses a loss that cannot be saved.
    given = model._compile_config.config
    own = [given[key] for key in ("metrics", "weighted_metrics")]
    names = _names(keras.saving.serialize_keras_object(own))
    kinds = ("categorical_accuracy", "CategoricalAccuracy")
    sparse = ("sparse_categorical_accuracy", "SparseCategoricalAccuracy")
    fitting, other = (sparse, kinds) if training["loss"].startswith("sparse") else (kinds, sparse)
    if {"accuracy", "acc", *fitting} & set(names):
        return []
    if set(other) & set(names):
        loss = training["loss"]
        return [Finding("metrics for other labels", names, loss, "metrics", "metrics")]
    return [Finding("metrics", names or ["none"], ["accuracy"], "metrics", "metrics")]


def _names(config: Any) -> list[str]:
    """Names of all metrics in a compile configuration; those of objects are their classes'."""
    if isinstance(config, str):
        return [config]
    if isinstance(config, dict) and "class_name" in config:
        name = config["class_name"]
        return [config["config"] if name == "function" else name]
    parts = config.values() if isinstance(config, dict) else config or ()
    return [name for part in parts for name in _names(part)]
