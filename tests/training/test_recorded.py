"""Recorded runs are found by what a model is, and an unfinished training goes on."""

import shutil
import warnings

import keras
import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.training import loop

pytestmark = pytest.mark.usefixtures("plainly")


@pytest.fixture(scope="module")
def recorded(plainly, small, tmp_path_factory):
    """Two recorded runs, seeds 0 and 1, of the model that `writes` below writes."""
    folder = tmp_path_factory.mktemp("recorded")
    for seed in (0, 1):
        model = writes()
        run = lab.train(model, small, epochs=2, batch_size=64, seed=seed, name="small part")
        run.weights = model.get_weights()
        run.save(folder / f"part-seed{seed}.npz")
    return folder


@pytest.fixture
def records(recorded, tmp_path, relocate):
    """The recorded runs, where a test may change them."""
    relocate(records=tmp_path)
    return shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)


def writes(rate=0.5, learning_rate=0.1, units=16):
    stack = [keras.Input((784,)), keras.layers.Dense(units, "relu"), keras.layers.Dropout(rate)]
    model = keras.Sequential([*stack, keras.layers.Dense(10, "softmax")])
    model.compile(keras.optimizers.SGD(learning_rate), "categorical_crossentropy")
    return model


def differently_written():
    inputs = keras.Input((28, 28))
    x = keras.layers.Dense(16, name="one")(keras.layers.Flatten()(inputs))
    x = keras.layers.Dropout(0.5)(keras.layers.ReLU()(x))
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


@pytest.mark.parametrize("write", [writes, differently_written])
def test_a_recorded_run_is_found_however_the_model_is_written(small, records, capsys, write):
    recorded = lab.Run.load(records / "part-seed1.npz")
    model = write()
    run = lab.train(model, small, epochs=2, batch_size=64, seed=1, recorded=True, name="mine")
    assert np.array_equal(run.batch_loss, recorded.batch_loss)
    assert (run.name, run.seconds) == ("mine", recorded.seconds)
    assert all(map(np.array_equal, model.get_weights(), recorded.weights))
    said = capsys.readouterr().out
    assert said.startswith("Recorded: small part, 2 epochs, trained in ")
    assert recorded.settings.date in said
    assert said.endswith("The model has its weights now.\n")
    assert len(said.splitlines()) == 2


def test_a_record_without_weights_says_so(small, records, capsys):
    run = lab.Run.load(records / "part-seed0.npz")
    run.weights = []
    run.save(records / "part-seed0.npz")
    model = writes()
    before = model.get_weights()
    lab.train(model, small, epochs=2, batch_size=64, seed=0, recorded=True)
    assert "the model keeps those that it had" in capsys.readouterr().out
    assert all(map(np.array_equal, model.get_weights(), before))


class OtherOrder(keras.Model):
    """Keras lists the weights of the last layer first."""

    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(10, "softmax")
        self.drop = keras.layers.Dropout(0.5)
        self.first = keras.layers.Dense(16, "relu")

    def call(self, x, training=False):
        return self.last(self.drop(self.first(x), training=training))


def test_weights_in_another_order_are_not_forced_on_a_model(small, records, capsys):
    model = OtherOrder()
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    run = lab.train(model, small, epochs=2, batch_size=64, seed=0, recorded=True)
    assert run.epochs == 2
    assert "do not fit this model's own order" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "changes", "reason"),
    [
        ({"rate": 0.4}, {}, "dropout rate 0.4, recorded 0.5"),
        ({"units": 20}, {}, "hidden layer 1 units 20, recorded 16"),
        ({"learning_rate": 0.2}, {}, "learning rate 0.2, recorded 0.1"),
        ({}, {"epochs": 3}, "epochs 3, recorded 2"),
        ({}, {"batch_size": 50}, "batch size 50, recorded 64"),
        ({}, {"seed": 7}, "seed 7, recorded 0, 1"),
        ({}, {"seed": None}, "a run without a seed cannot be repeated"),
        ({}, {"precision": "bfloat16"}, "precision bfloat16, recorded float32"),
    ],
)
def test_why_no_record_fits_is_said_and_it_trains(small, records, capsys, model, changes, reason):
    settings = {"epochs": 2, "batch_size": 64, "seed": 0, **changes}
    with warnings.catch_warnings(action="ignore"):  # that a processor has no bfloat16
        run = lab.train(writes(**model), small, recorded=True, **settings)
    assert run.epochs == settings["epochs"]
    assert capsys.readouterr().out == f"No recorded run fits ({reason}): training.\n"


def test_where_nothing_is_to_be_trained_it_is_an_error(small, records):
    settings = {"epochs": 2, "batch_size": 64, "seed": 0, "recorded": "only"}
    assert lab.train(writes(), small, **settings).epochs == 2
    model = writes(units=20)
    before = model.get_weights()
    with pytest.raises(LookupError, match=r"no recorded run fits \(hidden layer 1 units 20, rec"):
        lab.train(model, small, **settings)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_other_data_are_not_those_of_the_record(small, records, capsys):
    x = small.x_train.copy()
    x[0, 0, 0] += 1
    other = lab.Dataset(x, small.y_train, small.x_valid, small.y_valid, "small")
    lab.train(writes(), other, epochs=2, batch_size=64, seed=0, recorded=True)
    assert "the data are not those of the recorded run" in capsys.readouterr().out


def test_a_damaged_record_is_reported_and_not_used(small, records, capsys):
    file = records / "part-seed0.npz"
    file.write_bytes(file.read_bytes()[:-2000])
    run = lab.train(writes(), small, epochs=2, batch_size=64, seed=0, recorded=True)
    assert run.epochs == 2
    said = capsys.readouterr().out
    assert "seed 0, recorded 1" in said
    assert "part-seed0.npz is damaged" in said


def test_without_records_it_trains(small, tmp_path, relocate, capsys):
    relocate(records=tmp_path / "absent")
    lab.train(writes(), small, epochs=1, batch_size=64, seed=0, recorded=True)
    assert "(there are no recorded runs)" in capsys.readouterr().out


class CrashedError(Exception):
    pass


def crash(run):
    if run.epochs == 2 and len(run.batch_loss) > 2 * run.settings.steps_per_epoch:
        raise CrashedError


def with_adam():
    model = writes()
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize("write", [writes, with_adam])
def test_a_checkpoint_goes_on_as_if_nothing_had_happened(small, tmp_path, write):
    settings = {"epochs": 4, "batch_size": 64, "seed": 3}
    whole_model, model = write(), write()
    whole = lab.train(whole_model, small, **settings)
    file = tmp_path / "state.npz"
    with pytest.raises(CrashedError):
        lab.train(model, small, checkpoint=file, callback=crash, **settings)
    epochs = []
    model = write()
    run = lab.train(
        model, small, checkpoint=file, callback=lambda run: epochs.append(run.epochs), **settings
    )
    assert epochs[0] == 2
    assert np.array_equal(run.batch_loss, whole.batch_loss)
    assert np.array_equal(run.batch_accuracy, whole.batch_accuracy)
    assert np.array_equal(run.val_probabilities, whole.val_probabilities)
    assert run.history == whole.history
    assert all(map(np.array_equal, model.get_weights(), whole_model.get_weights()))
    assert not run.weights
    # Finished, it is simply there.
    again = lab.train(write(), small, checkpoint=file, **settings)
    assert again.history == whole.history


def test_the_checkpoint_of_another_training_is_left_alone(small, tmp_path):
    file = tmp_path / "state.npz"
    lab.train(writes(), small, epochs=1, batch_size=64, seed=0, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"is of another training .dropout rate differs.: choose"):
        lab.train(writes(rate=0.4), small, epochs=1, batch_size=64, seed=0, checkpoint=file)
    assert file.read_bytes() == before


def test_a_damaged_checkpoint_is_reported(small, tmp_path, capsys):
    file = tmp_path / "state.npz"
    file.write_text("no zip")
    run = lab.train(writes(), small, epochs=1, batch_size=64, seed=0, checkpoint=file)
    assert run.epochs == 1
    assert "state.npz is damaged or not an .npz file" in capsys.readouterr().out


def test_a_checkpoint_needs_a_seed(small, tmp_path):
    with pytest.raises(ValueError, match="give a seed"):
        lab.train(writes(), small, epochs=1, checkpoint=tmp_path / "state.npz")


def test_probabilities_are_those_of_the_model(small):
    for model in (writes(), differently_written()):
        run = lab.train(model, small, epochs=1, batch_size=64, seed=0)
        assert run.val_probabilities.shape == (120, 10)
        assert run.val_probabilities.dtype == np.float16
        assert np.allclose(run.val_probabilities.sum(axis=1), 1, atol=0.01)
        right = run.val_probabilities.argmax(axis=1) == small.y_valid
        assert run.val_accuracy == pytest.approx(right.mean())


def test_rounded_probabilities_keep_the_first_class():
    exact = np.array([[0.49996, 0.50004], [0.50004, 0.49996], [1, 0], [0.3, 0.7]], np.float32)
    short = loop._rounded(exact)
    assert short.argmax(axis=1).tolist() == [1, 0, 0, 1]
    assert np.allclose(short, exact, atol=0.0005)
    assert (short.max(axis=1) > short.min(axis=1)).all()
