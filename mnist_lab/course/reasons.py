"""Why a difference between a student's network and the sheet's matters, or what to do about it."""

from typing import Any, NamedTuple

Choice = Any  # a value, or a set of values of which one has to match


class Reason(NamedTuple):
    """What to say about a difference that has all the attributes given here.

    Attributes
    ----------
    words : str
        Why it matters, or what to do.
    place, figure, found, asked, topic
        As in a `Finding` of the checks; None fits any.
    """

    words: str
    figure: Choice = None
    found: Choice = None
    asked: Choice = None
    place: Choice = None
    topic: Choice = None

    def fits(self, difference: Any) -> bool:
        """Whether the difference has all these attributes."""
        return all(
            _is(wanted, getattr(difference, name))
            for name, wanted in zip(self._fields[1:], self[1:], strict=True)
            if wanted is not None
        )


def _is(wanted: Choice, value: Any) -> bool:
    if isinstance(wanted, set):
        # Lists, such as the layers of a network, cannot be in a set.
        return not isinstance(value, list) and value in wanted
    return type(value) is type(wanted) and value == wanted


_OUTPUT = "output layer"
_START = "initial weights"
_SOFTMAX_TWICE = (
    "Softmax twice: the loss would take the softmax of what is a softmax already. Leave one of "
    "the two out."
)
_DROPPED_PIXELS = "It would erase pixels; the sheet drops hidden units only."
_ALL_THREE = "The sheet drops half of the units after each hidden layer, the third one included."
_NO_DROPOUT = "This part is without dropout."
_NORMALIZED = "It is a good idea of 2015, and not in this sheet: leave it out."
_RESCALED = (
    "The sheet's network takes pixels from 0 to 1. Rescaling(1/255) as its first layer makes them "
    "so of images as they are stored."
)
_SCALED_TWICE = "The images are scaled to 0 to 1 already: the network would scale them twice."
_BORDERS = '"valid" loses the pixels at the border; "same" keeps the size.'
_POOLED = {"max pooling", "max pooling 2", "max pooling and max pooling 2"}

# The first one that fits is used.
REASONS = (
    Reason(_SOFTMAX_TWICE, "from logits", True),
    Reason(_SOFTMAX_TWICE, "another softmax"),
    Reason(_SOFTMAX_TWICE, "activation", "softmax twice"),
    Reason(
        'The softmax is missing: add activation="softmax", or keep the logits and give the loss '
        "from_logits=True.",
        "activation",
        "linear",
        place=_OUTPUT,
    ),
    Reason(
        "A sigmoid judges each digit on its own; softmax gives ten probabilities whose sum is 1.",
        "activation",
        "sigmoid",
        place=_OUTPUT,
    ),
    Reason("The answer is one probability for each digit: softmax.", "activation", place=_OUTPUT),
    Reason(
        "Without an activation in between, two layers compute no more than one.",
        "activation",
        "linear",
        "relu",
    ),
    Reason(
        "This part is about a network without an activation between its layers: leave it out.",
        "activation",
        asked="linear",
    ),
    Reason("There are ten digits: the output layer has one unit for each.", "units", place=_OUTPUT),
    Reason(
        "If all units of a layer start alike, they get the same gradient and learn the same.",
        _START,
        "zeros",
        "truncated normal, mean 0, sd 0.01",
    ),
    Reason('In Keras: kernel_initializer="zeros".', _START, asked="zeros"),
    Reason(
        "The sheet leaves the output layer at Keras' defaults.",
        {_START, "initial bias"},
        place=_OUTPUT,
    ),
    Reason(
        "In Keras this is the argument kernel_initializer of the layer; keras.initializers has "
        "TruncatedNormal. The default is glorot uniform.",
        _START,
    ),
    Reason(
        "In Keras this is the argument bias_initializer of the layer; keras.initializers has "
        "Constant. The default is zeros.",
        "initial bias",
    ),
    Reason(
        "The same layer object stands in two places and has one set of weights: make a new layer "
        "for each place.",
        "shared",
        True,
    ),
    Reason("training=True drops units at validation, too: leave that argument out.", "always on"),
    Reason(
        "A layer that is not trainable keeps its weights and learns nothing.",
        {"trainable", "frozen"},
    ),
    Reason("Each unit of the sheet's network has a bias: leave use_bias out.", "use bias"),
    Reason(
        "A penalty on the weights is another cure for overfitting than the sheet's.",
        {"regularizer", "kernel regularizer", "bias regularizer", "activity regularizer"},
    ),
    Reason("It would erase half of the answers.", {"dropout at the end", "measured at the end"}),
    Reason(_DROPPED_PIXELS, "dropout at the beginning"),
    Reason(_DROPPED_PIXELS, "measured rate", place="dropout before the first layer"),
    Reason("The rate is the share of units that is dropped.", {"rate", "measured rate"}),
    Reason(_ALL_THREE, "dropout", 0, topic="number"),
    Reason(_ALL_THREE, "dropout", asked=3, topic="number"),
    Reason(_NO_DROPOUT, "dropout", topic="number"),
    Reason(_NO_DROPOUT, place="dropout"),
    Reason(
        "Flatten makes one row of numbers of each image's maps. Without it, Dense answers for "
        "each place of the map instead of the image.",
        "flatten",
        0,
        topic="number",
    ),
    Reason(
        "Count the layers with weights: three hidden ones and the output layer.",
        "dense",
        asked=4,
        topic="number",
    ),
    Reason(
        "Two layers: a first one with 10 units, and the output layer.",
        "dense",
        asked=2,
        topic="number",
    ),
    Reason(
        "After the convolutions, only the output layer is dense.", "dense", asked=1, topic="number"
    ),
    Reason(_NORMALIZED, "batch normalization", topic="number"),
    Reason(_NORMALIZED, place="batch normalization"),
    Reason(_RESCALED, "rescaling", topic="number"),
    Reason(_RESCALED, place="rescaling"),
    Reason(_SCALED_TWICE, {"true divide", "multiply"}, topic="number"),
    Reason(_SCALED_TWICE, {"scaled by the network too", "scaled again"}),
    Reason(
        "One image is 784 numbers: begin with keras.Input((784,)), or with keras.Input((28, 28)) "
        "and Flatten. A convolution takes keras.Input((28, 28, 1)).",
        "input",
    ),
    Reason(
        '"valid" leaves out the last row and column if no whole window fits; "same" keeps them.',
        "padding",
        place=_POOLED,
    ),
    Reason(_BORDERS, "padding"),
    Reason(_BORDERS, "zero padding", topic="number"),
    Reason("The first convolution has 32 filters, the second 64.", "filters"),
    Reason(
        "Leave strides out: then a pooling window moves by its own size.",
        "strides",
        place=_POOLED,
    ),
    Reason(
        "That loss is for numbers to be met, not for classes; it hardly punishes a confident "
        "wrong answer.",
        "loss",
        {
            "mean squared error",
            "mean absolute error",
            "mean squared logarithmic error",
            "squared hinge",
        },
    ),
    Reason(
        "That loss asks ten yes-or-no questions; here one of ten is right.",
        "loss",
        "binary crossentropy",
    ),
    Reason(
        'The third argument of compile is loss_weights: name it, metrics=["accuracy"].',
        "weights",
        topic="loss",
    ),
    Reason("It says how long each step is, and is an argument of the optimiser.", "learning rate"),
    Reason(
        "Part linear takes keras.optimizers.SGD, the others keras.optimizers.Adam.", "optimiser"
    ),
    Reason(
        'In compile: metrics=["accuracy"], the share of images read correctly.',
        {"metrics", "metrics for other labels"},
    ),
)


def reason_of(difference: Any) -> str:
    """Return why a difference matters, or what to do; "" if there is nothing to add."""
    return next((reason.words for reason in REASONS if reason.fits(difference)), "")
