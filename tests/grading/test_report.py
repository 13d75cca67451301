"""A report on a class: every notebook has its row, and nothing in one harms another or the page."""

import csv
import os
import re
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import nbformat
import pytest
from distributed import Client, LocalCluster
from nbformat.v4 import new_code_cell, new_output
from samples import fault
from students import BOMB, FILE, blank, cell_of, student
from test_trust import scripts

import mnist_lab as lab
from mnist_lab.__main__ import main
from mnist_lab.checks import MIME
from mnist_lab.grading import examination, grades, kept, report, submissions, walls
from mnist_lab.grading.handed_in import HandedIn
from mnist_lab.grading.owners import Owner
from mnist_lab.grading.points import Worth, usual_points
from mnist_lab.grading.results import CellResult, Examination
from mnist_lab.notebooks import Exercise, Question, read_questions

RIGHT = lab.CheckResult("right", "Right: it is.")
REASON = "Pixels from 0 to 255 make the steps of the training far too long."
LONG = "the pixels go from 0 to 255 & not from 0 to 1, which shows in each and every one of them"
WRONG = lab.CheckResult("wrong", "Not yet: it is not.", [fault(LONG, REASON), fault("another")])
UNDONE = lab.CheckResult("not attempted", "Not attempted yet: nothing to check.")


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder for a class; its report is written beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def put(folder, name, book, changes=None, **results):
    """Put a notebook into a folder, with the answers of its checks, changed, in its outputs."""
    for cell, result in results.items():
        data = result._repr_mimebundle_() | (changes or {})
        data = {kind: content for kind, content in data.items() if content is not None}
        output = new_output("execute_result", data=data, execution_count=1)
        cell_of(book, cell.replace("_", "-")).outputs = [output]
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


def handed_in(path, owner="ada", **more):
    """What was handed in as a file by somebody."""
    return HandedIn(Owner(owner), path.name, path, **more)


def table(name="report"):
    with open(f"mnist_lab-report/{name}.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read(room, *options, code=0):
    """The rows of a report that reads what is on file."""
    assert main(["report", str(room), "--no-run", *options]) == code
    return {row["student"]: row for row in table()}


def called(rows):
    return [f"{row['student']}: {row['file']}" for row in rows]


def test_each_notebook_has_a_row_wherever_it_lies(room, capsys):
    renamed = student("1_linear")
    del renamed.metadata["mnist_lab"]
    put(room, "alice/1_linear", student("1_linear"), prepare_check=RIGHT, check_layers=RIGHT)
    later = put(room, "alice/1_linear-2", blank("1_linear"))
    os.utime(later, (2e9, 2e9))
    put(room, "bob/deep/hw (1)", renamed)
    put(room, ".ipynb_checkpoints/1_linear-checkpoint", student("1_linear"))
    put(room, "alice/before-update/1_linear", student("1_linear"))
    put(room, "own", nbformat.v4.new_notebook(cells=[new_code_cell("1", id="a")]))
    (room / "zoe.ipynb").write_text("{")
    read(room)
    rows = table()
    assert called(rows) == [
        "alice: 1_linear-2.ipynb",
        "bob: deep/hw (1).ipynb",
        "own: own.ipynb",
        "zoe: zoe.ipynb",
    ]
    assert [row["notebook"] for row in rows] == ["1_linear"] * 2 + [""] * 2
    assert [row["right"] for row in rows] == ["0", "0", "", ""]
    assert rows[0]["first"].startswith("blank: flat, onehot, ")
    assert (rows[0]["file"], rows[0]["earlier"]) == ("1_linear-2.ipynb", "1_linear.ipynb")
    assert rows[2]["first"] == "it is not a copy of an exercise"
    assert rows[3]["first"] == "it is broken at line 1"
    said = capsys.readouterr().out
    assert re.search(r"alice +1_linear +1_linear-2.ipynb +0/19 +0/12 +0/23 +0/10 ", said)
    assert re.search(r"zoe +–( +–){4} +it is broken", said)


def test_predictions_are_counted_and_the_glossary_is_left_out(room, capsys):
    book = blank("1_linear")
    for name, mine in (
        ("train-h-guess", "guess_accuracy = 85  # I hope so"),
        ("baseline-h-guess", "guess_baseline = '40 %'"),  # no number, and a prediction still
        ("riddle-h-guess", "*Your prediction:* it gets worse"),
        ("cure-h-guess", "*Your prediction:* …\n"),  # opened, and nothing written
    ):
        cell_of(book, name).source = mine
    place = [cell.id for cell in book.cells].index("fit-h-guess")
    book.cells.insert(place + 1, nbformat.v4.new_markdown_cell("Above both.", id="below"))
    put(room, "ada", book)
    put(room, "ada/glossary", blank("glossary"))
    rows = read(room)
    assert list(rows) == ["ada"]
    assert (rows["ada"]["predicted"], rows["ada"]["predictions"]) == ("4", "10")
    assert rows["ada"]["answered"] == "0"  # a prediction is no answer
    assert "  4/10  " in capsys.readouterr().out
    page = (room.parent / "mnist_lab-report/report.html").read_text("utf-8")
    assert '<td class="number">4/10</td>' in page


DAMAGED = [{}, [], "right", {"outcome": "right"}, {"outcome": "best", "findings": []}]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text/html": "<b>else</b>", "text/plain": "Right, too"},  # the findings say what it is
        {MIME: None},  # an older copy
        *({MIME: damaged} for damaged in DAMAGED),
    ],
    ids=str,
)
def test_outputs_on_file_are_read(room, changes):
    results = {"prepare_check": WRONG, "check_layers": RIGHT, "count_check": UNDONE}
    book = student("1_linear", blank=["see"])
    cell_of(book, "count").source += "\n# later"
    cell_of(book, "compile-check").source = 'lab.check("linear", build)'
    put(room, "ada", book, changes, **results, compile_check=RIGHT)
    (row,) = read(room).values()
    assert (row["answered"], row["questions"], row["right"], row["checked"]) == (
        "16",
        "19",
        "1",
        "12",
    )
    assert row["first"] == f"prepare: {LONG}"
    assert table("answers")[2]["reason"] == REASON
    outcomes = {answer["question"]: answer["outcome"] for answer in table("answers")}
    assert outcomes["linear.prepare"] == "wrong"
    assert outcomes["linear.build"] == "right"
    assert outcomes["linear.count"] == "blank"
    assert outcomes["linear.compile"] == "not checked"  # the student changed the check
    assert outcomes["linear.see"] == "blank"
    assert outcomes["linear.see-jumps"] == "answered"


def new(kind, source, **about):
    make = new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source, id="new", metadata=about)


@pytest.mark.parametrize(
    ("question", "below", "answered"),
    [
        ("see", new("markdown", "It rises fast at first."), True),
        ("see", new("code", "It rises fast at first."), True),  # a new cell is one of code
        ("see", new("code", "# It rises fast at first."), True),
        ("see", new("code", '"""It rises fast at first."""'), True),
        ("see", new("code", "lab.plot_accuracy(run)"), False),
        ("see", new("code", "%timeit 1"), False),
        ("see", new("markdown", " "), False),
        ("see", new("markdown", "YOUR ANSWER HERE"), False),
        ("see", new("markdown", "_Type your answer here, replacing this text._"), False),
        ("see", new("markdown", "Points: 3", editable=False), False),
        ("see", new("markdown", "It is now:", mnist_lab={"notice": "see", "sha256": ""}), True),
        ("count", new("code", "parameters = 785 * 10"), True),
        ("count", new("markdown", "Later"), False),
    ],
)
def test_an_answer_in_a_new_cell_below_counts(room, question, below, answered):
    book = blank("1_linear")
    place = [cell.id for cell in book.cells].index(question)
    book.cells.insert(place + 1, below)
    path = put(room, "ada", book)
    written = submissions.read_submission(handed_in(path), *read_questions()).answered
    assert [name for name, mine in written.items() if mine] == ([question] if answered else [])


@pytest.mark.parametrize(
    ("below", "deleted", "answered"),
    [
        ("program-run-h", "", ["program"]),  # a cell of the exercise stands between
        ("program-run", "", ["program"]),
        ("program-check", "", []),
        ("count-h", "", []),
        ("count-h", "count", ["count"]),  # a new cell in its place
        ("count-check", "count", []),
        ("build-h", "build", ["build"]),
    ],
)
def test_an_answer_in_a_new_cell_counts_up_to_its_check(room, below, deleted, answered):
    book = blank("1_linear")
    book.cells = [cell for cell in book.cells if cell.id != deleted]
    place = [cell.id for cell in book.cells].index(below)
    book.cells.insert(place + 1, new("code", "mine = 1"))
    path = put(room, "ada", book)
    written = submissions.read_submission(handed_in(path), *read_questions()).answered
    assert [name for name, mine in written.items() if mine] == answered


def test_nobody_answers_a_question_that_the_copy_never_had(room):
    """Exercises grow from year to year; the last cells of this one are younger than the copy."""
    book = blank("1_linear")
    place = [cell.id for cell in book.cells].index("program-h")
    book.cells = [*book.cells[:place], new("code", "mine = 1")]
    book.metadata["mnist_lab"]["cells"] = [cell.id for cell in book.cells[:-1]]
    path = put(room, "ada", book)
    written = submissions.read_submission(handed_in(path), *read_questions()).answered
    assert not any(written.values())


@pytest.mark.parametrize("answers", [(), ("see",), ("flat", "see", "prepare")])
def test_what_nbgrader_generates_is_blank(released, room, answers):
    """Like nbgrader's ClearSolutions and LockCells, version 0.9.6."""
    book = nbformat.read(released, 4)
    for cell in book.cells:
        stub = "YOUR ANSWER HERE"
        if cell.cell_type == "code":
            stub = "# YOUR CODE HERE\nraise NotImplementedError()"
        stub = "Mine" if cell.id in answers else stub
        marked = r"(?ms)^[ \t]*(?:<!-- )?### BEGIN SOLUTION.*?### END SOLUTION(?: -->)?$"
        cell.source = re.sub(marked, stub, cell.source)
        cell.metadata["editable"] = not cell.metadata.get("nbgrader", {}).get("locked")
    path = put(room, "ada", book)
    (row,) = read(room).values()
    assert (row["answered"], row["questions"]) == (str(len(answers)), "19")
    main(["export", str(path)])
    page = path.with_suffix(".html").read_text("utf-8")
    assert len(re.findall('class="[^"]*celltag_answer', page)) == len(answers)
    assert len(re.findall('class="[^"]*celltag_blank', page)) == 19 - len(answers)


def test_a_copy_that_lost_ids_and_metadata_has_its_answers(room):
    """As VS Code's way to a script and back."""
    book = student("1_linear", blank=["flat", "see"])
    for number, cell in enumerate(book.cells):
        cell.id, cell.metadata = f"other-{number}", {}
        cell.source += "\n"
    book.metadata = {}
    path = put(room, "ada", book)
    each = submissions.read_submission(handed_in(path), *read_questions())
    assert [name for name, mine in each.answered.items() if not mine] == ["flat", "see", "program"]
    names = [name for name, *_ in each.cells]
    assert names.index("prepare") < names.index("prepare-check") < names.index("build")


CODE = Question("linear.flat", "flat", "flat-check")
UNWRITTEN, WRITTEN = {"flat": False}, {"flat": True}
STOPS = "the cell stops: NameError: name 'x' is not defined"


def failed(error):
    return CellResult(error, error.split(":")[0])


@pytest.mark.parametrize(
    ("written", "own", "check", "outcome", "first"),
    [
        (WRITTEN, CellResult(), CellResult(outcome="right"), "right", ""),
        (WRITTEN, failed("its plot"), CellResult(outcome="right"), "right", ""),
        # Nothing was written, so something else made the check say it.
        (UNWRITTEN, CellResult(), CellResult(outcome="right"), "blank", ""),
        (UNWRITTEN, CellResult(), CellResult(outcome="wrong", first="it"), "blank", ""),
        (
            WRITTEN,
            CellResult(),
            CellResult(outcome="wrong", first="7 is few"),
            "wrong",
            "7 is few",
        ),
        (WRITTEN, CellResult(), CellResult(outcome="not attempted"), "blank", ""),
        (WRITTEN, failed("NotImplementedError: do"), failed("x"), "blank", ""),
        (
            WRITTEN,
            failed(STOPS[16:]),
            CellResult(outcome="not attempted"),
            "wrong",
            STOPS,
        ),
        (WRITTEN, CellResult(), failed(STOPS[16:]), "wrong", STOPS),
        (WRITTEN, CellResult(), CellResult(outcome="crashed", first="Our"), "not checked", "Our"),
        (
            WRITTEN,
            failed("MemoryError"),
            failed("x"),
            "not checked",
            "MemoryError",
        ),
        # A training that a report does not wait for may be right.
        (WRITTEN, CellResult("long", "NotDoneError"), failed(STOPS[16:]), "not checked", "long"),
        (WRITTEN, CellResult(), None, "not checked", ""),
    ],
)
def test_what_an_answer_is_worth(written, own, check, outcome, first):
    found = {"flat": own} | ({"flat-check": check} if check else {})
    each = submissions.Submission(handed_in(Path("hw.ipynb")), "1_linear", "", (), written)
    exercise = Exercise({}, [CODE], {"flat": "do it"}, {}, {})
    (answer,) = grades.grade(each, exercise, Examination(found), usual_points([CODE])).answers
    assert (answer.outcome, answer.first) == (outcome, first)


def test_a_half_right_answer_gets_its_part_by_the_weights_of_the_table():
    build = Question("linear.build", "build", "build-check")
    check = CellResult(
        outcome="wrong", first="it", parts={"layers": 1, "sizes": 0, "activations": 0.5}
    )
    each = submissions.Submission(
        handed_in(Path("hw.ipynb")), "1_linear", "", (), {"flat": True, "build": True, "see": True}
    )
    see = Question("linear.see", "see", None)
    exercise = Exercise({}, [CODE, build, see], {}, {}, {})
    done = Examination({"flat-check": CellResult(outcome="right"), "build-check": check})
    points = usual_points(exercise.questions)
    row = grades.grade(each, exercise, done, points)
    assert [answer.share for answer in row.answers] == [1, 2.5 / 5, 0]
    assert (row.points, row.possible, row.open) == (1.5, 3, 1)
    weights = {"layers": 0, "sizes": 1, "activations": 3, "initial values": 0}
    points["linear.build"] = Worth(8, weights)
    row = grades.grade(each, exercise, done, points)
    assert row.answers[1].share == 1.5 / 4
    assert (row.points, row.possible) == (4, 10)
    assert grades.grade(each, exercise, None, points).points is None


def test_points_are_read_from_outputs_and_weighed_by_the_instructors_table(room, capsys):
    half = lab.check("linear", lab.build_linear(learning_rate=0.1), compiled=True)
    assert float(half) == 0.75
    put(room, "ada", student("1_linear"), flat_check=RIGHT, compile_check=half)
    (row,) = read(room).values()
    assert (row["points"], row["possible"]) == ("1.75", "23")
    assert float(row["open"]) > 0
    said = {row["question"]: row for row in table("answers")}
    assert (said["linear.compile"]["points"], said["linear.compile"]["possible"]) == ("0.75", "1")
    assert said["linear.see"]["points"] == ""  # open, and not 0
    main(["release", "--for", "otter", "course"])
    points = Path("course/points.csv")
    usual = "linear.compile,1,optimiser 1 + hyperparameters 1 + loss 1 + metrics 1"
    own = "linear.compile,8,optimiser 1 + hyperparameters 7 + loss 0 + metrics 0"
    text = points.read_text(encoding="utf-8")
    points.write_text(text.replace(usual, own), encoding="utf-8")
    (row,) = read(room, "--points", str(points)).values()
    assert (row["points"], row["possible"]) == ("2.0", "30")
    points.write_text(text.replace(usual, f"{usual} + loss 1"), encoding="utf-8")
    capsys.readouterr()
    assert main(["report", str(room), "--no-run", "--points", str(points)]) == 1
    assert re.search(r"points.csv, line \d+, column 3: 'loss 1' is not", capsys.readouterr().err)


def test_questions_that_most_got_wrong_come_first_with_the_commonest_reason():
    count = Question("linear.count", "count", "count-check")
    answers = [
        [
            grades.GradedAnswer(CODE, "right"),
            grades.GradedAnswer(count, "wrong", "too few", "the biases"),
        ],
        [
            grades.GradedAnswer(CODE, "wrong", "too flat"),
            grades.GradedAnswer(count, "wrong", "too many"),
        ],
        [
            grades.GradedAnswer(CODE, "blank"),
            grades.GradedAnswer(count, "wrong", "too few", "the biases"),
        ],
    ]
    rows = [
        grades.GradedNotebook(submissions.Submission(handed_in(Path("a")), "1_linear"), each)
        for each in answers
    ]
    exercise = Exercise({}, [CODE, count], {"flat": "a", "count": "b"}, {}, {})
    first, second = grades.rank(exercise, "1_linear", rows)
    assert first.question is count
    assert first.commonest == [("too few", "the biases", 2), ("too many", "", 1)]
    assert second.counts == {"right": 1, "wrong": 1, "blank": 1}


def test_nothing_of_a_notebook_is_interpreted(room, capsys):
    put(room, FILE, student("1_linear"), count_check=lab.CheckResult("wrong", BOMB, [fault(BOMB)]))
    put(room, "=cmd|x", student("1_linear"))
    os.rename(room / "=cmd|x.ipynb", os.fsencode(room / "=1\x1b[2J\u202e").decode() + ".ipynb")
    rows = read(room)
    page = (room.parent / "mnist_lab-report/report.html").read_text("utf-8")
    assert not list(scripts(page))
    assert page.count("&lt;script&gt;") > 1
    assert "&lt;img src=x onerror" in page
    assert "'=1\ufffd[2J\ufffd" in rows
    assert "\x1b" not in capsys.readouterr().out


def test_folders_with_nothing_to_report_on(room, capsys):
    assert main(["report", str(room), "--trust"]) == 1
    assert f"{room} has no notebooks (*.ipynb)" in capsys.readouterr().err
    assert main(["report", str(room / "absent"), "--trust"]) == 1
    assert "absent is not a folder: name the one" in capsys.readouterr().err
    assert main(["report", str(room), "--limit", "0"]) == 2
    assert not (room.parent / "mnist_lab-report").exists()


class Elsewhere:
    """An executor that finds everything right, and counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def submit(self, function, cells, files, seconds, trust):
        assert function is examination.examine
        self.asked.append((cells, files, seconds))
        future = Future()
        checks = [name for name, _, is_check in cells if is_check]
        future.set_result(Examination(dict.fromkeys(checks, CellResult(outcome="right"))))
        return future

    def shutdown(self):
        pass


def test_what_was_examined_is_not_examined_again(room):
    path = put(room, "ada/1_linear", student("1_linear"))
    put(room, "bob/1_linear", blank("1_linear"))
    (path.parent / "own.py").write_text("x = 1")
    pool = Elsewhere()

    def call():
        before = len(pool.asked)
        report.report_class(room, room.parent / "out", executor=lambda: pool)
        return len(pool.asked) - before

    assert call() == 2
    assert pool.asked[0][1] == {"own.py": b"x = 1"}
    assert call() == 0
    (path.parent / "own.py").write_text("x = 2")
    assert call() == 1
    for result in (room.parent / "out/examined").iterdir():
        result.write_text('{"results": {"flat-check": {"outcome": "great"}}}')
    assert call() == 2
    put(room, "ada/1_linear", blank("1_linear"))
    assert call() == 1


def of(exception=None, **result):
    future = Future()
    if exception:
        future.set_exception(exception)
    else:
        future.set_result(Examination({}, **result))
    return future


def lost():
    return of(OSError("the worker is lost"))


def slow():
    return of(stopped="cell 'flat' took longer than 60 s")


def broken():
    raise BrokenExecutor("a process ended")


class Failing(Elsewhere):
    """An executor on which the first notebooks fail."""

    def __init__(self, *failures):
        super().__init__()
        self.failures = list(failures)

    def submit(self, *arguments):
        future = super().submit(*arguments)
        return self.failures.pop(0)() if self.failures else future


def three(room):
    for name in ("ada", "bob", "zoe"):
        put(room, f"{name}/1_linear", student("1_linear", blank=[name]))
        (room / name / "own.py").write_text(name)


@pytest.mark.parametrize(
    ("failures", "first", "right", "calls"),
    [
        ([lost], "", ["11", "11", "11"], 4),
        ([broken], "", ["11", "11", "11"], 4),
        ([broken, broken, broken], "", ["11", "11", "11"], 6),
        (
            [lost] * 4,
            "could not be examined: OSError: the worker is lost",
            ["", "11", "11"],
            6,
        ),
        ([slow], "cell 'flat' took longer than 60 s", ["0", "11", "11"], 3),
    ],
)
def test_what_could_not_be_examined_is_no_grade_and_tried_again(
    room, failures, first, right, calls
):
    """A machine under load, a worker that is lost, a broken pool: none of it is the student's."""
    three(room)
    pool = Failing(*failures)
    out = room.parent / "mnist_lab-report"
    said = report.report_class(room, out, executor=lambda: pool)
    assert len(pool.asked) == calls
    assert [row["right"] for row in table()] == right
    assert table()[0]["first"].startswith(first or "blank: ")
    many = len(failures) if failures[0] is not slow else 0
    many = min(many, 3)
    again = f"Could not be examined at first, and tried again at the end, one at a time: {many}."
    assert said[0].startswith(again) == bool(many)
    page = (out / "report.html").read_text("utf-8")
    assert (again in page) == bool(many)
    report.report_class(room, out, executor=lambda: pool)  # those that are left
    assert len(pool.asked) == calls + right.count("") + right.count("0")
    assert [row["right"] for row in table()] == ["11", "11", "11"]


def test_what_was_not_judged_has_no_numbers(room, capsys):
    three(room)
    pool = Failing(*[lost] * 9)
    report.report_class(room, room.parent / "mnist_lab-report", executor=lambda: pool)
    assert {
        row[key] for row in table() for key in ("answered", "right", "points", "open", "predicted")
    } == {""}
    assert table("answers") == []
    page = (room.parent / "mnist_lab-report/report.html").read_text("utf-8")
    assert page.count('<td class="number">–</td>') == 12


def test_an_executor_that_cannot_start_says_so_at_once(room):
    three(room)

    def start():
        raise OSError("the cluster is closed")

    with pytest.raises(OSError, match="the cluster is closed"):
        report.report_class(room, room.parent / "out", executor=start)


def test_results_are_kept_for_what_they_were_judged_by(monkeypatch):
    """Another exercise, other cells, files, limits, or anything else that judges."""
    cells = [("flat", "1", False)]
    usual = kept.digest("1_linear", {"a.py": b"1"}, cells, 60, False)
    assert usual == kept.digest("1_linear", {"a.py": b"1"}, cells, 60, False)
    others = [
        kept.digest("2_mlp", {"a.py": b"1"}, cells, 60, False),
        kept.digest("1_linear", {"a.py": b"2"}, cells, 60, False),
        kept.digest("1_linear", {"b.py": b"1"}, cells, 60, False),
        kept.digest("1_linear", {"a.py": b"1"}, [], 60, False),
        kept.digest("1_linear", {"a.py": b"1"}, cells, 61, False),
        kept.digest("1_linear", {"a.py": b"1"}, cells, 60, True),
    ]
    assert len({usual, *others}) == 7
    judges = {path.name for path in kept._files()}
    assert {"linear.py", "report.html", "__init__.pyi", "sheet.csv", "mnist.npz"} <= judges
    assert "cnn-seed0.npz" in judges
    whole = kept._digest_of_judges.__wrapped__()
    monkeypatch.setattr(kept.importlib.metadata, "version", lambda library: "1.0")
    assert kept._digest_of_judges.__wrapped__() != whole


def test_foreign_files_among_the_kept_ones_are_ignored(room):
    put(room, "ada/1_linear", student("1_linear"))
    pool, out = Elsewhere(), room.parent / "out"

    def call():
        report.report_class(room, out, executor=lambda: pool)
        return len(pool.asked)

    assert call() == 1
    (mine,) = (out / "examined").iterdir()
    whole = mine.read_text()
    (out / "examined/notes.txt").write_text("mine")
    (out / "examined/folder").mkdir()
    for content in ("", "[]", "{", "\0", '{"results": []}', whole.replace("right", "great")):
        mine.write_text(content)
        before = len(pool.asked)
        assert call() == before + 1, content
    assert call() == len(pool.asked)


def test_missing_walls_are_said_and_need_trust(room, monkeypatch, capsys):
    put(room, "ada", student("1_linear"))
    monkeypatch.setattr(walls, "missing", lambda: ("no namespace of its own", "no Landlock"))
    assert main(["report", str(room)]) == 1
    said = capsys.readouterr().err
    words = "Walls are missing around the notebooks: no namespace of its own, no Landlock."
    assert words in said
    assert all(way in said for way in ("Linux machine", "container", "--no-run", "--trust"))
    assert not (room.parent / "mnist_lab-report").exists()
    read(room)  # runs nothing
    assert words not in capsys.readouterr().out
    pool = Elsewhere()
    monkeypatch.setattr(report, "ThreadPoolExecutor", lambda jobs: pool)
    monkeypatch.setattr(report, "warm_up", lambda: None)
    assert main(["report", str(room), "--trust"]) == 0
    assert capsys.readouterr().out.startswith(words)
    assert words in (room.parent / "mnist_lab-report/report.html").read_text("utf-8")
    assert len(pool.asked) == 1


def test_files_beside_that_cannot_be_read_are_left_out(room, monkeypatch):
    path = put(room, "ada", student("1_linear"))
    for name in ("own.py", "secret.py", "gone.py"):
        (room / name).write_text("x = 1")
    os.mkfifo(room / "pipe.py")
    whole, stat = type(path).read_bytes, type(path).stat

    def refuse(each, **options):
        if each.name == "gone.py":
            raise FileNotFoundError(each)
        return stat(each, **options)

    def read(each):
        if each.name == "secret.py":
            raise PermissionError(each)
        return whole(each)

    monkeypatch.setattr(type(path), "read_bytes", read)
    monkeypatch.setattr(type(path), "stat", refuse)
    names = ("own.py", "secret.py", "gone.py", "pipe.py")
    each = handed_in(path, beside={name: room / name for name in names})
    assert submissions.files_beside(each) == {"own.py": b"x = 1"}


def test_a_notebook_that_fails_in_a_new_way_has_its_row(room, monkeypatch):
    put(room, "ada", student("1_linear"))
    put(room, "bob", student("2_mlp"))
    find = submissions.find_cells

    def fail(book, cells):
        find(book, cells)
        return 1 / 0 if len(cells) == len(blank("1_linear").cells) else None

    monkeypatch.setattr(submissions, "find_cells", fail)
    rows = read(room)
    assert rows["ada"]["first"].startswith("it was left as it is: ZeroDivisionError in test_report")
    assert rows["bob"]["answered"] != "0"


def test_checks_are_the_labs_own(room):
    book = student("1_linear")
    cell_of(book, "flat-check").source = "print('Right')"
    book.cells.remove(cell_of(book, "onehot-check"))
    book.cells.insert(0, new_code_cell("mine = 1", id="0123"))
    exercises, books = read_questions()
    path = put(room, "ada", book)
    cells = submissions.read_submission(handed_in(path), exercises, books).cells
    assert cells[0] == ("number 1", "mine = 1", False)
    assert "iterations" not in [name for name, *_ in cells]  # which only draws
    named = {name: (source, is_check) for name, source, is_check in cells}
    assert named["flat-check"] == ('lab.check_answer("linear.flat", pixels)', True)
    names = [name for name, *_ in cells]
    assert names[names.index("onehot") + 1] == "onehot-check"
    assert sum(is_check for *_, is_check in cells) == 12


@pytest.mark.gate
def test_a_dask_cluster_examines_as_well(room):
    put(room, "right", student("5_comparison"))
    put(room, "blank", blank("5_comparison"))
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        report.report_class(room, room.parent / "mnist_lab-report", executor=client.get_executor)
    assert [row["right"] for row in table()] == ["0", "7"]
