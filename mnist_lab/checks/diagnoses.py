"""What differs between a student's model and a part's, in words, and why it matters."""

import re
from collections import Counter

from ..descriptions import Description, differences, in_words

# The first pattern that is found in a difference tells its reason.
_REASONS = (
    ("softmax twice|from logits is True", "Softmax twice: the loss would take the softmax of what "
     "is a softmax already. Leave one of the two out."),
    ("output layer: activation is linear", "The softmax is missing: add activation=\"softmax\", or "
     "keep the logits and give the loss from_logits=True."),
    ("output layer: activation is sigmoid", "A sigmoid judges each digit on its own; softmax gives "
     "ten probabilities whose sum is 1."),
    ("output layer: activation", "The answer is one probability for each digit: softmax."),
    ("activation is linear, the part asks for relu", "Without an activation in between, two layers "
     "compute no more than one."),
    ("activation is .*, the part asks for linear", "This part is about a network without an "
     "activation between its layers: leave it out."),
    ("output layer: units", "There are ten digits: the output layer has one unit for each."),
    ("initial weights .*zeros, the part asks for trunc", "If all units of a layer start alike, "
     "they get the same gradient and learn the same."),
    ("initial weights .*the part asks for zeros", "In Keras: kernel_initializer=\"zeros\"."),
    ("output layer: initial", "The sheet leaves the output layer at Keras' defaults."),
    ("initial weights", "In Keras this is the argument kernel_initializer of the layer; "
     "keras.initializers has TruncatedNormal. The default is glorot uniform."),
    ("initial bias", "In Keras this is the argument bias_initializer of the layer; "
     "keras.initializers has Constant. The default is zeros."),
    ("shared is True", "The same layer object stands in two places and has one set of weights: "
     "make a new layer for each place."),
    ("always on", "training=True drops units at validation, too: leave that argument out."),
    ("trainable|frozen", "A layer that is not trainable keeps its weights and learns nothing."),
    ("use bias", "Each unit of the sheet's network has a bias: leave use_bias out."),
    ("regularizer", "A penalty on the weights is another cure for overfitting than the sheet's."),
    ("dropout after the output", "It would erase half of the answers."),
    ("dropout before the first", "It would erase pixels; the sheet drops hidden units only."),
    ("dropout.* rate", "The rate is the share of units that is dropped."),
    ("layers: no dropout|of dropout, the part asks for 3|dropout after hidden", "The sheet drops "
     "half of the units after each hidden layer, the third one included."),
    ("of dropout|dropout: ", "This part is without dropout."),
    ("no flatten", "Flatten makes one row of numbers of each image's maps. Without it, Dense "
     "answers for each place of the map instead of the image."),
    ("dense, the part asks for 4", "Count the layers with weights: three hidden ones and the "
     "output layer."),
    ("dense, the part asks for 2", "Two layers: a first one with 10 units, and the output layer."),
    ("dense, the part asks for 1", "After the convolutions, only the output layer is dense."),
    ("batch normalization", "It is a good idea of 2015, and not in this sheet: leave it out."),
    ("rescaling", "The sheet's network takes pixels from 0 to 1. Rescaling(1/255) as its first "
     "layer makes them so of images as they are stored."),
    ("true divide|multiply|scaled twice", "The images are scaled to 0 to 1 already: the "
     "network would scale them twice."),
    ("input is", "One image is 784 numbers: begin with keras.Input((784,)), or with "
     "keras.Input((28, 28)) and Flatten. A convolution takes keras.Input((28, 28, 1))."),
    ("padding", "\"valid\" loses the pixels at the border; \"same\" keeps the size."),
    ("filters", "The first convolution has 32 filters, the second 64."),
    ("max pooling.*strides", "Leave strides out: then a pooling window moves by its own size."),
    ("squared|absolute error", "That loss is for numbers to be met, not for classes; "
     "it hardly punishes a confident wrong answer."),
    ("binary crossentropy", "That loss asks ten yes-or-no questions; here one of ten is right."),
    ("learning rate", "It says how long each step is, and is an argument of the optimiser."),
    ("optimiser is", "Part linear takes keras.optimizers.SGD, the others keras.optimizers.Adam."),
    ("metrics", "In compile: metrics=[\"accuracy\"], the share of images read correctly."),
)  # fmt: skip
# A difference in one of these may be one of words only: trying the network out decides.
_MATTERS_OF_WORDS = {"layers", "input", "activation", "initial weights", "initial bias"}
# What Keras itself calls so is what it says.
_OF_KERAS = re.compile(
    "(linear|relu|elu|gelu|tanh|sigmoid|softmax|zeros|ones|constant|random|glorot|he|lecun)\\b"
)


def reason(difference: str) -> str:
    """Why a difference matters, or what to do; empty if there is nothing to add."""
    return next((words for pattern, words in _REASONS if re.search(pattern, difference)), "")


def told(found: Description, asked: Description) -> list[str]:
    """Say what differs, one line each, hidden layers with the same difference in one.

    Parameters
    ----------
    found, asked
        What `describe` says of the student's model and of the part's.
    """
    unlike = differences(found, asked)
    places: dict[tuple[str, ...], list[str]] = {}
    for key, (this, that) in unlike.items():
        kind = topic(key)
        # A layer, an optimiser or a loss of another kind has other figures: its kind says enough.
        other_kind = kind in unlike and (that is None or key == "epsilon")
        if key == "layers" or this is None or other_kind:
            continue
        place, _, figure = key.rpartition(": ")
        if not place and kind == "optimiser" != key:
            place = kind
        expected = str(not this) if that is None and isinstance(this, bool) else in_words(that)
        words = (figure, in_words(this), expected)
        places.setdefault((place.rstrip(" 0123456789"), *words), []).append(place)
    lines = _structure(*unlike["layers"], found) if "layers" in unlike else []
    return lines + [_line(where, *words) for (_, *words), where in places.items()]


def overlook(training: Description) -> list[str]:
    """Take what is as good as the sheet's for the sheet's: its own loss, Keras' usual epsilon.

    Returns
    -------
    list of str
        What is worth a remark.
    """
    if training["loss"] == "clipped crossentropy":
        training["loss"] = "categorical crossentropy"
        if training.get("loss: epsilon") == 1e-7:
            del training["loss: epsilon"]
    if training["optimiser"] == "Adam" and training["epsilon"] == 1e-7:
        training["epsilon"] = 1e-8
        return ["Adam's epsilon is 1e-07, as usual in Keras, the sheet's 1e-08: no matter."]
    return []


def perhaps_the_same(found: Description, asked: Description) -> bool:
    """Whether two networks that are described differently might still do the same."""
    unlike = differences(found, asked)
    if isinstance(found["layers"], str):
        return True
    if "layers" not in unlike and any(
        _OF_KERAS.match(in_words(this)) for this, _ in unlike.values()
    ):
        return False
    both = {key for key, pair in unlike.items() if None not in pair or "layers" not in unlike}
    return {key.rpartition(": ")[2] for key in both} <= _MATTERS_OF_WORDS


def topic(key: str) -> str:
    """The key that tells the kind of thing that a figure belongs to."""
    if key.startswith("loss"):
        return "loss"
    return "layers" if ": " in key or key in ("layers", "input") else "optimiser"


def _line(places: list[str], figure: str, found: str, asked: str) -> str:
    place, several = places[0], len(places) > 1
    if several:
        hidden = place.startswith("hidden layer")
        *first, last = [place.removeprefix("hidden layer ") for place in places]
        place = ("hidden layers " if hidden else "") + ", ".join(first) + " and " + last
    verb = "are" if figure in ("units", "filters", "strides", "initial weights") else "is"
    return f"{place and place + ': '}{figure} {verb} {found}, the part asks for {asked}"


def _structure(found: list[str], asked: list[str], description: Description) -> list[str]:
    """How two lists of layers differ."""
    lines = []
    if found[-1:] == ["dropout"]:
        lines.append("layers: dropout after the output layer")
    if found[:1] == ["dropout"]:
        lines.append("layers: dropout before the first layer")
    counts, wanted = Counter(found), Counter(asked)
    for kind in dict.fromkeys([*asked, *found]):
        if kind == "activation":
            extra = [str(v) for k, v in description.items() if k.startswith("activation")]
            lines.append(f"layers: after an activation, another one: {', '.join(extra)}")
            if "softmax" in extra:
                lines[-1] += " (softmax twice)"
        elif counts[kind] != wanted[kind]:
            number = f"{counts[kind]} of" if counts[kind] else "no"
            lines.append(f"layers: {number} {kind}, the part asks for {wanted[kind] or 'none'}")
    order = f"layers: {', '.join(found)}; the part asks for {', '.join(asked)}"
    return lines or [order]
