"""Spoilt digits: stronger is worse, the same seed the same, and an image depends on no other.

What the page makes of a digit is held against the same file: `python tests/test_corruptions.py`
writes it anew.
"""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import mnist_lab as lab

each = pytest.mark.parametrize("kind", lab.CORRUPTIONS)
SHARED = Path(__file__).parent / "front" / "spoilt.json"
RANDOM = {"noise", "shear", "shift", "fog"}


@pytest.fixture(scope="module")
def images(data):
    return data.x_valid[:100]


def test_these_are_the_kinds():
    wanted = "noise blur stripe scale shear shift brightness fog"
    assert " ".join(lab.CORRUPTIONS) == wanted


@each
def test_each_strength_is_further_from_the_digit(images, kind):
    away = [
        np.sqrt(((lab.corrupt(images, kind, strength) - images.astype(float)) ** 2).mean())
        for strength in range(1, 6)
    ]
    assert away[0] > 5
    assert (np.diff(away) > 1).all(), away


@each
def test_an_image_is_spoilt_alike_alone_and_among_others(images, kind):
    before = images.copy()
    spoilt = lab.corrupt(images, kind, 4, seed=7)
    assert (spoilt.dtype, spoilt.shape) == (np.uint8, images.shape)
    assert np.array_equal(images, before)
    assert np.array_equal(lab.corrupt(images, kind, 4, seed=7), spoilt)
    assert np.array_equal(lab.corrupt(images[:3], kind, 4, seed=7), spoilt[:3])
    assert np.array_equal(lab.corrupt(images[0], kind, 4, seed=7), spoilt[0])
    assert lab.corrupt(images[:0], kind).shape == (0, 28, 28)
    other = lab.corrupt(images, kind, 4, seed=8)
    assert np.array_equal(other, spoilt) == (kind not in RANDOM)


@each
def test_copies_of_an_image_are_spoilt_each_in_its_own_way(images, kind):
    copies = lab.corrupt(np.repeat(images[:1], 40, axis=0), kind, 5)
    different = len(np.unique(copies, axis=0))
    assert different == (2 if kind == "shear" else 1) or (kind in RANDOM and different > 10)


@each
@pytest.mark.parametrize("grey", [0, 255])
def test_black_and_white_stay_in_the_range(kind, grey):
    """A value beyond 0 or 255 would come out at the other end of the bytes."""
    spoilt = lab.corrupt(np.full((2, 28, 28), grey, np.uint8), kind, 1)
    assert abs(float(np.median(spoilt)) - grey) < 80


def test_the_kinds_do_what_they_say(images):
    image = images[0].astype(float)

    def spoilt(kind, strength=3):
        return lab.corrupt(images[0], kind, strength).astype(float)

    assert np.isclose(spoilt("blur").sum(), image.sum(), rtol=0.02)
    assert np.array_equal(spoilt("stripe", 2)[:, 13:15], 255 - image[:, 13:15])
    assert np.array_equal(
        np.delete(spoilt("stripe", 2), [13, 14], 1), np.delete(image, [13, 14], 1)
    )
    assert np.isclose(spoilt("scale", 5).sum(), image.sum() / 4, rtol=0.05)
    assert np.allclose(spoilt("shear").sum(axis=1), image.sum(axis=1), rtol=0.02, atol=2)
    assert np.array_equal(spoilt("brightness"), np.minimum(image + 51, 255))
    moved = [np.roll(image, (y - 1, x - 1), (0, 1)) for y, x in np.ndindex(3, 3)]
    assert any(np.array_equal(spoilt("shift", 1), each) for each in moved)
    # Fog is smooth: neighbours differ by less than a fifth of its range.
    fog = lab.corrupt(np.zeros((28, 28), np.uint8), "fog", 5).astype(float)
    assert fog.max() == 153
    assert np.abs(np.diff(fog, axis=0)).max() < 0.2 * fog.max()


def test_photons_are_counted_as_poisson_says():
    """Mean and variance of the counts are equal, for white and for the dark between the lines."""
    grey = np.full((200, 28, 28), 128, np.uint8)
    counts = 12 * (lab.corrupt(grey, "noise", 2) / 255 + 0.2)
    unclipped = 12 * (128 / 255 + 0.2)
    assert np.isclose(counts.mean(), unclipped, rtol=0.01)
    assert np.isclose(counts.var(), unclipped, rtol=0.15)  # clipped at white


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("smoke",), "kind='smoke': it must be one of noise, blur, stripe, .*fog"),
        (([],), r"kind=\[\]"),
        (("blur", 0), "strength=0: it must be a whole number from 1 to 5"),
        (("blur", 2.5), "strength=2.5"),
        (("blur", True), "strength=True"),
    ],
)
def test_an_unknown_kind_or_strength_is_refused(images, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        lab.corrupt(images, *arguments)


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 28, 28)), np.zeros((3, 784), np.uint8), np.zeros((1, 1, 28, 28), "u1")]
)
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match=r"images are \w+ of shape .*\(n, 28, 28\)"):
        lab.corrupt(wrong, "blur")
    with pytest.raises(ValueError, match="seed=-1"):
        lab.corrupt(np.zeros((28, 28), np.uint8), "blur", seed=-1)


def shared():
    """What both sides are to agree on: a digit, and what each kind makes of it."""
    image = lab.load_mnist().x_valid[0]

    def packed(pixels):
        return base64.b64encode(pixels).decode()

    spoilt = {
        kind: [packed(lab.corrupt(image, kind, strength)) for strength in range(1, 6)]
        for kind in lab.CORRUPTIONS
    }
    return {"image": packed(image), "spoilt": spoilt}


def test_the_shared_file_is_what_this_computes():
    assert json.loads(SHARED.read_text()) == shared()


if __name__ == "__main__":
    SHARED.write_text(json.dumps(shared(), indent=1) + "\n")
