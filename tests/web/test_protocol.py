"""Both kernels, Python's and the page's, answer the same requests alike."""

import base64
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.laboratory.surface import Surface, _packed
from mnist_lab.web import records
from mnist_lab.web.figures import figures

pytestmark = pytest.mark.usefixtures("plainly")
ROOT = Path(__file__).parents[2]
KERNEL = Path(__file__).parent / "kernel.js"
PARTS = ("mlp", "cnn")  # whose recorded runs are shown
ENGINE = Path(lab.__file__).parent / "web" / "engine" / "engine.wasm"
MODERN = "modern CNN, on file"  # which Python does not ask: NumPy would take too long
PAGE_ONLY = {"loading", "images", "records", "playing", "link"}
# Python guesses where nothing was measured; and how long something took is not the same.
UNLIKE = PAGE_ONLY | {"estimate", "status", "busy"}
STREAMS = {"hello", "start"}  # their values come in many messages


@pytest.fixture(scope="module")
def few(data):
    """1,000 training and 500 validation images of MNIST."""
    train, valid = (data.x_train, data.y_train), (data.x_valid, data.y_valid)
    return lab.Dataset(*(a[:1000] for a in train), *(a[:500] for a in valid), "MNIST")


@pytest.fixture(scope="module")
def files(few, tmp_path_factory):
    """The files that the page's kernel loads, with these few images."""
    folder = tmp_path_factory.mktemp("files")
    contents = {
        "figures.json": json.dumps(figures()).encode(),
        "networks": records.networks_bytes(),
        "bands": records.bands_bytes(),
        "engine.wasm": ENGINE.read_bytes(),
        **{f"record-{part}-0": records.record_bytes(lab.load_records(part)[0]) for part in PARTS},
        "mnist-train-0": few.x_train.tobytes() + few.y_train.tobytes(),
        "mnist-valid": few.x_valid.tobytes() + few.y_valid.tobytes(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


class Kernel:
    """The page's laboratory, run by Node."""

    def __init__(self, folder, link=""):
        self._node = subprocess.Popen(
            ["node", KERNEL, folder, link], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, message, buffers=()):
        """Return all values that come before it is done, each message by itself."""
        texts = [base64.b64encode(each).decode() for each in buffers]
        print(json.dumps({"content": message, "buffers": texts}), file=self._node.stdin, flush=True)
        answers = []
        for line in self._node.stdout:
            answer = json.loads(line)
            if "done" in answer:
                return answers
            arrays = [base64.b64decode(text) for text in answer["buffers"]]
            answers.append(unpacked(answer["content"], arrays))
        raise AssertionError("the kernel has ended")

    def close(self):
        self._node.stdin.close()
        assert self._node.wait(10) == 0


@pytest.fixture
def kernel(files):
    kernel = Kernel(files)
    yield kernel
    kernel.close()


@pytest.fixture
def python(few, tmp_path, monkeypatch):
    """Return a function that asks Python's laboratory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sent = []
    monkeypatch.setattr(
        Surface, "send", lambda _, content, buffers=(): sent.append(unpacked(content, buffers))
    )
    laboratory = lab.explore(data=few)

    def ask(message, buffers=()):
        sent.clear()
        laboratory.hear(dict(message), list(map(memoryview, buffers)))
        laboratory.wait()
        return list(sent)

    ask.laboratory = laboratory
    yield ask
    laboratory.close()


def unpacked(value, buffers):
    """Put the arrays back into a message, as the page does."""
    if isinstance(value, dict) and "buffer" in value:
        return np.frombuffer(buffers[value["buffer"]], value["dtype"]).reshape(value["shape"])
    if isinstance(value, dict):
        return {key: unpacked(inner, buffers) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [unpacked(inner, buffers) for inner in value]
    return value


def given(run):
    """Return a message that gives a run of Python's to the page's kernel."""
    about = {key: getattr(run, key) for key in ("name", "history", "seconds", "diverged")}
    about |= {"interrupted": run.interrupted, "batch_loss": run.batch_loss}
    about |= {"batch_accuracy": run.batch_accuracy, "weights": run.weights}
    about |= {"epochs": run.settings.epochs, "steps": run.settings.steps_per_epoch}
    about["val_probabilities"] = run.val_probabilities.astype(np.float32)
    buffers = []
    return {"ask": "given", "run": _packed(about, buffers)}, buffers


def merged(messages):
    """Return the last value of each name, in the order in which they came first; whole curves."""
    values, curves = {}, {}
    for message in messages:
        values |= message
        message.get("kept", {}).pop("where", None)
        if MODERN in message.get("through", {}).get("networks", ()):
            message["through"]["networks"].remove(MODERN)
        if "answers" in message:
            values["answers"] = [each for each in message["answers"] if each["name"] != MODERN]
        for layer in message.get("through", {}).get("layers", ()):
            del layer["name"]  # Keras counts layers of a kind over all of a session's networks
        for piece in message.get("curves", ()):
            before = curves.get(piece["id"]) if piece["first"] else None
            for key in ("loss", "accuracy") if before else ():
                piece[key] = np.concatenate([before[key], piece[key]])
            curves[piece["id"]] = piece | {"first": 0}
    values = {key: value for key, value in values.items() if key not in UNLIKE}
    return values | ({"curves": list(curves.values())} if "curves" in values else {})


def assert_alike(one, other, place):
    if isinstance(one, dict):
        assert set(one) == set(other), place
        for key in one:
            assert_alike(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_alike(*pair, f"{place}[{i}]")
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape), place
        np.testing.assert_allclose(one, other, atol=1e-4, err_msg=place)
    elif isinstance(one, float):
        assert other == pytest.approx(one, abs=1e-4), place
    else:
        assert one == other, place


class Both:
    """Asks both kernels, and compares what they say."""

    def __init__(self, python, kernel):
        self.python, self.kernel = python, kernel
        self.names = set()  # of all values that either has sent

    def ask(self, ask, buffers=(), **about):
        """Ask both, and return what they say."""
        one = self.python({"ask": ask, **about}, buffers)
        if ask == "start":  # what follows from a run is compared; the engine has its own tests
            self.kernel.ask(*given(self.python.laboratory.runs[-1]))
        other = self.kernel.ask({"ask": ask, **about}, buffers)
        self.names.update(*one, *other)
        one, other = (merged(messages) for messages in (one, other))
        if ask not in STREAMS:
            assert list(one) == list(other)
        assert_alike(one, other, ask)
        return other


def test_both_answer_alike(python, kernel, few):
    both = Both(python, kernel)
    ask = both.ask
    kernel.ask({"ask": "hello", "page": "first"})
    whole = ask("hello", page="second")
    assert whole["sight"]["words"] == "from the validation images"
    ask("part", part="mlp")
    for key, place in (("hidden_units", 0), ("epochs", 1), ("batch_size", 1), ("seed", 7)):
        ask("move", key=key, place=place)
    assert ask("move", key="learning_rate", place=50)["parameters"] == 8180
    ask("expect", expected={"val_accuracy": [0.5, 0.625], "val_loss": [1.5, 1.25]})
    (row,) = ask("start")["rows"]
    assert row["surprise"].startswith("Off on average: your accuracy by ")
    for by in (1, 1, -3, 40):
        ask("go_on", by=by)
    ask("look", index=123)
    ask("behind", label=4, said=9)
    ask("rename", row=0, name="<b>mine</b>")
    assert len(ask("digit", [few.x_valid[3].tobytes()])["answers"]) == 5
    ask("start")
    ask("hide", row=1, hidden=True)
    for kind in ("the sheet's curve", "the recorded run"):
        ask("overlay", kind=kind, shown=True)
    assert [curve["id"] for curve in ask("hello", page="third")["curves"][2:]]
    ask("remove", row=0)
    ask("through", wish={"network": "the newest network", "at": [1, [2]]})
    ask("through", wish={"drawn": False})
    ask("look", index=7)
    ask("through", wish=None)
    ask("keep", [few.x_valid[3].tobytes(), bytes(140 * 140)], label=0)
    assert (
        ask("keep", [few.x_valid[5].tobytes(), bytes(140 * 140)], label=1)["kept"]["problem"] == ""
    )
    assert ask("unkeep", index=0)["kept"]["labels"].tolist() == [1]
    ask("reset")
    ask("part", part="cnn")
    (code,) = python({"ask": "code", "row": 1})
    assert code["code"]["row"] == kernel.ask({"ask": "code", "row": 1})[0]["code"]["row"] == 1
    described = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    table = described.split("## What the kernel sends")[1].split("\n## ")[0]
    values = re.findall(r"^\| `(\w+)` \| (only the Worker)?", table, re.MULTILINE)
    assert {name for name, _ in values} == both.names | {"code", "link"}
    assert {name for name, only in values if only} == PAGE_ONLY


def test_both_train_alike(python, kernel):
    """What the page's engine trains has the same kinds of values, and the same curve."""
    kernel.ask({"ask": "hello", "page": "mine"})
    moves = [{"ask": "part", "part": "cnn"}]
    moves += [{"ask": "move", "key": key, "place": 1} for key in ("filters", "epochs")]
    for each in (python, kernel.ask):
        for move in moves:
            each(move)
    one, other = (merged(each({"ask": "start"})) for each in (python, kernel.ask))
    assert set(one) == set(other)
    (curve,), (again,) = one["curves"], other["curves"]
    for key in ("loss", "history"):
        np.testing.assert_allclose(curve[key], again[key], atol=1e-2)
    assert one["rows"][0]["words"] == other["rows"][0]["words"]
    for key in ("of", "numbers"):
        assert one["weights"][key] == other["weights"][key]
    np.testing.assert_allclose(one["weights"]["images"], other["weights"]["images"], atol=1e-3)
