"""Half-done copies of earlier exercises, as students have them, are brought up to date whole.

golden/before/exercises.zip has the exercises as they were: "five" is commit 6583347, with five
notebooks; "six" is 999d57e, the last with six, before 6_beyond became three.
"""

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from mnist_lab import places
from mnist_lab.__main__ import main
from mnist_lab.notebooks import find_answered, list_notebooks, update

ZIP = Path(__file__).parents[1] / "golden" / "before" / "exercises.zip"
STUB = re.compile(r"# YOUR CODE HERE\n\s*raise NotImplementedError\(.*\)")
SPACE = re.compile(r"\*YOUR ANSWER HERE.*\*")
PARTS = ["6_test", "7_sure", "8_best"]
# Answers of 6_beyond by the notebook that has them now.
ANSWERS = {
    "6_test": [
        *("flattery", "error", "error-q", "choose", "test", "test-q", "seen", "gains", "gains-q"),
        *("remains", "stopped", "cures-q", "lab-q"),
    ],
    "7_sure": ["ece", "ece-q", "cool", "temperature-q"],
    "8_best": ["rate", "missed", "missed-q"],
}


def half_done(book, first=0):
    """Answer every second question, and do what students do besides; what was written, by id."""
    asked = [cell for cell in book.cells if STUB.search(cell.source) or SPACE.search(cell.source)]
    for cell in asked[first::2]:
        cell.source = STUB.sub(f"mine = {cell.id!r}  # my own", cell.source)
        cell.source = SPACE.sub(f"I think so of {cell.id}.", cell.source)
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", text=f"out of {cell.id}\n")]
    written = {cell.id: cell.source for cell in asked[first::2]}
    for number, cell in enumerate([asked[1], asked[-2]]):
        note = new_markdown_cell(f"A note below {cell.id}.", id=f"note-{number}")
        book.cells.insert(book.cells.index(cell) + 1, note)
        written[note.id] = note.source
    scratch = new_code_cell("1 + 1  # at the very end", id="scratch")
    book.cells.append(scratch)
    return written | {"scratch": scratch.source}


@pytest.fixture
def copies(tmp_path):
    """Unpack the copies of one vintage, half done; what was written in each."""

    def unpack(vintage, first=0):
        written = {}
        with zipfile.ZipFile(ZIP) as archive:
            for name in archive.namelist():
                if name.startswith(f"{vintage}/"):
                    book = nbformat.reads(archive.read(name).decode(), 4)
                    path = tmp_path / Path(name).name
                    written[path.stem] = half_done(book, first)
                    nbformat.write(book, path)
        return written

    return unpack


def read(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    return book


def sources(path):
    return {cell.id: cell.source for cell in read(path).cells}


def exercise(name):
    return read(places.here.exercises / f"{name}.ipynb")


def assert_whole(path, name):
    """All cells of the exercise are there, none of them twice."""
    ids = [cell.id for cell in read(path).cells]
    assert len(ids) == len(set(ids))
    assert {cell.id for cell in exercise(name).cells} <= {*ids}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("vintage", ["five", "six"])
def test_answers_stay_and_every_exercise_is_there(copies, tmp_path, vintage, first):
    written = copies(vintage, first)
    _, failed = update(folder=tmp_path)
    assert not failed
    names = [path.stem for path in list_notebooks(places.here.exercises)]
    assert [path.stem for path in list_notebooks(tmp_path)] == names
    found = {name: sources(tmp_path / f"{name}.ipynb") for name in names}
    for name, texts in written.items():
        places_of = PARTS if name == "6_beyond" else [name]
        for cell, text in texts.items():
            assert any(found[each].get(cell) == text for each in places_of), (name, cell)
    for name in names:
        assert_whole(tmp_path / f"{name}.ipynb", name)
    once = {path: path.read_bytes() for path in tmp_path.rglob("*.ipynb")}
    again, failed = update(folder=tmp_path)
    assert not failed
    assert all(": up to date" in words for words in again), again
    assert once == {path: path.read_bytes() for path in tmp_path.rglob("*.ipynb")}


def test_what_has_become_three_is_told_and_kept(copies, tmp_path, capsys):
    written = copies("six")["6_beyond"]
    old = tmp_path / "6_beyond.ipynb"
    before = old.read_bytes()
    assert main(["update", "--folder", str(tmp_path)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "6_beyond" in line]
    assert not old.exists()
    (aside,) = (tmp_path / "before-update").glob("6_beyond-*.ipynb")
    assert aside.read_bytes() == before
    assert line.endswith(f"what it was is in before-update/{aside.name}")
    assert f"{old}: it is 3 notebooks now: 6_test.ipynb (your answers " in line
    for name, answers in ANSWERS.items():
        mine = [each for each in answers if each in written]
        assert mine
        book = read(tmp_path / f"{name}.ipynb")
        theirs = {cell.id: cell for cell in book.cells}
        given = {cell.id: cell for cell in exercise(name).cells}
        assert {*mine} <= find_answered(book, given)
        assert f"{name}.ipynb (your answers " in line
        for each in mine:
            assert theirs[each].source == written[each]
            assert each in line
            if theirs[each].cell_type == "code":
                assert theirs[each].outputs[0].text == f"out of {each}\n"
        for each in {*answers} - {*mine}:  # to be answered, as the exercise has it today
            assert theirs[each].source == given[each].source
    # A student's own cells stand behind those that they stood behind.
    for name, note in (("6_test", "note-0"), ("8_best", "note-1"), ("8_best", "scratch")):
        assert note in sources(tmp_path / f"{name}.ipynb")


def test_what_was_changed_in_the_head_is_in_all_three_and_what_was_deleted_stays_away(
    copies, tmp_path
):
    copies("six")
    path = tmp_path / "6_beyond.ipynb"
    book = read(path)
    cells = {cell.id: cell for cell in book.cells}
    cells["imports"].source += "\nimport math"
    book.cells.remove(cells["ece-table"])
    nbformat.write(book, path)
    update(folder=tmp_path)
    assert sources(tmp_path / "6_test.ipynb")["imports"].endswith("import math")
    assert "import math" in sources(tmp_path / "7_sure.ipynb")["imports"]
    # The exercise has changed there as well.
    cells = read(tmp_path / "8_best.ipynb").cells
    place = [cell.id for cell in cells].index("imports")
    assert cells[place].source.endswith("import math")
    assert "The exercise has changed here" in cells[place + 1].source
    assert "ece-table" not in sources(tmp_path / "7_sure.ipynb")


def test_nothing_is_lost_where_the_new_files_are_there_already(copies, tmp_path, capsys):
    written = copies("six")["6_beyond"]
    blank = (places.here.exercises / "6_test.ipynb").read_bytes()
    (tmp_path / "6_test.ipynb").write_bytes(blank)
    begun = exercise("7_sure")
    next(cell for cell in begun.cells if cell.id == "cool").source = "cool = 'begun elsewhere'"
    nbformat.write(begun, tmp_path / "7_sure.ipynb")
    (tmp_path / "8_best.ipynb").write_text("{")
    assert main(["update", "--folder", str(tmp_path)]) == 1  # one of them is broken
    said = capsys.readouterr()
    assert f"{tmp_path / '8_best.ipynb'} is broken at line 1" in said.err
    assert (tmp_path / "8_best.ipynb").read_text() == "{"
    assert sources(tmp_path / "7_sure.ipynb")["cool"] == "cool = 'begun elsewhere'"
    found = sources(tmp_path / "6_test.ipynb")
    for name in ("7_sure-from-6_beyond", "8_best-from-6_beyond"):
        assert f"{name}.ipynb (your answers" in said.out
        found |= sources(tmp_path / f"{name}.ipynb")
    assert written.items() <= found.items()
    (aside,) = (tmp_path / "before-update").glob("6_test-*.ipynb")
    assert aside.read_bytes() == blank


def test_an_old_copy_that_comes_back_changes_nothing_that_it_has_given_already(copies, tmp_path):
    copies("six")
    path = tmp_path / "6_beyond.ipynb"
    before = path.read_bytes()
    update(folder=tmp_path)
    made = {name: (tmp_path / f"{name}.ipynb").read_bytes() for name in PARTS}
    path.write_bytes(before)  # as Jupyter saves it, where it was still open
    told, failed = update(folder=tmp_path)
    assert not failed
    assert "7_sure.ipynb, as it is (your answers" in told[5]
    assert not path.exists()
    assert made == {name: (tmp_path / f"{name}.ipynb").read_bytes() for name in PARTS}
    assert not [*tmp_path.glob("*-from-*")]
    # Another answer is another matter.
    path.write_bytes(before.replace(b"I think so of ece-q", b"I no longer think so of ece-q"))
    told, _ = update(folder=tmp_path)
    assert "7_sure-from-6_beyond.ipynb (your answers" in told[5]
    assert made == {name: (tmp_path / f"{name}.ipynb").read_bytes() for name in PARTS}


@pytest.mark.parametrize("vintage", ["five", "six"])
def test_a_copy_of_which_only_the_words_are_left_is_known(copies, tmp_path, vintage):
    copies(vintage)
    for path in tmp_path.glob("[1-5]_*.ipynb"):
        book = json.loads(path.read_text())
        book["metadata"] = {}
        for number, cell in enumerate(book["cells"]):
            cell |= {"metadata": {}, "id": f"other-{number}"}
        renamed = tmp_path / f"My {path.name}"
        renamed.write_text(json.dumps(book))
        told, failed = update([renamed])
        assert not failed
        assert "not a copy of an exercise" not in told[0]
        assert read(renamed).metadata["mnist_lab"]["exercise"] == path.stem


@pytest.mark.parametrize("ids", [True, False])
def test_a_copy_that_lost_what_the_lab_noted_is_known_by_its_cells(copies, tmp_path, ids):
    written = copies("six")["6_beyond"]
    path = tmp_path / "6_beyond.ipynb"
    book = json.loads(path.read_text())
    book["metadata"] = {}
    for number, cell in enumerate(book["cells"]):
        cell["metadata"] = {}
        if not ids:
            cell["id"] = f"other-{number}"
    renamed = tmp_path / "My sixth.ipynb"
    renamed.write_text(json.dumps(book))
    path.unlink()
    told, failed = update([renamed])
    assert not failed
    assert f"{renamed}: it is 3 notebooks now" in told[0]
    found = "\n".join(
        text for name in PARTS for text in sources(tmp_path / f"{name}.ipynb").values()
    )
    for text in written.values():
        assert text in found
    for name in PARTS:
        assert_whole(tmp_path / f"{name}.ipynb", name)


def test_a_copy_for_a_grader_is_left_as_it_is(copies, tmp_path):
    copies("six")
    path = tmp_path / "6_beyond.ipynb"
    book = read(path)
    book.cells[5].metadata["nbgrader"] = {"grade_id": "flattery", "locked": False}
    nbformat.write(book, path)
    before = path.read_bytes()
    told, failed = update([path])
    assert not failed
    assert "made by a grader for a course, left as it is" in told[0]
    assert path.read_bytes() == before
    assert [*tmp_path.glob("8_best*")] == []


def test_an_exercise_that_cannot_be_read_divides_nothing(copies, tmp_path, relocate):
    copies("six")
    exercises = tmp_path / "exercises"
    exercises.mkdir()
    for path in list_notebooks(places.here.exercises):
        (exercises / path.name).write_bytes(path.read_bytes())
    (exercises / "7_sure.ipynb").write_text("{")
    relocate(exercises=exercises, is_clone=False)
    path = tmp_path / "6_beyond.ipynb"
    before = path.read_bytes()
    _, failed = update([path])
    assert f"{path} was left as it is: the exercise 7_sure cannot be read" in failed
    assert path.read_bytes() == before
