"""What the page's engine computes is held to files that Python writes: are they still true?

`python tests/web/test_golden.py` writes them anew.
"""

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import mnist_lab as lab
from mnist_lab.course import CLIPPED
from mnist_lab.training.dropout import _keep_mask
from mnist_lab.training.loop import fit_sample

FRONT = Path(__file__).parents[1] / "front"
RANDOM, LOSSES = FRONT / "random.json", FRONT / "losses.json"
TODAY = "categorical_crossentropy"
_SEEDS = (0, 1, 7, 9999)
_MASKS = ((0.5, 0, 0, 1000), (0.2, 7, 2, 303), (0.85, 29999, 1, 99))
_MLP = {"learning_rate": 0.001, "hidden_units": 100, "loss": TODAY}
# What is trained: its part, the values of its controls, and on how many images for how long.
TRAININGS = [
    ("linear", {"learning_rate": 0.5, "hidden_units": 10, "loss": CLIPPED}, 10_000, 2),
    ("linear", {"learning_rate": 0.1, "hidden_units": 10, "loss": CLIPPED}, 10_000, 2),
    ("linear", {"learning_rate": 0.1, "hidden_units": 10, "loss": TODAY}, 10_000, 2),
    ("linear", {"learning_rate": 0.5, "hidden_units": 50, "loss": CLIPPED}, 330, 3),
    ("mlp", _MLP, 10_000, 2),
    ("mlp", {**_MLP, "hidden_units": 50, "loss": CLIPPED}, 10_000, 1),
    ("dropout", {**_MLP, "dropout": 0.5}, 10_000, 2),
    ("dropout", {**_MLP, "hidden_units": 50, "dropout": 0.2}, 10_000, 2),
    ("dropout", {**_MLP, "hidden_units": 20, "dropout": 0.1, "batch_size": 250}, 2_150, 2),
    ("cnn", {"learning_rate": 0.001, "filters": [2, 4], "loss": TODAY}, 2_000, 1),
    ("cnn", {"learning_rate": 0.001, "filters": [4, 8], "loss": TODAY}, 10_000, 2),
    ("cnn", {"learning_rate": 0.001, "filters": [32, 64], "loss": TODAY}, 2_000, 1),
]


def text_of(values: np.ndarray) -> str:
    """Return an array's bytes as text."""
    return base64.b64encode(np.ascontiguousarray(values)).decode()


def digest(values: np.ndarray) -> str:
    """Return the SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(values)).hexdigest()


def numbers_of(seed: int) -> dict[str, Any]:
    """Draw numbers in each of the ways in which a training draws them."""
    python = random.Random(seed)
    of_python = [python.randint(1, 10**9) for _ in range(700)]
    uniform, normal = keras.initializers.GlorotUniform, keras.initializers.TruncatedNormal
    drawn = of_python[0]
    return {
        "seed": seed,
        "python": of_python[:8] + of_python[-8:],
        "uniform": [
            {"shape": shape, "values": text_of(uniform(drawn)(shape).numpy())}
            for shape in ((10, 10), (3, 3, 2, 5), (7, 3))
        ],
        "normal": [
            {"shape": shape, "values": text_of(normal(0.0, 0.01, drawn)(shape).numpy())}
            for shape in ((40, 10), (5, 5, 2, 4), (7, 3))
        ],
        "orders": [
            {"epoch": epoch, "images": images, "digest": digest(order.astype(np.int32))}
            for epoch, images in ((0, 5), (1, 1000), (19, 60_000))
            for order in [lab.epoch_order(seed, epoch, images)]
        ],
        "masks": [
            {"rate": rate, "step": step, "call": call, "size": size, "kept": text_of(kept)}
            for rate, step, call, size in _MASKS
            for kept in [kept_units(seed, step, call, size, rate)]
        ],
    }


def kept_units(seed: int, step: int, call: int, size: int, rate: float) -> np.ndarray:
    """Return the mask of a dropout layer in an iteration: 1 for each unit that is kept."""
    words = tf.constant([seed, 1000 * step + call], tf.int64)
    return (_keep_mask(tf.ones((1, size)), rate, words).numpy() > 0).astype(np.uint8)


def random_numbers() -> dict[str, Any]:
    """Return what is in `RANDOM`."""
    samples = {
        images: digest(fit_sample(images).astype(np.int32)) for images in (300, 10_000, 60_000)
    }
    return {"seeds": [numbers_of(seed) for seed in _SEEDS], "fit_samples": samples}


def test_random_numbers_are_still_these():
    now, golden = random_numbers(), json.loads(RANDOM.read_text("utf-8"))
    for each, other in zip(now["seeds"], golden["seeds"], strict=True):
        # Another system's logarithms and sines may be rounded in another way.
        for mine, theirs in zip(each.pop("normal"), other.pop("normal"), strict=True):
            values = [
                np.frombuffer(base64.b64decode(some["values"]), np.float32)
                for some in (mine, theirs)
            ]
            assert np.allclose(*values, rtol=2**-22, atol=0)
    assert json.loads(json.dumps(now)) == golden


def trained(part: str, values: dict[str, Any], images: int, epochs: int, seed: int) -> dict:
    """Train as the page does, and return what it is held to."""
    data = lab.load_mnist()
    data = lab.Dataset(
        data.x_train[:images], data.y_train[:images], data.x_valid[:500], data.y_valid[:500]
    )
    figures = {key: value for key, value in values.items() if key != "batch_size"}
    if values["loss"] == CLIPPED:
        figures["loss"] = lab.ClippedCrossentropy()
    model = lab.PARTS[part].build(**figures)
    times = {"epochs": epochs, "batch_size": values.get("batch_size", 100)}
    run = lab.train(model, data, **times, seed=seed, progress=False)
    losses = [float(f"{loss:.9g}") for loss in run.batch_loss]
    about = {"part": part, "values": values, "images": images, "epochs": epochs, "seed": seed}
    return {**about, "losses": losses, "history": run.history}


# Of each part one or two, with both losses and with another batch size; one of the two seeds.
SAMPLE = [2 * training for training in (0, 2, 5, 8, 9, 11)]


@pytest.mark.gate
@pytest.mark.parametrize("place", SAMPLE)
def test_a_training_still_goes_like_this(place):
    """As near as another processor's TensorFlow comes: tests/front/engine.test.js says how near."""
    golden = json.loads(LOSSES.read_text("utf-8"))[place]
    again = trained(*(golden[key] for key in ("part", "values", "images", "epochs", "seed")))
    held = 15 if golden["values"]["loss"] == CLIPPED else None
    assert np.allclose(again["losses"][:held], golden["losses"][:held], rtol=0.02, atol=2e-4)
    for key, values in golden["history"].items():
        assert key.endswith("loss") or np.allclose(again["history"][key], values, atol=0.03), key


if __name__ == "__main__":
    RANDOM.write_text(json.dumps(random_numbers(), indent=1) + "\n", "utf-8")
    losses = [trained(*each, seed) for each in TRAININGS for seed in (0, 3)]
    del losses[-1]  # of the largest, which takes the page's engine seconds, one is enough
    LOSSES.write_text(json.dumps(losses) + "\n", "utf-8")
