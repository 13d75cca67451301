"""The records that come with the lab: all there, in full, and what README says of them."""

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import runs
from mnist_lab.authoring import notebooks
from mnist_lab.records import list_jobs, make_records, results, verify_records
from mnist_lab.records.variants import CHOSEN_EPOCHS, CHOSEN_RATE, RATES


def test_seed_0_of_all_comes_first_and_the_parts_before_all_else(data):
    listed = list_jobs(data, seeds=2)
    seeds = [job.seed for job in listed]
    assert seeds == sorted(seeds)
    assert [job.name for job in listed[:4]] == [f"{part}-seed0" for part in lab.PARTS]
    names = {job.name for job in listed}
    assert len(names) == len(listed)
    assert {"linear_chosen-seed0", "cnn-seed1", "dropout_on_300-seed1"} < names
    assert "linear_chosen-seed1" not in names  # one run is enough


def test_they_are_all_there(data):
    assert runs.RECORDS.is_dir()
    for job in list_jobs(data):
        assert job.shortcoming(runs.RECORDS) == "", job.name
    assert sum(path.stat().st_size for path in runs.RECORDS.glob("*.npz")) < 30e6


def test_runs_on_few_images_are_small_files_without_weights_and_probabilities():
    few = list(runs.RECORDS.glob("*_on_*.npz"))
    assert len(few) == 5 * (2 * 6 + 5 + 3 + 2)
    assert max(path.stat().st_size for path in few) < 30_000
    run = lab.Run.load(runs.RECORDS / "cnn_on_300-seed0.npz")
    assert (run.weights, len(run.val_probabilities)) == ([], 0)


def test_readme_tells_what_they_say():
    assert results(runs.RECORDS) in notebooks.README.read_text()


def test_the_chosen_one_is_what_the_validation_images_choose():
    tried = {rate: lab.load_records(f"linear_{name}")[0] for name, rate in RATES.items()}
    best = max(tried, key=lambda rate: max(tried[rate].history["val_accuracy"]))
    epochs = int(np.argmax(tried[best].history["val_accuracy"])) + 1
    assert (best, epochs) == (CHOSEN_RATE, CHOSEN_EPOCHS)


@pytest.mark.gate
def test_one_made_anew_in_full_is_like_the_one_on_file(data, tmp_path):
    job = list_jobs(data, ["linear"], seeds=1)[0]
    make_records([job], tmp_path)
    made, on_file = (lab.Run.load(job.file(folder)) for folder in (tmp_path, runs.RECORDS))
    assert (made.epochs, len(made.batch_loss)) == (17, 10_200)
    assert made.val_accuracy == pytest.approx(on_file.val_accuracy, abs=0.02)


@pytest.mark.gate
def test_those_of_the_linear_part_are_true(data, capsys):
    jobs = list_jobs(data, ["linear", "beyond"], seeds=1)
    quick = [job for job in jobs if job.part.builder == "build_linear"]
    few = [job for job in jobs if job.part.key in ("cnn_on_300", "watched_on_3000")]
    assert verify_records(quick + few, runs.RECORDS, data), capsys.readouterr().out
