"""Releases in the hands of nbgrader and Otter themselves."""

import graders
import nbformat
import pytest

from mnist_lab import notebooks, places

pytestmark = pytest.mark.gate
# A part of a notebook that trains nothing. It has each kind of answer that counts in parts: arrays,
# data, a network, a number, and compiling; `bench_graders.py` grades all notebooks.
BOOK = "1_linear.ipynb"
KEPT = (
    *("load", "flat", "flat-check", "onehot", "onehot-check", "prepare", "prepare-check"),
    *("build", "check-layers", "count", "count-check", "compile", "compile-check"),
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return graders.make_environment(tmp_path_factory.mktemp("graders"))


@pytest.mark.parametrize("grader", graders.GRADE)
def test_each_student_gets_the_points_that_are_due(environment, tmp_path, relocate, grader):
    solutions, exercises = tmp_path / "solutions", tmp_path / "exercises"
    for folder, source in ((solutions, places.here.solutions), (exercises, places.here.exercises)):
        folder.mkdir()
        book = notebooks.read_notebook(source / BOOK)
        book.cells = [cell for cell in book.cells if cell.id in KEPT]
        nbformat.write(book, folder / BOOK)
    relocate(solutions=solutions, exercises=exercises)
    # nbgrader and Otter take seconds for each student, so that one has answers of all kinds.
    students = (*graders.STUDENTS, "mixed") if grader == "report" else ("mixed", "blank")
    found = graders.GRADE[grader](tmp_path / grader, environment, students)
    (path,) = notebooks.list_solutions()
    for student in students:
        due = graders.due(path, student), graders.due(path, "right")
        assert found[student, path.stem] == pytest.approx(due, abs=1e-3), student
