"""Digits that are kept in the laboratory: what is in the file, whoever else writes it."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab.digits import MOST_BY_ONE
from mnist_lab.laboratory import keeping

FILE = "my_digits.npz"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def open_laboratory(small):
    """Open laboratories, each as in a kernel of its own, and close them in the end."""
    opened = []

    def open_laboratory():
        opened.append(lab.explore(list(lab.PARTS)[len(opened)], data=small))
        return opened[-1]

    yield open_laboratory
    for laboratory in opened:
        laboratory.close()
        laboratory.wait()


def digit(number):
    """A digit that differs from all others: image and drawing."""
    rng = np.random.default_rng(number)
    return [rng.integers(256, size=(side, side), dtype=np.uint8) for side in (28, 140)]


def keep(laboratory, label, number=0):
    buffers = [memoryview(pixels.tobytes()) for pixels in digit(number)]
    laboratory.hear({"ask": "keep", "label": label}, buffers)


def remove(laboratory, index):
    laboratory.hear({"ask": "unkeep", "index": index}, [])


def kept(laboratory):
    """The labels and the sentence that a page gets."""
    values = laboratory.view.shown["kept"]
    return values["labels"].tolist(), values["problem"]


def test_digits_are_kept_as_they_were_drawn(open_laboratory):
    laboratory = open_laboratory()
    assert kept(laboratory) == ([], "")
    for number, label in enumerate([3, 0, 9]):
        keep(laboratory, label, number)
    assert kept(laboratory) == ([3, 0, 9], "")
    digits = lab.load_digits(FILE)
    assert digits.labels.tolist() == [3, 0, 9]
    for number in range(3):
        image, drawing = digit(number)
        assert np.array_equal(digits.images[number], image)
        assert np.array_equal(digits.drawings[number], drawing)
        assert np.array_equal(laboratory.view.shown["kept"]["images"][number], image)
    # They are there when the laboratory is opened again, and when a page is.
    again = open_laboratory()
    assert kept(again) == ([3, 0, 9], "")
    again._repr_mimebundle_()
    assert "kept" in again.view.opening["values"]


def test_digits_are_removed_until_none_is_left(open_laboratory):
    laboratory = open_laboratory()
    for number, label in enumerate([3, 0, 9, 9]):
        keep(laboratory, label, number)
    remove(laboratory, 1)
    assert lab.load_digits(FILE).labels.tolist() == [3, 9, 9]
    remove(laboratory, 1)
    digits = lab.load_digits(FILE)
    assert digits.labels.tolist() == [3, 9]
    assert np.array_equal(digits.images[1], digit(3)[0])
    remove(laboratory, 1)
    remove(laboratory, 0)
    assert kept(laboratory) == ([], "")
    keep(laboratory, 5)
    assert lab.load_digits(FILE).labels.tolist() == [5]


def test_what_another_notebook_keeps_meanwhile_is_not_lost(open_laboratory):
    first, second = open_laboratory(), open_laboratory()
    keep(first, 1, 1)
    keep(second, 2, 2)
    keep(first, 3, 3)
    assert kept(first) == ([1, 2, 3], "")
    assert kept(second) == ([1, 2], "")
    # It removes the digit that its page shows at this place, and no other.
    remove(first, 0)
    remove(second, 1)
    assert kept(second) == ([3], "")
    remove(first, 0)
    assert lab.load_digits(FILE).labels.tolist() == [3]
    assert kept(first) == ([3], "")


def test_two_at_once_lose_nothing():
    """Threads, since a process takes seconds to load; the lock is of the file, not of a process."""

    def keep_many(label):
        kept = keeping.Kept()
        for number in range(15):
            image, drawing = digit(number)
            kept.add(image, label, drawing)
            assert not kept.values()["problem"]

    with ThreadPoolExecutor() as pool:
        list(pool.map(keep_many, (4, 7)))
    labels = lab.load_digits(FILE).labels
    assert np.bincount(labels).tolist() == [0, 0, 0, 0, 15, 0, 0, 15]


@pytest.mark.parametrize("content", [b"", b"not an archive", "images alone"])
def test_a_file_that_cannot_be_read_stays(open_laboratory, folder, content):
    path = folder / FILE
    if content == "images alone":
        np.savez(path, images=np.zeros((2, 28, 28), np.uint8))
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    laboratory = open_laboratory()
    for _ in range(2):
        labels, problem = kept(laboratory)
        assert labels == []
        assert problem.startswith(str(path))
        assert "first move that file elsewhere" in problem
        assert "\n" not in problem
        keep(laboratory, 3)
    assert path.read_bytes() == before
    path.rename(folder / "broken.npz")
    keep(laboratory, 3)
    assert kept(laboratory) == ([3], "")


def test_there_is_a_limit(open_laboratory):
    image, drawing = digit(0)
    full = np.full(MOST_BY_ONE, 3, np.uint8)
    lab.Digits(
        np.repeat(image[None], MOST_BY_ONE, axis=0),
        full,
        np.repeat(drawing[None], MOST_BY_ONE, axis=0),
        np.zeros(MOST_BY_ONE, np.uint16),
    ).save(FILE)
    laboratory = open_laboratory()
    assert len(laboratory.view.shown["kept"]["images"]) == keeping.SHOWN
    keep(laboratory, 4)
    labels, problem = kept(laboratory)
    assert labels == full.tolist()
    assert re.search("2,001 digits by one writer, more than 2,000", problem)


def test_a_label_that_is_no_digit_is_refused(open_laboratory, folder):
    laboratory = open_laboratory()
    keep(laboratory, 10)
    assert kept(laboratory) == ([], "label=10: it must be a whole number from 0 to 9")
    assert not (folder / FILE).exists()
