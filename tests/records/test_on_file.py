"""The records that come with the lab are complete, and README quotes them correctly."""

import collections
import itertools

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import places
from mnist_lab.records import list_jobs, make_records, results, verification, verify_records
from mnist_lab.records.variants import CHOSEN_EPOCHS, CHOSEN_RATE, RATES

# On few images, in the order in which they are made.
ON_FEW = [
    *("mlp_on_100", "dropout_on_100", "cnn_on_100", "mlp_on_300", "dropout_on_300", "cnn_on_300"),
    *("mlp_on_1000", "dropout_on_1000", "cnn_on_1000", "mlp_on_3000", "dropout_on_3000"),
    *("cnn_on_3000", "mlp_on_10000", "dropout_on_10000", "cnn_on_10000", "mlp_on_60000"),
    *("dropout_on_60000", "mlp_usual_on_100", "dropout_usual_on_100", "mlp_usual_on_300"),
    *("dropout_usual_on_300", "decay_on_3000", "moved_on_3000", "normalized_on_3000"),
    *("watched_on_3000", "judged_on_3000"),
]


@pytest.fixture(scope="module")
def jobs():
    return list_jobs()


def test_seed_0_of_all_parts_comes_first(jobs):
    assert [job.name for job in jobs if job.seed < 2] == [
        *("linear-seed0", "mlp-seed0", "dropout-seed0", "cnn-seed0"),
        *("linear_today-seed0", "linear_gentle-seed0", "mlp_small-seed0", "dropout_small-seed0"),
        *("decay_small-seed0", "normalized_small-seed0", "moved_small-seed0"),
        *("linear_fast-seed0", "linear_medium-seed0", "linear_slow-seed0", "linear_chosen-seed0"),
        *(f"{name}-seed0" for name in [*ON_FEW, "modern"]),
        *("linear-seed1", "mlp-seed1", "dropout-seed1", "cnn-seed1", "linear_gentle-seed1"),
        *("mlp_small-seed1", "dropout_small-seed1"),
        *(f"{name}-seed1" for name in [*ON_FEW, "modern"]),
    ]


def test_they_are_all_there(jobs):
    assert places.here.records.is_dir()
    for job in jobs:
        assert job.shortcoming(places.here.records) == "", job.name
    assert sum(path.stat().st_size for path in places.here.records.glob("*.npz")) < 30e6


def test_what_is_compared_in_pairs_has_ten_seeds(jobs):
    seeds = collections.Counter(job.variant.name for job in jobs)
    compared = {f"{name}_on_3000" for name in ("mlp", "dropout", "decay", "moved", "normalized")}
    compared |= {"watched_on_3000", "judged_on_3000"}
    assert {name for name in seeds if seeds[name] == 10} == compared


def test_runs_on_few_images_are_small_files_without_weights_and_probabilities():
    few = list(places.here.records.glob("*_on_*.npz"))
    assert max(path.stat().st_size for path in few) < 30_000
    run = lab.Run.load(places.here.records / "cnn_on_300-seed0.npz")
    assert (run.weights, len(run.val_probabilities)) == ([], 0)


def test_the_modern_networks_are_on_file_with_their_weights():
    records = lab.load_records("modern")
    assert [run.settings.seed for run in records] == [0, 1, 2, 3, 4]
    assert np.mean([run.val_accuracy for run in records]) >= 0.996
    model, data = lab.build_modern_cnn(), lab.load_mnist()
    model.set_weights(records[0].weights)
    said = lab.predict(model, data.x_valid[:1000])
    assert np.allclose(said, records[0].val_probabilities[:1000], atol=0.002)


def test_readme_has_their_results():
    assert results(places.here.records) in places.here.readme.read_text()


def test_the_validation_images_choose_the_chosen_one():
    tried = {rate: lab.load_records(f"linear_{name}")[0] for name, rate in RATES.items()}
    best = max(tried, key=lambda rate: max(tried[rate].history["val_accuracy"]))
    epochs = int(np.argmax(tried[best].history["val_accuracy"])) + 1
    assert (best, epochs) == (CHOSEN_RATE, CHOSEN_EPOCHS)


@pytest.mark.gate
def test_one_that_is_made_again_is_like_the_one_on_file(tmp_path):
    job = list_jobs(["linear"], seeds=1)[0]
    make_records([job], tmp_path)
    made, on_file = (lab.Run.load(job.file(folder)) for folder in (tmp_path, places.here.records))
    assert (made.epochs, len(made.batch_loss)) == (17, 10_200)
    assert made.val_accuracy == pytest.approx(on_file.val_accuracy, abs=0.02)


@pytest.mark.gate
def test_a_network_that_is_sure_of_wrong_answers_is_true(jobs, data):
    """Its probabilities are smaller than those at which Keras clips a loss made of them."""
    (job,) = (job for job in jobs if job.name == "mlp_small-seed0")
    _, problems = verification.verify_record(job, places.here.records, data)
    assert problems == []


@pytest.mark.gate
def test_an_invented_accuracy_of_a_convolutional_network_is_wrong(jobs, data, tmp_path):
    """All classes are nearly as likely by then, and few images lie as near the border as that."""
    (job,) = (job for job in jobs if job.name == "cnn_on_300-seed0")
    run = lab.Run.load(job.file(places.here.records))
    run.batch_accuracy[4] += 0.05
    run.save(job.file(tmp_path))
    _, problems = verification.verify_record(job, tmp_path, data)
    assert any("the accuracy of iteration 5 is not" in problem for problem in problems), problems


@pytest.mark.gate
def test_some_of_each_kind_are_true(data, capsys):
    """One of them had its batches' accuracies doubted on a processor without AVX-512."""
    names = {"cnn_on_300-seed0", "watched_on_3000-seed0", "cnn_on_10000-seed3"}
    others = {*ON_FEW, "linear_fast", "linear_slow"}  # like linear_medium, but for the rate
    jobs = [
        job
        for job in list_jobs(["linear", "test", "best"])
        if job.name in names or (job.seed == 0 and job.variant.name not in others)
    ]
    assert verify_records(jobs, places.here.records, data), capsys.readouterr().out


def test_a_run_from_another_seed_is_far_beyond_what_verify_allows(jobs):
    """Nobody invents a better curve than a true one of the same network from another seed."""
    runs = {job.name: lab.Run.load(job.file(places.here.records)) for job in jobs}
    for job, other in itertools.permutations(jobs, 2):
        if job.variant == other.variant:
            count = min(len(runs[job.name].batch_loss), verification.ITERATIONS)
            losses, theirs = (runs[each.name].batch_loss[:count] for each in (job, other))
            beyond = verification.relative(theirs, losses) > verification.BOUNDS
            assert beyond.sum() >= 4, (job.name, other.name)
