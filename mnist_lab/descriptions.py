"""Describe a compiled Keras classifier in plain terms, the same however it was written."""

import functools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

Description = dict[str, Any]

# The figures that make a layer, an optimiser or a loss what it is, by Keras' names. Of the kinds
# in _KNOWN only these are described: a figure that a later Keras adds changes no description.
_FIGURES = (
    *("units", "filters", "kernel_size", "pool_size", "strides", "padding", "dilation_rate"),
    *("groups", "data_format", "rate", "noise_shape", "seed", "activation", "use_bias"),
    *("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer"),
    *("activity_regularizer", "kernel_constraint", "bias_constraint", "scale", "offset"),
    *("value", "mean", "stddev", "minval", "maxval", "learning_rate", "momentum", "nesterov"),
    *("beta_1", "beta_2", "epsilon", "amsgrad", "weight_decay", "clipnorm", "global_clipnorm"),
    *("clipvalue", "use_ema", "loss_scale_factor", "gradient_accumulation_steps"),
    *("from_logits", "label_smoothing", "reduction", "center", "factor", "height_factor"),
    *("width_factor", "fill_mode", "fill_value", "interpolation"),
)
_KNOWN = {
    *("Dense", "Conv2D", "MaxPooling2D", "AveragePooling2D", "Dropout", "Flatten", "Rescaling"),
    *("Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal"),
    *("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"),
    *("SGD", "Adam", "ClippedCrossentropy", "CategoricalCrossentropy"),
    *("SparseCategoricalCrossentropy", "BatchNormalization", "GlobalAveragePooling2D"),
    *("RandomRotation", "RandomTranslation", "RandomZoom"),
}
# Layers that leave the height and the width of maps as they are.
_KEEPING_SIDES = {"Activation", "BatchNormalization", "Dropout", "SpatialDropout2D"}
# Left out of a description, as is whatever is None.
_USUAL = {
    **{"use_bias": True, "dilation_rate": [1, 1], "groups": 1, "data_format": "channels_last"},
    **{"momentum": 0.0, "nesterov": False, "amsgrad": False, "use_ema": False, "axis": -1},
    **{"from_logits": False, "label_smoothing": 0.0, "reduction": "sum_over_batch_size"},
    **{"trainable": True, "center": True, "fill_value": 0.0},
}
_WORDS = {
    **{"Conv2D": "convolution", "kernel_initializer": "initial weights", "stddev": "sd"},
    "bias_initializer": "initial bias",
}


class Elsewhere:
    """A network that another process computes, and that says itself what its layers are."""

    def described(self, shape: tuple[int, ...] | None) -> Description:
        """What `describe_network` says there, for images of this shape."""
        raise NotImplementedError


def describe(model: "keras.Model", input_shape: tuple[int, ...] | None = None) -> Description:
    """Say what a compiled model is, layer by layer, in plain terms.

    Two models that compute and learn alike are described alike: whatever the layers are called,
    whether the model is sequential, functional, nested or of a class of its own, whether an
    activation is an argument or a layer, and whether images arrive flat or are flattened first.

    Parameters
    ----------
    model
        Compiled.
    input_shape
        Shape of one image; needed for a model that does not know it yet.

    Returns
    -------
    dict of str to str, number, bool or list of str
        For example `{"input": "784", "layers": ["dense", "dropout", "dense"], "hidden layer 1:
        units": 1500, "dropout: rate": 0.5, "optimiser": "Adam", "learning rate": 0.001, ...}`.
        The last layer with weights is the "output layer". Figures are rounded to six digits.
        "input: divided by" is there if the network itself scales pixels from 0 to 255.
        Where the inside cannot be read, `layers` is a sentence that says why.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> network = lab.describe(lab.build_linear())
    >>> network["optimiser"], network["learning rate"], network["output layer: activation"]
    ('SGD', 0.5, 'softmax')
    """
    return {**describe_network(model, input_shape), **describe_training(model)}


def describe_training(model: "keras.Model") -> Description:
    """The part of `describe` that `compile` decides: optimiser and loss.

    Raises
    ------
    ValueError
        If Keras knows no loss of the name that the model was compiled with.
    """
    return {
        **_described("optimiser", _object(model.optimizer)),
        **_described("loss", _loss(model)),
    }


def mathematics(description: Description) -> Description:
    """Remove what makes no mathematical difference from a description.

    The loss may be computed from the logits or from a softmax, which today's Keras looks through,
    and from labels that are class numbers or one-hot. A network that scales the pixels itself gets
    them as they are stored.
    """
    plain = {key: value for key, value in description.items() if key != "input: divided by"}
    plain["loss"] = plain["loss"].removeprefix("sparse ")
    logits = plain.get("loss: from logits") and plain.get("output layer: activation") == "linear"
    if plain["loss"] == "categorical crossentropy" and logits:
        del plain["loss: from logits"]
        plain["output layer: activation"] = "softmax"
    return plain


def differences(this: Description, other: Description) -> dict[str, tuple[Any, Any]]:
    """Find where two descriptions differ, in order; None stands for what one does not have."""
    keys = [*this, *(key for key in other if key not in this)]
    return {key: (this.get(key), other.get(key)) for key in keys if this.get(key) != other.get(key)}


def in_words(value: Any) -> str:
    """Write a value of a description in words."""
    if isinstance(value, list):
        return ", ".join(value)
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def describe_network(
    model: "keras.Model", input_shape: tuple[int, ...] | None = None
) -> Description:
    """The part of `describe` before `compile`: the shape of an image, and the layers."""
    if isinstance(model, Elsewhere):
        return model.described(input_shape)
    try:
        config = _config(model, input_shape)
        shape, layers = _bare(list(_chain(config)))
        scaled = layers and _scales_pixels(layers[0])
        layers = list(_padded_alike(layers[1:] if scaled else layers, shape or input_shape))
    except Exception as problem:  # whatever a student's own class raises
        return {"layers": f"{type(model).__name__}, which cannot be read ({problem})"}
    weighted = [layer for layer in layers if "kernel_initializer" in layer["config"]]
    description: Description = {"input": _plain(shape or input_shape)}
    if scaled:
        description["input: divided by"] = 255
    description["layers"] = [_words(layer["class_name"]) for layer in layers]
    count: dict[str, int] = {}
    for layer in layers:
        kind = "hidden layer" if layer in weighted else _words(layer["class_name"])
        count[kind] = count.get(kind, 0) + 1
        place = f"{kind} {count[kind]}" if layer in weighted or count[kind] > 1 else kind
        if weighted and layer is weighted[-1]:
            place = "output layer"
        fields = _fields(layer["class_name"], layer["config"])
        description |= {f"{place}: {key}": value for key, value in fields.items()}
    return description


def _config(model: "keras.Model", input_shape: tuple[int, ...] | None = None) -> dict:
    """Keras' own configuration of a model; one of a class of its own is followed through `call`."""
    import keras

    if not _is_graph(model):
        inputs = keras.Input(input_shape or model.input_shape[1:])
        model = keras.Model(inputs, model.call(inputs))
    config = _in_all_places(model) if isinstance(model, keras.Sequential) else model.get_config()
    nested = {layer.name: layer for layer in model.layers if _is_graph(layer)}
    for layer in config["layers"]:
        if layer["config"].get("name") in nested:
            layer["config"] |= {"layers": _config(nested[layer["config"]["name"]])["layers"]}
    return config


def _is_graph(layer: "keras.Layer") -> bool:
    """Whether it is a sequential or functional model, whose layers Keras can list."""
    import keras

    return isinstance(layer, keras.Sequential) or hasattr(layer, "operations")


def _in_all_places(model: "keras.Sequential") -> dict:
    """The configuration of a sequential model, in which Keras names each layer only once.

    A layer that stands in several places is put into each; if it has weights, all places but the
    first share them.
    """
    config = model.get_config()
    named = {layer["config"]["name"]: layer for layer in config["layers"]}
    places = [name for name in named if name not in {layer.name for layer in model.layers}]
    places += [layer.name for layer in model.layers]  # behind the input
    layers = []
    for number, name in enumerate(places):
        shared = {"shared": True} if name in places[:number] else {}
        layers.append({**named[name], "config": {**named[name]["config"], **shared}})
    return {**config, "layers": layers}


def _chain(config: dict, shared: bool | None = None) -> Iterator[dict]:
    """The layers of a configuration in the order of the computation, nested models opened.

    Parameters
    ----------
    config
        Of a model.
    shared
        True if the model stands in an earlier place, too, with the same weights.
    """
    for layer in _walk(config) if "output_layers" in config else config["layers"]:
        again = shared or layer["config"].get("shared")
        if "layers" in layer["config"]:
            yield from _chain(layer["config"], again)
        else:
            own = again if "kernel_initializer" in layer["config"] else None
            yield {**layer, "config": {**layer["config"], "shared": own}}


def _walk(config: dict) -> list[dict]:
    """Follow a functional model from its output back to its input."""
    named = {layer["name"]: layer for layer in config["layers"]}
    output = config["output_layers"]
    histories = [output] if isinstance(output[0], str) else output
    path: list[dict] = []
    while histories:
        if len(histories) > 1:
            raise ValueError("it branches")
        layer, node = named[histories[0][0]], histories[0][1]
        call = layer["inbound_nodes"][node] if layer["inbound_nodes"] else {}
        always_on = call.get("kwargs", {}).get("training") or None  # drops units at validation, too
        if layer["class_name"].startswith("Random"):
            always_on = None  # whose `call` has training=True by default, which Keras notes here
        # The second call of a layer uses the weights of the first.
        own = {**layer["config"], "shared": bool(node) or None, "always_on": always_on}
        path.append({**layer, "config": own})
        histories = list(_histories(call))
    return path[::-1]


def _histories(call: Any) -> Iterator[list]:
    """Yield the origin of each tensor in the arguments of a layer's call."""
    if isinstance(call, dict) and call.get("class_name") == "__keras_tensor__":
        yield call["config"]["keras_history"]
    elif isinstance(call, dict | list | tuple):
        for part in call.values() if isinstance(call, dict) else call:
            yield from _histories(part)


def _bare(layers: list[dict]) -> tuple[tuple[int, ...] | None, list[dict]]:
    """The shape that enters a network, and its layers without those that change nothing.

    Layers that reshape the images before all others are left out, for images are adapted to what
    a network takes; so are inputs within, dropout at rate 0 and linear activations. An activation
    that is a layer is joined to the layer with weights before it.
    """
    shape: tuple[int, ...] | None = None
    bare: list[dict] = []
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        scaled = len(bare) == 1 and _scales_pixels(bare[0])
        if (not bare or scaled) and kind in ("InputLayer", "Flatten", "Reshape"):
            shape = _entering(kind, config, shape)
            continue
        activation = _activation(kind, config)
        last = bare[-1]["config"] if bare else {}
        if activation and last.get("activation") == "linear" and "kernel_initializer" in last:
            bare[-1] = {**bare[-1], "config": {**last, "activation": activation}}
        elif activation and activation != "linear":
            bare.append({"class_name": "Activation", "config": {"activation": activation}})
        elif not activation and kind != "InputLayer" and (kind != "Dropout" or config["rate"]):
            bare.append(layer)
    return shape, bare


def _padded_alike(layers: list[dict], shape: tuple[int, ...] | None) -> Iterator[dict]:
    """The layers; pooling whose windows fill the image has the padding "same", which adds nothing.

    Parameters
    ----------
    layers
        As `_bare` gives them.
    shape
        What enters the first.
    """
    sides = tuple(shape or ())[:2]
    for layer in layers:
        config = layer["config"]
        window = config.get("pool_size") or config.get("kernel_size")
        if window is None:
            sides = sides if layer["class_name"] in _KEEPING_SIDES else ()
        elif sides:
            strides, valid = config["strides"], config["padding"] == "valid"
            fills = window == strides and not any(n % w for n, w in zip(sides, window, strict=True))
            if "pool_size" in config and valid and fills:
                layer = {**layer, "config": {**config, "padding": "same"}}
            lost = [w - 1 if valid else 0 for w in window]
            sides = tuple(-(-(n - a) // s) for n, a, s in zip(sides, lost, strides, strict=True))
        yield layer


def _scales_pixels(layer: dict) -> bool:
    """Whether a layer is `Rescaling(1/255)`."""
    config = layer["config"]
    return (
        layer["class_name"] == "Rescaling"
        and not config["offset"]
        and isinstance(config["scale"], float)
        and math.isclose(config["scale"], 1 / 255, rel_tol=1e-4)
    )


def _entering(kind: str, config: dict, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if kind == "InputLayer":
        return shape or tuple(config["batch_shape"][1:])
    if kind == "Reshape":
        # The operation of this name, unlike the layer, counts the batch as an axis.
        return tuple(config.get("target_shape") or config["newshape"][1:])
    size = 1
    for length in shape or ():
        size *= length
    return (size,) if shape else None


def _activation(kind: str, config: dict) -> str | None:
    """Name of the activation that a layer or an operation is; None if it is something else."""
    if kind == "Activation":
        return _plain(config["activation"])
    if kind not in ("ReLU", "Relu", "Softmax", "LeakyReLU", "ELU", "Sigmoid", "Tanh"):
        return None
    name = {"ReLU": "relu", "LeakyReLU": "leaky relu"}.get(kind, kind.lower())
    plain = ("axis", -1), ("max_value", None), ("negative_slope", 0), ("threshold", 0)
    changed = [key for key, usual in plain if config.get(key, usual) != usual]
    return ", ".join([name, *(f"{key} {_plain(config[key])}" for key in changed)])


def _loss(model: "keras.Model") -> dict:
    import keras

    loss = keras.losses.get(keras.tree.flatten(model.loss)[0])
    # Not by get_compile_config, which refuses what cannot be saved, such as a partial function.
    weights = model._compile_config.config["loss_weights"]
    if isinstance(loss, keras.losses.Loss):
        described = _object(loss)
    elif isinstance(loss, functools.partial):
        described = {"class_name": loss.func.__name__, "config": dict(loss.keywords)}
    else:
        described = {"class_name": getattr(loss, "__name__", str(loss)), "config": {}}
    described["config"]["weights"] = weights
    return described


def _object(thing: Any) -> dict:
    return {"class_name": type(thing).__name__, "config": dict(thing.get_config())}


def _described(role: str, thing: dict) -> Description:
    name = thing["class_name"]
    fields = _fields(name, thing["config"])
    # The figures of the optimiser have names of their own; those of the loss have not.
    prefix = "loss: " if role == "loss" else ""
    kind = name if role == "optimiser" else _words(name)
    return {role: kind, **{prefix + key: value for key, value in fields.items()}}


def _fields(kind: str, config: dict) -> Description:
    """The figures by which a layer, an optimiser, a loss or an initialiser is described."""
    keys = (*_FIGURES, "shared", "always_on", "weights", "trainable")
    if kind not in _KNOWN:
        keys = tuple(key for key in config if key not in ("name", "dtype"))
    figures = {
        _words(key): _plain(config[key])
        for key in keys
        if config.get(key) is not None and _listed(config[key]) != _USUAL.get(key)
    }
    precision = config.get("dtype")
    precision = precision["config"]["name"] if isinstance(precision, dict) else precision
    if precision not in (None, "float32"):
        figures["precision"] = precision
    return figures


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list | tuple):
        return " × ".join(str(_plain(part)) for part in value)
    if isinstance(value, dict):
        return _words_of_object(value)
    return value if isinstance(value, bool | int | None) else str(value)


def _words_of_object(thing: dict) -> str:
    """An initialiser, a regulariser, a schedule: "truncated normal, mean 0, sd 0.01"."""
    kind, config = thing.get("class_name", "object"), thing.get("config")
    if kind == "function":
        return f"function {config}"
    if kind == "Constant":
        return {0: "zeros", 1: "ones"}.get(config["value"], f"constant {_plain(config['value'])}")
    fields = _fields(kind, config) if isinstance(config, dict) else {"": config}
    return ", ".join([_words(kind), *(f"{key} {in_words(v)}" for key, v in fields.items())])


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _words(name: str) -> str:
    """Keras' name of a class or an argument, in words: "MaxPooling2D" is "max pooling"."""
    if name in _WORDS:
        return _WORDS[name]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("2D")).replace("_", " ").lower()
