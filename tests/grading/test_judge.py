"""A notebook runs behind walls, and is judged in another process by what it tells."""

import contextlib
import csv
import threading
from multiprocessing import Pipe

import nbformat
import numpy as np
import pytest
from elsewhere import Loop
from students import beginning, blank, cell_of, student, with_cell

import mnist_lab as lab
from mnist_lab.__main__ import main
from mnist_lab.grading import examination, wire
from mnist_lab.grading.hearing import Hearing, UnsafeError, _safe
from mnist_lab.grading.telling import Teller
from mnist_lab.grading.wire import MalformedError

MODULE = {"mine.py": b"def pixels(images):\n    return images[0].reshape(784) / 255\n"}
# What notebooks do that is right elsewhere, and the error of each cell.
USUAL = {
    "%cd .": "",
    "cd nowhere": "",
    "%cd ..": "",
    "%cd -": "",
    "%matplotlib inline\nimport mnist_lab as lab": "",
    "%%bash\npip install mnist_lab": "",
    "!pip install mnist_lab": "",
    "data = lab.load_mnist(download=True)": "",
    "assert lab.load_mnist(path=None) is data": "",
    "assert len(lab.load_mnist('mine.npz', download=True).x_train) == 60_000": "",
    "lab.load_mnist('nowhere.npz')": "DataError: nowhere.npz is missing",
    "run = lab.train(lab.build_linear(), data, epochs=17, seed=0, recorded=True)": "",
    "lab.plot_accuracy(run).savefig('accuracy.png')\nopen('accuracy.png').close()": "",
    "lab.plot_digits(data)": "TypeError: ",
    "lab.explore('mlp')": "the laboratory is not opened for a report",
    "print('x' * 10_000_001)": "printing more than 10 MB is refused in a report",
    "lab.train(lab.build_mlp(), data, epochs=1, seed=0)": "a training is stopped after 2 s",
    "from mine import pixels": "",
    "lab.check_answer('linear.flat', pixels(data.x_train))": "",
}


def examine(*sources, checks=(), files=MODULE, seconds=120):
    cells = [(source, source, source in checks) for source in sources]
    return examination.examine(cells, files, seconds, trust=True)


def test_what_notebooks_usually_do_is_done_in_an_examination():
    *sources, check = USUAL
    done = examine(*sources, check, checks=[check])
    assert (done.stopped, done.unexamined) == ("", "")
    for source, error in USUAL.items():
        assert done.results[source].error.startswith(error), source
        assert error or not done.results[source].error, (source, done.results[source])
    assert done.results[check].outcome == "right"


FIT = """
import keras, numpy as np, time

class Slow(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.3)

model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
x = lab.load_mnist().x_train[:1000].reshape(-1, 784) / 255
model.fit(x, np.zeros(1000), epochs=10, callbacks=[Slow()], verbose=0)
"""


@pytest.mark.gate
def test_a_program_of_a_students_own_may_train_for_longer():
    assert not examine("import mnist_lab as lab", FIT).results[FIT].error


@pytest.mark.gate
def test_a_program_without_the_lab_is_judged_by_what_it_produced():
    book = student("1_linear", programs=True)
    sources = {
        name: cell_of(book, name).source.replace("epochs=17", "epochs=1")
        for name in ("load", "program", "program-run", "program-check")
    }
    cells = [(name, source, "check" in name) for name, source in sources.items()]
    done = examination.examine(cells, {}, 240, trust=True).results["program-check"]
    assert done.first == "its training ended after epoch 1: take epochs=17", done
    assert done.parts == {
        **{"network": 1, "compiling": 1, "training": 0},
        **{"batches": 1, "validation": 1},
    }


ENDED = {
    "while True: pass": "took longer than 2 s of processor time",
    "import os\nos._exit(3)": "ended its kernel (exit code 3)",
    "hoard = []\nwhile True: hoard.append(bytearray(10**8))": "",  # a MemoryError, and on it goes
}


@pytest.mark.gate
@pytest.mark.parametrize("source", ENDED)
def test_a_cell_that_ends_all_is_named_and_what_came_before_it_counts(source):
    done = examine("first = 1", source, "last = 2", seconds=2 if "pass" in source else 60)
    assert not done.unexamined
    assert done.results["first = 1"].error == ""
    if ENDED[source]:
        assert done.stopped == f"cell {source!r} {ENDED[source]}"
        assert "last = 2" not in done.results
    else:
        assert done.results[source].kind == "NotDoneError"
        assert "last = 2" in done.results


# A cell before all others of a notebook that is blank; a name in braces is its connection.
CHEATS = {
    "forges verdicts": "import mnist_lab\nmnist_lab.check_answer = lambda *a, **k: print('Right')",
    "changes what a verdict is": """
from mnist_lab.checks import CheckResult
CheckResult.outcome = property(lambda self: "right", lambda self, value: None)
""",
    "changes what is the same": """
import numpy as np, mnist_lab.checks.values as values
values.same = lambda *_: True
np.allclose = lambda *_, **__: True
""",
    "puts another module there": """
import sys, types, mnist_lab
fake = types.ModuleType("mnist_lab")
fake.__getattr__ = lambda name: getattr(mnist_lab, name)
fake.check_answer = fake.check = lambda *_, **__: "right"
sys.modules["mnist_lab"] = fake
""",
    "talks itself": """
import gc, json
from multiprocessing.connection import Connection
for each in gc.get_objects():
    if isinstance(each, Connection):
        for number in range(200):
            each.send_bytes(json.dumps([number, ["returned", ["list", [7850]]], []]).encode())
""",
    "tells right answers": """
import mnist_lab.grading.examinee as examinee
import mnist_lab.course as course
def tell(shell, teller, before, expressions):
    right = {"pixels": course.ANSWERS["linear.flat"].task.right, "by_hand": 7960}
    return teller.tell([right.get(each, ...) for each in expressions])
examinee._tell = tell
""",
}


@pytest.mark.gate
def test_a_blank_notebook_gets_no_point_whatever_it_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    for name, source in CHEATS.items():
        for kind, book in (("blank", blank("1_linear")), ("some", student("1_linear"))):
            beginning(book)
            for cell in ("flat", "count"):
                cell_of(book, cell).source = cell_of(blank("1_linear"), cell).source
            place = [cell.id for cell in book.cells].index("flat")
            nbformat.write(with_cell(book, source, place), tmp_path / f"class/{name} {kind}.ipynb")
    assert main(["report", "class", "--trust"]) == 0
    with open("mnist_lab-report/answers.csv", encoding="utf-8-sig", newline="") as file:
        right = [row for row in csv.DictReader(file) if row["outcome"] == "right"]
    # Only what was answered: `onehot`, in the notebooks that have it.
    assert {row["question"] for row in right} == {"linear.onehot"}
    assert not any("blank" in row["student"] for row in right)
    assert all(row["look"] for row in right)


class Lazy(np.ndarray):
    """An array that says that it is huge."""


HOSTILE = {
    "an array of 10 GB that holds one number": lambda: np.broadcast_to(1.0, (10**5, 10**5)),
    "an endless list": lambda: (lambda it: it.append(it) or it)([]),
    "a large number": lambda: 10**10_000,
    "objects": lambda: np.array([object()]),
    "another thing": lambda: type("<b>\n", (), {"__repr__": lambda self: 1 / 0})(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_told_is_no_harm(name):
    loop = Loop({"it": HOSTILE[name]()})
    loop.send((1, "tell", ("", ["it"]), {}))
    said, arrays = wire.receive(loop, 1)
    assert said[0] in ("returned", "raised")
    assert sum(array.nbytes for array in arrays) < 1000


def exchanged(*messages):
    """What is received where these bytes are sent."""
    ours, theirs = Pipe()

    def send():
        with contextlib.suppress(OSError), theirs:
            for each in messages:
                theirs.send_bytes(each)

    with ours:
        sender = threading.Thread(target=send)
        sender.start()
        try:
            return wire.receive(ours, 1)
        finally:
            ours.close()
            sender.join()


@pytest.mark.parametrize(
    "messages",
    [
        (b"\xff",), (b"[",), (b"[]",), (b"1",), (b'"a"',), (b"{}",), (b"[" * 10**6,),
        (b'[2, ["returned", null], []]',),  # another request's
        (b'[1, 1, [["<f8", [-1]]]]',),
        (b'[1, 1, [["<f8", [1e9]]]]',),
        (b'[1, 1, [["<f8", [1000000000, 1000000000]]]]',),
        (b'[1, 1, [["|O", [1]]]]', bytes(8)),
        (b'[1, 1, [["<f8", [1]]]]', bytes(7)),
        (b'[1, 1, [["<f8", [1]]]]', bytes(9)),
        (b'[1, 1, [["<f8"]]]',),
        (b'[1, 1, 7]',),
    ],
    ids=lambda messages: messages[0][:40],
)  # fmt: skip
def test_messages_that_are_none_are_refused(messages):
    with pytest.raises(MalformedError):
        exchanged(*messages)


@pytest.mark.parametrize(
    "told",
    [
        ["nothing"], ["array", 7], ["array"], ["own", "Path", ["dict", []]], ["own", "Run", 1],
        ["dict", [[["list", []], 1]]], ["int", "many"], ["function", 1, 2, 3], [[]], [],
        ["hear"], ["_call", 1], ["model", 0, None, ["dict", []], None], ["class", 1, 2],
    ],
    ids=str,
)  # fmt: skip
def test_what_nobody_tells_is_not_heard(told):
    with pytest.raises(MalformedError):
        Hearing(None).hear(told, [])


def layer(name, **config):
    return {"module": "keras.layers", "class_name": name, "config": config}


@pytest.mark.parametrize(
    "config",
    [
        layer("Lambda", function="x"),
        layer("TFSMLayer", filepath="/tmp"),
        layer("StringLookup", vocabulary="/etc/passwd"),
        layer("Dense") | {"module": "os"},
        {"module": "builtins", "class_name": "function", "config": "relu"},
        {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://a"}},
        {"module": "keras.src.ops.numpy", "class_name": "np", "config": {}},
        {"module": "keras.layers.Dense.__init__", "class_name": "__globals__", "config": {}},
        {"class_name": "Dense", "config": {}},
        {"layers": [{"deep": layer("Lambda")}]},
    ],
    ids=str,
)
def test_keras_makes_nothing_of_a_configuration_but_its_own_layers(config):
    with pytest.raises(UnsafeError):
        _safe(config)


def test_a_run_and_data_are_the_same_again():
    run = lab.load_records("linear")[0]
    teller = Teller()
    told = teller.tell([run, lab.load_mnist()])
    again, data = Hearing(None).hear(told, teller.arrays())
    assert again.settings == run.settings
    assert again.history == run.history
    assert data.sha256 == lab.load_mnist().sha256
