"""All notebooks together: the parts of the sheet, and the small answers by name."""

from . import best, cnn, comparison, dropout, linear, mlp, sure, test

_IN_ORDER = (linear, mlp, dropout, cnn, comparison, test, sure, best)
NOTEBOOKS = {each.NOTEBOOK.key: each.NOTEBOOK for each in _IN_ORDER}
PARTS = {key: each.part for key, each in NOTEBOOKS.items() if each.part}
ANSWERS = {
    f"{key}.{cell}": answer
    for key, each in NOTEBOOKS.items()
    for cell, answer in each.answers.items()
}


TEST, BEST = test.NOTEBOOK.key, best.NOTEBOOK.key  # they leave the sheet behind
NEEDS = (*PARTS, TEST, BEST)  # what needs recorded runs
COMPILE_HINTS = (
    "model.compile takes the optimiser, the loss and a list of metrics.",
    "Part linear takes SGD with a large learning rate, the others Adam with Keras' usual one; "
    "the loss is the cross-entropy for ten classes, the metric is the accuracy.",
)


def worth(question: str) -> float:
    """Points of a question in a release, by its name, such as "linear.flat"."""
    key, cell = question.split(".", 1)
    return NOTEBOOKS[key].points.get(cell, 1) if key in NOTEBOOKS else 1
