"""bfloat16 learns what float32 does, within its rounding."""

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.training import api


def test_bfloat16_learns_the_same(data):
    part = lab.Dataset(data.x_train[:6000], data.y_train[:6000], data.x_valid, data.y_valid)
    runs = {}
    for precision in ("float32", "bfloat16"):
        model = lab.build_mlp(hidden_units=100, dropout=0.2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(api, "has_bfloat16", lambda: True)
            runs[precision] = lab.train(model, part, epochs=3, seed=0, precision=precision)
        assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
        assert {weight.dtype for weight in model.weights} == {"float32"}
    short, full = runs["bfloat16"], runs["float32"]
    assert not np.array_equal(short.batch_loss, full.batch_loss)
    # The first loss has the same weights and differs by rounding alone: 8 bits of each product.
    assert short.batch_loss[0] == pytest.approx(full.batch_loss[0], rel=0.01)
    assert short.val_accuracy == pytest.approx(full.val_accuracy, abs=0.02)
    # It is validated in bfloat16, too, which says the same of all digits but a few close calls.
    in_full = lab.predict(model, data.x_valid)
    assert not np.array_equal(short.val_probabilities, in_full)
    assert (short.val_probabilities.argmax(axis=1) != in_full.argmax(axis=1)).sum() < 20
