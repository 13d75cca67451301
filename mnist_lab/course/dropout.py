"""Notebook 3: the same perceptron with dropout."""

import math

from ..runs import Run
from .mlp import BEGINNING, END, RUN_HINTS, SLIDERS, count
from .parts import Part
from .programs import program
from .tasks import Answer, Estimate, GivenRun, Notebook, Slip, Trained, Value

PART = Part(
    "dropout",
    "Multi-layer perceptron with dropout",
    "build_mlp",
    34,
    5_695_510,
    0.984,
    {"dropout": 0.5},
)
_HINTS = (
    "It is the network of part mlp with something after each hidden layer.",
    "keras.layers.Dropout takes the share of units to drop. There are three of them.",
)
_LAYERS = """\
        keras.Input((784,)),
        layers.Dense(1500, activation="relu", **start()),
        layers.Dropout(0.5),
        layers.Dense(1500, activation="relu", **start()),
        layers.Dropout(0.5),
        layers.Dense(1500, activation="relu", **start()),
        layers.Dropout(0.5),
"""
_MET, _DIGITS = 34 * 60_000, len(str(2**4500))
# The mean of a million numbers that are 0 or 2 has a standard deviation of 0.001.
_LAYER_MEAN = Estimate(
    1,
    0.01,
    Slip(
        1,
        "it is exactly 1, as with dropout off",
        "give training=True (by chance alone this comes up once in 1,250 times; then run the cell "
        "again)",
        free=True,
    ),
    (
        Slip(
            0.5,
            "that is the share of units that are left; take the mean of what they send on",
            free=True,
        ),
        Slip(
            2,
            "that is what a unit that is left sends on; the dropped ones send 0, and count",
            free=True,
        ),
        Slip(0, "that is what a dropped unit sends on; take the mean of all", free=True),
    ),
    Slip(None, "it is not one number", "take the mean of all that comes out", free=True),
    "take the mean of a million ones; of a few, chance decides",
)


def _gaps(run: Run, scale: float = 100) -> tuple[float, float]:
    last = {key: scale * values[-1] for key, values in run.history.items()}
    return tuple(last[key] - last["val_accuracy"] for key in ("accuracy", "fit_accuracy"))


_ANSWERS = {
    "masks": Answer(
        "so many are met, and so long is the number of all",
        Value(
            (_MET, _DIGITS),
            (
                Slip(
                    (34 * 600, _DIGITS),
                    "each image of a batch meets a network of its own, not each batch",
                ),
                Slip((60_000, _DIGITS), "that is one epoch; there are 34", free=True),
                Slip(
                    (_MET, len(str(2**1500))),
                    "there are three layers with dropout, 4,500 units in all",
                    free=True,
                ),
                Slip(
                    (_MET, len(str(2 * 4500))),
                    "each unit is there or not",
                    "multiply 2 by itself 4,500 times",
                ),
                Slip((_MET, math.inf), "that is the number itself", "how many digits has it?"),
                Slip(
                    (_MET, 4500 * math.log10(2)),
                    "the number of digits is a whole number",
                    "the logarithm of 10 is 1, but 10 has two digits",
                ),
                Slip((_MET, _DIGITS - 1), "one digit too few", "10**3 has four digits"),
                Slip(
                    (_MET, 4500),
                    "that is the number of units",
                    "each of them is there or missing",
                    free=True,
                ),
            ),
            names=("met", "digits"),
        ),
        ("Each image of each epoch meets one.", "len(str(2**3)) is the number of digits of 8."),
    ),
    "layer-mean": Answer(
        "the mean is 1, as without dropout: those that stay make up for those that are dropped",
        _LAYER_MEAN,
        ("Give the layer an array of ones, with training=True.", "np.mean of what comes out."),
    ),
    "train": Answer(
        "this is the sheet's network, trained as the sheet trains it",
        Trained("dropout"),
        RUN_HINTS,
    ),
    "fair-words": Answer(
        "these are the two gaps, in points",
        Value(
            _gaps,
            (
                Slip(
                    lambda run: tuple(-gap for gap in _gaps(run)),
                    "the sign",
                    "the gap is training minus validation",
                ),
                Slip(
                    lambda run: _gaps(run)[::-1], "the two are swapped", "as reported comes first"
                ),
                Slip(lambda run: _gaps(run, 1), "these are shares; multiply by 100 for points"),
                Slip(
                    lambda run: (
                        100 * run.history["accuracy"][-1],
                        100 * run.history["fit_accuracy"][-1],
                    ),
                    "these are training accuracies",
                    "take the validation accuracy away",
                ),
            ),
            names=("gap_reported", "gap_fair"),
        ),
        ("A gap is one accuracy minus another.", "Take validation away from each of the two."),
        {"run": GivenRun(images=0)},
    ),
    "program": program("dropout", 1),
}
NOTEBOOK = Notebook(
    "dropout", PART, SLIDERS, _HINTS, BEGINNING + _LAYERS + END, count, _ANSWERS, {"program": 5}
)
