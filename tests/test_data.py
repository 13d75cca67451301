"""Loading: what is right loads, what is wrong is told in a sentence, nothing is half-written."""

import functools
import hashlib
import http.server
import re
import shutil
import threading
import zipfile

import numpy as np
import pytest
from samples import arrays

import mnist_lab as lab
from mnist_lab import data as data_module
from mnist_lab import places


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
    shutil.copy(places.here.data / "mnist.npz", tmp_path / "copy.npz")
    assert lab.load_mnist(tmp_path / "copy.npz").name == "MNIST"


@pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz`")  # numpy's own, and true
def test_an_array_that_python_2_wrote_is_read(tmp_path):
    np.save(tmp_path / "x_train.npy", arrays()["x_train"])
    written = (tmp_path / "x_train.npy").read_bytes()
    older = written.replace(b"(3, 28, 28), } ", b"(3L, 28, 28), }")
    assert older != written
    np.savez(tmp_path / "old.npz", **arrays(x_train=None))
    with zipfile.ZipFile(tmp_path / "old.npz", "a") as archive:
        archive.writestr("x_train.npy", older)
    assert np.array_equal(lab.load_mnist(tmp_path / "old.npz").x_train, arrays()["x_train"])


def test_a_missing_file_is_not_downloaded_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(data_module, "URL", "http://127.0.0.1:9/never")
    with pytest.raises(lab.DataError, match="is missing: run `mnist-lab download`"):
        lab.load_mnist(tmp_path / "absent.npz")


def test_shipped_file_must_be_mnist(tmp_path, relocate):
    np.savez(tmp_path / "mnist.npz", **arrays())
    relocate(data=tmp_path)
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
    shutil.copy(places.here.data / "mnist.npz", folder / "mnist.npz")
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
        ("y_test", np.zeros(3), "one label for each image"),
        ("x_test", np.zeros((2, 784)), "prepared in the same way"),
        ("x_test", np.zeros((2, 10), np.uint8), "prepared in the same way"),
    ],
)
def test_dataset_refuses_arrays_that_do_not_belong_together(field, value, message):
    right = {
        "x_train": np.zeros((3, 10)),
        "y_train": np.zeros(3),
        "x_valid": np.zeros((2, 10)),
        "y_valid": np.zeros(2),
        "x_test": np.zeros((2, 10)),
        "y_test": np.zeros(2),
    }
    assert len(lab.Dataset(**right).x_train) == 3
    with pytest.raises(lab.DataError, match=message):
        lab.Dataset(**{**right, field: value})


def test_a_column_of_labels_is_class_numbers():
    images = np.zeros((3, 784), np.float32)
    column = lab.Dataset(images, np.array([[5], [0], [4]]), images, np.array([[1], [2], [9]]))
    assert column.classes == 10
    assert "class numbers" in repr(column)


def test_a_split_gives_each_image_one_place(data):
    split = data.split(validation=10_000, seed=0)
    assert (len(split.x_train), len(split.x_valid)) == (50_000, 10_000)
    assert split.x_test is data.x_valid
    assert split.y_test is data.y_valid
    assert "50,000 training, 10,000 validation and 10,000 test images" in repr(split)
    both = np.concatenate([split.x_train, split.x_valid]).reshape(60_000, -1)
    # All of them once: the sums of all pixels are those of the file.
    assert (both.astype(np.int64).sum(axis=0) == data.x_train.reshape(60_000, -1).sum(axis=0)).all()
    assert (np.bincount(split.y_train) + np.bincount(split.y_valid)).tolist() == np.bincount(
        data.y_train
    ).tolist()
    assert data.split(seed=1).sha256 != split.sha256 == data.split(seed=0).sha256


def test_smaller_samples_are_parts_of_larger_ones(data):
    few = data.split(10_000, training=100, seed=3)
    more = data.split(0, training=300, seed=3)
    images = {image.tobytes() for image in more.x_train}
    assert {image.tobytes() for image in few.x_train} <= images
    assert not {image.tobytes() for image in few.x_valid} & images
    # Without validation images of its own, the ones of before stay.
    assert more.x_valid is data.x_valid
    assert more.x_test is None
    again = few.repeated(6)
    assert len(again.x_train) == len(again.y_train) == 600
    assert (again.x_train[500:] == few.x_train).all()
    assert again.x_test is few.x_test


@pytest.mark.parametrize(
    ("validation", "training", "told"),
    [(60_000, None, "validation"), (-1, None, "validation"), (59_999, 2, "training"), (5, 0, "tr")],
)
def test_a_split_needs_as_many_images(data, validation, training, told):
    with pytest.raises(ValueError, match=told):
        data.split(validation, training=training)


def test_all_images_are_turned_upright(data):
    split = data.split(10)
    assert (split.transposed().x_test[0] == data.x_valid[0].T).all()


def test_a_split_by_writer_shares_nobody():
    data = lab.load_mnist()
    random, strangers = data.split(seed=1), data.split(seed=1, by="writer")
    assert len(np.intersect1d(random.writer_train, random.writer_valid)) > 500
    assert not len(np.intersect1d(strangers.writer_train, strangers.writer_valid))
    assert abs(len(strangers.x_valid) - 10_000) < 200
    assert len(strangers.x_train) + len(strangers.x_valid) == 60_000
    assert (strangers.writer_test == data.writer_valid).all()
    some = data.split(5_000, training=2_000, by="writer").repeated(2)
    assert len(some.x_train) == len(some.writer_train) == 4_000
    assert np.intersect1d(some.writer_train, some.writer_valid).size == 0


@pytest.mark.parametrize("by", ["image", "writer"])
def test_six_folds_are_all_images(by):
    data = lab.load_mnist()
    drawn = [data.drawn(seed=3, by=by, fold=fold) for fold in range(6)]
    assert (np.sort(np.concatenate([valid for _, valid in drawn])) == np.arange(60_000)).all()
    for train, valid in drawn:
        assert len(train) + len(valid) == 60_000
        assert not np.intersect1d(train, valid).size
    split = data.split(seed=3, by=by, fold=2)
    assert (split.x_valid == data.x_train[drawn[2][1]]).all()


def test_a_split_says_what_it_cannot_do():
    data = lab.load_mnist()
    for wrong, words in (
        ({"by": "day"}, "by='day': it must be image or writer"),
        ({"fold": 6}, "fold=6"),
        ({"fold": -1}, "fold=-1"),
        ({"validation": 0, "fold": 1}, "fold=1"),
    ):
        with pytest.raises(ValueError, match=words):
            data.split(**wrong)
    unknown = lab.Dataset(data.x_train, data.y_train, data.x_valid, data.y_valid)
    with pytest.raises(ValueError, match="it is not known who wrote the images of your data"):
        unknown.split(by="writer")


def test_writers_of_mnist_are_employees_and_students():
    data = lab.load_mnist()
    students = data.writer_valid >= 2_000
    assert students[:5_001].all()
    assert not students[5_001:].any()
    assert len(np.unique(data.writer_valid)) == 297
    assert not np.intersect1d(data.writer_train, data.writer_valid).size
    assert (data.writer_train >= 2_000).sum() == 29_050


def test_reviews_agree_with_the_labels_on_file():
    reviews, data = lab.load_reviews(), lab.load_mnist()
    assert len(reviews) == 100
    assert (data.y_valid[reviews["index"]] == reviews["label"]).all()
    votes = sum(reviews[name] for name in reviews.dtype.names if name.startswith("says"))
    alike = reviews["label"] == reviews["guess"]
    assert alike.sum() == 13
    assert (votes - np.where(alike, reviews["says_guess"], 0) == 5).all()
