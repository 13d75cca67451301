"""Digits of your own: prepared like MNIST's, kept in a file, and read back within bounds.

The browser's way of preparing is held against the same file, which
`PYTHONPATH=data python tests/test_digits.py` writes anew.
"""

import json
import os
import pickle
import zipfile
from pathlib import Path

import draw_class
import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import places
from mnist_lab.digits import MOST

SHARED = Path(__file__).parent / "front" / "digits.json"
SIDE, FIELD, PEN = 28, 280, 12
# A three, a seven with its bar, and an eight of which something is rubbed out again: in pixels of
# the field, somewhere else and of another size than MNIST has them.
DRAWN = [
    [([[60, 70], [120, 40], [160, 90], [110, 130], [170, 180], [120, 230], [50, 200]], False)],
    [([[30, 30], [150, 35], [80, 160]], False), ([[60, 95], [130, 92]], False)],
    [
        ([[140, 60], [90, 100], [190, 180], [140, 230], [90, 180], [190, 100], [140, 60]], False),
        ([[100, 200], [180, 215]], True),
    ],
]


def rasterized(strokes, size=FIELD, below=0):
    """Lines as pixels from 0 to 1."""
    ink = np.zeros((size, size)) + below
    y, x = (np.mgrid[:size, :size] + 0.5) * FIELD / size
    for points, erasing in strokes:
        for (x0, y0), (x1, y1) in zip([points[0], *points], points, strict=False):
            along = (x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)
            along = np.clip(along / max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9), 0, 1)
            away = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
            covered = np.clip((PEN - away) * size / FIELD + 0.5, 0, 1)
            ink = np.minimum(ink, 1 - covered) if erasing else np.maximum(ink, covered)
    return ink


def in_bytes(image):
    return np.floor(255 * image + 0.5).astype(np.uint8)


def halved(ink):
    """As the page reduces a drawing before it is prepared, and kept."""
    return in_bytes(ink.reshape(FIELD // 2, 2, FIELD // 2, 2).mean(axis=(1, 3)))


def flat(image):
    return image.ravel().tolist()


def shared():
    """What both sides are to agree on: drawn digits, and some of MNIST's own."""
    drawn = [
        {
            "strokes": [{"points": points, "erasing": erasing} for points, erasing in strokes],
            "pixels": flat(lab.prepare(halved(rasterized(strokes))[None])),
        }
        for strokes in DRAWN
    ]
    data = lab.load_mnist()
    return {
        "drawn": drawn,
        "mnist": [flat(image) for image in data.x_valid[:4]],
        "upon": flat(in_bytes(rasterized(DRAWN[1], SIDE, data.x_valid[0] / 255))),
    }


def test_the_shared_file_is_what_this_computes():
    assert json.loads(SHARED.read_text()) == shared()


def enlarged(images, margin=((50, 10), (0, 60))):
    """MNIST's digits ten times as large, and elsewhere."""
    return np.pad(np.kron(images, np.ones((1, 10, 10), np.uint8)), ((0, 0), *margin))


def test_mnist_s_own_digits_come_out_as_they_went_in(data):
    """What was read on how MNIST was made is right."""
    images = data.x_valid[:100]
    assert np.abs(lab.prepare(enlarged(images)).astype(int) - images).max() <= 1


DRAWINGS = np.stack([in_bytes(rasterized(strokes, 140)) for strokes in DRAWN])


def box(image):
    """First row, first column, height and width of what is inked."""
    rows, columns = np.nonzero(image)
    return (
        int(rows.min()),
        int(columns.min()),
        int(np.ptp(rows)) + 1,
        int(np.ptp(columns)) + 1,
    )


def test_each_step_of_preparing_can_be_left_out():
    whole = lab.prepare(DRAWINGS)
    assert [max(box(image)[2:]) for image in whole] == [20, 20, 20]
    mass = np.array([[image.sum(axis=a) @ np.arange(28) / image.sum() for a in (1, 0)] for image in
                     whole.astype(int)])  # fmt: skip
    assert np.abs(mass - 14).max() <= 0.51
    # A box of 20 rows in the middle of 28 begins at row 4.
    assert [box(image)[0] for image in lab.prepare(DRAWINGS, centre=False)] == [4, 4, 4]
    assert set(np.unique(lab.prepare(DRAWINGS, blur=False))) == {0, 255}
    unblurred = lab.prepare(DRAWINGS, blur=False)
    # A black pixel is inked by half at least, up to the pixels at the edge.
    assert np.abs(unblurred.astype(int) - whole).mean() < 12
    reduced = lab.prepare(DRAWINGS, scale=False, centre=False)
    means = DRAWINGS.reshape(3, 28, 5, 28, 5).mean(axis=(2, 4))
    assert np.array_equal(reduced, np.floor(means + 0.5))
    moved = lab.prepare(DRAWINGS, scale=False)
    assert [box(image)[2:] for image in moved] == [box(image)[2:] for image in reduced]
    assert not np.array_equal(moved, reduced)


def test_nothing_drawn_is_nothing_prepared():
    for steps in ({}, {"scale": False}, {"blur": False}, {"centre": False}):
        assert not lab.prepare(np.zeros((2, 140, 140), np.uint8), **steps).any()
    faint = np.zeros((1, 140, 140), np.uint8)
    faint[0, 3, 3] = 1
    assert not lab.prepare(faint, scale=False, blur=False).any()
    assert lab.prepare(faint[:0]).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "drawings", [DRAWINGS[0], DRAWINGS / 255, DRAWINGS[:, :100], np.zeros((1, 2, 2, 2), np.uint8)]
)
def test_what_is_no_drawing_is_refused(drawings):
    with pytest.raises(ValueError, match=r"must be uint8 of shape \(n, side, side\)"):
        lab.prepare(drawings)


def three(**changes):
    """The arrays of three digits, with these changes; None leaves an array out."""
    right = {
        "images": lab.prepare(DRAWINGS),
        "labels": np.array([3, 7, 8], np.uint8),
        "drawings": DRAWINGS,
        "writers": np.zeros(3, np.uint16),
    }
    return {name: array for name, array in {**right, **changes}.items() if array is not None}


def equal(some, others):
    pairs = [(getattr(some, name), getattr(others, name)) for name in three()]
    return some.names == others.names and all(np.array_equal(*pair) for pair in pairs)


def test_digits_are_kept_and_read_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = lab.Digits()
    assert len(digits) == 0
    for image, label, drawing in zip(lab.prepare(DRAWINGS), [3, 7, 8], DRAWINGS, strict=True):
        digits = digits.added(image, label, drawing)
        digits.save("my_digits.npz")
        assert equal(lab.load_digits(), digits)
    assert equal(digits, lab.Digits(**three()))
    assert repr(digits) == "3 digits by 1 writer"
    assert digits.without(0).labels.tolist() == [7, 8]
    assert digits.without(-1).labels.tolist() == [3, 7]
    assert equal(digits.without(1), digits.where(digits.labels != 7))
    assert np.array_equal(digits.without(1).drawings, DRAWINGS[[0, 2]])
    with pytest.raises(IndexError):
        digits.without(3)
    assert len(digits) == 3
    assert os.listdir(tmp_path) == ["my_digits.npz"]


def test_names_are_kept_if_there_are_any(tmp_path):
    file = tmp_path / "class.npz"
    writers = np.array([0, 1, 1], np.uint16)
    digits = lab.Digits(**three(writers=writers), names=("Jürgen Ω", "B"))
    digits.save(file)
    assert equal(lab.load_digits(file), digits)
    assert repr(digits) == "3 digits by 2 writers"
    assert digits.where(digits.writers == 0).names == digits.names
    assert lab.load_digits(file).added(DRAWINGS[0, :28, :28], 0, DRAWINGS[0]).names == digits.names


@pytest.mark.parametrize(
    ("image", "label", "drawing", "words"),
    [
        (np.zeros((28, 28)), 3, DRAWINGS[0], "images is float64"),
        (
            np.zeros((20, 28), np.uint8),
            3,
            DRAWINGS[0],
            r"shape \(1, 20, 28\), not uint8 of shape \(n, 28",
        ),
        (DRAWINGS[0, :28, :28], 3, DRAWINGS[0, :28, :28], "drawings is uint8 of shape"),
        (DRAWINGS[0, :28, :28], 10, DRAWINGS[0], "label=10: it must be a whole number from 0 to 9"),
        (DRAWINGS[0, :28, :28], 2.5, DRAWINGS[0], "label=2.5: it must be a whole number"),
    ],
)
def test_what_is_no_digit_is_not_added(image, label, drawing, words):
    with pytest.raises(ValueError, match=words):
        lab.Digits().added(image, label, drawing)


class Loud:
    """Unpickled, it would write a file."""

    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def many(count, **changes):
    """The arrays of so many blank digits, of as many writers as need be."""
    right = {
        "images": np.zeros((count, 28, 28), np.uint8),
        "labels": np.zeros(count, np.uint8),
        "drawings": np.zeros((count, 140, 140), np.uint8),
        "writers": np.zeros(count, np.uint16),
    }
    return right | changes


BAD = {
    "no labels": (three(labels=None), "holds no array 'labels' but images, drawings, writers"),
    "labels of 10": (three(labels=np.array([3, 7, 10], np.uint8)), "labels has a 10, which is not"),
    "labels as text": (three(labels=np.array(list("378"))), "labels is <U1 of shape"),
    "labels below 0": (three(labels=np.array([-1, 7, 8], np.int8)), "labels is int8"),
    "labels one-hot": (three(labels=np.eye(10, dtype=np.uint8)[:3]), r"shape \(3, 10\), not uint8"),
    "a label too few": (three(labels=np.zeros(2, np.uint8)), "there are 3 images, but 2 labels"),
    "flat images": (
        three(images=np.zeros((3, 784), np.uint8)),
        r"images is .* of shape \(3, 784\)",
    ),
    "scaled images": (three(images=np.zeros((3, 28, 28))), "images is float64"),
    "a drawing too few": (three(drawings=DRAWINGS[:2]), "there are 3 images, but 2 drawings"),
    "a number for images": (three(images=np.uint8(3)), r"images is uint8 of shape \(\)"),
    "writers from -1": (three(writers=np.array([-1, 0, 0])), "writers is int64"),
    "a name too few": (
        three(names=np.array(["A", "B"]), writers=np.arange(3, dtype=np.uint16)),
        "there are 2 names for 3 writers",
    ),
    "names in numbers": (three(names=np.arange(1)), "names is int64"),
    "names of no characters": (
        three(names=np.full(1, 2**31, np.uint32).view("<U1")),
        "names holds something else than text",
    ),
    "pickled labels": (three(labels=np.array([Loud()] * 3)), "pickled Python objects, which are"),
    "pickled names": (three(names=np.array([Loud()])), "pickled Python objects, which are"),
    "20,001 images": (many(20_001, drawings=DRAWINGS), "there are 20,001 images, but 3 drawings"),
    "2,001 digits": (many(2_001), "there are 2,001 digits by one writer, more than 2,000"),
    "none": (many(0), "holds no digits: keep some in the laboratory first"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    arrays, words = BAD[kind]
    np.savez_compressed("my_digits.npz", **arrays)
    with pytest.raises(lab.DataError, match=rf"^my_digits\.npz.*{words}") as refused:
        lab.load_digits()
    assert "\n" not in str(refused.value)
    assert os.listdir() == ["my_digits.npz"]


def test_more_than_a_class_s_digits_are_refused():
    arrays = many(MOST + 1, drawings=np.zeros((MOST + 1, 140, 140), np.uint8))
    arrays["writers"] = (np.arange(MOST + 1) // 2_000).astype(np.uint16)
    with pytest.raises(lab.DataError, match="there are 20,001 digits, more than 20,000"):
        lab.Digits(**arrays)


def test_what_is_no_file_of_digits_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path("my_digits.npz")
    with pytest.raises(lab.DataError, match=r"is missing \(in .*\): draw digits in the laboratory"):
        lab.load_digits()
    file.symlink_to(file)
    with pytest.raises(lab.DataError, match="cannot be read"):
        lab.load_digits()
    file.unlink()
    file.mkdir()
    with pytest.raises(lab.DataError, match="is a folder, not a file: keep the digits"):
        lab.load_digits()
    file.rmdir()
    for content in (b"", b"hello", pickle.dumps([Loud()]), b"\x93NUMPY"):
        file.write_bytes(content)
        with pytest.raises(lab.DataError, match=r"damaged or not an \.npz file"):
            lab.load_digits()
    lab.Digits(**three()).save(file)
    whole = file.read_bytes()
    for cut in (100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:cut])
        with pytest.raises(lab.DataError, match="keep the digits in the laboratory again"):
            lab.load_digits()
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    with pytest.raises(lab.DataError, match="is damaged"):
        lab.load_digits()
    assert os.listdir() == ["my_digits.npz"]


def announcing(path, name, shape):
    """Write a file of digits whose array of this name announces a shape, and holds nothing."""
    np.savez(path, **three(**{name: None}))
    about = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    head = np.lib.format.magic(1, 0) + (118).to_bytes(2, "little") + f"{about:<117}\n".encode()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{name}.npy", head)


@pytest.mark.parametrize(
    ("name", "shape", "announced"),
    [
        ("images", (1_000_000, 28, 28), "784,000,000"),
        ("drawings", (2_000_000, 140, 140), "39,200,000,000"),
    ],
)
def test_a_million_digits_are_refused_before_they_are_read(tmp_path, name, shape, announced):
    announcing(tmp_path / "bomb.npz", name, shape)
    with pytest.raises(lab.DataError, match=f"{name!r} announces {announced} bytes, more than the"):
        lab.load_digits(tmp_path / "bomb.npz")


def test_a_file_that_cannot_be_written_loses_nothing(tmp_path):
    file = tmp_path / "my_digits.npz"
    lab.Digits(**three()).save(file)
    with pytest.raises(OSError, match="cannot be written"):
        lab.Digits().save(file / "below.npz")
    with pytest.raises(OSError, match="cannot be written"):
        lab.Digits().save(tmp_path)
    assert len(lab.load_digits(file)) == 3


def test_the_example_of_a_class_is_what_its_script_draws():
    file = places.here.data / "class_digits.npz"
    example = lab.load_digits(file)
    assert equal(example, draw_class.draw())
    assert file.stat().st_size <= 200_000
    for writer in range(8):
        labels = example.labels[example.writers == writer]
        assert np.bincount(labels).tolist() == [2] * 10
    assert np.array_equal(lab.prepare(example.drawings), example.images)


def test_the_script_inks_as_the_page_does():
    (points, _), *_ = DRAWN[0]
    halved = in_bytes(rasterized(DRAWN[0]).reshape(140, 2, 140, 2).mean(axis=(1, 3)))
    inked = draw_class.drawing([np.array(points, float)], PEN)
    assert np.abs(inked.astype(int) - halved).max() <= 1


if __name__ == "__main__":
    SHARED.write_text(json.dumps(shared(), separators=(",", ":")) + "\n")
