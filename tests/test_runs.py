"""A saved run loads unchanged, or is refused."""

import concurrent.futures

import numpy as np
import pytest
from samples import example_run, settings

import mnist_lab as lab


@pytest.fixture
def run():
    return example_run()


def test_a_run_survives_the_disk(tmp_path, run):
    run.save(tmp_path / "run.npz")
    loaded = lab.Run.load(tmp_path / "run.npz")
    assert loaded.settings == run.settings
    assert loaded.history == run.history
    assert np.array_equal(loaded.batch_loss, run.batch_loss)
    assert np.array_equal(loaded.batch_accuracy, run.batch_accuracy)
    assert np.array_equal(loaded.val_probabilities, run.val_probabilities)
    assert len(loaded.weights) == 2
    assert all(map(np.array_equal, loaded.weights, run.weights))
    assert (loaded.seconds, loaded.compile_seconds) == (1.5, 0.5)
    assert (loaded.name, loaded.epochs, loaded.val_accuracy) == ("example", 2, 0.91)
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_run_without_epochs_survives_the_disk(tmp_path):
    run = lab.Run("early", settings(), interrupted=True)
    run.save(tmp_path / "early")
    loaded = lab.Run.load(tmp_path / "early")
    assert loaded.interrupted
    assert (loaded.epochs, len(loaded.batch_loss)) == (0, 0)
    assert np.isnan(loaded.val_accuracy)


@pytest.mark.parametrize("part", [".*", "lin.ar", "mlp("])
def test_the_name_of_a_part_is_not_used_as_a_pattern(part):
    with pytest.raises(lab.DataError, match="holds no recorded run"):
        lab.load_records(part)


def test_threads_may_save_to_one_file_at_once(tmp_path, run):
    def save(_):
        for _ in range(10):
            run.save(tmp_path / "run.npz")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(8)))
    assert lab.Run.load(tmp_path / "run.npz").history == run.history
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_failed_save_keeps_the_old_file(tmp_path, run):
    run.save(tmp_path / "run.npz")
    before = (tmp_path / "run.npz").read_bytes()
    run.settings.model["not JSON"] = object()
    with pytest.raises(TypeError):
        run.save(tmp_path / "run.npz")
    assert (tmp_path / "run.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
