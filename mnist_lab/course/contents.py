"""All notebooks together: the parts of the sheet, and the small answers by name."""

from . import (
    best,
    bugs,
    cnn,
    comparison,
    dropout,
    linear,
    mlp,
    rubrics,
    spoilt,
    sure,
    test,
    writers,
    yours,
)

_IN_ORDER = (linear, mlp, dropout, cnn, comparison, test, sure, best, writers, spoilt, bugs, yours)
NOTEBOOKS = {each.NOTEBOOK.key: each.NOTEBOOK for each in _IN_ORDER}
PARTS = {key: each.part for key, each in NOTEBOOKS.items() if each.part}
ANSWERS = {
    f"{key}.{cell}": answer
    for key, each in NOTEBOOKS.items()
    for cell, answer in each.answers.items()
}


# They leave the sheet behind.
TEST, BEST, SPOILT = (each.NOTEBOOK.key for each in (test, best, spoilt))
NEEDS = (*PARTS, TEST, BEST, SPOILT)  # what needs recorded runs
COMPILE_HINTS = (
    "model.compile takes the optimiser, the loss and a list of metrics.",
    "Part linear takes SGD with a large learning rate, the others Adam with Keras' usual one; "
    "the loss is the cross-entropy for ten classes, the metric is the accuracy.",
)


_RUBRICS = {
    "prepare": rubrics.DATA,
    "build": rubrics.BUILD,
    "compile": rubrics.COMPILE,
    "count": rubrics.COUNT,
}
_OWN_RUBRICS = {
    "dropout.build": rubrics.BUILD_DROPOUT,
    "bugs.b-mend": rubrics.MENDED_NETWORK,
    "bugs.e-mend": rubrics.MENDED_LEARNING,
}


def rubric(question: str) -> rubrics.Rubric:
    """How the points of a question in code are divided, by its name, such as "linear.flat"."""
    if question in _OWN_RUBRICS:
        return _OWN_RUBRICS[question]
    if answer := ANSWERS.get(question):
        return rubrics.rubric_of(answer.task).weighted(answer.weights)
    return _RUBRICS.get(question.partition(".")[2], rubrics.PLAIN)


def worth(question: str) -> float:
    """Points of a question in a release, by its name, such as "linear.flat"."""
    key, cell = question.split(".", 1)
    return NOTEBOOKS[key].points.get(cell, 1) if key in NOTEBOOKS else 1
