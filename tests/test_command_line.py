"""`mnist-lab` as people and scripts call it."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import __main__ as main_module
from mnist_lab import data as data_module
from mnist_lab import places
from mnist_lab.__main__ import main


def call(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "mnist_lab", *arguments], capture_output=True, text=True, cwd=cwd
    )


def test_train_trains_saves_and_draws(data, tmp_path):
    options = ["train", "linear", "--epochs", "1", "--seed", "4", "--learning-rate", "0.1"]
    files = ["--save", "run.npz", "--figure", "figure.png"]
    done = call(*options, *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "run.npz"]
    run = lab.Run.load(tmp_path / "run.npz")
    assert (run.name, run.epochs, run.settings.seed) == ("linear", 1, 4)
    assert run.val_accuracy > 0.85
    expected = f"final validation accuracy: {100 * run.val_accuracy:.1f} %"
    assert done.stdout.splitlines()[-1] == expected
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    # Another process, the same seed: the same run bit by bit.
    again = lab.train(lab.build_linear(learning_rate=0.1), data, epochs=1, seed=4)
    assert np.array_equal(run.batch_loss, again.batch_loss)
    assert run.history == again.history


def test_a_diverged_training_has_its_own_exit_code(capsys, monkeypatch):
    today = dataclasses.replace(lab.PARTS["linear"], figures={"loss": "categorical_crossentropy"})
    monkeypatch.setitem(lab.PARTS, "linear", today)
    assert main(["train", "linear", "--epochs", "1", "--seed", "0"]) == 3
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Diverged")
    assert said[-1] == "final validation accuracy: none"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "mlp", "--dropout", "1.2"], "dropout=1.2: it must be a number from 0 to 0.99"),
        (["train", "cnn", "--dropout", "0.5"], "the part cnn has no dropout"),
        (["train", "linear", "--learning-rate", "-1"], "learning_rate=-1.0: it must be"),
        (["train", "linear", "--epochs", "0"], "epochs=0: it must be a whole number"),
        (["train", "linear", "--seed", "-5"], "seed=-5"),
        (["train", "linear", "--save", "/nowhere/run.npz"], "there is no folder /nowhere"),
        (["train", "linear", "--save", "/"], "is a folder"),
        (["train", "linear", "--figure", "figure.docx"], "a figure ends in one of .pdf, .png"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(capsys, arguments, message):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("mnist-lab: ")
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_fault_of_the_lab_is_not_laid_at_the_users_door(monkeypatch):
    """An error that nobody wrote a sentence for keeps its traceback."""
    monkeypatch.setattr(main_module, "load_mnist", lambda: list(zip([1], [1, 2], strict=True)))
    with pytest.raises(ValueError, match="argument 2 is longer"):
        main(["download"])


@pytest.mark.parametrize("arguments", [["train"], ["train", "rnn"], ["dance"]])
def test_words_that_are_not_understood(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: mnist-lab" in capsys.readouterr().err


def test_help_reads_well(capsys):
    for arguments in (["--help"], ["train", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
    said = capsys.readouterr().out
    for word in ("train one part", "--learning-rate X", "exit codes", "Convolutional network"):
        assert word in " ".join(said.split())


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mnist-lab {lab.__version__}\n"


def test_a_damaged_data_file_is_told(tmp_path, relocate, capsys):
    (tmp_path / "mnist.npz").write_text("broken")
    relocate(data=tmp_path)
    assert main(["train", "linear", "--epochs", "1"]) == 1
    assert "run `mnist-lab download` to get it again" in capsys.readouterr().err


def test_download_of_what_is_there_downloads_nothing(monkeypatch, capsys):
    monkeypatch.setattr(data_module, "URL", "http://127.0.0.1:9/never")
    assert main(["download"]) == 0
    assert "MNIST: 60,000 training" in capsys.readouterr().out


def test_a_console_without_the_signs_loses_nothing():
    command = [sys.executable, "-m", "mnist_lab", "download"]
    poor = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=poor)
    assert done.returncode == 0, done.stderr
    assert "images of 28 ? 28" in done.stdout


def test_notebooks_are_read_without_compiling_grammars(tmp_path):
    command = (
        "import sys; from mnist_lab.__main__ import main; "
        "code = main(['update', '--folder', sys.argv[1]]); "
        "sys.exit(code or 'jsonschema' not in sys.modules or bool(sys.modules['rfc3987_syntax']))"
    )
    # tests/without, which hides the package from all other tests, is not on this path.
    plain = os.environ | {"PYTHONPATH": str(places.here.home)}
    subprocess.run([sys.executable, "-c", command, tmp_path / "mine"], check=True, env=plain)


def test_lab_without_a_place_for_its_notebooks_opens_nothing(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    assert main(["lab", str(file)]) == 1
    assert f"{file} is a file, not a folder" in capsys.readouterr().err
    assert main(["lab", str(file / "below")]) == 1
    said = capsys.readouterr()
    assert f"{file / 'below'} cannot be written" in said.err
    assert not said.out
    assert file.read_text() == "mine"
