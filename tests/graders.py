"""Shared by tests of releases: students' notebooks, and the graders.

The graders get a separate environment, because nbgrader adds its menus to every JupyterLab.
"""

import json
import os
import site
import subprocess
import sys
import time
from pathlib import Path

import environments
import nbformat

from mnist_lab import course, notebooks

LOCK = Path(__file__).parents[1] / ".ci" / "graders.txt"
STUDENTS = ("right", "wrong", "blank")
# The wrong student's answers; all others are right.
WRONG = {
    "linear.flat": "pixels = pixels.reshape(784)",
    "linear.onehot": "label[0] = 1",
    "linear.count": "by_hand = 784 * 10 + 10 * 10",
    "mlp.relu": "return np.minimum(x, 0)",
    "mlp.count": "by_hand = 784 * 1500 + 1500 * 10",
    "mlp.sure": "sure_and_wrong = (sure > 0.99).sum()",
    "dropout.layer-mean": "mean = 0.5",
    "dropout.fair-words": "gap_reported, gap_fair = validation - reported, validation - fit",
    "cnn.pool": "return squares.mean(axis=(1, 3))",
    "cnn.count": "by_hand = 7 * 7 * 64 * 10",
    "cnn.second": "saved = len(wrong)",
    "comparison.mcnemar": "return sum(comb(n, k) for k in range(fewer + 1)) / 2**n",
    "comparison.claim6-numbers": "ratio, roots = cnn_count / mlp_count, [mlp_count, cnn_count]",
}


def due(path: Path, student: str) -> int:
    """Return how many code answers of a notebook a student has right."""
    names = [
        each.name
        for each in notebooks.list_questions(notebooks.read_notebook(path), path)
        if each.check
    ]
    if student == "blank":
        return 0
    return len(names) - (len(set(names) & WRONG.keys()) if student == "wrong" else 0)


def submission(released: Path, path: Path, student: str) -> str:
    """Return a released notebook as a student hands it in."""
    book, solution = nbformat.read(released, 4), notebooks.read_notebook(path)
    answers = {cell.id: _answered(cell, path, student) for cell in solution.cells}
    for cell in book.cells:
        name = notebooks.our_part(cell).get("id")
        if student != "blank" and answers.get(name):
            cell.source = answers[name]
    return nbformat.writes(book)


def _answered(cell, path: Path, student: str) -> str | None:
    regions = course.find_regions(cell)
    if cell.cell_type != "code" or not regions:
        return None
    wrong = WRONG.get(course.question_name(path, cell)) if student == "wrong" else None
    return course.replace_regions(
        cell.source, regions, lambda _, indent, right: [indent + wrong] if wrong else right
    )


def make_environment(folder: Path) -> dict[str, str]:
    """Install the graders on top of the packages here; return the environment for programs."""
    # Searched after the graders' own packages, as if all were installed together.
    here = f"import site; site.addsitedir({site.getsitepackages()[0]!r})"
    programs = environments.make_environment(folder, "--requirement", str(LOCK))
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "lab.pth").write_text(here)
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def grade_with_nbgrader(course: Path, environment: dict, students=STUDENTS) -> dict:
    """Return each student's points for code in each notebook, as graded by nbgrader."""
    _call(["nbgrader", "generate_assignment", "mnist_lab"], course, environment)
    for path in notebooks.list_solutions():
        released = course / "release" / "mnist_lab" / path.name
        for student in students:
            target = course / "submitted" / student / "mnist_lab" / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(submission(released, path, student), "utf-8")
    _call(["nbgrader", "autograde", "mnist_lab"], course, environment)
    script = """
import json
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as gradebook:
    scores = [
        [each.student.id, notebook.name, notebook.code_score, notebook.max_code_score]
        for each in gradebook.assignment_submissions("mnist_lab")
        for notebook in each.notebooks
    ]
print(json.dumps(scores))
"""
    told = _call(["python", "-c", script], course, environment)
    return {(student, name): tuple(points) for student, name, *points in json.loads(told)}


def grade_with_otter(folder: Path, environment: dict, students=STUDENTS) -> dict:
    """Return each student's points for code in each notebook, as graded by Otter."""
    found = {}
    for path in notebooks.list_solutions():
        place = folder / path.stem
        # Without its run of the solutions, which the right student's repeats.
        _call(["otter", "assign", "--no-run-tests", path.name, "dist"], place, environment)
        (autograder,) = (place / "dist" / "autograder").glob("*.zip")
        for student in students:
            target = place / student / path.name
            target.parent.mkdir()
            released = place / "dist" / "student" / path.name
            target.write_text(submission(released, path, student), "utf-8")
            _call(["otter", "run", "-a", str(autograder), "-o", student, str(target)], place,
                  environment)  # fmt: skip
            tests = json.loads((place / student / "results.json").read_text("utf-8"))["tests"]
            scored = [test for test in tests if "score" in test]
            points = (sum(test[key] for test in scored) for key in ("score", "max_score"))
            found[student, path.stem] = tuple(points)
    return found


GRADE = {"nbgrader": grade_with_nbgrader, "otter": grade_with_otter}


def _call(command: list[str], folder: Path, environment: dict) -> str:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    print(f"{' '.join(command[:2])}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return done.stdout
