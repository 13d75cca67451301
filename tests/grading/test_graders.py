"""Releases in the hands of nbgrader and Otter themselves; bench_graders.py grades all notebooks."""

import graders
import nbformat
import pytest

from mnist_lab import notebooks, places
from mnist_lab.grading import write_release

pytestmark = pytest.mark.gate
BOOK = "5_comparison.ipynb"  # trains nothing
SLOW = {"curves", "curves-close", "gap", "lab"}  # pictures, and a laboratory that loads TensorFlow


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return graders.make_environment(tmp_path_factory.mktemp("graders"))


@pytest.mark.parametrize("grader", graders.GRADE)
def test_each_student_gets_the_points_that_are_due(environment, tmp_path, relocate, grader):
    solutions = tmp_path / "solutions"
    solutions.mkdir()
    book = notebooks.read_notebook(places.here.solutions / BOOK)
    book.cells = [cell for cell in book.cells if cell.id not in SLOW]
    nbformat.write(book, solutions / BOOK)
    relocate(solutions=solutions)
    write_release(grader, tmp_path / grader)
    students = ("wrong", "blank")  # the wrong one has most answers right
    found = graders.GRADE[grader](tmp_path / grader, environment, students)
    (path,) = notebooks.list_solutions()
    assert found == {
        (student, path.stem): (graders.due(path, student), graders.due(path, "right"))
        for student in students
    }
