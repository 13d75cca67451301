"""Files that earlier versions of the lab wrote can still be read.

The files in golden/before were written by version 0.1 before its modules became wings.
"""

import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.notebooks import list_solutions, update

BEFORE = Path(__file__).parent / "golden" / "before"


def build():
    return lab.build_mlp(hidden_layers=1, hidden_units=8, dropout=0.5)


def test_a_run_is_found_by_its_model(small, relocate, capsys):
    relocate(records=BEFORE)
    model = build()
    run = lab.train(model, small, epochs=2, batch_size=64, seed=1, recorded=True)
    assert "The model has its weights now." in capsys.readouterr().out
    assert (run.epochs, len(run.batch_loss)) == (2, 12)
    assert all(map(np.array_equal, model.get_weights(), run.weights))


def test_a_training_goes_on_from_its_checkpoint(small, tmp_path):
    file = shutil.copy(BEFORE / "checkpoint.npz", tmp_path)
    settings = {"epochs": 4, "batch_size": 64, "seed": 3}
    begun = []
    run = lab.train(
        build(), small, checkpoint=file, callback=lambda run: begun.append(run.epochs), **settings
    )
    assert begun[0] == 2
    # Another processor rounds differently; over 24 iterations this stays small.
    whole = lab.train(build(), small, **settings)
    assert np.allclose(run.batch_loss, whole.batch_loss, rtol=0.01)
    assert run.val_accuracy == pytest.approx(whole.val_accuracy, abs=0.05)


def test_answers_stay_when_a_notebook_is_updated(tmp_path):
    copy = Path(shutil.copy(BEFORE / "1_linear.ipynb", tmp_path))
    answered = {cell.id: cell.source for cell in nbformat.read(copy, 4).cells}
    answered = {name: text for name, text in answered.items() if "mine" in text.split("\n")[-1]}
    assert len(answered) == 16  # 15 answers, and a note
    _, failed = update([copy])
    assert not failed
    cells = {cell.id: cell.source for cell in nbformat.read(copy, 4).cells}
    assert {name: cells[name] for name in answered} == answered
    exercise = nbformat.read(list_solutions()[0].parents[1] / "exercises" / copy.name, 4)
    assert {cell.id for cell in exercise.cells} <= set(cells)
