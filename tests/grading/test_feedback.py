"""Feedback: a page for each student, and what Moodle and Canvas take back."""

import io
import re
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_output
from samples import fault
from students import BOMB, cell_of, student
from test_trust import scripts

import mnist_lab as lab
from mnist_lab.__main__ import main

WRONG = lab.CheckResult("wrong", "", [fault(f"it costs $5 `and` \\(x\\) {BOMB}", "A <reason>")])


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def book():
    mine = student("1_linear", blank=["count", "see"])
    data = WRONG._repr_mimebundle_()
    output = new_output("execute_result", data=data, execution_count=1)
    cell_of(mine, "flat-check").outputs = [output]
    return nbformat.writes(mine)


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def zipped(name, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def report(room, *options):
    assert main(["report", str(room), "--no-run", *options]) == 0
    return room.parent / "mnist_lab-report/feedback"


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def moodle_takes(name):
    """Whose a file is, and its name, as `mod/assign/feedback/file/importziplib.php` finds it."""
    parts = name.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) >= 4 and info[1].isdecimal():
            assert info[2:4] == ["assignsubmission", "file"]
            return int(info[1]), "/".join([*info[4:], *parts])
    return None


def canvas_takes(name):
    """Whose a file is, and in the place of which, as Canvas' `Assignment` finds it."""
    user, file, *_ = [part for part in name.split("_") if part.isdecimal()]
    return int(user), int(file)


def test_a_page_says_what_was_wrong_and_why_and_helps(room, capsys):
    put(room / "Ada/1_linear.ipynb", book())
    folder = report(room)
    assert [each.name for each in folder.iterdir()] == ["Ada.html"]
    page = (folder / "Ada.html").read_text("utf-8")
    assert re.search(r"0 of \d+ points, and up to\n\d+ more that a person has to give", page)
    assert "it costs $5" in page
    assert "A &lt;reason&gt;" in page
    assert "turn it into one row of 784 numbers" in page
    assert "How much does the network learn after the first epoch?" in page
    assert "<li>Two things: the shape, and the size of the numbers.</li>" in page
    assert "A model answer" not in page
    assert list(scripts(page)) == []
    assert "Content-Security-Policy" in page
    assert f"{folder}: a page for each of 1 students".replace(f"{room.parent}/", "") in (
        capsys.readouterr().out
    )


def test_model_answers_are_shown_on_demand(room):
    put(room / "Ada/1_linear.ipynb", book())
    page = (report(room, "--model-answers") / "Ada.html").read_text("utf-8")
    assert page.count("A model answer") == 7
    assert "After a single epoch it reads about nine digits out of ten." in page
    assert "pixels.reshape(784) / 255" not in page  # of code there is none


def test_names_of_pages_are_harmless_and_no_two_the_same(room):
    names = ["a.b", "A.B", "x.", "x" * 200, "a∕..∕y", 'O\'Brien "Nan"', "محمد"]
    for name in names:
        put(room / name / "1_linear.ipynb", book())
    folder = report(room)
    found = [each.name for each in folder.iterdir()]
    assert len({name.casefold() for name in found}) == len(found) == len(names)


def test_moodle_takes_its_folders_back(room):
    names = ["Łukasz Żółć", "van der Berg, Anna", "अनिता शर्मा", "Two_Words"]
    for number, name in enumerate(names, 101):
        put(room / f"{name}_{number}_assignsubmission_file/1_linear.ipynb", book())
        put(room / f"{name}_{number}_assignsubmission_file/2_mlp.ipynb", book())
    put(room / "Typed Only_105_assignsubmission_onlinetext/onlinetext.html", "<p>")
    folder = report(room)
    packed = members(folder / "moodle.zip")
    taken = [moodle_takes(name) for name in packed]
    assert sorted(taken) == [(number, "feedback.html") for number in range(101, 106)]
    pages = {each.read_bytes() for each in folder.glob("*.html")}
    assert set(packed.values()) == pages
    assert not (folder / "canvas.zip").exists()


def test_canvas_takes_its_files_back_as_what_they_were(room, capsys):
    original = [
        "bergannavander_4711_998877_1_linear.ipynb",
        "żółćłukasz_LATE_4712_998878_1_linear-2.ipynb",
        "obrien_4714_998880_hw_2024.zip",
        "late_4715_998881_essay.pdf",
        "LATE_anon_k2F9x_998882_1_linear.ipynb",
    ]
    contents = [book(), book(), zipped("a/1_linear.ipynb", book()), "%PDF", book()]
    for name, content in zip(original, contents, strict=True):
        put(room / name, content)
    put(room / "bergannavander_4711_text.html", "<p>typed")
    folder = report(room)
    packed = members(folder / "canvas.zip")
    assert sorted(packed) == sorted(name for name in original if not name.endswith(".pdf"))
    assert canvas_takes(original[1]) == (4712, 998878)
    assert f"Canvas shows no page in the place of {original[3]}" in capsys.readouterr().out
    inner = members(io.BytesIO(packed[original[2]]))
    assert list(inner) == ["feedback.html"]
    mine = nbformat.reads(packed[original[0]].decode(), 4)
    nbformat.validate(mine)
    (cell,) = mine.cells
    assert "A &lt;reason&gt;" in cell.source
    assert "\n\n" not in cell.source  # there, Markdown would begin
    assert not set("$`\\") & set(cell.source)
    assert BOMB not in cell.source
    assert len(list(folder.glob("*.html"))) == 5


def test_what_was_not_examined_has_a_page_that_says_why(room):
    put(room / "Ada/1_linear.ipynb", "{")
    put(room / "Bob/1_linear.ipynb", book())
    page = (report(room) / "Ada.html").read_text("utf-8")
    assert '<p class="note">it is broken at line 1</p>' in page
    assert "points" not in page.partition("<body>")[2]
