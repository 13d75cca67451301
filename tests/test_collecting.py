"""A class's files become one: nothing good is lost, nothing bad gets in, and nobody is named."""

import os
import pickle
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_digits import Loud, announcing, many, three

import mnist_lab as lab
from mnist_lab import places
from mnist_lab.__main__ import main

NAMES = ["Anna", "Bela", "Chloé", "Dora", "Emil", "Fatma", "Gül", "Hugo"]


@pytest.fixture
def example():
    return lab.load_digits(places.here.data / "class_digits.npz")


def one(example, writer):
    """The digits of a single writer, as the laboratory keeps them."""
    digits = example.where(example.writers == writer)
    return lab.Digits(digits.images, digits.labels, digits.drawings, np.zeros(20, np.uint16))


@pytest.fixture
def folder(tmp_path, monkeypatch, example):
    """Eight students' folders as Moodle packs them, each with a file."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(NAMES):
        place = Path("class", f"{name} Test_{number}_assignsubmission_file_")
        place.mkdir(parents=True)
        one(example, number).save(place / "my_digits.npz")
    return Path("class")


def numbered(digits):
    """Each writer's digits as bytes, and who they are in the example of a class."""
    return [digits.drawings[digits.writers == w].tobytes() for w in np.unique(digits.writers)]


def test_a_class_becomes_one_file_that_names_nobody(folder, example, capsys):
    assert main(["collect", "class"]) == 0
    assert capsys.readouterr().out == "class_digits.npz: 160 digits by 8 writers\n"
    collected = lab.load_digits("class_digits.npz")
    assert collected.names == ()
    assert np.bincount(collected.labels).tolist() == [16] * 10
    assert np.array_equal(lab.prepare(collected.drawings), collected.images)
    # All of each writer, in another order than that of their names.
    assert sorted(numbered(collected)) == sorted(numbered(example))
    assert numbered(collected) != numbered(example)
    with zipfile.ZipFile("class_digits.npz") as archive:
        content = b"".join(map(archive.read, archive.namelist())).lower()
    content += Path("class_digits.npz").read_bytes().lower()
    for name in [*NAMES, "assignsubmission", "my_digits"]:
        assert name.lower().encode() not in content
        assert name.lower().encode("utf-32-le") not in content


def test_numbers_do_not_depend_on_names_or_folders(folder, example):
    main(["collect", "class"])
    shutil.rmtree("class")
    Path("class").mkdir()
    for number in range(8):  # as Canvas names them, in another order
        one(example, number).save(f"class/student{9 - number}_{number}_my_digits-1.npz")
    main(["collect", "class", "--output", "again.npz"])
    assert Path("again.npz").read_bytes() == Path("class_digits.npz").read_bytes()


def test_names_are_kept_if_asked_for(folder, example):
    one(example, 0).without(0).save(folder / "zoe.npz")
    shutil.rmtree(next(folder.glob("Anna*")))
    assert main(["collect", "class", "--names"]) == 0
    collected = lab.load_digits("class_digits.npz")
    own = numbered(example)
    found = dict(zip(numbered(collected), collected.names, strict=True))
    for number, name in enumerate(NAMES[1:], 1):
        assert found[own[number]] == f"{name} Test_{number}_assignsubmission_file_"
    assert "zoe" in collected.names


def test_its_own_output_is_no_input(folder, capsys):
    for _ in range(3):
        assert main(["collect", "class", "--output", "class/all.npz"]) == 0
        assert capsys.readouterr().out == "class/all.npz: 160 digits by 8 writers\n"
    # An earlier one under another name is a class's file, and not a student's.
    assert main(["collect", "class"]) == 1
    out, err = capsys.readouterr()
    assert out == "class_digits.npz: 160 digits by 8 writers\n"
    assert err == "mnist-lab: left out: class/all.npz is a class's file (160 digits by 8 writers)\n"


def test_digits_that_are_there_twice_are_told(folder, example, capsys):
    anna, bela = (next(folder.glob(f"{name}*/my_digits.npz")) for name in NAMES[:2])
    again = anna.with_name("my_digits (1).npz")
    few = one(example, 1)
    for index in (3, 4):
        few = few.added(example.images[index], example.labels[index], example.drawings[index])
    few = few.added(few.images[7], few.labels[7], few.drawings[7])
    few.save(bela)
    shutil.copy(anna, again)
    assert main(["collect", "class"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"left out: 20 of 20 digits in {anna}, which {again} has, too",
        f"left out: 2 of 23 digits in {bela}, which {again} has, too",
        f"left out: 1 of 23 digits in {bela}, which are there twice",
        "class_digits.npz: 160 digits by 8 writers",
    ]
    assert np.bincount(lab.load_digits("class_digits.npz").writers).tolist() == [20] * 8


def test_a_class_of_thirty_with_hostile_files(folder, example, tmp_path, capsys):
    """Each bad one is named with its reason, and all that is good is there."""
    good = one(example, 0)
    bad = {}  # file or folder, and what is said of it
    for number in range(12):  # twelve more students
        place = folder / f"good{number}"
        place.mkdir()
        chance = np.random.default_rng(number)
        drawings = chance.integers(0, 256, (20, 140, 140)).astype(np.uint8)
        digits = lab.Digits(lab.prepare(drawings), good.labels, drawings, good.writers)
        digits.save(place / "my_digits.npz")

    def hostile(name, words):
        place = folder / name
        place.mkdir()
        bad[f"class/{name}"] = words
        return place / "my_digits.npz"

    announcing(hostile("bomb", "announces 39,200,000,000 bytes"), "drawings", (2_000_000, 140, 140))
    hostile("pickle", r"damaged or not an \.npz file").write_bytes(pickle.dumps([Loud()]))
    np.savez(
        hostile("pickled array", "pickled Python objects, which are never loaded"),
        **three(labels=np.array([Loud()] * 3)),
    )
    np.savez(
        hostile("flat", "images is uint8 of shape"), **three(images=np.zeros((3, 9), np.uint8))
    )
    np.savez(hostile("label", "labels has a 77"), **three(labels=np.full(3, 77, np.uint8)))
    np.savez(hostile("mnist", "holds no array 'images'"), x_train=np.zeros(3))
    np.savez_compressed(hostile("2,001 digits", "bytes, more than the"), **many(2_001))
    np.savez_compressed(hostile("none", "holds no digits"), **many(0))
    hostile("empty", "damaged or not").write_bytes(b"")
    hostile("text", "damaged or not").write_text("I could not do it", "utf-8")
    hostile("folder", "is a folder, not a file").mkdir()
    hostile("link", "is a link, which may lead anywhere").symlink_to(
        tmp_path / next(folder.glob("Anna*/my_digits.npz"))
    )
    file = hostile("loop", "is a link")
    file.symlink_to(file.name)
    (folder / "loop" / "up").symlink_to(tmp_path / "class", target_is_directory=True)
    os.mkfifo(hostile("pipe", "a device or a pipe"))
    one(example, 1).save(hostile("cut", "is damaged"))
    os.truncate(folder / "cut" / "my_digits.npz", 5000)
    # What is no file of digits by its name is passed over in silence.
    (folder / "essay.pdf").write_bytes(b"%PDF")
    (folder / "good0" / "._my_digits.npz").write_bytes(b"Mac OS X")
    deceiving = folder / "x\nmnist-lab: all is well\x1b[2J.npz"
    deceiving.write_bytes(b"")

    assert main(["collect", "class"]) == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert len(lines) == len(bad) + 1
    for place, words in bad.items():
        (line,) = (line for line in lines if f"left out: {place}/my_digits.npz" in line)
        assert re.search(words, line), line
    assert any("x�mnist-lab: all is well�[2J.npz" in line for line in lines)
    assert out == "class_digits.npz: 400 digits by 20 writers\n"
    collected = lab.load_digits("class_digits.npz")
    assert set(numbered(example)) <= set(numbered(collected))
    assert not Path("unpickled").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(folder, capsys):
    anna = next(folder.glob("Anna*"))
    (anna / "my_digits.npz").chmod(0)
    next(folder.glob("Bela*")).chmod(0)
    assert main(["collect", "class"]) == 1
    out, err = capsys.readouterr()
    assert "120 digits by 6 writers" in out
    assert "my_digits.npz cannot be read" in err
    assert "Bela Test_1_assignsubmission_file_ cannot be read (Permission denied)" in err


def test_a_missing_digit_is_told(folder, example, capsys):
    shutil.rmtree(folder)
    folder.mkdir()
    one(example, 2).where(np.arange(20) % 10 != 7).save(folder / "a.npz")
    assert main(["collect", "class"]) == 0
    assert capsys.readouterr().out == (
        "class_digits.npz: 18 digits by 1 writer\nnot every digit is among them "
        "(0: 2, 1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 0, 8: 2, 9: 2)\n"
    )


def test_more_than_a_class_s_digits_are_left_out(tmp_path, monkeypatch, capsys, example):
    monkeypatch.setattr("mnist_lab.collecting.MOST", 50)
    for number in range(3):
        one(example, number).save(tmp_path / f"{number}.npz")
    assert main(["collect", str(tmp_path), "--output", str(tmp_path / "all.npz")]) == 1
    out, err = capsys.readouterr()
    assert "40 digits by 2 writers" in out
    assert "2.npz has 20 digits more than the 50 allowed" in err


def test_without_digits_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["collect", "class"]) == 1
    assert "class is not a folder: name the one that has" in capsys.readouterr().err
    Path("class").mkdir()
    assert main(["collect", "class"]) == 1
    assert "class has no files of digits (*.npz)" in capsys.readouterr().err
    Path("class/my_digits.npz").write_bytes(b"")
    assert main(["collect", "class"]) == 1
    assert "class has no digits that can be read: nothing was written" in capsys.readouterr().err
    assert os.listdir() == ["class"]


def test_nothing_but_a_class_s_file_is_written_over(folder, capsys):
    anna = next(folder.glob("Anna*/my_digits.npz"))
    before = anna.read_bytes()
    for output in (str(anna), "class", "notes.txt"):
        Path("notes.txt").write_text("mine", "utf-8")
        assert main(["collect", "class", "--output", output]) == 1
        assert f"{output} is there, and is not a class's file" in capsys.readouterr().err
    assert anna.read_bytes() == before
    assert main(["collect", "class", "--output", "nowhere/all.npz"]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main(["collect", "class"]) == 0
    assert main(["collect", "class"]) == 0
