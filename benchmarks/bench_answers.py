"""The figures in the model answers of the laboratory's questions, trained again.

Those answers are one person's, from seed 0. A figure must come out again within what one more
seed or another processor would change; `OFF` says how much that is. The linear network's take
seconds and are a test (`make test-gate`); all of them take some minutes.

    python benchmarks/bench_answers.py [NOTEBOOK ...]
"""

import sys
from typing import Any, NamedTuple

import mnist_lab as lab

OFF = 0.6  # points of accuracy; runs of one network and other seeds differ by up to this much


class Figure(NamedTuple):
    """One figure of a model answer, and the training that it comes from.

    Attributes
    ----------
    notebook, cell : str
        Where it stands.
    quoted : str
        As it stands there; a number of percent.
    builder : str
        Function of the lab that builds the network.
    figures : dict
        Its keywords.
    epochs : int
        How long it was trained.
    what : str
        Which accuracy it is.
    """

    notebook: str
    cell: str
    quoted: str
    builder: str
    figures: dict[str, Any]
    epochs: int
    what: str = "val_accuracy"


TODAY = "categorical_crossentropy"
FIGURES = [
    *(
        Figure("1_linear", "lab-rate", quoted, "build_linear", {"learning_rate": rate}, 17)
        for quoted, rate in (("11.35", 0.8), ("9.8", 2.0))
    ),
    Figure(
        "1_linear", "lab-rate", "91.9", "build_linear", {"learning_rate": 0.3, "loss": TODAY}, 17
    ),
    *(
        Figure(
            "1_linear",
            "lab-units",
            quoted,
            "build_linear",
            {"learning_rate": 0.1, "hidden_units": units},
            17,
        )
        for quoted, units in (
            ("41", 1),
            ("68", 2),
            ("80", 3),
            ("90", 5),
            ("92.3", 10),
            ("92.3", 100),
        )
    ),
    *(
        Figure("2_mlp", "lab-rate", quoted, "build_mlp", {"learning_rate": rate}, 2)
        for quoted, rate in (("93.7", 0.03), ("96.8", 0.003), ("9.8", 0.1))
    ),
    *(
        Figure("3_dropout", "lab-rate", quoted, "build_mlp", {"dropout": rate}, 3, what)
        for rate, *both in ((0.2, "97.5", "98.2"), (0.5, "97.1", "97.7"), (0.9, "93.2", "92.6"))
        for quoted, what in zip(both, ("val_accuracy", "fit_accuracy"), strict=True)
    ),
    *(
        Figure("4_cnn", "lab-filters", quoted, "build_cnn", {"filters": filters}, 3)
        for quoted, filters in (("98.1", (32, 64)), ("97.4", (4, 8)), ("96.2", (2, 4)))
    ),
    *(
        Figure("6_test", "lab-q", quoted, "build_mlp", {"hidden_units": 500, "dropout": rate}, 3)
        for quoted, rate in (
            ("93.9", 0.0),
            ("93.5", 0.3),
            ("94.2", 0.5),
            ("94.2", 0.7),
            ("89.9", 0.9),
        )
    ),
]


def images(notebook: str) -> lab.Dataset:
    """The images of a notebook's laboratory."""
    data = lab.load_mnist()
    if notebook != "6_test":
        return data
    return data.split(validation=10_000, training=3_000, seed=0).repeated(20)


def measure(figure: Figure) -> float:
    """Train as the laboratory does; return the accuracy in percent."""
    model = getattr(lab, figure.builder)(**figure.figures)
    data = images(figure.notebook)
    run = lab.train(model, data, epochs=figure.epochs, seed=0, progress=False)
    return 100 * run.history[figure.what][-1]


def main() -> None:
    """Compare all figures, or those of some notebooks, with what is trained now."""
    apart = 0
    for figure in FIGURES:
        if figure.notebook in (sys.argv[1:] or [figure.notebook]):
            found = measure(figure)
            close = abs(found - float(figure.quoted)) < OFF
            apart += not close
            print(
                f"{figure.notebook:10} {figure.builder} {figure.figures}: {found:.1f} %, "
                f"quoted {figure.quoted} %{'' if close else ' APART'}",
                flush=True,
            )
    sys.exit(f"{apart} figures are apart" if apart else 0)


if __name__ == "__main__":
    main()
