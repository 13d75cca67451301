"""The records are made by training, survive whatever happens, and cannot be typed in."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import numpy as np
import pytest
from distributed import Client, LocalCluster

import mnist_lab as lab
from mnist_lab import records
from mnist_lab.__main__ import main
from mnist_lab.notebooks import files
from mnist_lab.records import making, verification
from mnist_lab.training import Training

NAMES = [f"linear-seed{seed}" for seed in (0, 1)]
NAMES += ["linear_today-seed0", *(f"linear_gentle-seed{seed}" for seed in (0, 1))]
FILES = sorted(f"{name}.npz" for name in NAMES)
LINEAR = ["--part", "linear", "--seeds", "2"]
EPOCHS = 3  # the sheet's 17 would test nothing more


@pytest.fixture(scope="module", autouse=True)
def short(plainly):
    """Train the linear part for fewer epochs, and measure its speed for less time, without XLA."""
    with pytest.MonkeyPatch.context() as patch:
        linear = dataclasses.replace(lab.PARTS["linear"], epochs=EPOCHS)
        patch.setitem(lab.PARTS, "linear", linear)
        patch.setattr(making, "MEASURED", 0.2)
        yield


@pytest.fixture(scope="module")
def jobs(short):
    return records.list_jobs(["linear"], seeds=2)


@pytest.fixture(scope="module")
def made(jobs, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    with records.locked(folder):
        records.make_records(jobs, folder)
    return folder


@pytest.fixture(scope="module")
def compiled():
    """Keeps the linear network compiled for all tests that verify a record of it."""
    return {}


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_records_are_whole(made, jobs):
    assert names(made) == FILES
    for job in jobs:
        run = lab.Run.load(job.file(made))
        assert not job.shortcoming(made)
        assert run.diverged == (job.variant.name == "linear_today")
        if not run.diverged:
            assert (run.epochs, len(run.batch_loss)) == (EPOCHS, 600 * EPOCHS)
            shapes = [weight.shape for weight in run.weights]
            kept = job.variant.name == "linear"
            assert shapes == ([(784, 10), (10,), (10, 10), (10,)] if kept else [])


def test_what_is_on_file_is_not_made_again(made, jobs):
    before = {path: path.stat().st_mtime_ns for path in made.glob("*.npz")}
    assert records.plan(jobs, made) == []
    records.make_records(jobs, made)
    assert {path: path.stat().st_mtime_ns for path in made.glob("*.npz")} == before


def test_why_a_record_has_to_be_made(made, jobs, tmp_path):
    job = jobs[0]
    assert job.shortcoming(tmp_path) == "missing"
    run = lab.Run.load(job.file(made))
    run.settings.model["learning rate"] = 0.4
    run.save(job.file(tmp_path))
    assert job.shortcoming(tmp_path) == "stale: learning rate 0.4, now 0.5"
    job.file(tmp_path).write_text("broken")
    assert "linear-seed0.npz is damaged" in job.shortcoming(tmp_path)


def test_results_are_a_table(made):
    first, _, *rows = records.results(made).splitlines()
    assert first.startswith("| part ")
    finals = [lab.Run.load(path).val_accuracy * 100 for path in sorted(made.glob("linear-*"))]
    assert f"{np.mean(finals):.2f} ± {np.std(finals, ddof=1):.2f} %" in rows[0]
    assert f"| {np.mean(finals) - 91.6:+.2f} " in rows[0]
    assert "diverged at iteration 8" in rows[1]
    assert len(set(map(len, [first, *rows]))) == 1


def test_a_second_process_learns_who_holds_the_lock(tmp_path):
    with records.locked(tmp_path):
        match = rf"is being written to by process {os.getpid()} on \S+ since 20\d\d-"
        with pytest.raises(lab.DataError, match=match), records.locked(tmp_path):
            pass
    with records.locked(tmp_path):
        assert names(tmp_path) == [".holder"]
    with pytest.raises(RuntimeError), records.locked(tmp_path):
        raise RuntimeError
    assert names(tmp_path) == []


# Makes the first record in a folder, and kills itself with SIGKILL at the given sync.
MAKE = """
import dataclasses, os, pathlib, signal, sys
from mnist_lab import PARTS, records
from mnist_lab.training import loop
loop.suits_xla = lambda traced: False  # as the fixture `plainly`
PARTS["linear"] = dataclasses.replace(PARTS["linear"], epochs=int(sys.argv[3]))
sync, left = os.fsync, int(sys.argv[2])
def killing(number):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(number)
os.fsync = killing
folder = pathlib.Path(sys.argv[1])
jobs = records.list_jobs(["linear"], seeds=1)[:1]
with records.locked(folder):
    records.make_records(jobs, folder)
"""


@pytest.mark.gate
def test_killed_it_goes_on_and_loses_nothing(tmp_path, made, jobs):
    """Each file is synced before it gets its name: a checkpoint per epoch, then the record.

    Killed first while a checkpoint is written, in training; then while the record is.
    """
    command, job = [sys.executable, "-c", MAKE, str(tmp_path)], jobs[0]
    for at, finished in ((2, 1), (EPOCHS, EPOCHS)):
        killed = subprocess.run([*command, str(at), str(EPOCHS)])
        assert killed.returncode == -signal.SIGKILL
        assert job.finished_epochs(tmp_path) == finished
        assert not job.file(tmp_path).exists()
        assert len(list(tmp_path.glob(".*.npz"))) == 2  # the checkpoint, and a half written file
    subprocess.run([*command, "-1", str(EPOCHS)], check=True)
    assert names(tmp_path) == ["linear-seed0.npz"]
    run, whole = (lab.Run.load(job.file(folder)) for folder in (tmp_path, made))
    assert np.array_equal(run.batch_loss, whole.batch_loss)
    assert run.history == whole.history
    assert all(map(np.array_equal, run.weights, whole.weights))


def test_killed_while_a_notebook_is_executed(tmp_path):
    """The old notebook stays on file, whole; the next call executes it."""
    cell = nbformat.v4.new_code_cell(
        "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)", id="slow"
    )
    path = tmp_path / "book.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    before = path.read_bytes()
    script = f"from mnist_lab.notebooks.files import *; execute(Path({str(path)!r}))"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        while not (tmp_path / "started").exists():
            time.sleep(0.05)
        process.kill()
    assert path.read_bytes() == before
    path.write_text(path.read_text().replace("time.sleep(60)", "print(6 * 7)"))
    files.execute(path)
    assert nbformat.read(path, 4).cells[0].outputs[0].text == "42\n"
    assert sorted(path.name for path in tmp_path.glob("*book*")) == ["book.ipynb"]


def test_a_failing_notebook_is_named_and_stays_as_it_was(tmp_path):
    cells = [nbformat.v4.new_code_cell("print('on the way')", id="first")]
    cells.append(nbformat.v4.new_code_cell("1 / 0", id="second"))
    path = tmp_path / "book.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = path.read_bytes()
    message = r"book.ipynb: cell 'second' failed \(ZeroDivisionError: division by zero\)"
    with pytest.raises(lab.DataError, match=message):
        files.execute(path)
    assert path.read_bytes() == before


@pytest.mark.gate
def test_a_dask_cluster_makes_the_same_records(data, jobs, tmp_path):
    jobs = jobs[:2]  # one for each worker
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        records.make_records(jobs, tmp_path, executor=client.get_executor())
    assert names(tmp_path) == [f"{job.name}.npz" for job in sorted(jobs, key=lambda job: job.name)]
    for job in jobs:
        assert verification.verify_record(job, tmp_path, data)[1] == []


@pytest.mark.gate
def test_threads_make_the_same_records(jobs, made, tmp_path):
    """Keras has one random seed per process; runs side by side must not share it."""
    with ThreadPoolExecutor(3) as executor:
        records.make_records(jobs, tmp_path, executor=executor)
    for job in jobs:
        run, alone = (lab.Run.load(job.file(folder)) for folder in (tmp_path, made))
        assert np.array_equal(run.batch_loss, alone.batch_loss, equal_nan=True)


class Liar(ThreadPoolExecutor):
    """A machine that trains from another seed than the one it was given."""

    def submit(self, function, job, folder):
        return super().submit(function, dataclasses.replace(job, seed=5), folder)


def test_a_run_that_was_trained_differently_is_refused(jobs, tmp_path):
    with (
        Liar(1) as executor,
        pytest.raises(lab.DataError, match="trained differently: seed differs"),
    ):
        records.make_records(jobs[:1], tmp_path, executor=executor)
    assert not jobs[0].file(tmp_path).exists()


def test_honest_records_are_right(made, relocate, capsys):
    relocate(records=made)
    assert main(["verify", *LINEAR]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    for number, (line, name) in enumerate(zip(lines, NAMES, strict=True), 1):
        told = f"{number} of 5: {name}, largest relative difference 0 in 10 iterations, "
        assert re.fullmatch(rf"{told}[\d.]+ s( left)?", line)
    assert last == "5 of 5 records are right"


def change(name, index, value):
    """Change one number of an array of the run."""

    def apply(run):
        getattr(run, name)[index] += value

    return apply


def history(key, epoch, value):
    def apply(run):
        run.history[key][epoch] += value

    return apply


def setting(key, value):
    def apply(run):
        run.settings = dataclasses.replace(run.settings, **{key: value})

    return apply


def model(key, value):
    def apply(run):
        run.settings.model[key] = value

    return apply


def weights(run):
    run.weights[0][300, 4] += 1


# What somebody might edit and save with a valid seal, and what verify answers.
EDITS = {
    "accuracy of an epoch": (history("accuracy", 1, 0.001), "accuracy of epoch 2 is not the mean"),
    "loss of an epoch": (history("loss", 2, 0.001), "loss of epoch 3 is not the mean"),
    "validation accuracy": (history("val_accuracy", -1, 0.001), "the last val_accuracy is not"),
    "validation loss": (history("val_loss", -1, 0.01), "do not give the last val_loss"),
    "an early loss": (change("batch_loss", 5, 0.01), "the loss of iteration 6 is not"),
    "a late loss": (change("batch_loss", 1700, 0.01), "loss of epoch 3 is not the mean"),
    "an early accuracy": (change("batch_accuracy", 5, 0.05), "the accuracy of iteration 6 is not"),
    "a late accuracy": (change("batch_accuracy", 1700, 0.01), "accuracy of epoch 3 is not the"),
    "a probability": (change("val_probabilities", (7, 3), 0.5), "do not give the recorded prob"),
    "a weight": (weights, "do not give the recorded probabilities"),
    "all weights": (lambda run: run.weights.clear(), "weights are not those of the part's"),
    "the losses' number": (
        lambda run: setattr(run, "batch_loss", run.batch_loss[:-1]),
        "different numbers of batch losses",
    ),
    "the name": (lambda run: setattr(run, "name", "mlp"), "name is mlp, not linear"),
    "the parameters": (setting("parameters", 10), "parameters is 10, not 7960"),
    "the data": (setting("data", "Fashion"), "data is Fashion, not MNIST"),
    "the data's digest": (setting("data_sha256", "0"), "data sha256 is 0, wanted "),
    "the seed": (setting("seed", 1), "seed is 1, wanted 0"),
    "the epochs": (setting("epochs", 34), "epochs is 34, wanted 3"),
    "the batch size": (setting("batch_size", 50), "batch size is 50, wanted 100"),
    "the precision": (setting("precision", "bfloat16"), "precision is bfloat16, wanted float32"),
    "the steps": (setting("steps_per_epoch", 601), "steps_per_epoch is 601, not 600"),
    "the date": (setting("date", "yesterday"), "does not say when"),
    "the machine": (setting("machine", ""), "on what machine"),
    "the learning rate": (model("learning rate", 0.1), "learning rate is 0.1, wanted 0.5"),
    "the time": (lambda run: setattr(run, "seconds", -1.0), "its times are not positive"),
    "the end": (lambda run: setattr(run, "diverged", True), "does not match its losses"),
    "the stop": (lambda run: setattr(run, "interrupted", True), "interrupted is True, not False"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_record_is_wrong(data, jobs, made, compiled, tmp_path, name):
    edit, message = EDITS[name]
    run = lab.Run.load(jobs[0].file(made))
    edit(run)
    run.save(jobs[0].file(tmp_path))
    _, problems = verification.verify_record(jobs[0], tmp_path, data, compiled)
    assert any(message in problem for problem in problems), problems


def test_another_processors_rounding_is_right(data, jobs, made, compiled, tmp_path, monkeypatch):
    """With rounding much coarser than a processor's, images are classified otherwise."""
    run = lab.Run.load(jobs[0].file(made))
    loop = verification._compiled(jobs[0].variant, data, compiled)
    Training(loop, epochs=EPOCHS, seed=0, name="rounded").start()
    generator = np.random.default_rng(7)
    for variable in loop.model.trainable_variables:
        weights = np.asarray(variable)
        variable.assign(weights * (1 + 2**-8 * generator.choice([-1, 1], weights.shape)))
    rounded = np.hstack(list(loop.epoch(lab.epoch_order(0, 0, 60_000)[:1000], 0, 0)))
    assert np.sum(np.abs(rounded[1] - run.batch_accuracy[:10]) > 0.005) >= 2
    run.batch_loss[:10], run.batch_accuracy[:10] = rounded
    run.save(jobs[0].file(tmp_path))
    monkeypatch.setattr(verification, "IMAGES", 0)
    _, problems = verification.verify_record(jobs[0], tmp_path, data, compiled)
    assert any("the loss of iteration" in problem for problem in problems)
    monkeypatch.setattr(verification, "BOUNDS", 64 * verification.BOUNDS)
    _, problems = verification.verify_record(jobs[0], tmp_path, data, compiled)
    assert problems == [
        f"{name} of epoch 1 is not the mean of its batches" for name in ("loss", "accuracy")
    ]


# Curves that somebody might make up without training: the true shape with other noise.
INVENTED = {
    "losses a percent off": lambda loss, accuracy, noise: (loss * (1 + noise / 100), accuracy),
    "losses without noise": lambda loss, accuracy, noise: (
        np.geomspace(loss[0], loss[-1], len(loss)),
        accuracy,
    ),
    "accuracies four images off": lambda loss, accuracy, noise: (
        loss,
        np.clip(accuracy + 0.04 * np.sign(noise), 0, 1),
    ),
    "accuracies in another order": lambda loss, accuracy, noise: (loss, np.sort(accuracy)),
}


@pytest.mark.parametrize("name", INVENTED)
def test_an_invented_curve_is_wrong(data, jobs, made, compiled, tmp_path, name):
    run = lab.Run.load(jobs[0].file(made))
    noise = np.random.default_rng(0).standard_normal(200).astype(np.float32)
    curve = INVENTED[name](run.batch_loss[:200], run.batch_accuracy[:200], noise)
    run.batch_loss[:200], run.batch_accuracy[:200] = curve
    run.save(jobs[0].file(tmp_path))
    _, problems = verification.verify_record(jobs[0], tmp_path, data, compiled)
    what = "loss" if name.startswith("losses") else "accuracy"
    assert any(f"the {what} of iteration" in problem for problem in problems), problems


def test_another_seeds_run_is_wrong(data, jobs, made, compiled, tmp_path):
    other = next(job for job in jobs if job.seed == 1)
    run = lab.Run.load(jobs[0].file(made))
    run.settings = dataclasses.replace(run.settings, seed=1)
    run.save(other.file(tmp_path))
    _, problems = verification.verify_record(other, tmp_path, data, compiled)
    assert any("the loss of iteration" in problem for problem in problems)


def test_a_divergence_that_was_made_up_is_wrong(data, jobs, made, compiled, tmp_path):
    run = lab.Run.load(jobs[0].file(made))
    run.batch_loss, run.batch_accuracy = run.batch_loss[:50], run.batch_accuracy[:50]
    run.batch_loss[-1] = np.nan
    run.diverged, run.weights, run.val_probabilities = True, [], np.empty((0, 0), np.float16)
    run.history = {key: [] for key in run.history}
    run.save(jobs[0].file(tmp_path))
    _, problems = verification.verify_record(jobs[0], tmp_path, data, compiled)
    assert problems == ["it says that it diverged, and training does not"]


def test_without_weights_the_probabilities_bound_the_loss(data, jobs, made):
    run = lab.Run.load(jobs[0].file(made))
    low, high = verification._loss_between(run.val_probabilities, data.y_valid)
    assert low <= run.history["val_loss"][-1] <= high
    assert high - low < 0.02


@pytest.fixture
def folder(made, relocate, tmp_path):
    """Let the command line work on a copy of the records, one notebook and a small README."""
    own = tmp_path / "runs"
    own.mkdir()
    for path in made.glob("*.npz"):
        (own / path.name).write_bytes(path.read_bytes())
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7", id="cell")])
    (tmp_path / "books").mkdir()
    nbformat.write(book, tmp_path / "books" / "1_book.ipynb")
    relocate(records=own, solutions=tmp_path / "books", readme=tmp_path / "README.md")
    (tmp_path / "README.md").write_text(
        "Before\n<!-- results -->\nold\n<!-- end of results -->\nAfter\n"
    )
    return own


def test_solutions_makes_what_is_missing_and_prints_the_results(folder, capsys, monkeypatch):
    (folder / "linear-seed1.npz").unlink()
    assert main(["solutions", "--dry-run", *LINEAR]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^linear-seed1: missing; about [\d.]+ s$", said, re.MULTILINE)
    assert "to train: 1 of 5 runs" in said
    assert "to execute: 1_book" in said
    assert not (folder / "linear-seed1.npz").exists()
    monkeypatch.setattr(making, "_seconds_per_epoch", lambda job: 0.1)
    assert main(["solutions", *LINEAR]) == 0
    said, table = capsys.readouterr().out, records.results(folder)
    assert re.match(r"1 of 1: linear-seed1, validation accuracy 9\d\.\d\d %, [\d.]+ s\n", said)
    assert said.endswith(f"\n{table}\n")
    assert names(folder) == FILES
    readme = (folder.parent / "README.md").read_text()
    assert readme == (f"Before\n<!-- results -->\n{table}\n<!-- end of results -->\nAfter\n")
    book = nbformat.read(folder.parent / "books" / "1_book.ipynb", 4)
    assert book.cells[0].outputs[0].data["text/plain"] == "42"


def test_verify_tells_right_from_wrong(folder, capsys):
    run = lab.Run.load(folder / "linear-seed1.npz")
    run.history["accuracy"][1] = 0.99
    run.save(folder / "linear-seed1.npz")
    (folder / "linear_today-seed0.npz").write_text("broken")
    assert main(["verify", *LINEAR]) == 1
    said = capsys.readouterr().out
    assert "1 of 5: linear-seed0, largest relative difference 0" in said
    assert "linear-seed1: WRONG, accuracy of epoch 2 is not the mean of its batches" in said
    assert "linear_today-seed0: WRONG" in said
    assert "3 of 5 records are right" in said


def test_your_own_cluster_by_its_name(folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "cluster.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def two():\n    print('starting')\n    return ThreadPoolExecutor(2)\n"
    )
    monkeypatch.chdir(tmp_path)
    (folder / "linear-seed1.npz").unlink()
    assert main(["solutions", "--executor", "cluster:two", *LINEAR]) == 0
    assert capsys.readouterr().out.startswith("starting")
    assert (folder / "linear-seed1.npz").exists()
    with pytest.raises(SystemExit):
        main(["solutions", "--executor", "cluster:three"])
    assert "cluster:three" in capsys.readouterr().err


def test_an_interrupted_regeneration_says_so(folder, capsys, monkeypatch):
    (folder / "linear-seed1.npz").unlink()
    monkeypatch.setattr(making, "_seconds_per_epoch", lambda job: 0.1)
    show = making.MovingLine.show

    def interrupt(line, text):
        show(line, text)
        if "epoch 3/3" in text:
            monkeypatch.setattr(making.MovingLine, "show", show)  # once is enough
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(making.MovingLine, "show", interrupt)
    assert main(["solutions", *LINEAR]) == 130
    said = capsys.readouterr()
    assert "stopped after" in said.out
    assert "call again" in said.err
    (job,) = (job for job in records.list_jobs(["linear"], 2) if job.name == "linear-seed1")
    assert job.finished_epochs(folder) >= 2
