"""How MNIST prepared its digits, in NumPy; the browser's own way is held against the same file.

`python tests/laboratory/test_digits.py` writes that file anew.
"""

import json
from pathlib import Path

import numpy as np

import mnist_lab as lab

SHARED = Path(__file__).parents[1] / "front" / "digits.json"
SIDE, FIELD, BOX, PEN = 28, 280, 20, 12
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


def overlaps(start, length, scale, size):
    """A matrix that averages a stretch of a line over 28 pixels, from a whole one on."""
    borders = (np.arange(SIDE + 1) - np.floor((SIDE - length * scale) / 2)) / scale
    borders = np.clip(borders, 0, length) + start
    pixels = np.arange(size)
    ends = np.minimum(borders[1:, None], pixels + 1)
    return scale * np.maximum(ends - np.maximum(borders[:-1, None], pixels), 0)


def prepared(ink):
    """Scaled to a box of 20 x 20, and centred by mass in 28 x 28, both as MNIST's makers did."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    scale = BOX / max(height, width)
    scaled = (
        overlaps(rows[0], height, scale, len(ink))
        @ ink
        @ overlaps(columns[0], width, scale, len(ink)).T
    )
    centre = [(scaled.sum(axis=axis) @ np.arange(SIDE)) / scaled.sum() for axis in (1, 0)]
    down, right = (int(np.floor(SIDE / 2 - place + 0.5)) for place in centre)
    whole = np.pad(scaled, SIDE)
    return whole[SIDE - down : 2 * SIDE - down, SIDE - right : 2 * SIDE - right]


def shared():
    """What both sides are to agree on: drawn digits, and some of MNIST's own."""
    drawn = [
        {
            "strokes": [{"points": points, "erasing": erasing} for points, erasing in strokes],
            "pixels": in_bytes(prepared(rasterized(strokes))),
        }
        for strokes in DRAWN
    ]
    data = lab.load_mnist()
    return {
        "drawn": drawn,
        "mnist": [image.ravel().tolist() for image in data.x_valid[:4]],
        "upon": in_bytes(rasterized(DRAWN[1], SIDE, data.x_valid[0] / 255)),
    }


def in_bytes(image):
    return np.floor(255 * image + 0.5).astype(int).ravel().tolist()


def test_the_shared_file_is_what_this_computes():
    assert json.loads(SHARED.read_text()) == shared()


def test_mnist_s_own_digits_come_out_as_they_went_in(data):
    """Made ten times as large, and put elsewhere: what was read on how MNIST was made is right."""
    for image in data.x_valid[:200]:
        large = np.pad(np.kron(image / 255, np.ones((10, 10))), ((50, 10), (0, 60)))
        assert np.abs(255 * prepared(large) - image).max() <= 1


if __name__ == "__main__":
    SHARED.write_text(json.dumps(shared(), separators=(",", ":")) + "\n")
