"""The recorded runs and the networks on file, as the page without Python gets and reads them."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mnist_lab import places
from mnist_lab.course import PARTS
from mnist_lab.records.variants import variants
from mnist_lab.runs import HISTORY, Run, load_records
from mnist_lab.training import predict
from mnist_lab.web.records import _NETWORKS, bands_bytes, networks_bytes, record_bytes

READING = Path(__file__).parent / "reading.js"


def on_file(key):
    return Run.load(places.here.records / f"{key}-seed0.npz")


def build(key):
    (variant,) = (each for each in variants() if each.name == key)
    return variant.build()


def rounded(key):
    """A network on file with its weights as the page gets them."""
    model = build(key)
    model.set_weights([each.astype(np.float16) for each in on_file(key).weights])
    return model


def test_the_networks_on_file_are_small():
    assert len(networks_bytes()) < 1_500_000


@pytest.mark.parametrize("key", _NETWORKS)
def test_halves_say_what_the_network_on_file_says(data, key):
    """Within two of the 10,000 validation images."""
    images = data.x_valid.reshape(-1, *build(key).input_shape[1:]) / np.float32(255)
    said = predict(rounded(key), images).argmax(axis=1)
    right = int((said == data.y_valid).sum())
    assert abs(right - round(10_000 * on_file(key).val_accuracy)) <= 2


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node, as make test-front does")
def test_the_page_reads_what_is_written(data, tmp_path):
    record = load_records("cnn")[1]
    files = {
        "networks": networks_bytes(),
        "bands": bands_bytes(),
        "record-cnn-1": record_bytes(record),
        "pixels": data.x_valid[:20].tobytes(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    told = subprocess.run(
        ["node", READING, tmp_path, "cnn", "1"], capture_output=True, text=True, check=True
    ).stdout
    told = json.loads(told)
    check_run(told["run"], record)
    for key, (name, *_) in _NETWORKS.items():
        model = rounded(key)
        images = data.x_valid[:20].reshape(-1, *model.input_shape[1:]) / np.float32(255)
        assert np.allclose(told["said"][name], predict(model, images), atol=1e-5), key


def check_run(told, record):
    """A run that the page has read is the one on file, bit for bit."""
    assert told["history"] == record.history
    for key in ("batch_loss", "batch_accuracy"):
        assert np.array_equal(np.array(told[key], np.float32), getattr(record, key))
    said = np.array(told["val_probabilities"]["data"], np.float16)
    assert np.array_equal(said, record.val_probabilities.ravel())
    settings = record.settings
    assert (told["epochs"], told["steps"]) == (settings.epochs, settings.steps_per_epoch)
    assert told["seed"] == settings.seed
    for key, band in told["band"].items():
        curves = np.array([run.history[key] for run in load_records("cnn")], np.float32)
        ends = np.array(band["data"], np.float32).reshape(band["shape"])
        assert np.array_equal(ends, [curves.min(axis=0), curves.max(axis=0)])


def test_a_record_has_what_the_page_draws_and_no_weights():
    sizes = {part: len(record_bytes(on_file(part))) for part in PARTS}
    for part, size in sizes.items():
        run = on_file(part)
        arrays = [run.batch_loss, run.batch_accuracy, run.val_probabilities]
        numbers = sum(each.nbytes for each in arrays) + 8 * len(HISTORY) * run.epochs
        assert numbers < size < numbers + 1000
