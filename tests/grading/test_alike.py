"""Answers that are alike: who copied is found, and who worked alone is not accused."""

import dataclasses
import functools

import nbformat
import pytest
from classes import CODE, WORDS, copied, disguised, honest, wrong_cells
from students import blank, cell_of, student
from test_trust import scripts

from mnist_lab.__main__ import main
from mnist_lab.grading import alike, grades
from mnist_lab.grading.handed_in import HandedIn
from mnist_lab.grading.owners import Owner
from mnist_lab.grading.points import usual_points
from mnist_lab.grading.results import CellResult, Examination
from mnist_lab.grading.submissions import read_submission
from mnist_lab.notebooks import read_questions

EXERCISES, BOOKS = read_questions()
LINEAR = EXERCISES["1_linear"]


def row(name, book, folder):
    """A row of the report, in which the cells are wrong that are marked as wrong."""
    path = folder / f"{name}.ipynb"
    nbformat.write(book, path)
    each = read_submission(HandedIn(Owner(name), path.name, path), EXERCISES, BOOKS)
    results = {
        question.check: CellResult(
            outcome="wrong" if question.cell in wrong_cells(book) else "right", first="it"
        )
        for question in LINEAR.questions
        if question.check
    }
    return grades.grade(each, LINEAR, Examination(results), usual_points(LINEAR.questions))


def find(rows):
    return alike.find_alike(list(rows.values()), EXERCISES)


@pytest.fixture(scope="module")
def a_class(tmp_path_factory):
    """Make a class in which everybody works alone, and its rows."""
    folder = tmp_path_factory.mktemp("class")

    @functools.cache
    def make(number=30, seed=0):
        people = honest(number, seed)
        return people, {name: row(name, book, folder) for name, book in people.items()}

    return make


def who(pairs):
    return {frozenset(int(name[-2:]) for name in pair.students) for pair in pairs}


@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_accused_who_worked_alone(a_class, seed):
    assert find(a_class(30, seed)[1]) == []


@pytest.mark.parametrize("number", [2, 5, 12, pytest.param(150, marks=pytest.mark.gate)])
def test_nor_in_a_class_of_another_size(a_class, number):
    assert find(a_class(number, 3)[1]) == []


@pytest.mark.parametrize("seed", range(3))
def test_three_who_copied_are_found_one_of_them_with_names_changed(a_class, tmp_path, seed):
    people, rows = a_class(30, seed)
    pairs = find(
        rows
        | {
            "student 11": row("student 11", copied(people["student 04"]), tmp_path),
            "student 23": row("student 23", disguised(people["student 04"], seed), tmp_path),
        }
    )
    assert who(pairs) == {frozenset(each) for each in ((4, 11), (4, 23), (11, 23))}
    assert who(pairs[:1]) == {frozenset((4, 11))}


def test_right_answers_as_in_the_solution_and_obvious_mistakes_are_no_sign(tmp_path):
    right = row("right", student("1_linear"), tmp_path)
    wrong = row("wrong", student("1_linear", wrong=["flat", "count", "weights"]), tmp_path)
    assert (
        find(named({f"student {number:02}": [right, wrong][number % 2] for number in range(30)}))
        == []
    )
    assert (
        find(named({f"student {number:02}": [right, wrong][number < 3] for number in range(30)}))
        == []
    )


def named(rows):
    """The same notebooks, handed in by others."""
    return {
        name: dataclasses.replace(
            each,
            submission=dataclasses.replace(
                each.submission,
                handed_in=dataclasses.replace(each.submission.handed_in, owner=Owner(name)),
            ),
        )
        for name, each in rows.items()
    }


def test_blank_copies_are_not_alike(tmp_path):
    empty = row("empty", blank("1_linear"), tmp_path)
    assert find(named({f"student {number:02}": empty for number in range(30)})) == []


def test_wrong_answers_come_first_and_count_more(a_class, tmp_path):
    people, rows = a_class(30, 1)
    book = copied(people["student 04"])
    odd = "    spread = np.linalg.norm(x_new, ord=1, axis=1)\n    return np.sign(spread - 7) % 10\n"
    cell_of(book, "baseline").source += f"\n\n{odd}"
    found = {}
    for wrong in (True, False):
        cell_of(book, "baseline").metadata["wrong"] = wrong
        both = {name: row(name, book, tmp_path) for name in ("student 04", "copy")}
        (found[wrong],) = find(rows | both)
    assert found[True].found[0].question == "baseline"
    assert [each.wrong for each in found[True].found].count(True) == 1
    assert found[True].evidence > found[False].evidence


def test_what_is_the_same_is_marked_and_nothing_is_lost(a_class, tmp_path):
    people, rows = a_class(30, 2)
    mine = disguised(people["student 04"], 2)
    (pair,) = find(rows | {"student 23": row("student 23", mine, tmp_path)})
    assert pair.students == ("student 04", "student 23")
    for each in pair.found:
        for book, pieces in zip((people["student 04"], mine), each.texts, strict=True):
            assert "".join(piece for piece, _ in pieces) == cell_of(book, each.question).source
            marked = [piece for piece, same in pieces if same]
            assert marked
            assert not any("lab.model_answer(" in piece for piece in marked)


def test_one_name_for_another_is_no_difference():
    one = alike._tokens("total = 0\nfor n in range(3):\n    total += n.real")[0]
    other = alike._tokens("s = 0\nfor real in range(3):\n    s += real.real")[0]
    assert one == other
    assert alike._tokens("real = 1")[0] != alike._tokens("imag = x.real")[0]
    assert alike._tokens("x = = 1")[0] == ["x", "=", "=", "1"]  # no Python


def test_the_page_shows_both_and_says_that_it_is_no_proof(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    people = honest(12, 0)
    people["student 03"] = copied(people["student 02"])
    for name in ("student 02", "student 03"):
        cell_of(people[name], "see").source += "\n<script>alert(1)</script>"
    (tmp_path / "class").mkdir()
    for name, book in people.items():
        nbformat.write(book, tmp_path / "class" / f"{name}.ipynb")
    assert main(["report", "class", "--no-run"]) == 0
    assert not (tmp_path / "mnist_lab-report/alike.html").exists()
    assert main(["report", "class", "--no-run", "--alike"]) == 0
    assert "mnist_lab-report/alike.html" in capsys.readouterr().out
    page = (tmp_path / "mnist_lab-report/alike.html").read_text("utf-8")
    assert "<bdi>student 02</bdi> and <bdi>student 03</bdi>: 1_linear" in page
    assert page.index("A hint, and no proof.") < page.index("student 02")
    assert page.count("<h2>") == 1
    assert list(scripts(page)) == []
    assert "2 of 12 answers are that alike" in page
    assert "student 02" not in (tmp_path / "mnist_lab-report/feedback/student 03.html").read_text()


def test_every_answer_of_the_class_is_in_its_own_cell():
    """What these tests rest on: the class answers the questions, and nothing else."""
    asked = {question.cell for question in LINEAR.questions}
    assert {*CODE, *WORDS} <= asked
