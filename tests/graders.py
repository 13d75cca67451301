"""Shared by tests of releases: students' notebooks, and the graders.

The graders get a separate environment, because nbgrader adds its menus to every JupyterLab.
"""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import environments
import nbformat

from mnist_lab import course, notebooks, places
from mnist_lab.grading import report_class, write_release

LOCK = Path(__file__).parents[1] / ".ci" / "graders.txt"
STUDENTS = ("right", "half", "wrong", "blank")
# What the half right and the wrong student answer, "" for the right answer, and the share of the
# points that it gets; all other answers of theirs are right.
HALF = {
    "linear.flat": ("pixels = pixels.reshape(784)", 1 / 2),
    "linear.onehot": ("label[4] = 1", 1 / 2),
    "linear.prepare": (
        "x, y = images.reshape(-1, 784).astype('float32'), np.eye(10)[labels]",
        2 / 3,
    ),
    "linear.build": (
        "return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10), "
        "keras.layers.Dense(10, 'softmax')])",
        4 / 5,
    ),
    "linear.count": ("by_hand = 784 * 10 + 10 * 10", 1 / 2),
    "linear.compile": (
        "model.compile('sgd', 'categorical_crossentropy', metrics=['accuracy'])",
        3 / 4,
    ),
    "mlp.relu": ("return np.minimum(x, 0)", 1 / 2),
    "mlp.count": ("by_hand = 784 * 1500 + 2 * 1500 * 1500 + 1500 * 10", 1 / 2),
    "dropout.fair-words": (
        "gap_reported, gap_fair = validation - reported, validation - fit",
        1 / 2,
    ),
    "cnn.pool": ("return squares.mean(axis=(1, 3))", 1 / 2),
    "comparison.pairs": ("only_mlp, only_dropout = (right_mlp & ~right_dropout).sum(), 7", 1 / 2),
    "comparison.mcnemar": (
        "return sum(comb(n, k) for k in range(fewer + 1)) / 2**n",
        1 / 2,
    ),
    "comparison.faces": (
        "gap, fall = validation[-1] - fit[-1], means.max() - means[-1]\n"
        "    rise = loss[-1] / loss.min()",
        5 / 6,
    ),
    "comparison.claim6-numbers": (
        "ratio, roots = cnn_count / mlp_count, np.sqrt([mlp_count, cnn_count])",
        3 / 4,
    ),
}
WRONG = {
    "linear.flat": ("pixels = pixels[:27]", 0),
    "linear.onehot": ("label[:] = 1", 0),
    "linear.build": (
        "return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, 'softmax')])",
        0,
    ),
    "linear.count": ("by_hand = 7", 0),
    "linear.compile": ("", 7 / 8),  # it is right, but compiles a wrong network
    "mlp.relu": ("return x", 0),
    "mlp.sure": ("sure_and_wrong = len(sure)", 0),
    "dropout.layer-mean": ("mean = 0.5", 0),
    "cnn.pool": ("return squares.max()", 0),
    "comparison.mcnemar": ("return 0.5", 0),
    "comparison.pairs": ("only_mlp, only_dropout = 1, 2", 0),
    "comparison.claim6-numbers": ("ratio, roots = 1 / 0, []", 0),
}
# Part 1 with an answer of each kind: half right, blank (None), wrong, and right.
MIXED = {
    **{name: HALF[name] for name in ("linear.flat", "linear.prepare")},
    "linear.onehot": (None, 0),
    **{name: WRONG[name] for name in ("linear.build", "linear.compile")},
}
ANSWERS = {"right": {}, "half": HALF, "wrong": WRONG, "mixed": MIXED}


def due(path: Path, student: str) -> float:
    """Return the points that a student is due for code in a notebook."""
    if student == "blank":
        return 0
    return sum(
        course.worth(each.name) * ANSWERS[student].get(each.name, ("", 1))[1]
        for each in notebooks.list_questions(notebooks.read_notebook(path), path)
        if each.check
    )


def submission(released: Path, path: Path, student: str) -> str:
    """Return a released notebook as a student hands it in."""
    book, solution = nbformat.read(released, 4), notebooks.read_notebook(path)
    answers = {cell.id: _answered(cell, path, student) for cell in solution.cells}
    for cell in book.cells:
        name = notebooks.our_part(cell).get("id")
        if answers.get(name):
            cell.source = answers[name]
    return nbformat.writes(book)


def _answered(cell, path: Path, student: str) -> str | None:
    regions = course.find_regions(cell)
    if cell.cell_type != "code" or not regions or student == "blank":
        return None
    other, _ = ANSWERS[student].get(course.question_name(path, cell), ("", 1))
    if other is None:
        return None
    return course.replace_regions(
        cell.source, regions, lambda _, indent, right: [indent + other] if other else right
    )


def make_environment(folder: Path) -> dict[str, str]:
    """Install the graders on top of the packages here; return the environment for programs."""
    return environments.add_to_lab(folder, LOCK)


def grade_with_nbgrader(course: Path, environment: dict, students=STUDENTS) -> dict:
    """Return each student's points for code in each notebook, as graded by nbgrader."""
    write_release("nbgrader", course)
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
    write_release("otter", folder)
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


def grade_with_report(folder: Path, _: dict, students=STUDENTS) -> dict:
    """Return each student's points for code in each notebook, as the lab's own report has them."""
    exercises = {path.stem: path for path in notebooks.list_notebooks(places.here.exercises)}
    for path in notebooks.list_solutions():
        for student in students:
            target = folder / "class" / student / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(submission(exercises[path.stem], path, student), "utf-8")
    report_class(folder / "class", folder / "report")
    found = {}
    with (folder / "report" / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "code":
                got, best = found.get((row["student"], row["notebook"]), (0, 0))
                points = got + float(row["points"]), best + float(row["possible"])
                found[row["student"], row["notebook"]] = points
    return found


GRADE = {"nbgrader": grade_with_nbgrader, "otter": grade_with_otter, "report": grade_with_report}


def _call(command: list[str], folder: Path, environment: dict) -> str:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    print(f"{' '.join(command[:2])}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return done.stdout
