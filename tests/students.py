"""A class of made-up students: right, wrong, blank, broken and malicious notebooks."""

import copy
import functools

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from mnist_lab import places
from mnist_lab.notebooks import exercises, read_notebook

NAMES = (
    *("1_linear", "2_mlp", "3_dropout", "4_cnn", "5_comparison"),
    *("6_test", "7_sure", "8_best", "9_writers", "10_spoilt", "11_bugs", "12_yours"),
)
# By notebook and answer: a part of the solution, and what a student wrote instead.
WRONG = {
    "1_linear": {
        "flat": ("reshape(784) / 255", "reshape(784)"),
        "prepare": ('.astype("float32") / 255', '.astype("float32")'),
        "count": ("+ 10 * 10 + 10", "+ 10 * 10"),
        "compile": ("learning_rate=0.5", "learning_rate=0.05"),
        "baseline": ("np.argmin", "np.argmax"),
        "step": ("(p - y) / len(x)", "(p - y)"),
        "weights": ("W1 @ W2", "W2 @ W1"),
        "confusion": ("argmax(axis=1)", "argmax(axis=0)"),
    },
    "2_mlp": {
        "relu": ("np.maximum(x, 0)", "np.minimum(x, 0)"),
        "hidden": ("1500", "150"),
        "count": ("1500 * 1500 + 1500", "1500 * 1500"),
        "adam": ("-learning_rate", "learning_rate"),
        "sure": ("wrong & (sure > 0.99)", "sure > 0.99"),
    },
    "3_dropout": {
        "layer-mean": ("training=True", "training=False) * 0.5 if True else (1"),
        "masks": ("2**4500", "2**1500"),
        "fair-words": ("reported - validation", "validation - reported"),
    },
    "4_cnn": {
        "slide": ("(windows * kernel)", "(windows + kernel)"),
        "pool": ("squares.max(", "squares.mean("),
        "convolution": ('padding="same"', 'padding="valid"'),
        "filters": ("transpose(2, 0, 1)", "transpose(0, 1, 2)"),
    },
    "5_comparison": {
        "finals": ("100 * run", "run"),
        "pairs": ("(~right_mlp & right_dropout).sum()", "(right_mlp & right_dropout).sum()"),
        "mcnemar": ("min(1, 2 * one_side)", "one_side"),
    },
    "6_test": {
        "flattery": ("- judges[-1]", "- judges[0]"),
        "seen": ("3_000 * 100 / images", "3_000 / images"),
        "stopped": ("= watched.history", "= judged.history"),
    },
    "7_sure": {
        "ece": ("abs(right[own].mean() - confidence[own].mean())", "1"),
        "cool": ("** (1 / temperature)", "** temperature"),
        "review": ("[round(", "[: round("),
    },
    "8_best": {
        "augment": ("10 / 360", "10 / 180"),
        "block": ("use_bias=False", "use_bias=True"),
        "rate": ("highest * (1 + np.cos(np.pi * done)) / 2", "highest * (1 - done)"),
        "schedule": ("highest / 10", "0"),
        "missed": ("np.all(wrong, axis=0)", "np.any(wrong, axis=0)"),
    },
    "9_writers": {
        "blocks": ("100 * rows", "rows"),
        "groups": ("writers < 2000", "writers >= 2000"),
        "resampled": (".sum(axis=1) / images", ".mean(axis=1) / images"),
        "shared": ("len(np.intersect1d", "len(np.union1d"),
        "corrected": ('review["says_label"] < 3', 'review["says_label"] < 1'),
    },
    "10_spoilt": {
        "brighter": ("images.astype(int) + more", "images + more"),
        "mce": (' if kind != "clean"', ""),
        "mixed": ("[labels, labels]", "[labels]"),
    },
    "11_bugs": {
        "a-mend": (" / 255", ""),
        "b-floor": ("np.e + 9", "np.e + 10"),
        "b-mend": ("Crossentropy()", "Crossentropy(from_logits=True)"),
        "c-mend": ("labels[order]", "labels"),
        "d-mend": ("x[others], labels[others]", "x, labels"),
        "e-mend": ("learning_rate=0.2", "learning_rate=2.0"),
    },
    "12_yours": {
        "interval": ("centre - half", "p - half"),
        "people": ("100 * wrong", "wrong"),
        "centre": ("(down, right)", "(right, down)"),
        "paired": (">= abs(", "> abs("),
    },
}
BOMB = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
FILE = "<img src=x onerror=document.title='owned'>"
# Malicious cells; {victim} stands for a folder to attack.
MISCHIEF = {
    "loops": "while True:\n    pass",
    "hoards": "hoard = []\nwhile True:\n    hoard.append(b'x' * 10**7)",
    "fills the disk": "for n in range(1000):\n    open(f'{n}', 'wb').write(bytes(9 * 10**7))",
    "exits": "import os\nos._exit(3)",
    "shouts": "for _ in range(1000):\n    print('x' * 10**6)",
    "deletes": "import shutil\nshutil.rmtree({victim!r})",
}


@functools.cache
def _books(name):
    path = places.here.solutions / f"{name}.ipynb"
    solution = read_notebook(path)
    return exercises.make_exercise(path), {cell.id: cell for cell in solution.cells}


def student(name, wrong=(), blank=(), programs=False):
    """A student's copy of an exercise: as the solution, but for wrong and blank answers.

    The programs that students write without the lab train for up to a minute each, so they are
    blank unless they are asked for.
    """
    blank = (*blank, *(() if programs else ("program",)))
    exercise, solved = _books(name)
    book = copy.deepcopy(exercise)
    for cell in book.cells:
        if cell.source != solved[cell.id].source and cell.id not in blank:
            lines = solved[cell.id].source.split("\n")
            kept = [line for line in lines if "### BEGIN" not in line and "### END" not in line]
            cell.source = "\n".join(kept)
            if cell.id in wrong:
                right, other = WRONG[name][cell.id]
                assert right in cell.source, cell.id
                cell.source = cell.source.replace(right, other)
    return book


def blank(name):
    """Return a student's copy without any answers."""
    return copy.deepcopy(_books(name)[0])


def beginning(book):
    """Leave the first answers of notebook 1, which are examined in a second."""
    kept = ("load", "flat", "flat-check", "onehot", "onehot-check", "count", "count-check")
    book.cells = [cell for cell in book.cells if cell.id in kept]
    return book


def cell_of(book, name):
    """Return a cell of a notebook by its id."""
    return next(cell for cell in book.cells if cell.id == name)


def with_cell(book, source, place):
    """Insert a cell into a copy, and return it."""
    book.cells.insert(place, new_code_cell(source, id="mischief"))
    return book


def mischievous(kind, victim):
    """Return a correct notebook 5 with a malicious cell after the first check."""
    source = MISCHIEF[kind].replace("{victim!r}", repr(str(victim)))
    book = student("5_comparison")
    place = [cell.id for cell in book.cells].index("finals-check") + 1
    return with_cell(book, source.replace("{victim}", str(victim)), place)


def write_class(folder, victim):
    """Put more than forty submissions into a folder."""
    made = {f"right{number}/{name}": student(name) for number, name in enumerate(NAMES)}
    made["right5/hw (1)"] = student("1_linear")
    made["right6/deep/er/2_mlp"] = student("2_mlp")
    for number, name in enumerate(NAMES):
        made[f"wrong{number}/{name}"] = student(name, wrong=list(WRONG[name]))
    made["wrong5/1_linear"] = student("1_linear", wrong=["flat", "weights"])
    made["wrong6/1_linear"] = student("1_linear", wrong=["flat"], blank=["weights", "see"])
    made |= {f"blank{number}/{name}": blank(name) for number, name in enumerate(NAMES[:3])}
    thousand = student("1_linear")
    thousand.cells += [new_code_cell(f"x = {number}", id=f"n{number}") for number in range(1000)]
    made["thousand"] = thousand
    made["own"] = new_notebook(cells=[new_code_cell("1", id="a")])
    made["bomb"] = student("1_linear")
    cell_of(made["bomb"], "flat").source = f"raise ValueError({BOMB!r})"
    kinds = ("loops", "hoards", "fills the disk", "exits", "shouts", "deletes")
    made |= {f"mischief/{kind}": mischievous(kind, victim) for kind in kinds}
    made[FILE] = student("5_comparison")
    for name, book in made.items():
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, path)
    (folder / "zoe.ipynb").write_text('{"cells": [')
    (folder / "empty.ipynb").write_text("")
    (folder / "merged.ipynb").write_text("{\n<<<<<<< HEAD\n")
