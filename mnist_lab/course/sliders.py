"""The sliders of the laboratory: name, tooltip and positions of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CLIPPED = "clipped"  # the loss of 2020; a menu cannot offer None


@dataclass(frozen=True)
class Slider:
    """One control.

    Attributes
    ----------
    key : str
        The keyword of the part's builder, or of `train`, that it sets.
    label, tooltip : str
        Its name, and what it does.
    choices : sequence
        Its positions, from one end to the other.
    """

    key: str
    label: str
    tooltip: str
    choices: Sequence[Any]


LEARNING_RATE = Slider(
    "learning_rate",
    "learning rate",
    "How large a step the optimiser takes in each iteration.",
    # Rounded, so that the number beside the slider is the one used: 0.5, not 0.501187.
    [float(f"{10 ** (place / 20):.2g}") for place in range(-80, 21)],
)
HIDDEN_UNITS = Slider(
    "hidden_units",
    "hidden units",
    "Units in each hidden layer: more can learn more, and take longer.",
    (10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000),
)
FILTERS = Slider(
    "filters",
    "filters",
    "Filters of the first and of the second convolution.",
    [(n, 2 * n) for n in (2, 4, 8, 16, 32, 64)],
)
DROPOUT = Slider(
    "dropout",
    "dropout rate",
    "Share of the hidden units that is switched off, at random, in each iteration.",
    [place / 20 for place in range(19)],
)
LOSS = Slider(
    "loss",
    "loss",
    "The cross-entropy as Keras computed it in 2020, or with today's exact gradient.",
    (CLIPPED, "categorical_crossentropy"),
)
# What `train` takes, in every part; the builder takes the rest.
TRAINING = (
    Slider(
        "epochs", "epochs", "How many times the network sees every training image.", range(1, 51)
    ),
    Slider(
        "batch_size",
        "batch size",
        "Images in one iteration: fewer give more, noisier and slower epochs.",
        (10, 20, 50, 100, 200, 500, 1000),
    ),
    Slider(
        "seed",
        "seed",
        "Initial weights, order of the images and dropout masks follow from it.",
        range(10_000),
    ),
)
