"""Loading: what is right loads, what is wrong is told in a sentence, nothing is half-written."""

import functools
import hashlib
import http.server
import io
import pickle
import re
import shutil
import threading
import zipfile

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import data as data_module


def arrays(**changes):
    """A tiny right data set, with changes; None leaves an array out."""
    right = {
        "x_train": np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28),
        "y_train": np.array([0, 5, 9], np.uint8),
        "x_test": np.zeros((2, 28, 28), np.uint8),
        "y_test": np.array([1, 2], np.uint8),
    }
    return {name: array for name, array in {**right, **changes}.items() if array is not None}


def test_shipped_mnist_is_whole(data):
    assert data.name == "MNIST"
    assert data.x_train.shape == (60000, 28, 28)
    assert data.x_valid.shape == (10000, 28, 28)
    assert {array.dtype.name for array in (data.x_train, data.y_train)} == {"uint8"}
    # Known counts of the digits 0 to 9 in MNIST's training set.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == counts


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_another_data_set_loads_under_its_own_name(tmp_path, save):
    save(tmp_path / "fashion.npz", **arrays(y_train=np.array([0, 5, 9], np.int64)))
    loaded = lab.load_mnist(tmp_path / "fashion.npz")
    assert loaded.name == "fashion"
    assert loaded.y_train.tolist() == [0, 5, 9]
    assert np.array_equal(loaded.x_train, arrays()["x_train"])


def test_a_copy_of_mnist_is_called_mnist(tmp_path):
    shutil.copy(data_module.FOLDER / "mnist.npz", tmp_path / "copy.npz")
    assert lab.load_mnist(tmp_path / "copy.npz").name == "MNIST"


WRONG = {
    "array missing": (arrays(y_test=None), "holds no array 'y_test'"),
    "floats": (arrays(x_test=np.zeros((2, 28, 28))), "x_test is float64"),
    "flat images": (arrays(x_test=np.zeros((2, 784), np.uint8)), r"shape \(2, 784\)"),
    "no images": (
        arrays(x_test=np.zeros((0, 28, 28), np.uint8), y_test=np.zeros(0, np.uint8)),
        r"shape \(0, 28, 28\)",
    ),
    "fewer labels": (arrays(y_train=np.array([0, 5], np.uint8)), "not 3 whole numbers"),
    "one-hot labels": (arrays(y_test=np.eye(10, dtype=np.uint8)[:2]), r"shape \(2, 10\)"),
    "letters": (arrays(y_test=np.array([1, 25], np.uint8)), "labels from 1 to 25"),
    "negative": (arrays(y_test=np.array([-1, 2], np.int8)), "labels from -1 to 2"),
    "objects": (arrays(y_test=np.array([1, None])), "pickled Python objects"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arrays_are_named(tmp_path, content, message):
    np.savez(tmp_path / "wrong.npz", **content)
    with pytest.raises(lab.DataError, match=message) as caught:
        lab.load_mnist(tmp_path / "wrong.npz")
    assert str(tmp_path / "wrong.npz") in str(caught.value)
    assert "get the file again" in str(caught.value)


def test_a_missing_file_is_not_downloaded_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(data_module, "URL", "http://127.0.0.1:9/never")
    with pytest.raises(lab.DataError, match="is missing: run `mnist-lab download`"):
        lab.load_mnist(tmp_path / "absent.npz")


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    whole = (data_module.FOLDER / "mnist.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(lab.DataError, match="damaged or not an"):
        lab.load_mnist(tmp_path / "cut.npz")


def test_flipped_bits_are_noticed(tmp_path):
    whole = bytearray((data_module.FOLDER / "mnist.npz").read_bytes())
    whole[5_000_000] ^= 16
    (tmp_path / "flipped.npz").write_bytes(whole)
    with pytest.raises(lab.DataError, match="flipped"):
        lab.load_mnist(tmp_path / "flipped.npz")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not a zip")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"x_train": 1}))
    for path in (tmp_path / "text.npz", tmp_path / "pickle.npz", tmp_path):
        with pytest.raises(lab.DataError, match=str(path)):
            lab.load_mnist(path)


def test_a_huge_array_is_refused_before_it_is_allocated(tmp_path):
    header = io.BytesIO()
    description = {"descr": "|u1", "fortran_order": False, "shape": (12_755_102, 28, 28)}
    np.lib.format.write_array_header_1_0(header, description)
    np.savez(tmp_path / "huge.npz", **arrays(x_train=None))
    with zipfile.ZipFile(tmp_path / "huge.npz", "a") as archive:
        archive.writestr("x_train.npy", header.getvalue())
    with pytest.raises(lab.DataError, match="announces 9,999,999,968 bytes"):
        lab.load_mnist(tmp_path / "huge.npz")


def test_shipped_file_must_be_mnist(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **arrays())
    monkeypatch.setattr(data_module, "FOLDER", tmp_path)
    with pytest.raises(lab.DataError, match=r"is not MNIST.*mnist-lab download"):
        lab.load_mnist()


@pytest.fixture
def server(tmp_path):
    """A web server on this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}/mnist.npz"
        running.shutdown()


def test_download_puts_the_right_file_in_place(tmp_path, server, monkeypatch):
    folder, url = server
    target = tmp_path / "mine" / "mnist.npz"
    target.parent.mkdir()
    shutil.copy(data_module.FOLDER / "mnist.npz", folder / "mnist.npz")
    digest = hashlib.sha256((folder / "mnist.npz").read_bytes()).hexdigest()
    monkeypatch.setattr(data_module, "URL", url)
    monkeypatch.setattr(data_module, "SHA256", digest)
    assert lab.load_mnist(target, download=True).name == "MNIST"
    assert [path.name for path in target.parent.iterdir()] == ["mnist.npz"]


def test_a_download_from_another_place_is_told_and_checked(tmp_path, server, monkeypatch, capsys):
    folder, url = server
    (folder / "moved").mkdir()
    (folder / "moved" / "index.html").write_text("something else")
    # The server redirects from a folder's name without a slash to the one with it.
    monkeypatch.setattr(data_module, "URL", url.replace("mnist.npz", "moved"))
    with pytest.raises(lab.DataError, match="by other means"):
        lab.download_mnist(tmp_path / "mnist.npz")
    assert "/moved/\n" in capsys.readouterr().err
    assert not (tmp_path / "mnist.npz").exists()


def test_mnist_comes_over_https():
    assert data_module.URL.startswith("https://")
    assert re.fullmatch("[0-9a-f]{64}", data_module.SHA256)


@pytest.mark.parametrize("trouble", ["wrong content", "not found", "no server"])
def test_a_failed_download_leaves_all_as_it_was(tmp_path, server, monkeypatch, trouble):
    folder, url = server
    if trouble == "wrong content":
        (folder / "mnist.npz").write_bytes(b"something else")
    monkeypatch.setattr(data_module, "URL", "http://127.0.0.1:9/" if "no" in trouble[:2] else url)
    target = tmp_path / "mnist.npz"
    target.write_bytes(b"old")
    with pytest.raises(lab.DataError, match="by other means"):
        lab.download_mnist(target)
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mnist.npz", "served"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("y_train", np.zeros(2), "one label for each image"),
        ("x_train", np.zeros(3), "one label for each image"),
        ("x_valid", np.zeros((2, 784)), "prepared in the same way"),
        ("y_valid", np.eye(10)[:2], "prepared in the same way"),
    ],
)
def test_dataset_refuses_arrays_that_do_not_belong_together(field, value, message):
    right = {
        "x_train": np.zeros((3, 10)),
        "y_train": np.zeros(3),
        "x_valid": np.zeros((2, 10)),
        "y_valid": np.zeros(2),
    }
    assert len(lab.Dataset(**right).x_train) == 3
    with pytest.raises(lab.DataError, match=message):
        lab.Dataset(**{**right, field: value})
