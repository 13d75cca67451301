"""Draw the digits of a class that does not exist: eight styles of writing, each digit twice.

`python data/draw_class.py` writes class_digits.npz anew. Only sums, products, quotients and square
roots are used, which every processor rounds alike: the drawings are the same everywhere.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import mnist_lab as lab

FIELD, PEN = 280, 12  # pixels of the laboratory's field, and half the width of its pen's lines
TIMES = 2  # each writer writes each digit
# How each digit may be written: the points that the pen passes, right and down, in percent of the
# digit's width and height. At a slash the pen turns sharply or begins anew, elsewhere it curves.
SHAPES = {
    "0": "60,2 20,15 2,55 20,93 52,100 86,82 97,42 78,7 50,2",
    "0 not closed": "45,6 14,22 2,60 22,95 56,99 90,75 95,35 74,4 60,0",
    "1": "50,0 49,50 50,100",
    "1 with a flag": "28,24 54,0 / 54,0 53,50 54,100",
    "1 with a foot": "30,20 52,0 / 52,0 51,50 52,100 / 22,100 82,99",
    "1 with a long flag": "0,52 56,0 / 56,0 54,50 56,100",
    "2": "10,24 30,4 65,0 86,22 74,50 40,78 6,100 / 6,100 50,98 95,100",
    "2 with a loop": "12,20 38,1 74,6 82,34 55,70 20,96 4,90 20,77 50,92 96,95",
    "3": "10,14 42,0 78,10 78,34 40,46 / 40,46 80,56 90,80 55,100 8,88",
    "3 with a flat top": "12,2 50,3 86,0 / 86,0 42,40 / 42,40 84,52 90,82 52,100 10,90",
    "4": "66,0 40,30 4,64 / 4,64 50,63 96,62 / 66,0 65,50 63,100",
    "4 open": "16,2 12,30 8,54 / 8,54 50,54 94,50 / 74,10 70,55 66,100",
    "5": "86,0 20,2 / 20,2 15,42 / 15,42 52,36 88,58 84,85 50,100 8,90",
    "5 with the bar last": "24,6 20,40 / 20,40 60,40 86,66 62,96 10,96 / 24,4 60,5 95,0",
    "6": "74,0 36,24 10,64 22,95 60,100 86,78 68,55 34,60 13,80",
    "6 upright": "50,0 20,35 6,70 26,98 68,96 84,72 58,55 26,66 10,80",
    "7": "5,5 50,5 92,2 / 92,2 60,50 42,100",
    "7 with a bar": "6,6 50,5 92,2 / 92,2 62,50 46,100 / 30,52 92,47",
    "8": "78,14 45,0 16,20 46,46 86,74 52,100 12,78 48,48 84,22 72,8",
    "8 of two rings": "50,46 20,24 48,0 80,22 50,46 / 50,46 10,74 50,100 90,72 50,46",
    "9": "84,16 50,0 12,24 36,50 76,36 86,12 / 86,12 80,60 70,100",
    "9 with a curved foot": "84,20 52,0 14,24 40,50 80,32 88,14 / 88,14 88,66 58,98 16,90",
}


@dataclass(frozen=True)
class Style:
    """How somebody writes.

    Attributes
    ----------
    variants : tuple of str
        The digits that are not written in the first way of `SHAPES`.
    slant
        How far the top leans to the right, in heights.
    tilt
        How far a line that should be level falls to the right, in its lengths.
    width, height
        Of a digit, in pixels of the field.
    pen
        Half the width of a line, in those of the laboratory's pen.
    roundness
        0 goes straight from point to point, 1 in curves.
    miss
        Pixels by which points miss their places at most.
    shake
        Pixels by which the hand trembles on the way at most.
    """

    variants: tuple[str, ...] = ()
    slant: float = 0
    tilt: float = 0
    width: float = 110
    height: float = 170
    pen: float = 1
    roundness: float = 1
    miss: float = 6
    shake: float = 0


CLASS = (
    Style(("1 with a flag", "7 with a bar", "4 open"), slant=0.1),
    Style(slant=0.5, width=95, height=190, pen=0.8, miss=8),
    Style(("1 with a foot", "7 with a bar", "8 of two rings", "3 with a flat top"),
          width=130, height=130, pen=1.4, miss=9),
    Style(("2 with a loop", "9 with a curved foot", "4 open"),
          tilt=-0.5, width=100, height=140, pen=0.9, miss=9),
    Style(("6 upright", "5 with the bar last", "1 with a flag"),
          slant=0.3, tilt=0.5, width=100, height=140, miss=11),
    Style(("4 open", "0 not closed", "3 with a flat top", "1 with a long flag", "7 with a bar"),
          width=125, height=190, pen=1.2, roundness=0.3, miss=20),
    Style(("9 with a curved foot", "8 of two rings", "1 with a long flag", "7 with a bar"),
          slant=-0.35, width=60, height=180, pen=0.6, miss=9),
    Style(("1 with a flag", "5 with the bar last", "6 upright"),
          slant=0.1, width=100, height=105, pen=1.1, miss=14, shake=6),
)  # fmt: skip


def draw(class_: tuple[Style, ...] = CLASS) -> lab.Digits:
    """Return the digits of a class."""
    labels = [digit for _ in class_ for digit in [*range(10)] * TIMES]
    writers = np.repeat(np.arange(len(class_), dtype=np.uint16), 10 * TIMES)
    chance = [np.random.default_rng(number) for number in range(len(class_))]
    drawings = np.stack(
        [
            drawing(lines(digit, class_[writer], chance[writer]), class_[writer].pen * PEN)
            for digit, writer in zip(labels, writers, strict=True)
        ]
    )
    return lab.Digits(lab.prepare(drawings), np.array(labels, np.uint8), drawings, writers)


def lines(digit: int, style: Style, chance: np.random.Generator) -> list[np.ndarray]:
    """Return the ways of the pen: points in the field, of shape (points, 2) each."""
    own = [name for name in style.variants if name[0] == str(digit)]
    shape = SHAPES[own[0] if own else str(digit)]
    size = np.array([style.width, style.height]) * chance.uniform(0.9, 1.1, 2)
    place = FIELD / 2 + chance.uniform(-20, 20, 2)
    tilt = style.tilt + chance.uniform(-0.06, 0.06)
    points = {}  # by their text, so that strokes which meet in a point still do
    for text in shape.replace("/", "").split():
        about = np.array([int(number) for number in text.split(",")]) / 100 - 0.5
        points.setdefault(text, about * size + style.miss * chance.uniform(-1, 1, 2))
    ways = []
    for stroke in shape.split("/"):
        way = curved(np.array([points[text] for text in stroke.split()]), style.roundness)
        right, down = (way + style.shake * chance.uniform(-1, 1, way.shape)).T
        leaning = right - (style.slant + tilt) * down, down + tilt * right
        ways.append(np.stack(leaning, axis=1) + place)
    return ways


def curved(points: np.ndarray, roundness: float, steps: int = 8) -> np.ndarray:
    """Pass through points in cubic curves, at each in the direction from the last to the next.

    E. Catmull and R. Rom 1974, "A class of local interpolating splines".
    """
    around = np.concatenate([points[:1], points, points[-1:]])
    directions = roundness * (around[2:] - around[:-2]) / 2
    t = (np.arange(steps) / steps)[:, None]
    square, cube = t * t, t * t * t
    ways = [
        start * (2 * cube - 3 * square + 1)
        + end * (3 * square - 2 * cube)
        + leaving * (cube - 2 * square + t)
        + arriving * (cube - square)
        for (start, end), (leaving, arriving) in zip(
            pairwise(points), pairwise(directions), strict=True
        )
    ]
    return np.concatenate([*ways, points[-1:]])


def drawing(ways: list[np.ndarray], pen: float) -> np.ndarray:
    """Ink lines as the laboratory's page does, and reduce the field to uint8 of (140, 140)."""
    ink = np.zeros((FIELD, FIELD))
    for way in ways:
        for start, end in pairwise(way):
            ink_line(ink, start, end, pen)
    halved = ink[::2, ::2] + ink[1::2, ::2] + ink[::2, 1::2] + ink[1::2, 1::2]
    return np.floor(255 * halved / 4 + 0.5).astype(np.uint8)


def ink_line(ink: np.ndarray, start: np.ndarray, end: np.ndarray, pen: float) -> None:
    """Ink what is within half a pen's width of a line, with smooth borders."""
    low, high = np.minimum(start, end) - pen - 1, np.maximum(start, end) + pen + 2
    (left, top), (right, bottom) = np.clip([low, high], 0, FIELD).astype(int)
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    dx, dy = end - start
    along = ((x - start[0]) * dx + (y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-9)
    along = np.clip(along, 0, 1)
    across, down = x - start[0] - along * dx, y - start[1] - along * dy
    covered = np.clip(pen + 0.5 - np.sqrt(across * across + down * down), 0, 1)
    part = ink[top:bottom, left:right]
    np.maximum(part, covered, out=part)


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("class_digits.npz"))
