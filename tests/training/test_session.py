"""A training driven by hand, as the laboratory and the proof of the records drive it."""

import pytest
from classifiers import BATCH, ONE_HOT, same

import mnist_lab as lab
from mnist_lab.training import CompiledLoop, Training

pytestmark = pytest.mark.usefixtures("plainly")


def goes_on(run):
    return False


def training_of(model, small, epochs=2):
    loop = CompiledLoop(model, small, BATCH, "float32")
    return Training(loop, epochs=epochs, seed=3, name="mine")


def test_a_compiled_loop_serves_one_training_after_the_other(small):
    model = lab.build_mlp(hidden_units=8, dropout=0.3)
    first = training_of(model, small)
    first.start()
    assert first.compile() == ""
    assert first.train(goes_on) == "finished"
    second = Training(first.loop, epochs=2, seed=3, name="again")
    second.start()
    assert second.train(goes_on) == "finished"
    assert (first.run.name, second.run.name) == ("mine", "again")
    assert first.run.compile_seconds > 0
    assert second.run.compile_seconds == 0
    assert first.run.settings == second.run.settings
    assert same(first.run, second.run)
    assert same(first.run, lab.train(model, small, epochs=2, batch_size=BATCH, seed=3))


@pytest.mark.parametrize(
    ("look", "ended", "epochs"),
    [
        (goes_on, "finished", 2),
        (lambda run: True, "stopped", 0),
        (lambda run: run.epochs == 1, "stopped", 1),
        (lambda run: run.epochs == 2, "finished", 2),
    ],
)
def test_how_it_ended_is_said(small, look, ended, epochs):
    training = training_of(lab.build_linear(), small)
    training.start()
    training.compile()
    assert training.train(look) == ended
    assert training.run.epochs == epochs
    assert training.run.interrupted == (ended == "stopped")


def test_that_it_diverged_is_said(small):
    model = lab.build_linear(loss=ONE_HOT, learning_rate=1000)
    training = training_of(model, small, epochs=50)
    training.start()
    training.compile()
    assert training.train(goes_on) == "diverged"
    assert training.run.diverged
    assert not training.run.interrupted


def test_a_recorded_run_is_found_before_anything_is_compiled(
    small, tmp_path, monkeypatch, relocate
):
    relocate(records=tmp_path)
    figures = {"epochs": 1, "batch_size": BATCH, "seed": 3}
    lab.train(lab.build_linear(), small, **figures).save(tmp_path / "linear.npz")
    monkeypatch.delattr(CompiledLoop, "compile")
    assert lab.train(lab.build_linear(), small, recorded="only", **figures).epochs == 1
