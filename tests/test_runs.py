"""A run on disk is the run, whole or refused."""

import json

import numpy as np
import pytest

import mnist_lab as lab


@pytest.fixture
def run():
    history = {key: [0.5, 0.25] for key in ("loss", "accuracy", "val_loss", "fit_accuracy")}
    return lab.Run(
        settings={"name": "example", "seed": None, "epochs": 2, "steps_per_epoch": 2},
        history={**history, "val_accuracy": [0.9, 0.91]},
        batch_loss=np.array([0.7, 0.5, 0.3, 0.2], np.float32),
        batch_accuracy=np.array([0.5, 0.6, 0.7, 0.8], np.float32),
        val_probabilities=np.array([[0.25, 0.75], [1, 0]], np.float16),
        weights=[np.ones((2, 3), np.float32), np.array(7)],
        seconds=1.5,
        compile_seconds=0.5,
    )


def test_a_run_survives_the_disk(tmp_path, run):
    run.save(tmp_path / "run.npz")
    loaded = lab.Run.load(tmp_path / "run.npz")
    assert (loaded.settings, loaded.history) == (run.settings, run.history)
    assert np.array_equal(loaded.batch_loss, run.batch_loss)
    assert np.array_equal(loaded.batch_accuracy, run.batch_accuracy)
    assert np.array_equal(loaded.val_probabilities, run.val_probabilities)
    assert len(loaded.weights) == 2
    assert all(map(np.array_equal, loaded.weights, run.weights))
    assert (loaded.seconds, loaded.compile_seconds) == (1.5, 0.5)
    assert (loaded.name, loaded.epochs, loaded.val_accuracy) == ("example", 2, 0.91)
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_run_without_epochs_survives_the_disk(tmp_path):
    run = lab.Run(settings={"name": "early"}, interrupted=True)
    run.save(tmp_path / "early")
    loaded = lab.Run.load(tmp_path / "early")
    assert loaded.interrupted
    assert (loaded.epochs, len(loaded.batch_loss)) == (0, 0)
    assert np.isnan(loaded.val_accuracy)


def test_a_failed_save_keeps_the_old_file(tmp_path, run):
    run.save(tmp_path / "run.npz")
    before = (tmp_path / "run.npz").read_bytes()
    run.settings["not JSON"] = object()
    with pytest.raises(TypeError):
        run.save(tmp_path / "run.npz")
    assert (tmp_path / "run.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def damage(path, **changes):
    with np.load(path) as stored:
        content = {**stored, **changes}
    np.savez(path, **{name: array for name, array in content.items() if array is not None})


def about(**changes):
    fields = {"format": 2, "settings": {}, "weights": 0, "seconds": 0.0, "compile_seconds": 0.0}
    fields |= {"diverged": False, "interrupted": False}
    sealed = {"about": {**fields, **changes}, "sha256": ""}
    return np.frombuffer(json.dumps(sealed).encode(), np.uint8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_loss": None}, "holds no array 'batch_loss'"),
        ({"batch_loss": np.zeros(3, np.float32)}, "not as many batch losses as batch accuracies"),
        ({"batch_loss": np.zeros(4)}, "batch_loss is float64"),
        ({"history": np.zeros((4, 2))}, "history has 4 rows, not 5"),
        ({"val_probabilities": np.zeros(4, np.float16)}, r"is float16 of shape \(4,\)"),
        ({"weights_1": None}, "holds no array 'weights_1'"),
        ({"weights_1": np.array("seven")}, "weights_1 is <U5"),
        ({"about": about(format=1)}, "another version of the lab"),
        ({"about": about(surprise=1)}, "incomplete"),
        ({"about": about(seconds="long")}, "incomplete"),
        ({"about": about(weights=10**12)}, "incomplete"),
        ({"about": np.frombuffer(b"{", np.uint8)}, "is not a run"),
        ({"about": np.array([object()])}, "pickled Python objects"),
    ],
)
def test_damaged_runs_are_refused(tmp_path, run, changes, message):
    run.save(tmp_path / "run.npz")
    damage(tmp_path / "run.npz", **changes)
    with pytest.raises(lab.DataError, match=message) as caught:
        lab.Run.load(tmp_path / "run.npz")
    assert "run.npz" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["history", "batch_loss", "batch_accuracy", "val_probabilities", "weights_0"]
)
def test_one_changed_number_is_noticed(tmp_path, run, name):
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as stored:
        array = stored[name]
    array.flat[1] += 0.01
    damage(tmp_path / "run.npz", **{name: array})
    with pytest.raises(lab.DataError, match="was changed or damaged"):
        lab.Run.load(tmp_path / "run.npz")


def test_a_changed_word_is_noticed(tmp_path, run):
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as stored:
        text = stored["about"].tobytes().replace(b"example", b"another")
    damage(tmp_path / "run.npz", about=np.frombuffer(text, np.uint8))
    with pytest.raises(lab.DataError, match="was changed or damaged"):
        lab.Run.load(tmp_path / "run.npz")


def test_a_missing_run_is_told(tmp_path):
    with pytest.raises(lab.DataError, match="is missing"):
        lab.Run.load(tmp_path / "absent.npz")
