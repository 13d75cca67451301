"""What an answer calls that an answer does not need: found in its text, which is never run."""

import pytest
from students import NAMES, student

from mnist_lab.grading.looking import look
from mnist_lab.notebooks import Exercise, Question, read_questions

BUILD = "def build():\n    return "
# An answer, and what is named of it.
DOUBTFUL = {
    BUILD + "lab.build_mlp()": ("lab.build_mlp",),
    "import mnist_lab\n" + BUILD + "mnist_lab.build_mlp()": ("mnist_lab.build_mlp",),
    "from mnist_lab import build_mlp as build": ("mnist_lab.build_mlp",),
    "build = lab.PARTS['mlp'].build": ("lab.PARTS",),
    "from mnist_lab.course import ANSWERS": ("mnist_lab.course.ANSWERS",),
    "lab.check('mlp', None).solution()": ("(...).solution",),
    "import ctypes\nctypes.CDLL(None)": ("ctypes", "ctypes.CDLL"),
    "import os as o\no.write(3, b'')": ("os", "o.write"),
    "().__class__.__base__": ("(...).__base__", "(...).__class__"),
    "getattr(lab, 'build_' + 'mlp')()": ("getattr",),
    "exec('1')": ("exec",),
    "np.mean = max": ("np.mean = ...",),
    "del lab.check": ("lab.check = ...",),
    "from helpers import build": ("helpers.build",),
    "keras.models.load_model('mine.keras')": ("keras.models.load_model",),
    "tf.raw_ops.WriteFile(filename='a', contents='b')": ("tf.raw_ops.WriteFile",),
}
USUAL = [
    "%matplotlib inline\nx = np.mean([1, 2])",
    "import matplotlib.pyplot as plt\nplt.plot([1])",
    "class Batches(keras.callbacks.Callback):\n    def __init__(self):\n        super().__init__()",
    "numbers = [1, 2]\nnumbers.count(1)\nos = 3",
    "lab.plot_digits(data.x_train)",
    "def (",
]


def exercise(**solutions):
    """An exercise whose answers are checked one by one, by their own names."""
    questions = [Question(f"part.{name}", name, f"{name}-check") for name in solutions]
    return Exercise({}, questions, {}, {}, solutions)


def look_at(cells, **solutions):
    """What is said of answers; a check follows its answer and whatever stands below it."""
    listed = [
        (name, source, False) if not name.endswith("-check") else (name, source, True)
        for name, source in cells.items()
    ]
    return look(listed, exercise(**solutions))


CHECK = {"build-check": "lab.check('mlp', build)"}


@pytest.mark.parametrize("source", DOUBTFUL)
def test_what_is_doubtful_is_named(source):
    assert look_at({"build": source} | CHECK, build="") == {"build": DOUBTFUL[source]}


@pytest.mark.parametrize("source", USUAL)
def test_what_is_usual_is_not(source):
    assert look_at({"build": source} | CHECK, build="") == {}


def test_what_a_right_answer_needs_is_not():
    right = "x = np.load(lab.mnist_file())"
    assert look_at({"build": right} | CHECK, build=right) == {}


READY = {"number 3": BUILD.replace("build", "ready") + "lab.build_mlp()"}


def test_other_cells_count_where_an_answer_uses_them():
    said = {"build": ("lab.build_mlp in cell number 3",)}
    assert look_at(READY | {"build": "build = ready"} | CHECK, build="") == said
    assert look_at(READY | {"build": "build = mine"} | CHECK, build="") == {}
    between = {"number 4": "mine = ready", "build": "build = mine"}
    assert look_at(READY | between | CHECK, build="") == said
    # An answer may stand in a cell of the student's own.
    below = {"build": "", "number 9": BUILD + "lab.build_mlp()"}
    said = {"build": ("lab.build_mlp in cell number 9",)}
    assert look_at(below | CHECK, build="") == said


def test_meddling_counts_for_all_answers_that_come_after_it():
    cells = {
        "one": "1",
        "one-check": "lab.check_answer('part.one', one)",
        "number 9": "import mnist_lab\nmnist_lab.check = print",
        "two": "2",
        "two-check": "lab.check_answer('part.two', two)",
    }
    said = look_at(cells, one="", two="")
    assert said == {"two": ("mnist_lab.check = ... in cell number 9",)}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_said_of_the_solutions(name):
    exercises, _ = read_questions()
    cells = [
        (cell.id, cell.source, cell.id in exercises[name].checks)
        for cell in student(name, programs=True).cells
        if cell.cell_type == "code"
    ]
    assert look(cells, exercises[name]) == {}
