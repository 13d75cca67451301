"""Digits spoilt as no training image was: eight corruptions, in five strengths."""

from collections.abc import Callable

import numpy as np

from .support import ArgumentError, DataError, in_range

SIDE = 28  # pixels of an image
# Each image has so many random numbers of its own, so that what becomes of it does not depend on
# how many others there are. No kind needs more.
_DRAWS = 1024
_AT_ONCE = 1000  # images, which bounds the memory

# A function gets images from 0 (black) to 1 (white), float64 of shape (n, 28, 28), how much of its
# corruption, and `draw`, which returns that many random numbers from 0 to 1 for each image.
_Draw = Callable[[int], np.ndarray]


def _noise(images: np.ndarray, photons: float, draw: _Draw) -> np.ndarray:
    """Count photons, of which a black pixel gets a fifth of a white one's."""
    dark = 0.2
    mean = photons * (images + dark)
    uniform = draw(SIDE * SIDE).reshape(images.shape)
    # The Poisson distribution's inverse: how many of its partial sums lie below the number.
    term = np.exp(-mean)
    below, count = term.copy(), np.zeros_like(mean)
    number = 0
    while (more := uniform > below).any():
        number += 1
        count += more
        term *= mean / number
        below += term
    return count / photons - dark


def _blur(images: np.ndarray, deviation: float, draw: _Draw) -> np.ndarray:
    """Average each pixel's neighbourhood with the weights of a Gaussian."""
    away = np.arange(SIDE)[:, None] - np.arange(SIDE)
    weights = np.exp(-(away**2) / (2 * deviation**2))
    weights /= weights[SIDE // 2].sum()
    return weights @ images @ weights


def _stripe(images: np.ndarray, width: int, draw: _Draw) -> np.ndarray:
    """Swap black and white in a vertical stripe in the middle."""
    first = (SIDE - width) // 2
    stripe = slice(first, first + width)
    images[:, :, stripe] = 1 - images[:, :, stripe]
    return images


def _scale(images: np.ndarray, size: float, draw: _Draw) -> np.ndarray:
    """Make the digit smaller."""
    x, y = _from_centre()
    return _sampled(images, x / size, y / size)


def _shear(images: np.ndarray, slope: float, draw: _Draw) -> np.ndarray:
    """Slant the digit to the left or to the right."""
    x, y = _from_centre()
    side = np.where(draw(1) < 0.5, -1, 1)[:, :, None]
    return _sampled(images, x + side * slope * y, y)


def _shift(images: np.ndarray, pixels: float, draw: _Draw) -> np.ndarray:
    """Move the digit by whole pixels, in any direction; what leaves the image is lost."""
    x, y = _from_centre()
    turn = 2 * np.pi * draw(1)[:, :, None]
    right, down = (np.floor(pixels * way(turn) + 0.5) for way in (np.cos, np.sin))
    return _sampled(images, x - right, y - down)


def _brightness(images: np.ndarray, more: float, draw: _Draw) -> np.ndarray:
    """Raise all grey levels; white stays white."""
    return images + more


def _fog(images: np.ndarray, density: float, draw: _Draw) -> np.ndarray:
    """Add a smooth random field from 0 to 1: coarse grids of random numbers and finer ones.

    Each grid is half as high as the one before, as in the diamond-square algorithm.
    """
    sizes = (3, 5, 9)
    grids = np.split(draw(sum(size**2 for size in sizes)), np.cumsum(np.square(sizes))[:-1], axis=1)
    field = np.zeros_like(images)
    for size, numbers in zip(sizes, grids, strict=True):
        along = np.linspace(0, size - 1, SIDE)[:, None]
        weights = np.maximum(1 - np.abs(along - np.arange(size)), 0)  # linear between two points
        field += weights @ numbers.reshape(-1, size, size) @ weights.T / (size - 1)
    field -= field.min(axis=(1, 2), keepdims=True)
    field /= field.max(axis=(1, 2), keepdims=True)
    return (images + density * field) / (1 + density)


# For each kind its function, and how much of it strengths 1 to 5 are.
_KINDS = {
    "noise": (_noise, (24, 12, 6, 3, 2)),
    "blur": (_blur, (1, 1.4, 1.8, 2.2, 2.6)),
    "stripe": (_stripe, (1, 2, 3, 4, 5)),
    "scale": (_scale, (0.9, 0.8, 0.7, 0.6, 0.5)),
    "shear": (_shear, (0.2, 0.4, 0.6, 0.8, 1)),
    "shift": (_shift, (1, 2, 3, 4, 5)),
    "brightness": (_brightness, (0.05, 0.1, 0.2, 0.3, 0.4)),
    "fog": (_fog, (0.2, 0.4, 0.7, 1, 1.5)),
}
CORRUPTIONS = tuple(_KINDS)


def corrupt(images: np.ndarray, kind: str, strength: int = 3, *, seed: int = 0) -> np.ndarray:
    """Spoil images of digits in one of eight ways, which people hardly mind and networks do.

    Parameters
    ----------
    images
        uint8 of shape (n, 28, 28), or one image of shape (28, 28), from 0 (black) to 255 (white).
    kind
        "noise" (each pixel counts few photons), "blur" (Gaussian), "stripe" (black and white
        swapped in a vertical stripe), "scale" (smaller), "shear", "shift", "brightness" (all grey
        levels raised) or "fog" (a smooth random field).
    strength
        From 1 (weak) to 5 (strong).
    seed
        Decides what is random: noise, fog, and the direction of a shear or a shift. Each image has
        random numbers of its own, which depend on the seed and on its place among the images.

    Returns
    -------
    numpy.ndarray
        The spoilt images: uint8 of the same shape.

    Raises
    ------
    ValueError
        If the images are of another type or shape, or if there is no such kind or strength.

    Notes
    -----
    The kinds are eight of those in MNIST-C (Mu and Gilmer 2019, arXiv 1906.02337), with strengths
    as in ImageNet-C; the formulas and figures are the lab's own. The random numbers are those of
    mulberry32, a generator that the laboratory's page has, too.
    """
    if kind not in CORRUPTIONS:
        raise ArgumentError(f"kind={kind!r}: it must be one of {', '.join(CORRUPTIONS)}")
    strength = in_range("strength", strength, 1, 5, whole=True)
    seed = in_range("seed", seed, 0, 2**32 - 1, whole=True)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (2, 3) or images.shape[-2:] != (SIDE, SIDE):
        raise DataError(
            f"images are {images.dtype} of shape {images.shape}: give bytes (uint8) of shape "
            "(n, 28, 28), or one image of shape (28, 28)"
        )
    function, amounts = _KINDS[kind]
    stack = images.reshape(-1, SIDE, SIDE)
    spoilt = np.empty_like(stack)
    for first in range(0, len(stack), _AT_ONCE):
        some = stack[first : first + _AT_ONCE] / 255
        places = np.arange(first, first + len(some), dtype=np.uint32)

        def draw(count: int, places: np.ndarray = places) -> np.ndarray:
            return _random(seed, places, count)

        values = np.clip(function(some, amounts[strength - 1], draw), 0, 1)
        spoilt[first : first + _AT_ONCE] = np.floor(255 * values + 0.5)
    return spoilt.reshape(images.shape)


def _random(seed: int, places: np.ndarray, count: int) -> np.ndarray:
    """Return numbers from 0 to 1 of shape (images, count): mulberry32, whose state is a count."""
    number = places[:, None] * np.uint32(_DRAWS) + np.arange(1, count + 1, dtype=np.uint32)
    state = np.uint32(seed) + number * np.uint32(0x6D2B79F5)
    mixed = (state ^ state >> 15) * (state | 1)
    mixed ^= mixed + (mixed ^ mixed >> 7) * (mixed | 61)
    return (mixed ^ mixed >> 14) / 2**32


def _from_centre() -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's distance from the centre, to the right and down: shape (28, 28)."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return x, y


def _sampled(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the images' values at places from the centre, linear between pixels, black outside.

    The places are of shape (28, 28), or of shape (n, 28, 28), for each image its own.
    """
    # A border of black, to which all places outside belong.
    bordered = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    x, y = (np.clip(place + (SIDE - 1) / 2, -1, SIDE) for place in np.broadcast_arrays(x, y))
    left, top = (np.floor(place).astype(int) for place in (x, y))
    image = np.arange(len(images))[:, None, None]
    values = 0
    for row, down in ((top, 1 - y + top), (top + 1, y - top)):
        for column, right in ((left, 1 - x + left), (left + 1, x - left)):
            values = values + down * right * bordered[image, row + 1, column + 1]
    return values
