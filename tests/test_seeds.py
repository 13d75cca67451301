"""Networks trained from many seeds, as they lie on file."""

import dataclasses

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import places


def few():
    settings = lab.load_records("linear")[0].settings
    random = np.random.default_rng(0)
    losses = random.random((3, 5), np.float32)
    return lab.Seeds("linear", settings, losses, random.random((3, 101)) < 0.9)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    seeds = few()
    seeds.save(tmp_path / "linear.npz")
    again = lab.load_seeds("linear", tmp_path)
    assert (again.name, again.settings, len(again)) == ("linear", seeds.settings, 3)
    assert (again.batch_loss == seeds.batch_loss).all()
    assert again.right.dtype == bool
    assert (again.right == seeds.right).all()
    assert again.accuracies == pytest.approx(seeds.right.sum(axis=1) / 101)
    assert "Seeds of linear: 3 runs, validation accuracy 8" in repr(again)


def test_changed_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "linear.npz"
    with pytest.raises(lab.DataError, match="is missing"):
        lab.load_seeds("linear", tmp_path)
    few().save(path)
    arrays = dict(np.load(path))
    np.savez(path, **arrays | {"right": ~arrays["right"]})
    with pytest.raises(lab.DataError, match="was changed or damaged"):
        lab.load_seeds("linear", tmp_path)
    for other in (places.here.data / "mnist.npz", places.here.records / "linear-seed0.npz"):
        with pytest.raises(lab.DataError, match=r"holds no array .about.|not a run that this lab"):
            lab.Seeds.load(other)
    for shape in ((3, 101, 2), (303,)):
        losses = np.zeros(shape, np.float32)
        dataclasses.replace(few(), batch_loss=losses).save(path)
        with pytest.raises(lab.DataError, match="is not a file of many seeds"):
            lab.Seeds.load(path)
    dataclasses.replace(few(), name="mlp").save(path)
    assert lab.Seeds.load(path).name == "mlp"


@pytest.mark.parametrize("part", ["linear", "mlp_small"])
def test_seeds_on_file_are_as_in_the_records_and_differ_from_one_another(part):
    seeds = lab.load_seeds(part)
    for run in lab.load_records(part):
        seed = run.settings.seed
        assert seeds.batch_loss[seed, :10] == pytest.approx(run.batch_loss[:10], rel=1e-5)
        if (seeds.batch_loss[seed] == run.batch_loss[:200]).all():
            assert seeds.accuracies[seed] == pytest.approx(run.val_accuracy, abs=1e-6)
    assert len(np.unique(seeds.batch_loss, axis=0)) == len(seeds)


@pytest.mark.parametrize("network", ["linear", "mlp", "cnn"])
def test_writers_that_a_network_knows_are_easier(network):
    known = lab.load_seeds(f"{network}_by_image")
    new = lab.load_seeds(f"{network}_by_writer")
    assert known.right.shape == new.right.shape == (len(new), 60_000)
    assert known.accuracies.mean() > new.accuracies.mean()
