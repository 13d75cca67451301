"""A class with hostile notebooks: no point for what is blank, and no other row is different."""

import contextlib
import csv

import attacks
import hostile
import nbformat
import pytest
from students import WRONG, beginning, blank, cell_of, student, with_cell

from mnist_lab.__main__ import main
from mnist_lab.grading import walls

# What would go on for ever or take too much; the others of its kind are tried in `test_walls.py`.
STOPPED = ("fork bomb", "segfault", "kills itself")
SECONDS = 10  # of processor time for each notebook


def honest():
    """Fourteen notebooks: right, wrong and blank ones, whole and short."""
    for name in ("5_comparison", "9_writers"):
        yield f"right {name}", student(name)
        yield f"wrong {name}", student(name, wrong=list(WRONG[name]))
    yield "blank", blank("7_sure")
    answers = ("flat", "onehot", "count")
    for number in range(0, 25, 3):
        left_out = [cell for bit, cell in enumerate(answers) if number >> bit & 1]
        wrong = ["count"] if number >= 8 and "count" not in left_out else []
        book = beginning(student("1_linear", wrong=wrong, blank=left_out))
        if number % 2 == 0:
            book.cells.insert(2, nbformat.v4.new_code_cell(f"mine = {number}", id="mine"))
        yield f"short {number}", book


def bad(victim):
    """Every cell that is after points, in a blank notebook; the others in a right one."""
    for name, each in hostile.cells(victim).items():
        book = beginning((blank if each.expected == hostile.NO_POINT else student)("1_linear"))
        if each.expected == hostile.STOPPED and name not in STOPPED:
            continue
        if each.cell:
            cell_of(book, each.cell).source = each.source
        else:
            with_cell(book, each.source, 1)
        yield name, book


def report(folder, books):
    for name, book in books:
        path = folder / "class" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, path)
    target = folder / "report"
    options = ["--output", str(target), "--limit", str(SECONDS)]
    assert main(["report", str(folder / "class"), *options]) == 0
    rows = {}
    for table in ("report", "answers"):
        with open(target / f"{table}.csv", encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                rows.setdefault(row["student"], []).append(row)
    return rows


@pytest.mark.gate
@pytest.mark.skipif(bool(walls.missing()), reason=f"missing: {', '.join(walls.missing())}")
def test_a_class_with_hostile_notebooks(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    good = dict(honest())
    assert len(good) == 14
    alone = report(tmp_path / "alone", good.items())
    with contextlib.closing(attacks.Canaries(victim)) as canaries:
        hostile_ones = dict(bad(victim))
        assert len(hostile_ones) > 40
        beside = report(tmp_path / "beside", {**hostile_ones, **good}.items())
        assert canaries.harmed() == []
    for name in good:
        assert beside[name] == alone[name], name
    for name, (row, *answers) in ((name, beside[name]) for name in hostile_ones):
        cell = hostile.HOSTILE[name]
        right = [each["question"] for each in answers if each["outcome"] == "right"]
        if cell.expected == hostile.NO_POINT:
            assert right == [], (row, answers)
        if cell.expected == hostile.STOPPED:
            assert "cell number 2" in row["first"], row
