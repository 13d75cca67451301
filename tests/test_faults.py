"""Damaged, hostile or unreachable files: each error is one sentence, and nothing is lost.

The first tables cover reading: any file, a data file, a record, a notebook. The last covers writing
to a full disk and into a read-only folder.
"""

import ast
import contextlib
import ctypes
import functools
import gzip
import json
import os
import pickle
import random
import re
import resource
import shutil
import tracemalloc
import zipfile

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from samples import arrays, example_run, settings

import mnist_lab as lab
from mnist_lab import data as data_module
from mnist_lab import notebooks, places, runs
from mnist_lab.__main__ import main
from mnist_lab.laboratory.keeping import Kept
from mnist_lab.notebooks import files
from mnist_lab.support import write_whole
from mnist_lab.web import building
from mnist_lab.web.shipping import Shipped

LOADERS = {"data": lab.load_mnist, "record": lab.Run.load, "notebook": notebooks.read_notebook}
MEMORY = 2e7  # bytes: far more than any file here needs, far less than a bomb


def refuse(load, path, *words):
    """Check that loading fails with these words in one sentence, using little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(lab.DataError) as refused:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    said = str(refused.value)
    assert said.startswith(f"{path}")
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1
    assert peak < MEMORY
    return said


def link_to(target):
    return lambda path: path.symlink_to(target)


# Faults of any file: how to make one, and a part of the error message.
FILES = {
    "missing": (lambda path: None, "is missing"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "pipe": (os.mkfifo, "is a device or a pipe, not a file"),
    "link to nothing": (link_to("absent"), "is a link to absent, which is missing"),
    "link to itself": (lambda path: path.symlink_to(path), "cannot be read (Too many levels of"),
    "link to a folder": (link_to("."), "is a folder"),
    "link to a device": (link_to("/dev/zero"), "is a device or a pipe, not a file"),
}


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("fault", FILES)
def test_anything_but_a_file_is_refused(tmp_path, fault, kind):
    make, message = FILES[fault]
    make(tmp_path / "it")
    refuse(LOADERS[kind], tmp_path / "it", message)


def write_data(path, kind=np.savez_compressed):
    with path.open("wb") as file:
        kind(file, **arrays())


def write_record(path, kind=np.savez_compressed):
    example_run().save(path, compressed=kind is np.savez_compressed)


def write_notebook(path):
    nbformat.write(new_notebook(cells=[new_code_cell("1", id="a")]), path)


WRITERS = {"data": write_data, "record": write_record, "notebook": write_notebook}


@pytest.mark.parametrize("kind", LOADERS)
def test_a_link_is_as_good_as_its_file(tmp_path, kind):
    WRITERS[kind](tmp_path / "file")
    (tmp_path / "link").symlink_to("file")
    LOADERS[kind](tmp_path / "link")


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("part", range(20))
def test_a_truncated_file_is_refused(tmp_path, kind, part):
    WRITERS[kind](tmp_path / "it")
    whole = (tmp_path / "it").read_bytes()
    (tmp_path / "it").write_bytes(whole[: part * len(whole) // 20])
    refuse(LOADERS[kind], tmp_path / "it")


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_truncated_mnist_is_refused(tmp_path, share):
    whole = (places.here.data / "mnist.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: int(share * len(whole))])
    refuse(lab.load_mnist, tmp_path / "cut.npz", "damaged or not an", "get the file again")


def parts(loaded):
    """Return all arrays of a data set or a run, and a run's other values as arrays."""
    if isinstance(loaded, lab.Dataset):
        return [loaded.x_train, loaded.y_train, loaded.x_valid, loaded.y_valid]
    figures = [loaded.seconds, loaded.diverged, loaded.interrupted, str(loaded.settings)]
    figures.append(loaded.name)
    told = [loaded.batch_loss, loaded.batch_accuracy, loaded.val_probabilities, *loaded.weights]
    return [*told, *loaded.history.values(), *map(np.array, figures)]


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["data", "record"])
def test_a_flipped_bit_is_noticed_or_harmless(tmp_path, kind, write):
    """A flip is harmless in an unused date or name; all arrays must then be unchanged."""
    path, chance = tmp_path / "it", random.Random(0)
    WRITERS[kind](path, write)
    whole, right, told = path.read_bytes(), parts(LOADERS[kind](path)), 0
    for bit in chance.sample(range(8 * len(whole)), 200):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            loaded = LOADERS[kind](path)
        except lab.DataError:
            told += 1
        else:
            assert all(map(np.array_equal, parts(loaded), right)), bit
    assert told > 100


def test_flipped_bits_of_mnist_are_noticed(tmp_path):
    whole = bytearray((places.here.data / "mnist.npz").read_bytes())
    for place in (100, 5_000_000, len(whole) - 30):
        flipped = whole.copy()
        flipped[place] ^= 16
        (tmp_path / "flipped.npz").write_bytes(flipped)
        with pytest.raises(lab.DataError, match=r"flipped\.npz .*get the file again"):
            lab.load_mnist(tmp_path / "flipped.npz")


def stored(**changes):
    def make(path):
        with path.open("wb") as file:
            np.savez(file, **arrays(**changes))

    return make


def header(shape, version=b"\x01\x00", descr="'|u1'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode()


def member(content, *, size=None, name="x_train", others=None, method=zipfile.ZIP_DEFLATED):
    """Make a file with an array given as bytes; `size` is what the zip's directory claims."""

    def make(path):
        with path.open("wb") as file:
            np.savez(file, **(arrays(**{name: None}) if others is None else others))
        with zipfile.ZipFile(path, "a", method) as archive:
            archive.writestr(f"{name}.npy", content)
            archive.filelist[-1].file_size = len(content) if size is None else size

    return make


def encrypted(path):
    write_data(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note", "")  # so that the zip's directory is written again
        archive.getinfo("x_train.npy").flag_bits |= 1


PIXELS = 3 * 784
SMALL = header("(3, 28, 28)")
DATA = {
    "empty": (lambda path: path.write_bytes(b""), "damaged or not an .npz file"),
    "text": (lambda path: path.write_text("not a zip"), "damaged or not an .npz file"),
    "pickle": (lambda path: path.write_bytes(pickle.dumps({"x_train": 1})), "not an .npz file"),
    "array missing": (stored(y_test=None), "holds no array 'y_test'"),
    "images and labels swapped": (
        stored(x_train=arrays()["y_train"], y_train=arrays()["x_train"]),
        "x_train is uint8 of shape (3,)",
    ),
    "labels swapped": (
        stored(y_train=arrays()["y_test"], y_test=arrays()["y_train"]),
        "y_train is uint8 of shape (2,), not 3 whole numbers",
    ),
    "floats": (stored(x_test=np.zeros((2, 28, 28))), "x_test is float64"),
    "truth values": (stored(x_test=np.zeros((2, 28, 28), bool)), "x_test is bool"),
    "words": (stored(y_test=np.array(["1", "2"])), "y_test is <U1"),
    "fractions": (stored(y_test=np.array([1.5, 2])), "y_test is float64"),
    "named columns": (stored(y_test=np.zeros(2, [("a", "u1")])), "does not begin as a plain"),
    "flat images": (stored(x_test=np.zeros((2, 784), np.uint8)), "shape (2, 784)"),
    "no images": (
        stored(x_test=np.zeros((0, 28, 28), np.uint8), y_test=np.zeros(0, np.uint8)),
        "shape (0, 28, 28)",
    ),
    "fewer labels": (stored(y_train=np.array([0, 5], np.uint8)), "not 3 whole numbers"),
    "one-hot labels": (stored(y_test=np.eye(10, dtype=np.uint8)[:2]), "shape (2, 10)"),
    "too many classes": (stored(y_test=np.array([1, 1000])), "labels from 1 to 1000"),
    "negative labels": (stored(y_test=np.array([-1, 2], np.int8)), "labels from -1 to 2"),
    "pickled object": (stored(y_test=np.array([1, None])), "pickled Python objects"),
    "10 GB announced": (member(header("(12755102, 28, 28)")), "announces 9,999,999,968 bytes"),
    "nothing, without end": (
        member(header("(0, 9000000000000000000)")),
        "announces 9,000,000,000,000,000,000 bytes",
    ),
    "1 GB announced, not there": (member(header("(1000000, 28, 28)")), "not as long as it"),
    "less than announced twice": (
        member(header("(5000, 28, 28)"), size=len(header("(5000, 28, 28)")) + 3_920_000),
        "array 'x_train' ends too early",
    ),
    "bomb behind an array": (member(SMALL + bytes(50_000_000)), "not as long as it announces"),
    "bomb behind a lie": (
        member(SMALL + bytes(50_000_000), size=len(SMALL) + PIXELS),
        "Bad CRC-32 for file 'x_train.npy'",
    ),
    "bomb as a header": (member(b"\x93NUMPY\x01\x00" + b"\xff" * 50_000_000), "does not begin"),
    "less than it says": (
        member(SMALL + bytes(10), size=len(SMALL) + PIXELS),
        "cannot be read",
    ),
    "other compression": (
        member(SMALL + bytes(PIXELS), method=zipfile.ZIP_LZMA),
        "is compressed as numpy does not do it",
    ),
    "encrypted": (encrypted, "(array 'x_train' is encrypted)"),
    "newer format": (member(header("()", b"\x02\x00")), "does not begin as a plain array"),
    "deep header": (member(header("-" * 9000 + "1")), "does not begin as a plain array"),
    "unfinished header": (member(header("((3")), "does not begin as a plain array"),
    "unknown type": (member(header("()", descr="'<i3'")), "a type that numpy does not know"),
}


# These files are intact but hold other data, so downloading them again would not help.
WHOLE = (
    *("images and labels swapped", "labels swapped", "floats", "truth values", "words"),
    *("fractions", "flat images", "no images", "fewer labels", "one-hot labels"),
    *("too many classes", "negative labels"),
)


@pytest.mark.parametrize("fault", DATA)
def test_a_wrong_data_file_is_refused(tmp_path, fault):
    make, message = DATA[fault]
    make(tmp_path / "it.npz")
    cure = "as lab.Dataset(x_train, " if fault in WHOLE else "get the file again"
    refuse(lab.load_mnist, tmp_path / "it.npz", message, cure)


FOREIGN = {
    "mnist_train.csv": "numpy.loadtxt(path, delimiter",
    "mnist-original.mat": "scipy.io.loadmat",
    "mnist.pkl.gz": "pickled",
    "train.PARQUET": "pandas.read_parquet",
    "x_train.npy": "numpy.load",
    "mnist.tar.gz": "unpack it",
    "._mnist.npz": "name that one instead",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_in_a_foreign_format_is_refused_with_advice(tmp_path, name):
    (tmp_path / name).write_bytes(b"whatever it holds")
    with pytest.raises(lab.DataError) as refused:
        lab.load_mnist(tmp_path / name)
    assert FOREIGN[name] in str(refused.value)
    assert "get the file again" not in str(refused.value)
    if not name.startswith("."):
        with pytest.raises(lab.DataError, match=f"^{re.escape(str(tmp_path / name))} "):
            lab.load_mnist(tmp_path)


def test_arrays_with_other_names_are_refused(tmp_path):
    np.savez(tmp_path / "it.npz", *arrays().values())
    message = "holds no array 'x_train' but arr_0, arr_1, arr_2, arr_3; it must hold"
    refuse(lab.load_mnist, tmp_path / "it.npz", message, "read it with numpy.load, and give the")


def test_an_archive_is_to_be_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("mnist_train.csv", "label")
    refuse(lab.load_mnist, tmp_path / "archive.zip", "unpack it, and name the folder")


def test_a_file_is_read_without_pythons_parser(tmp_path, monkeypatch):
    """Before Python 3.11.8 the parser could fail in threads, and records are made in threads.

    github.com/python/cpython/issues/106905
    """
    write_data(tmp_path / "it.npz")
    with monkeypatch.context() as patch:
        patch.delattr(ast, "parse")
        lab.load_mnist(tmp_path / "it.npz")


def idx(array, axes=None):
    """Return an IDX file of bytes, the format in which MNIST was published."""
    lengths = np.array(array.shape, ">u4").tobytes()
    return bytes((0, 0, 8, axes or array.ndim)) + lengths + array.tobytes()


def write_idx(folder, **changes):
    """Write the four gzipped files of a small data set; `changes` replace or (None) omit some."""
    names = {"x_train": "train-images-idx3", "y_train": "train-labels-idx1"}
    names |= {"x_test": "t10k-images-idx3", "y_test": "t10k-labels-idx1"}
    for array, name in names.items():
        content = changes.get(array, gzip.compress(idx(arrays()[array])))
        if content is not None:
            (folder / f"{name}-ubyte.gz").write_bytes(content)


def test_idx_files_load_from_their_folder_and_from_one_of_them(tmp_path):
    write_idx(tmp_path)
    for path in (tmp_path, tmp_path / "t10k-labels-idx1-ubyte.gz"):
        loaded = lab.load_mnist(path)
        assert loaded.name == tmp_path.name
        assert all(map(np.array_equal, parts(loaded), arrays().values()))
    turned = loaded.transposed()
    assert np.array_equal(turned.x_train, loaded.x_train.swapaxes(1, 2))
    assert loaded.classes == 10


def test_an_idx_file_is_known_by_what_it_holds(tmp_path):
    write_idx(tmp_path, x_test=idx(arrays()["x_test"]))  # which a browser has unpacked
    labels = tmp_path / "t10k-labels-idx1-ubyte.gz"
    labels.rename(labels.with_suffix(""))
    assert all(map(np.array_equal, parts(lab.load_mnist(tmp_path)), arrays().values()))


@pytest.mark.parametrize("both", [True, False])
def test_idx_files_may_lie_in_folders_of_their_names(tmp_path, both):
    """Kaggle's archive holds each file twice; macOS adds hidden files with metadata."""
    plain, kaggle = tmp_path / "plain", tmp_path / "kaggle"
    plain.mkdir()
    write_idx(plain)
    for file in plain.iterdir():
        name = file.name.removesuffix(".gz")
        folder = kaggle / name
        folder.mkdir(parents=True)
        (folder / name).write_bytes(gzip.decompress(file.read_bytes()))
        (kaggle / f"._{name}").write_bytes(b"Mac OS X")
        if both:
            (kaggle / name.replace("-idx", ".idx")).write_bytes((folder / name).read_bytes())
    for path in (kaggle, folder, folder / name):
        loaded = lab.load_mnist(path)
        assert loaded.name == "kaggle"
        assert all(map(np.array_equal, parts(loaded), arrays().values()))


def test_a_file_in_a_folder_is_to_be_named(tmp_path):
    np.savez(tmp_path / "fashion.npz", **arrays())
    refuse(lab.load_mnist, tmp_path, "is a folder: name a file in it, such as fashion.npz")


def test_a_folder_of_a_files_name_may_be_empty(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    for path in (tmp_path, tmp_path / "train-images-idx3-ubyte"):
        with pytest.raises(lab.DataError, match="is a folder without the four files"):
            lab.load_mnist(path)


IMAGES = arrays()["x_test"]
IDX = {
    "empty": (b"", "it does not begin as an IDX file"),
    "cut": (gzip.compress(idx(IMAGES))[:-9], "cannot be read (Compressed file ended before"),
    "labels": (gzip.compress(idx(arrays()["y_test"])), "it does not begin as an IDX file of bytes"),
    "shorter": (gzip.compress(idx(IMAGES)[:-1]), "is shorter than it announces (1,568 bytes)"),
    "longer": (gzip.compress(idx(IMAGES) + b"1"), "is longer than it announces (1,568 bytes)"),
    "bomb": (gzip.compress(idx(IMAGES) + bytes(50_000_000)), "is longer than it announces"),
    "10 GB announced": (
        gzip.compress(b"\0\0\x08\x03" + np.array([12755102, 28, 28], ">u4").tobytes()),
        "announces 9,999,999,968 bytes, more than the",
    ),
    "checksum": (gzip.compress(idx(IMAGES))[:-8] + bytes(8), "cannot be read (CRC check failed"),
}


@pytest.mark.parametrize("fault", IDX)
def test_a_wrong_idx_file_is_refused(tmp_path, fault):
    content, message = IDX[fault]
    write_idx(tmp_path, x_test=content)
    file = tmp_path / "t10k-images-idx3-ubyte.gz"
    with pytest.raises(lab.DataError) as refused:
        lab.load_mnist(tmp_path)
    assert str(refused.value).startswith(str(file))
    assert message in str(refused.value)


def test_a_missing_idx_file_is_named(tmp_path):
    write_idx(tmp_path, y_test=None)
    refuse(lab.load_mnist, tmp_path, "lacks the file of the test labels; it goes with")


def test_arrays_are_limited_together(tmp_path, monkeypatch):
    """Each array is below the limit and compresses 1000-fold; not all may be unpacked."""
    monkeypatch.setattr(data_module, "LARGEST", 4_000_000)
    large = np.zeros((2000, 28, 28), np.uint8)
    np.savez_compressed(tmp_path / "it.npz", **dict.fromkeys(data_module.DIGESTS, large))
    assert (tmp_path / "it.npz").stat().st_size < 20_000
    refuse(lab.load_mnist, tmp_path / "it.npz", "'x_test' announces 1,568,000 bytes, more than")


def test_a_file_too_large_is_not_opened(tmp_path):
    with (tmp_path / "it").open("wb") as file:
        file.truncate(2**40)  # a sparse file, which takes no disk space
    for load in LOADERS.values():
        refuse(load, tmp_path / "it", "has 1,099,511,627,776 bytes, more than the ")


def changed(**changes):
    """Make a record whose arrays were replaced but whose checksum was not."""

    def make(path):
        write_record(path)
        with np.load(path) as loaded:
            content = {**loaded, **changes}
        with path.open("wb") as file:
            np.savez(file, **{name: it for name, it in content.items() if it is not None})

    return make


def exchanged(first, second):
    def make(path):
        write_record(path)
        with np.load(path) as loaded:
            content = dict(loaded)
        content[first], content[second] = content[second], content[first]
        with path.open("wb") as file:
            np.savez(file, **content)

    return make


def nudged(name):
    """Make a record with one number slightly changed."""

    def make(path):
        write_record(path)
        with np.load(path) as loaded:
            array = loaded[name]
        array.flat[1] += 0.01
        changed(**{name: array})(path)

    return make


SETTINGS = {"name": "example", **vars(settings())}


def about(**changes):
    fields = {"format": 2, "settings": SETTINGS, "weights": 0, "seconds": 0.0}
    fields |= {"compile_seconds": 0.0, "diverged": False, "interrupted": False}
    return said(json.dumps({"about": {**fields, **changes}, "sha256": ""}))


def without(key):
    return {each: value for each, value in SETTINGS.items() if each != key}


def said(text):
    return np.frombuffer(text.encode(), np.uint8)


def renamed(path):
    write_record(path)
    with np.load(path) as loaded:
        text = loaded["about"].tobytes().replace(b"example", b"another")
    changed(about=np.frombuffer(text, np.uint8))(path)


def announced(path):
    write_record(path)
    with np.load(path) as loaded:
        others = {name: array for name, array in loaded.items() if name != "history"}
    member(header("(10000000000,)"), name="history", others=others)(path)


RECORDS = {
    "empty": (lambda path: path.write_bytes(b""), "damaged or not an .npz file"),
    "data set": (write_data, "holds no array 'about'"),
    "array missing": (changed(batch_loss=None), "holds no array 'batch_loss'"),
    "other length": (
        changed(batch_loss=np.zeros(3, np.float32)),
        "different numbers of batch losses",
    ),
    "wrong dtype": (
        changed(batch_loss=np.zeros(4)),
        "batch_loss is float64 of shape (4,), not float32 with ndim=1",
    ),
    "history cut": (changed(history=np.zeros((4, 2))), "history has 4 rows, not 5"),
    "wrong shape": (changed(val_probabilities=np.zeros(4, np.float16)), "is float16 of shape (4,)"),
    "weights missing": (changed(weights_1=None), "holds no array 'weights_1'"),
    "weights in words": (
        changed(weights_1=np.array("seven")),
        "weights_1 is <U5 of shape (), not numbers",
    ),
    "older format": (changed(about=about(format=1)), "another version of the lab"),
    "one key more": (changed(about=about(surprise=1)), "incomplete"),
    "no seed": (changed(about=about(settings=without("seed"))), "incomplete"),
    "no name": (changed(about=about(settings=without("name"))), "incomplete"),
    "a setting more": (changed(about=about(settings=SETTINGS | {"surprise": 1})), "incomplete"),
    "time in words": (changed(about=about(seconds="long")), "incomplete"),
    "too many weights": (changed(about=about(weights=10**12)), "too many weights"),
    "not JSON": (changed(about=said("{")), "is not a run that this lab can read (what it says"),
    "deep JSON": (changed(about=said("[" * 100_000)), "is not a run"),
    "endless number": (changed(about=said("9" * 100_000)), "is not a run"),
    "huge about": (changed(about=np.zeros(2**23, np.uint8)), "'about' announces 8,388,608 bytes"),
    "pickled object": (changed(about=np.array([object()])), "pickled Python objects"),
    "arrays swapped": (exchanged("batch_loss", "batch_accuracy"), "was changed or damaged"),
    "other arrays swapped": (exchanged("history", "batch_loss"), "history is float32"),
    "a word changed": (renamed, "was changed or damaged"),
    **{
        f"{name} changed": (nudged(name), "was changed or damaged")
        for name in ("history", "batch_loss", "batch_accuracy", "val_probabilities", "weights_0")
    },
    "10 GB announced": (announced, "'history' announces 10,000,000,000 bytes, more than the"),
}


@pytest.mark.parametrize("fault", RECORDS)
def test_a_wrong_record_is_refused(tmp_path, fault):
    make, message = RECORDS[fault]
    make(tmp_path / "it.npz")
    refuse(lab.Run.load, tmp_path / "it.npz", message)


def test_the_error_for_the_labs_own_records_says_how_to_make_them(tmp_path):
    write_record(tmp_path / "linear-seed0.npz")
    renamed(tmp_path / "linear-seed1.npz")
    with pytest.raises(lab.DataError, match=r"seed1\.npz was .* `mnist-lab solutions`"):
        lab.load_records("linear", tmp_path)


def test_the_arrays_of_a_record_are_limited_together(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "_LARGEST", 4_000_000)
    run = example_run()
    run.weights = [np.zeros(250_000, np.float32)] * 10
    run.save(tmp_path / "it.npz")
    refuse(lab.Run.load, tmp_path / "it.npz", "'weights_3' announces 1,000,000 bytes, more than")


def book(**changes):
    """Return the JSON of a notebook with one cell and these changes; None omits a key."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["1"], "outputs": []}
    cell["execution_count"] = None
    right = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    cell |= changes.pop("cell", {})
    return json.dumps({key: it for key, it in {**right, **changes}.items() if it is not None})


NOTEBOOKS = {
    "empty": ("", "is empty"),
    "white space": (" \n", "is empty"),
    "cut": (book()[:-20], "is broken at line 1"),
    "zeros": ("\0" * 500, "is broken at line 1"),
    "merge conflict": ("{\n<<<<<<< HEAD\n" + book()[1:], "has an unsolved merge conflict of git"),
    "no mapping": ("[]", "is not a notebook of format 4"),
    "format 3": ('{"nbformat": 3, "worksheets": []}', "is not a notebook of format 4; Jupyter"),
    "format in words": (book(nbformat="4"), "is not a notebook of format 4"),
    "minor in words": (book(nbformat_minor="5"), "is not a whole notebook"),
    "cells missing": (book(cells=None), "is not a whole notebook"),
    "cells a mapping": (book(cells={}), "is not a whole notebook"),
    "a number as a cell": (book(cells=[1]), "is not a whole notebook"),
    "an empty cell": (book(cells=[{}]), "is not a whole notebook"),
    "source a number": (book(cell={"source": 1}), "is not a whole notebook"),
    "a number in the source": (book(cell={"source": ["1", 2]}), "is not a whole notebook"),
    "source a mapping": (book(cell={"source": {}}), "is not a whole notebook"),
    "cell type a number": (book(cell={"cell_type": 1}), "is not a whole notebook"),
    "key twice": (
        book().replace('"source"', '"source": "lost", "source"'),
        "'source' appears twice",
    ),
    "half a character": (book(cell={"source": "\ud83d"}), "has half a character in it ('\\ud83d')"),
    "deeply nested": ("[" * 100_000, "nested too deeply"),
    "nested metadata": (
        book(metadata={"a": functools.reduce(lambda inner, _: [inner], range(900), 1)}),
        "is not a whole notebook",
    ),
    "endless number": (book().replace(": 5", ": " + "5" * 5000), "is not a whole notebook"),
    "UTF-16": (book().encode("utf-16"), "is not a text file in UTF-8"),
    "binary": (bytes(range(128, 256)), "is not a text file in UTF-8"),
}


def put(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("fault", NOTEBOOKS)
def test_a_wrong_notebook_is_refused(tmp_path, fault):
    content, message = NOTEBOOKS[fault]
    put(tmp_path / "it.ipynb", content)
    refuse(notebooks.read_notebook, tmp_path / "it.ipynb", message)


COMMANDS = {
    "exercises, of a solution": ("solutions", ["exercises"]),
    "exercises, over a file": ("exercises", ["exercises"]),
    "export": ("solutions", ["export", "--output", "out.html"]),
    "release": ("solutions", ["release", "--for", "otter", "out.html"]),
    "update": ("mine", ["update"]),
    "update, an exercise": ("exercises", ["update"]),
}


# One that is no JSON, one that is no notebook, and one that could not be written again.
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fault", ["merge conflict", "cells missing", "half a character"])
def test_each_command_names_a_wrong_notebook_and_leaves_it(
    house, monkeypatch, capsys, command, fault
):
    folder, arguments = COMMANDS[command]
    content, message = NOTEBOOKS[fault]
    monkeypatch.chdir(house.home)
    notebooks.write_exercises(house.exercises)
    shutil.copytree(house.exercises, house.mine)
    wrong = getattr(house, folder) / "9_sample.ipynb"
    put(wrong, content)
    before = wrong.read_bytes()
    assert main(arguments) == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert f"{wrong}" in first
    assert message in first
    assert wrong.read_bytes() == before
    assert not (house.home / "out.html").exists()


def test_a_byte_order_mark_is_read_and_kept_or_dropped(tmp_path):
    """Some Windows editors write one."""
    put(tmp_path / "it.ipynb", book().encode("utf-8-sig"))
    assert notebooks.read_notebook(tmp_path / "it.ipynb").cells[0].source == "1"


def test_cells_without_ids_are_repaired_only_in_copies(tmp_path):
    """Colab and older versions of Jupyter write them."""
    path = tmp_path / "it.ipynb"
    cell = {"cell_type": "markdown", "metadata": {}, "source": ["1"]}
    put(path, book(cells=[cell], nbformat_minor=4))
    refuse(notebooks.read_notebook, path, "has cells without ids; Jupyter makes them on saving")
    assert notebooks.read_notebook(path, repair=True).cells[0].id


def test_no_cells(house, capsys):
    """A student may delete all cells of a copy; an empty solution is a mistake."""
    notebooks.write_exercises(house.exercises)
    shutil.copytree(house.exercises, house.mine)
    copy = house.mine / "9_sample.ipynb"
    ours = json.loads(copy.read_text())["metadata"]
    put(copy, book(cells=[], metadata=ours))
    assert main(["update"]) == 0
    assert "deleted by you: title, " in capsys.readouterr().out
    assert notebooks.read_notebook(copy).cells == []
    put(house.solutions / "9_sample.ipynb", book(cells=[]))
    assert main(["exercises"]) == 1
    assert "9_sample.ipynb has no cells" in capsys.readouterr().err
    assert main(["export", "--output", str(house.home / "out.html")]) == 0
    assert '<a href="#9_sample">9_sample</a>' in (house.home / "out.html").read_text()


@pytest.mark.parametrize("cells", [5, "title", {"title": 1}, [1, None, {}], []])
def test_a_list_of_cells_that_is_none(house, cells):
    """The lab's own metadata in a copy may be damaged, too."""
    notebooks.write_exercises(house.exercises)
    shutil.copytree(house.exercises, house.mine)
    copy = house.mine / "9_sample.ipynb"
    damaged = json.loads(copy.read_text())
    damaged["metadata"]["mnist_lab"]["cells"] = cells
    damaged["cells"][3]["source"] = "of the student"
    put(copy, json.dumps(damaged))
    assert main(["update"]) == 0
    assert "of the student" in [cell.source for cell in notebooks.read_notebook(copy).cells]


def test_nul_in_a_text_stays_and_in_a_solution_is_refused(house, capsys):
    notebooks.write_exercises(house.exercises)
    shutil.copytree(house.exercises, house.mine)
    copy = house.mine / "9_sample.ipynb"
    mine = notebooks.read_notebook(copy)
    mine.cells[3].source, mine.cells[0].source = "x = '\0'", "old"
    nbformat.write(mine, copy)
    assert main(["update"]) == 0
    assert notebooks.read_notebook(copy).cells[3].source == "x = '\0'"
    source = "### BEGIN SOLUTION: write it\nx = '\0'\n### END SOLUTION"
    nbformat.write(
        new_notebook(cells=[new_code_cell(source, id="here")]), house.solutions / "1.ipynb"
    )
    capsys.readouterr()
    assert main(["exercises"]) == 1
    assert "1.ipynb: cell 'here' lines 2 to 2: not whole statements" in capsys.readouterr().err


def test_a_huge_output_does_no_harm(house, monkeypatch, capsys):
    """100,000 lines are fine; a file above the limit is refused and left unchanged."""
    notebooks.write_exercises(house.exercises)
    shutil.copytree(house.exercises, house.mine)
    copy = house.mine / "9_sample.ipynb"
    mine = notebooks.read_notebook(copy)
    mine.cells[0].source, mine.cells[3].source = "old", "of the student"
    mine.cells[3].outputs = [new_output("stream", text=("x" * 49 + "\n") * 100_000)]
    nbformat.write(mine, copy)
    before = copy.read_bytes()
    assert main(["update"]) == 0
    assert notebooks.read_notebook(copy).cells[3] == mine.cells[3]
    book = new_notebook(cells=[new_markdown_cell("# 1. A", id="title"), mine.cells[3]])
    book.cells[1].execution_count = 1
    nbformat.write(book, house.solutions / "1.ipynb")
    assert main(["export", "--output", str(house.home / "out.html")]) == 0
    assert (house.home / "out.html").stat().st_size > 5e6
    put(copy, before)
    monkeypatch.setattr(files, "_LARGEST", 1_000_000)
    assert main(["update"]) == 1
    assert "bytes, more than the 1,000,000 allowed; it was left" in capsys.readouterr().err
    assert copy.read_bytes() == before


@contextlib.contextmanager
def full_disk(size=500):
    """Within this context no file can grow beyond `size` bytes."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@contextlib.contextmanager
def closed_folders(root):
    """Within this context nothing under `root` can be created, removed or renamed, even by root."""
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    modes = {path: path.stat().st_mode for path in folders}
    for path in folders:
        path.chmod(0o555)
    try:
        with obeying_modes():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextlib.contextmanager
def obeying_modes():
    """Within this context file permissions apply even to root (no CAP_DAC_OVERRIDE)."""
    if os.geteuid():
        yield
        return
    libc, version = ctypes.CDLL(None), 0x20080522
    about, sets = (ctypes.c_uint32 * 2)(version, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(about, sets) == 0
    usual = sets[0]
    sets[0] &= ~0b110
    assert libc.capset(about, sets) == 0
    try:
        yield
    finally:
        sets[0] = usual
        assert libc.capset(about, sets) == 0


FAILURES = {"full disk": lambda root: full_disk(), "closed folder": closed_folders}


def told(capsys, path):
    """Check that the error is one sentence that names the file and says what to do."""
    line, *others = capsys.readouterr().err.splitlines()
    assert not others
    assert line.startswith("mnist-lab: ")
    assert str(path) in line
    assert "choose another place" in line


def content(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("command", ["exercises", "export", "release", "update"])
def test_a_notebook_command_that_cannot_write_leaves_all(
    house, monkeypatch, capsys, command, failure
):
    monkeypatch.chdir(house.home)
    release = ["release", "--for", "nbgrader", "course"]
    arguments = release if command == "release" else [command]
    target = {
        "exercises": house.exercises / "9_sample.ipynb",
        "export": house.home / "mnist_lab-solutions.html",
        "release": "course/source/mnist_lab/9_sample.ipynb",
        "update": house.mine / "before-update",
    }[command]
    for words in (["exercises"], ["update"], ["export"], release):
        assert main(words) == 0
    solution = house.solutions / "9_sample.ipynb"
    solution.write_text(solution.read_text().replace("A sample", "The sample"))
    if command == "update":
        assert main(["exercises"]) == 0
    before = content(house.home)
    capsys.readouterr()
    with FAILURES[failure](house.home):
        assert main(arguments) == 1
    told(capsys, target)
    assert content(house.home) == before
    assert main(arguments) == 0
    assert content(house.home) != before


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("options", [["page"], ["page.html", "--single"]])
def test_a_page_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path, monkeypatch, capsys, options, failure
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(building, "ship", lambda: iter([Shipped("worker.js", b"a program")]))
    assert main(["page", *options]) == 0
    before = content(tmp_path)
    capsys.readouterr()
    with FAILURES[failure](tmp_path):
        assert main(["page", *options]) == 1
    told(capsys, tmp_path / options[0])
    assert content(tmp_path) == before


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("folder", ["exercises", "mine"])
def test_a_first_notebook_that_cannot_be_written(house, capsys, folder, failure):
    notebooks.write_exercises(house.exercises)
    if folder == "exercises":
        shutil.rmtree(house.exercises)
    with FAILURES[failure](house.home):
        assert main(["update" if folder == "mine" else "exercises"]) == 1
    told(capsys, getattr(house, folder))
    assert not list(house.home.rglob(f"{folder}/*"))


@pytest.mark.parametrize("failure", FAILURES)
def test_a_run_that_cannot_be_saved(tmp_path, failure):
    path, run = tmp_path / "run.npz", example_run()
    run.save(path)
    before = content(tmp_path)
    run.seconds = 2.5
    with FAILURES[failure](tmp_path), pytest.raises(OSError, match="choose another place") as said:
        run.save(path)
    assert str(said.value).startswith(f"{path} cannot be written (")
    assert content(tmp_path) == before


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("count", [0, 1])
def test_a_digit_that_cannot_be_kept(tmp_path, monkeypatch, failure, count):
    monkeypatch.chdir(tmp_path)
    drawn = np.random.default_rng(0).integers(256, size=(140, 140), dtype=np.uint8)
    kept = Kept()
    for _ in range(count):
        kept.add(drawn[:28, :28], 3, drawn)
    before = content(tmp_path)
    with FAILURES[failure](tmp_path):
        kept.add(drawn[:28, :28], 7, drawn)
    said = kept.values()
    assert said["labels"].tolist() == [3] * count
    assert said["problem"].startswith(f"{tmp_path}")
    assert "cannot be written" in said["problem"]
    after = content(tmp_path)
    assert after.pop(tmp_path / ".my_digits.npz.lock", b"") == b""
    assert after == {path: it for path, it in before.items() if path.suffix == ".npz"}
    kept.add(drawn[:28, :28], 7, drawn)
    assert kept.values()["labels"].tolist() == [*[3] * count, 7]
    assert kept.values()["problem"] == ""


@pytest.fixture
def few_images(small, plainly, monkeypatch):
    """Let commands train on a few images and without XLA; only what they write matters here."""
    monkeypatch.setattr("mnist_lab.__main__.load_mnist", lambda: small)
    monkeypatch.setattr("mnist_lab.records.making.mnist", lambda: small)


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("option", ["--save run.npz", "--figure figure.pdf"])
def test_a_training_whose_result_cannot_be_written(tmp_path, monkeypatch, capsys, option, failure):
    monkeypatch.chdir(tmp_path)
    option, name = option.split()
    (tmp_path / name).write_text("old")
    arguments = ["train", "linear", "--epochs", "1", "--seed", "0", option, name]
    with FAILURES[failure](tmp_path):
        assert main(arguments) == 1
        said = capsys.readouterr()
    assert said.err.startswith(f"mnist-lab: {tmp_path if failure == 'full disk' else ''}")
    assert f"{name} cannot be " in said.err
    assert "choose another place" in said.err
    # A read-only folder is noticed before the training (except by root, whose permissions are
    # not checked then), a full disk only after it.
    known_before = failure == "closed folder" and os.geteuid() > 0
    assert ("final validation accuracy: " in said.out) != known_before
    assert content(tmp_path) == {tmp_path / name: b"old"}


class CrashError(Exception):
    pass


@pytest.mark.parametrize("failure", FAILURES)
def test_a_checkpoint_that_cannot_be_written_is_the_old_one(small, plainly, tmp_path, failure):
    file, settings = tmp_path / "state.npz", {"epochs": 3, "batch_size": 64, "seed": 0}

    def crash(run):
        if run.epochs == 1:
            raise CrashError

    with pytest.raises(CrashError):
        lab.train(lab.build_linear(), small, checkpoint=file, callback=crash, **settings)
    before = content(tmp_path)
    with FAILURES[failure](tmp_path), pytest.raises(OSError, match="choose another place") as said:
        lab.train(lab.build_linear(), small, checkpoint=file, **settings)
    assert str(said.value).startswith(f"{file} cannot be written (")
    assert content(tmp_path) == before
    assert lab.train(lab.build_linear(), small, checkpoint=file, **settings).epochs == 3


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize("failure", FAILURES)
def test_records_that_cannot_be_written(tmp_path, relocate, capsys, failure):
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "linear-seed0.npz").write_text("damaged, so that it is made again")
    before = content(folder)
    relocate(records=folder)
    with FAILURES[failure](tmp_path):
        assert main(["solutions", "--part", "linear", "--seeds", "1"]) == 1
    told(capsys, folder)
    left = content(folder)
    assert left.pop(folder / "linear-seed0.npz") == before[folder / "linear-seed0.npz"]
    assert {path.name for path in left} <= {".lock", ".holder"}


def test_a_folder_or_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match=f"{path} cannot be written"):
            example_run().save(path)
    assert (tmp_path / "pipe").is_fifo()


def test_saving_through_a_link_replaces_what_it_leads_to(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "run.npz", tmp_path / "link.npz"
    link.symlink_to(target)
    for _ in range(2):  # the first time, the link's target does not exist
        example_run().save(link)
        assert link.is_symlink()
        assert lab.Run.load(target).name == "example"
        assert [path.name for path in target.parent.iterdir()] == ["run.npz"]
        target.write_text("old")


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    """A private file must stay private."""
    example_run().save(tmp_path / "run.npz")
    (tmp_path / "run.npz").chmod(0o600)
    example_run().save(tmp_path / "run.npz")
    assert (tmp_path / "run.npz").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("times", [2, 100])
def test_a_file_that_a_virus_scanner_holds_is_tried_again(tmp_path, monkeypatch, times):
    """Windows then refuses to replace it: here twice, or for good."""
    replace, refused = os.replace, []

    def held(new, old):
        if len(refused) < times:
            refused.append(old)
            raise PermissionError(13, "Access is denied")
        replace(new, old)

    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    file = tmp_path / "file"
    file.write_text("old")
    if times == 2:
        write_whole(file, "new \u00d7\n")
        assert file.read_bytes() == b"new \xc3\x97\n"
    else:
        with pytest.raises(OSError, match=r"cannot be written \(Access is denied\)"):
            write_whole(file, "new")
        assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
