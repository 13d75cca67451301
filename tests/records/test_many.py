"""Networks trained from many seeds: made, interrupted, resumed, and proven by samples."""

import dataclasses

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import places
from mnist_lab.records import many as module
from mnist_lab.records.many import Many, list_many, make_seeds, verify_many, verify_seeds
from mnist_lab.records.variants import variants

BRIEF = next(each for each in variants() if each.name == "linear_medium")._replace(epochs=1)
PLAIN, CROSSED = Many("plain", BRIEF, 3), Many("crossed", BRIEF, 1, "writer")


@pytest.fixture(scope="module")
def data():
    return lab.load_mnist()


@pytest.fixture(scope="module")
def made(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("seeds")
    for each in (PLAIN, CROSSED):
        make_seeds(each, folder, data)
    return folder


@pytest.mark.gate
def test_each_seed_is_the_training_that_the_lab_does(made, data):
    seeds = lab.load_seeds("plain", made)
    run = lab.train(BRIEF.build(), data, epochs=1, seed=2, progress=False)
    assert seeds.batch_loss.shape == (3, 200)
    assert (seeds.batch_loss[2] == run.batch_loss[:200]).all()
    right = run.val_probabilities.argmax(axis=1) == data.y_valid
    assert (seeds.right[2] == right).all()


def test_a_cross_validation_reads_every_training_image_once(made, data):
    seeds = lab.load_seeds("crossed", made)
    assert seeds.batch_loss.shape == (6, 200)
    assert seeds.right.shape == (1, 60_000)
    assert 0.85 < seeds.accuracies[0] < 0.93
    for fold in range(6):
        images, places = CROSSED.drawn(data, 0, fold)
        assert len(images.x_train) == module.TRAINING
        assert not np.intersect1d(images.writer_train, data.writer_train[places]).size
        assert (images.x_valid == data.x_train[places]).all()


@pytest.mark.gate
def test_what_was_interrupted_goes_on(tmp_path, data, made, monkeypatch):
    monkeypatch.setattr(module, "SAVED_AFTER", 0)
    whole, trained = module._Trainings.whole, []

    def stops(self, seed, fold):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(seed)
        return whole(self, seed, fold)

    monkeypatch.setattr(module._Trainings, "whole", stops)
    with pytest.raises(KeyboardInterrupt):
        make_seeds(PLAIN, tmp_path, data)
    assert PLAIN.shortcoming(tmp_path, data) == "missing"
    trained.clear()
    make_seeds(PLAIN, tmp_path, data)
    assert trained == [2]
    again, before = lab.load_seeds("plain", tmp_path), lab.load_seeds("plain", made)
    assert (again.batch_loss == before.batch_loss).all()
    assert [path.name for path in tmp_path.iterdir()] == ["plain.npz"]


def test_true_files_are_right(made, data, capsys):
    # Their seeds are not on file one by one, as those of list_many() are.
    assert verify_seeds(CROSSED, made, data) == []
    assert verify_many([CROSSED], made, data)
    assert capsys.readouterr().out == "crossed, many seeds: samples of 6 trainings are right\n"


@pytest.mark.gate
def test_invented_losses_are_found(tmp_path, made, data, capsys):
    seeds = lab.load_seeds("crossed", made)
    losses = seeds.batch_loss.copy()
    losses[:, 5] *= 1.01
    dataclasses.replace(seeds, batch_loss=losses).save(tmp_path / "crossed.npz")
    assert not verify_many([CROSSED], tmp_path, data)
    assert "WRONG, seed 0, fold 0: the loss of iteration 6 is not" in capsys.readouterr().out
    # Another seed's curve is no better.
    dataclasses.replace(seeds, batch_loss=np.roll(seeds.batch_loss, 1, axis=0)).save(
        tmp_path / "crossed.npz"
    )
    assert len(verify_seeds(CROSSED, tmp_path, data)) == 6


def test_a_file_of_something_else_is_stale_or_wrong(tmp_path, made, data):
    seeds = lab.load_seeds("crossed", made)
    path = tmp_path / "crossed.npz"
    longer = CROSSED._replace(variant=BRIEF._replace(epochs=2))
    seeds.save(path)
    assert longer.shortcoming(tmp_path, data) == "stale: epochs"
    assert Many("crossed", BRIEF, 1, "image").shortcoming(tmp_path, data) == "stale: data sha256"
    dataclasses.replace(seeds, right=seeds.right[:, :100]).save(path)
    assert "its arrays have the shapes" in verify_seeds(CROSSED, tmp_path, data)[0]
    path.write_bytes(b"no file")
    assert "damaged" in verify_seeds(CROSSED, tmp_path, data)[0]


def test_all_files_are_there(data):
    for each in list_many():
        assert each.shortcoming(places.here.seeds, data) == "", each.name
    assert [each.name for each in list_many(["linear"])] == ["linear"]


@pytest.mark.gate
def test_an_end_that_is_not_its_records_is_found(tmp_path, data):
    (linear,) = list_many(["linear"])[:1]
    seeds = lab.load_seeds("linear")
    right = seeds.right.copy()
    right[3] = seeds.right[4]
    dataclasses.replace(seeds, right=right).save(tmp_path / "linear.npz")
    assert verify_seeds(linear, tmp_path, data) == [
        "seed 3, beside its record: the accuracy is not that of its record"
    ]
