"""What stops nbgrader, or makes it skip a notebook, mended in a copy of what was handed in."""

import copy
import json
import subprocess

import graders
import nbformat
import pytest

from mnist_lab import notebooks, places
from mnist_lab.__main__ import main
from mnist_lab.grading import write_release

BOOK = "5_comparison.ipynb"  # trains nothing
SLOW = {"curves", "curves-close", "gap", "lab"}  # pictures, and a laboratory that loads TensorFlow


def twice(book, answer, source=None):
    """Copy a cell, as in JupyterLab, and write into the copy."""
    place = [cell.id for cell in book.cells].index(answer)
    other = copy.deepcopy(book.cells[place])
    other.id = f"{answer}-copy"
    other.source = other.source if source is None else source
    book.cells.insert(place + 1, other)
    return book


def without(book, name):
    book.cells = [cell for cell in book.cells if cell.id != name]
    return book


def put(course, student, book, name=BOOK):
    path = course / "submitted" / student / "mnist_lab" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    path.chmod(0o444)  # as nbgrader's exchange leaves it
    return path


@pytest.fixture
def course(tmp_path, relocate):
    """A course with one short notebook, which nobody has handed in yet."""
    solutions = tmp_path / "solutions"
    solutions.mkdir()
    book = notebooks.read_notebook(places.here.solutions / BOOK)
    book.cells = [cell for cell in book.cells if cell.id not in SLOW]
    nbformat.write(book, solutions / BOOK)
    relocate(solutions=solutions)
    write_release("nbgrader", tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def released(course):
    """The course after `nbgrader generate_assignment`, which here leaves the answers in."""
    book = nbformat.read(course / "source/mnist_lab" / BOOK, 4)
    (course / "release/mnist_lab").mkdir(parents=True)
    nbformat.write(book, course / "release/mnist_lab" / BOOK)
    return book


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def marked(path):
    """The sources of the cells that nbgrader grades, by their marks."""
    found = {}
    for cell in nbformat.read(path, 4).cells:
        if "nbgrader" in cell.metadata:
            found.setdefault(cell.metadata.nbgrader.grade_id, []).append(cell.source)
    return found


def test_of_two_cells_the_last_that_was_written_in_is_graded(course, released, capsys):
    answers = {}
    for student, first, second in (("ada", 1, 2), ("bob", 1, None), ("cyd", None, None)):
        book = copy.deepcopy(released)
        given = next(cell.source for cell in book.cells if cell.id == "finals")
        twice(book, "finals", f"finals = {second}" if second else given)
        if first:
            next(cell for cell in book.cells if cell.id == "finals").source = f"finals = {first}"
        put(course, student, book)
        answers[student] = f"finals = {second or first}" if first else given
    before = content(course / "submitted")
    assert main(["mend", str(course)]) == 0
    assert content(course / "submitted") == before
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == f"{course / 'mended'}: 3 mends in a copy of {course / 'submitted'}"
    for student, line in zip(answers, told, strict=False):
        path = course / "mended" / student / "mnist_lab" / BOOK
        assert line == f"{path}: of the cells that are there twice, one is graded: finals"
        assert marked(path)["finals"] == [answers[student]]
        assert len(nbformat.read(path, 4).cells) == len(released.cells) + 1


def test_a_notebook_under_another_name_gets_its_own(course, released, capsys):
    put(course, "ada", released, "hw (1).ipynb")
    put(course, "bob", released)
    put(course, "bob", released, "5_comparison-Copy1.ipynb")
    put(course, "cyd", nbformat.v4.new_notebook(), "scratch.ipynb")
    assert main(["mend", str(course), "--output", str(course / "other")]) == 0
    told = capsys.readouterr().out
    assert f"{course}/other/ada/mnist_lab/hw (1).ipynb: is {BOOK} now\n" in told
    assert f"5_comparison-Copy1.ipynb: not graded, since nbgrader takes {BOOK} beside it" in told
    assert sorted(
        str(path.relative_to(course / "other")) for path in content(course / "other")
    ) == [
        f"ada/mnist_lab/{BOOK}",
        "bob/mnist_lab/5_comparison-Copy1.ipynb",
        f"bob/mnist_lab/{BOOK}",
        "cyd/mnist_lab/scratch.ipynb",
    ]


def test_what_cannot_be_mended_is_told_and_copied(course, released, capsys):
    broken = put(course, "ada", released)
    broken.chmod(0o644)
    broken.write_text("{")
    (broken.parent / "my_digits.npz").write_bytes(b"digits")
    put(course, "bob", twice(released, "finals"))
    assert main(["mend", str(course)]) == 1
    said = capsys.readouterr()
    assert f"mended/ada/mnist_lab/{BOOK} is broken at line 1" in said.err
    assert "mended/bob" in said.out
    copied = course / "mended/ada/mnist_lab"
    assert (copied / BOOK).read_text() == "{"
    assert (copied / "my_digits.npz").read_bytes() == b"digits"


def test_what_is_no_course_or_was_mended_before_is_refused(course, tmp_path, capsys):
    assert main(["mend", str(tmp_path / "nothing")]) == 1
    assert (
        "release has no notebooks: call `nbgrader generate_assignment`" in capsys.readouterr().err
    )
    (course / "release").mkdir()
    (course / "source/mnist_lab").rename(course / "release/mnist_lab")
    assert main(["mend", str(course)]) == 1
    assert "submitted is missing" in capsys.readouterr().err
    (course / "submitted").mkdir()
    (course / "mended").mkdir()
    (course / "mended/mine").write_text("mine")
    assert main(["mend", str(course)]) == 1
    assert "mended is there already" in capsys.readouterr().err
    assert (course / "mended/mine").read_text() == "mine"


SCORES = """
import json
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as gradebook:
    found = gradebook.assignment_submissions("mnist_lab")
    print(json.dumps({each.student.id: each.score for each in found}))
"""


@pytest.mark.gate
def test_nbgrader_itself_grades_what_was_mended(course, tmp_path_factory, capsys):
    environment = graders.make_environment(tmp_path_factory.mktemp("graders"))

    def call(*command):
        return subprocess.run(
            command, cwd=course, env=environment, capture_output=True, text=True, check=False
        )

    def scores():
        return json.loads(call("python", "-c", SCORES).stdout)

    assert call("nbgrader", "generate_assignment", "mnist_lab").returncode == 0
    blank = course / "release/mnist_lab" / BOOK
    (path,) = notebooks.list_solutions()

    def answered():
        return nbformat.reads(graders.submission(blank, path, "right"), 4)

    put(course, "ada", twice(answered(), "finals"))
    put(course, "bob", without(answered(), "finals-check"))
    put(course, "cyd", answered(), "hw (1).ipynb")
    autograde = ("nbgrader", "autograde", "mnist_lab")
    assert call(*autograde, "--OverwriteCells.add_missing_cells=False").returncode != 0
    assert scores() == {"ada": 0}  # as nbgrader does by itself
    assert call(*autograde).returncode != 0
    full = graders.due(path, "right")
    assert scores() == {"ada": 0, "bob": full, "cyd": 0}
    assert main(["mend", str(course)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    done = call(*autograde, "--CourseDirectory.submitted_directory=mended")
    assert done.returncode == 0, done.stderr
    assert scores() == dict.fromkeys(("ada", "bob", "cyd"), full)
