"""The figures in the model answers of the laboratory's questions, trained again.

Those answers are one person's, from seed 0. A figure must come out again within what one more
seed or another processor would change; `OFF` says how much that is. The linear network's take
seconds, and some of them are a test (`make test-gate`); all of them take some minutes.

    python benchmarks/bench_answers.py [NOTEBOOK ...]
"""

import sys
from typing import Any, NamedTuple

import mnist_lab as lab

OFF = 0.6  # points of accuracy; runs of one network and other seeds differ by up to this much


class Example(NamedTuple):
    """One training of a model answer, and the figures that it quotes.

    Attributes
    ----------
    notebook, cell : str
        Where they stand.
    builder : str
        Function of the lab that builds the network.
    figures : dict
        Its keywords.
    epochs : int
        How long it was trained.
    quoted : dict of str to str
        By the name of the accuracy, the number of percent as it stands there.
    """

    notebook: str
    cell: str
    builder: str
    figures: dict[str, Any]
    epochs: int
    quoted: dict[str, str]


def _tried(
    where: tuple[str, str],
    builder: str,
    epochs: int,
    key: str,
    quoted: dict[Any, str],
    **others: Any,
) -> list[Example]:
    """Examples that differ in one keyword; the validation accuracy of each is quoted."""
    return [
        Example(*where, builder, {**others, key: value}, epochs, {"val_accuracy": text})
        for value, text in quoted.items()
    ]


RATE, UNITS = ("1_linear", "lab-rate"), ("1_linear", "lab-units")
TODAY = "categorical_crossentropy"
EXAMPLES = [
    *_tried(RATE, "build_linear", 17, "learning_rate", {0.8: "11.35", 2.0: "9.8"}),
    *_tried(RATE, "build_linear", 17, "learning_rate", {0.3: "91.9"}, loss=TODAY),
    *_tried(
        UNITS,
        "build_linear",
        17,
        "hidden_units",
        {1: "41", 2: "68", 3: "80", 5: "90", 10: "92.3", 100: "92.3"},
        learning_rate=0.1,
    ),
    *_tried(
        ("2_mlp", "lab-rate"),
        "build_mlp",
        2,
        "learning_rate",
        {0.03: "93.7", 0.003: "96.8", 0.1: "9.8"},
    ),
    *(
        Example(
            *("3_dropout", "lab-rate", "build_mlp", {"dropout": rate}, 3),
            {"val_accuracy": new, "fit_accuracy": own},
        )
        for rate, new, own in ((0.2, "97.5", "98.2"), (0.5, "97.1", "97.7"), (0.9, "93.2", "92.6"))
    ),
    *_tried(
        ("4_cnn", "lab-filters"),
        "build_cnn",
        3,
        "filters",
        {(32, 64): "98.1", (4, 8): "97.4", (2, 4): "96.2"},
    ),
    *_tried(
        ("6_test", "lab-q"),
        "build_mlp",
        3,
        "dropout",
        {0.0: "93.9", 0.3: "93.5", 0.5: "94.2", 0.7: "94.2", 0.9: "89.9"},
        hidden_units=500,
    ),
]


def images(notebook: str) -> lab.Dataset:
    """The images of a notebook's laboratory."""
    data = lab.load_mnist()
    if notebook != "6_test":
        return data
    return data.split(validation=10_000, training=3_000, seed=0).repeated(20)


def apart(example: Example) -> dict[str, float]:
    """Train as the laboratory does; return how far the accuracies are from the quoted ones."""
    model = getattr(lab, example.builder)(**example.figures)
    data = images(example.notebook)
    run = lab.train(model, data, epochs=example.epochs, seed=0, progress=False)
    return {
        what: 100 * run.history[what][-1] - float(quoted) for what, quoted in example.quoted.items()
    }


def main() -> None:
    """Train all examples, or those of some notebooks, and say how far they are from the answers."""
    too_far = 0
    for example in EXAMPLES:
        if example.notebook in (sys.argv[1:] or [example.notebook]):
            for what, points in apart(example).items():
                far = abs(points) >= OFF
                too_far += far
                print(
                    f"{example.notebook:10} {example.builder} {example.figures}: {what} "
                    f"{example.quoted[what]} % {points:+.2f} points{' TOO FAR' if far else ''}",
                    flush=True,
                )
    sys.exit(f"{too_far} figures are too far from the answers" if too_far else 0)


if __name__ == "__main__":
    main()
