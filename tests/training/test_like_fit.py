"""`train` does what `fit` does, iteration by iteration, for any classifier."""

import keras
import numpy as np
import pytest
from classifiers import BATCH, CASES, RARE, SPARSE, compiled
from keras import layers

import mnist_lab as lab
from mnist_lab.training import loop
from mnist_lab.training.initial import redraw


class OwnValues(keras.callbacks.Callback):
    """Collects each batch's own loss and accuracy from `fit`, which reports running means."""

    def __init__(self):
        super().__init__()
        self.loss, self.accuracy = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.loss.append(logs["loss"])
        self.accuracy.append(logs["accuracy"])


def fit(model, data, shape, epochs, seed):
    """Train by Keras on the batches of `train(..., seed=seed)`, in the same order."""
    scale = 1 if any(isinstance(layer, layers.Rescaling) for layer in model.layers) else 255
    x_train, x_valid = (
        x.reshape(-1, *shape).astype(np.float32) / scale for x in (data.x_train, data.x_valid)
    )
    y_train, y_valid = data.y_train, data.y_valid
    if "Sparse" not in type(model.loss).__name__ and model.loss != SPARSE:
        y_train, y_valid = (keras.utils.to_categorical(y, 10) for y in (y_train, y_valid))

    def batches():
        for epoch in range(epochs):
            order = lab.epoch_order(seed, epoch, len(x_train))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                yield x_train[chosen], y_train[chosen]

    own = OwnValues()
    history = model.fit(
        batches(),
        steps_per_epoch=-(-len(x_train) // BATCH),
        epochs=epochs,
        validation_data=(x_valid, y_valid),
        # All at once, as `train` does: before Keras 3.14 what an activity regulariser adds to the
        # loss grows with the batch.
        validation_batch_size=len(x_valid),
        callbacks=[own],
        verbose=0,
    ).history
    return own, history


# Where operands have few bits, or powers of probabilities are taken, rounding shows sooner.
ROUGH = {"mixed bfloat16": 0.02, "mixed float16": 0.005, "focal loss": 1e-3}


# Each way of writing a network; the other cases differ in what XLA is not asked about.
BY_XLA = (
    *("sequential, SGD", "functional, logits, sparse", "subclassed", "two layers alike, Adam"),
    *("batch normalisation", "regularisers"),
)


@pytest.mark.parametrize(
    "case", [*BY_XLA[:3], *(pytest.param(case, marks=pytest.mark.gate) for case in BY_XLA[3:])]
)
def test_same_as_fit_step_by_step_by_xla(small, case):
    compare_with_fit(small, case)


@pytest.mark.parametrize("case", [case for case in CASES if case not in BY_XLA])
def test_same_as_fit_step_by_step(small, plainly, case):
    compare_with_fit(small, case)


@pytest.mark.gate
@pytest.mark.parametrize("case", RARE)
def test_what_is_seldom_used_is_the_same_as_fit(small, plainly, case):
    compare_with_fit(small, case)


def compare_with_fit(small, case):
    model, reference = compiled(case), compiled(case)
    # Twelve iterations take less time than tracing one, which `fit` does otherwise.
    reference.run_eagerly = case not in BY_XLA
    frozen = [layer.get_weights() for layer in model.layers if not layer.trainable]
    shape = loop.CompiledLoop(reference, small, BATCH, "float32").input_shape
    run = lab.train(model, small, epochs=2, batch_size=BATCH, seed=3)
    redraw(reference, 3, shape)
    for layer, weights in zip(
        (layer for layer in reference.layers if not layer.trainable), frozen, strict=True
    ):
        layer.set_weights(weights)
    own, history = fit(reference, small, shape, 2, 3)
    assert len(run.batch_loss) == 12  # six an epoch, the short batch included
    rough = ROUGH.get(case, 2e-4)
    assert np.allclose(run.batch_loss, own.loss, rtol=rough, atol=1e-6)
    # An image or two may be seen otherwise where rounding is that coarse.
    images = 2 / 10 if case.startswith("mixed") else 1e-6
    assert np.allclose(run.batch_accuracy, own.accuracy, atol=images)
    for ours, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        assert np.allclose(ours, theirs, rtol=5 * rough, atol=rough / 20)
    assert run.history["val_loss"][-1] == pytest.approx(history["val_loss"][-1], rel=1e-3)
    assert run.val_accuracy == pytest.approx(history["val_accuracy"][-1], abs=1e-6)


def test_history_summarises_the_batches(small):
    model = compiled("sequential, SGD")
    run = lab.train(model, small, epochs=2, batch_size=BATCH, seed=0)
    weights = [64] * 5 + [10]
    for epoch in range(2):
        batches = slice(6 * epoch, 6 * epoch + 6)
        loss = np.average(run.batch_loss[batches], weights=weights)
        assert run.history["loss"][epoch] == pytest.approx(loss)
    x = small.x_train.reshape(-1, 784) / np.float32(255)
    right = model.predict(x, verbose=0).argmax(axis=1) == small.y_train
    assert run.history["fit_accuracy"][-1] == pytest.approx(right.mean())
    assert run.seconds > 0
    assert run.settings.steps_per_epoch == 6
