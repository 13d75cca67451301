"""All notebooks graded by nbgrader, Otter and the report, for four students: right to blank.

    python benchmarks/bench_graders.py [nbgrader | otter | report]

It takes some minutes, prints the points of each, and fails where they are not those that are due.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import graders

from mnist_lab import notebooks


def measure(graders):
    """Grade all notebooks; how many are not what is due."""
    with tempfile.TemporaryDirectory() as folder:
        place, wrong = Path(folder), 0
        environment = graders.make_environment(place / "environment")
        for grader in graders:
            began = time.perf_counter()
            found = graders.GRADE[grader](place / grader, environment)
            for path in notebooks.list_solutions():
                points = [found[student, path.stem] for student in graders.STUDENTS]
                due = [graders.due(path, student) for student in graders.STUDENTS]
                pairs = zip(points, due, strict=True)
                wrong += any(abs(got - wanted) > 1e-3 for (got, _), wanted in pairs)
                given = ", ".join(
                    f"{student} {got:g} of {best:g}"
                    for student, (got, best) in zip(graders.STUDENTS, points, strict=True)
                )
                wanted = ", ".join(f"{each:g}" for each in due)
                print(f"{grader:9} {path.stem:13} {given}; due: {wanted}")
            print(f"{grader:9} {time.perf_counter() - began:.0f} s")
    return wrong


if __name__ == "__main__":
    sys.exit(measure(sys.argv[1:] or graders.GRADE) > 0)
