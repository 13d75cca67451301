"""Releases in the hands of nbgrader and Otter themselves; bench_graders.py grades all notebooks."""

import graders
import nbformat
import pytest

from mnist_lab import notebooks, places

pytestmark = pytest.mark.gate
# Parts of two notebooks that train nothing, without pictures and the laboratory.
KEPT = {
    "1_linear.ipynb": (
        *("load", "flat", "flat-check", "onehot", "onehot-check", "prepare", "prepare-check"),
        *("build", "check-layers", "count", "count-check", "compile", "compile-check"),
    ),
    "5_comparison.ipynb": None,
}
SLOW = {"curves", "curves-close", "gap", "lab"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return graders.make_environment(tmp_path_factory.mktemp("graders"))


@pytest.mark.parametrize("grader", graders.GRADE)
def test_each_student_gets_the_points_that_are_due(environment, tmp_path, relocate, grader):
    solutions, exercises = tmp_path / "solutions", tmp_path / "exercises"
    for folder, source in ((solutions, places.here.solutions), (exercises, places.here.exercises)):
        folder.mkdir()
        for name, kept in KEPT.items():
            book = notebooks.read_notebook(source / name)
            book.cells = [
                cell
                for cell in book.cells
                if cell.id in (kept or {cell.id}) and cell.id not in SLOW
            ]
            nbformat.write(book, folder / name)
    relocate(solutions=solutions, exercises=exercises)
    found = graders.GRADE[grader](tmp_path / grader, environment)
    for path in notebooks.list_solutions():
        for student in graders.STUDENTS:
            due = graders.due(path, student), graders.due(path, "right")
            assert found[student, path.stem] == pytest.approx(due, abs=1e-3), (student, path.stem)
