"""A report on a class: every notebook has its row, and nothing in one harms another or the page."""

import csv
import multiprocessing
import os
import re
import subprocess
import time
from concurrent.futures import Future

import nbformat
import pytest
from distributed import Client, LocalCluster
from nbformat.v4 import new_code_cell, new_output
from samples import fault
from students import BOMB, FILE, blank, cell_of, mischievous, student
from test_trust import scripts

import mnist_lab as lab
from mnist_lab.__main__ import main
from mnist_lab.checks import MIME
from mnist_lab.grading import examination, grades, release, report, submissions
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


def table(name="report"):
    with open(f"mnist_lab-report/{name}.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read(room, *options, code=0):
    """The rows of a report that reads what is on file."""
    assert main(["report", str(room), "--no-run", *options]) == code
    return {row["student"]: row for row in table()}


def test_each_notebook_has_a_row_wherever_it_lies(room, capsys):
    renamed = student("1_linear")
    del renamed.metadata["mnist_lab"]
    put(room, "alice/1_linear", student("1_linear"), prepare_check=RIGHT, check_layers=RIGHT)
    put(room, "alice/1_linear-2", blank("1_linear"))
    put(room, "bob/deep/hw (1)", renamed)
    put(room, ".ipynb_checkpoints/1_linear-checkpoint", student("1_linear"))
    put(room, "alice/before-update/1_linear", student("1_linear"))
    put(room, "own", nbformat.v4.new_notebook(cells=[new_code_cell("1", id="a")]))
    (room / "zoe.ipynb").write_text("{")
    rows = read(room)
    assert list(rows) == ["alice/1_linear", "alice/1_linear-2", "bob/deep/hw (1)", "own", "zoe"]
    assert [row["notebook"] for row in rows.values()] == ["1_linear"] * 3 + [""] * 2
    assert [row["right"] for row in rows.values()] == ["2", "0", "0", "0", "0"]
    assert rows["alice/1_linear-2"]["first"].startswith("blank: flat, onehot, ")
    assert rows["own"]["first"] == "it is not a copy of an exercise"
    assert rows["zoe"]["first"] == "it is broken at line 1"
    said = capsys.readouterr().out
    assert "alice/1_linear    1_linear  18/19     2/12   0/10" in said
    assert "zoe               –         –         –      –          it is broken at line 1" in said


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
    written = submissions.read_submission(path, room, *read_questions()).answered
    assert [name for name, mine in written.items() if mine] == ([question] if answered else [])


@pytest.mark.parametrize("answers", [(), ("see",), ("flat", "see", "prepare")])
def test_what_nbgrader_generates_is_blank(tmp_path, room, answers):
    """Like nbgrader's ClearSolutions and LockCells, version 0.9.6."""
    release.write_release("nbgrader", tmp_path / "course")
    book = nbformat.read(tmp_path / "course/source/mnist_lab/1_linear.ipynb", 4)
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
    each = submissions.read_submission(path, room, *read_questions())
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
        # Answered in a cell of one's own.
        (UNWRITTEN, CellResult(), CellResult(outcome="right"), "right", ""),
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
    each = submissions.Submission("ada", None, "1_linear", "", (), written)
    exercise = Exercise({}, [CODE], {"flat": "do it"}, {})
    (answer,) = grades.grade(each, exercise, Examination(found)).answers
    assert (answer.outcome, answer.first) == (outcome, first)


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
        grades.GradedNotebook(str(number), "1_linear", each, "")
        for number, each in enumerate(answers)
    ]
    exercise = Exercise({}, [CODE, count], {"flat": "a", "count": "b"}, {})
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
    assert main(["report", str(room)]) == 1
    assert f"{room} has no notebooks (*.ipynb)" in capsys.readouterr().err
    assert main(["report", str(room / "absent")]) == 1
    assert "absent is not a folder: name the one" in capsys.readouterr().err
    assert main(["report", str(room), "--limit", "0"]) == 2
    assert not (room.parent / "mnist_lab-report").exists()


class Elsewhere:
    """An executor that finds everything right, and counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def submit(self, function, cells, files, seconds):
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
    for kept in (room.parent / "out/examined").iterdir():
        kept.write_text('{"results": {"flat-check": {"outcome": "great"}}}')
    assert call() == 2
    put(room, "ada/1_linear", blank("1_linear"))
    assert call() == 1


def test_what_did_not_come_to_its_end_is_a_row_of_its_own_and_tried_again(room):
    """A machine under load, a worker that is lost: none of it is the student's."""

    class Failing(Elsewhere):
        def submit(self, function, cells, files, seconds):
            future = super().submit(function, cells, files, seconds)
            if len(self.asked) == 1:
                future = Future()
                future.set_exception(OSError("the worker is lost"))
            elif len(self.asked) == 2:
                future = Future()
                future.set_result(Examination({}, "cell 'flat' took longer than 60 s"))
            return future

    for name in ("ada", "bob", "zoe"):
        put(room, f"{name}/1_linear", student("1_linear", blank=[] if name == "ada" else [name]))
        (room / name / "own.py").write_text(name)
    pool = Failing()
    out = room.parent / "mnist_lab-report"
    report.report_class(room, out, executor=lambda: pool)
    first = [row["first"] for row in table()]
    assert first[0] == "it could not be examined (OSError: the worker is lost)"
    assert first[1] == "cell 'flat' took longer than 60 s"
    assert [row["right"] for row in table()] == ["0", "0", "12"]
    outcomes = {answer["outcome"] for answer in table("answers") if answer["kind"] == "code"}
    assert outcomes == {"right", "not checked", "blank"}
    report.report_class(room, out, executor=lambda: pool)
    assert len(pool.asked) == 5
    assert [row["right"] for row in table()] == ["12", "12", "12"]


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
    assert submissions.files_beside(path) == {"own.py": b"x = 1"}


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


def _begin_and_end():
    os.setsid()
    subprocess.Popen(["sleep", "600"])


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="Windows has no such groups")
def test_what_a_notebook_started_ends_with_it():
    process = multiprocessing.get_context("fork").Process(target=_begin_and_end)
    process.start()
    process.join()
    os.killpg(process.pid, 0)  # what it started goes on
    examination._end(process)
    ends = time.monotonic() + 30
    while _is_left(process.pid):
        assert time.monotonic() < ends
        time.sleep(0.05)


def _is_left(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# What notebooks do that were right elsewhere, and what the outcome of each cell is to be.
USUAL = {
    "%cd .": "",
    "cd nowhere": "",
    "%matplotlib inline\nimport mnist_lab as lab": "",
    "%%bash\npip install mnist_lab": "",
    "!pip install mnist_lab": "",
    "data = lab.load_mnist(download=True)": "",
    "assert lab.load_mnist(path=None) is data": "",
    "lab.load_mnist('nowhere.npz')": "DataError: nowhere.npz is missing",
    "figure = lab.plot_digits(data.x_train[:2], data.y_train[:2])\nfigure.axes": "",
    "figure.savefig('digits.png')\nopen('digits.png').close()\nfigure": "",
    "lab.plot_digits(data)": "TypeError: ",
    "lab.explore('mlp')": "the laboratory is not opened for a report",
    "import os\nos.link('/etc/hostname', 'mine')": "PermissionError: changing /etc/hostname is",
}


def test_what_notebooks_usually_do_is_done_in_an_examination():
    cells = [(source, source, False) for source in USUAL]
    done = examination.examine(cells, {}, 120)
    assert done.stopped == ""
    assert done.refused.startswith("changing /etc/hostname in cell")
    for source, error in USUAL.items():
        assert done.results[source].error.startswith(error), source
        assert error or not done.results[source].error, (source, done.results[source])


def test_checks_are_the_labs_own(room):
    book = student("1_linear")
    cell_of(book, "flat-check").source = "print('Right')"
    book.cells.remove(cell_of(book, "onehot-check"))
    book.cells.insert(0, new_code_cell("mine = 1", id="0123"))
    exercises, books = read_questions()
    path = put(room, "ada", book)
    cells = submissions.read_submission(path, room, exercises, books).cells
    assert cells[0] == ("number 1", "mine = 1", False)
    assert "iterations" not in [name for name, *_ in cells]  # which only draws
    named = {name: (source, is_check) for name, source, is_check in cells}
    assert named["flat-check"] == ('lab.check_answer("linear.flat", pixels)', True)
    names = [name for name, *_ in cells]
    assert names[names.index("onehot") + 1] == "onehot-check"
    assert sum(is_check for *_, is_check in cells) == 12


def test_what_a_kernel_tells_is_not_trusted(tmp_path):
    def read(text, stopped="died"):
        (tmp_path / "report.jsonl").write_bytes(text)
        return examination._read(tmp_path / "report.jsonl", {"flat"}, stopped)

    whole = b'{"begin": "flat"}\n{"end": "flat", "outcome": "right"}\n'
    assert read(whole + b'{"done": true}').results == {"flat": CellResult(outcome="right")}
    assert read(whole).stopped == "cell 'flat' died"
    assert read(b"").stopped == "its kernel, before the first cell, died"
    for text in (
        b"\xff", b"[]", b"{", b'"a"', b'{"end": []}', b'{"end": "flat", "outcome": "great"}',
        b'{"begin": []}', b'{"end": "flat", "first": 3}', b'{"end": "flat", "more": ""}',
        b'{"end": "flat", "first": "%s"}' % (b"x" * 9999), b"[" * 10**6,
    ):  # fmt: skip
        assert read(text).results == {}
        assert "malformed report" in read(text).stopped, text
    (tmp_path / "report.jsonl").unlink()
    (tmp_path / "report.jsonl").mkdir()
    assert "malformed report" in examination._read(tmp_path / "report.jsonl", set(), "died").stopped
    (tmp_path / "report.jsonl").rmdir()
    (tmp_path / "report.jsonl").symlink_to("/dev/zero")
    assert "malformed report" in examination._read(tmp_path / "report.jsonl", set(), "died").stopped


STOPPED = {
    "loops": "cell number 9 took longer than 15 s",
    "fills the disk": "cell number 9 wrote more than 200 MB, or 10,000 files",
    "exits": "cell number 9 ended its kernel (exit code 3)",
}
REFUSED = {
    "kills": "refused: sending a signal",
    "deletes": "refused: changing ",
    "writes": "refused: changing ",
    "calls": "refused: using the network",
    "starts": "refused: starting a program",
    "shouts": "refused: printing more than 10 MB in cell number 9",
}
HARMLESS = ("shell", "forges")


@pytest.mark.gate
def test_mischief_stays_within_its_row(room, capsys):
    victim = room.parent / "victim"
    victim.mkdir()
    (victim / "precious").write_text("kept")
    for kind in (*STOPPED, *REFUSED, *HARMLESS, "hoards"):
        put(room, kind, mischievous(kind, victim))
    put(room, "right", student("5_comparison"))
    put(room, "wrong", student("5_comparison", wrong=["finals"], blank=["mcnemar"]))
    assert main(["report", str(room), "--limit", "15", "--jobs", "2"]) == 0
    rows = {row["student"]: row for row in table()}
    for kind, sentence in STOPPED.items():
        assert rows[kind]["first"] == sentence
        assert rows[kind]["right"] == "1"  # what came before it
    for kind, sentence in REFUSED.items():
        assert rows[kind]["first"].startswith(sentence), rows[kind]
        assert rows[kind]["right"] == "6"
    for kind in (*HARMLESS, "right"):
        assert rows[kind]["right"] == "6", rows[kind]
    assert rows["hoards"]["first"] == "refused: taking more than 3 GB of memory in cell number 9"
    assert rows["wrong"]["right"] == "4"
    assert rows["wrong"]["first"].startswith("finals: ")
    assert (victim / "precious").read_text() == "kept"
    capsys.readouterr()
    assert main(["report", str(room), "--limit", "15"]) == 0  # all on file
    assert {row["student"]: row for row in table()} == rows


@pytest.mark.gate
def test_a_dask_cluster_examines_as_well(room):
    put(room, "right", student("5_comparison"))
    put(room, "blank", blank("5_comparison"))
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        report.report_class(room, room.parent / "mnist_lab-report", executor=client.get_executor)
    assert [row["right"] for row in table()] == ["0", "6"]
