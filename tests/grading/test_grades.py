"""Grades on their way back: tables as Moodle 4.5 and Canvas write them, read as they read them."""

import csv
import dataclasses
import io
import re

import nbformat
import pytest
from students import student

from mnist_lab.__main__ import main
from mnist_lab.grading import filling, gradebooks, students
from mnist_lab.grading.grades import GradedAnswer, GradedNotebook
from mnist_lab.grading.handed_in import HandedIn
from mnist_lab.grading.owners import Owner
from mnist_lab.grading.submissions import Submission
from mnist_lab.notebooks import Question
from mnist_lab.support import DataError

# By language: the columns of the worksheet, the word before a participant's number, a date, and
# the decimal sign.
MOODLE = {
    "en": (
        [
            *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade"),
            *("Grade can be changed", "Last modified (submission)", "Last modified (grade)"),
            "Feedback comments",
        ],
        "Participant ",
        "Monday, 4 November 2024, 10:15 AM",
        ".",
    ),
    "de": (
        [
            *("ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Bewertung", "Bestwertung"),
            *("Bewertung kann geändert werden", "Zuletzt geändert (Abgabe)"),
            *("Zuletzt geändert (Bewertung)", "Feedback als Kommentar"),
        ],
        "Teilnehmer/in",
        "Montag, 4. November 2024, 10:15",
        ",",
    ),
    "zh": (
        [
            *("编号", "全名", "Email地址", "状态", "成绩", "最高分", "成绩可更改"),
            *("最近更改（提交）", "最近更改（评分）", "反馈评论"),
        ],
        "参与者",
        "2024年11月4日 星期一 10:15",
        ".",
    ),
}
ADA, BOB, EVE = ("Ada Lovelace", "101"), ("王小明", "102"), ('O\'Brien, Ann "Nan"', "103")


def notebook(owner, right=3, name="1_linear"):
    """A row of the report: right and wrong answers in code, and two in words."""
    outcomes = ["right"] * right + ["wrong"] * (4 - right) + ["answered"] * 2
    answers = [
        GradedAnswer(
            Question(f"linear.q{number}", f"q{number}", "c"),
            outcome,
            "<b> & =1+1",
            share=float(outcome == "right"),
        )
        for number, outcome in enumerate(outcomes)
    ]
    each = Submission(HandedIn(Owner(*owner), f"{name}.ipynb", None), name)
    return GradedNotebook(each, answers)


def ungraded(owner, note, name=""):
    """A row of the report without answers."""
    each = Submission(HandedIn(Owner(*owner), "essay.pdf", None), name)
    return GradedNotebook(each, note=note)


def worksheet(language="en", most="100.00", people=(ADA, BOB, EVE), mark="\ufeff", **changes):
    """Like Moodle's `mod/assign/gradingtable.php`: nobody is graded yet."""
    header, word, date, sign = MOODLE[language]
    most = most.replace(".", sign)
    rows = [
        [f"{word}{number}", name, "a@uni", "Done\n=1+1", "", most, "x", date, "-", ""]
        for name, number in people
    ]
    for (number, column), cell in changes.get("cells", {}).items():
        rows[number][column] = cell
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return (mark + text.getvalue()).encode()


def moodle_takes(content, language="en"):
    """Read a worksheet as `mod/assign/feedback/offline/importgradeslib.php` does."""
    header, word, _, sign = MOODLE[language]
    first, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    places = {name: first.index(name) for name in header}
    grade, most, comment = (places[header[place]] for place in (4, 5, 9))
    taken = {}
    for row in rows:
        text = row[grade].replace(sign, ".")
        worth = float(text) if text else None
        if worth is not None and not 0 <= worth <= float(row[most].replace(sign, ".")):
            worth = None  # out of range
        taken[row[0][len(word) :]] = worth, row[comment]
    return taken


def fill(path, rows, column=None):
    """Fill a table, and return its bytes and what is said."""
    people = students.by_student(rows)
    names = sorted({row.name for row in rows})
    book = gradebooks.read_gradebook(path, [each.owner for each in people], names, column)
    said = filling.fill(book, people)
    return book.sheet.to_bytes(), "\n".join(said)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "table.csv"


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("language", MOODLE)
def test_moodle_takes_its_worksheet_back(file, language, mark):
    before = worksheet(language, mark=mark)
    file.write_bytes(before)
    content, said = fill(file, [notebook(ADA), notebook(EVE, right=0)])
    taken = moodle_takes(content, language)
    assert taken["101"][0] == 50  # 3 of 6 points, of 100
    assert taken["102"] == (None, "")
    assert taken["103"][0] == 0
    assert taken["101"][1] == (
        "<p>1_linear: 3 of 6 points, and 2 for words that a person grades</p>"
        "<ul><li>q3: &lt;b&gt; &amp; =1+1</li></ul>"
    )
    assert file.read_bytes() == before
    assert "The column has 100, so they were multiplied by 16.67." in said
    assert (
        f"Grades written into {MOODLE[language][0][4]!r} of Moodle's grading worksheet: 2" in said
    )
    assert content.startswith(before[: before.index(b"=1+1")])
    tables = [csv.reader(io.StringIO(each.decode(), newline="")) for each in (before, content)]
    changed = {
        column
        for old, new in zip(*tables, strict=True)
        for column, (was, now) in enumerate(zip(old, new, strict=True))
        if was != now
    }
    assert changed == {4, 9}


def test_moodle_gets_decimal_commas_where_it_writes_them(file):
    file.write_bytes(worksheet("de", "5.00"))
    content, _ = fill(file, [notebook(ADA, right=1)])
    assert moodle_takes(content, "de")["101"][0] == 0.83
    assert b'=1+1","0,83","5,00"' in content


def test_grades_and_comments_that_are_there_are_told(file):
    cells = {(0, 4): "85.00", (0, 8): MOODLE["en"][2], (0, 9): "Well done", (1, 4): "50.00"}
    file.write_bytes(worksheet(cells=cells))
    content, said = fill(file, [notebook(ADA), notebook(BOB)])
    assert moodle_takes(content)["101"] == (50, "Well done")
    assert "Replaced: Ada Lovelace (85.00, now 50)." in said
    assert "Have a comment already, which stays: Ada Lovelace." in said


def test_a_worksheet_without_comments_gets_none(file):
    rows = csv.reader(io.StringIO(worksheet(mark="").decode(), newline=""))
    text = io.StringIO()
    csv.writer(text).writerows(row[:-1] for row in rows)
    file.write_bytes(text.getvalue().encode())
    content, _ = fill(file, [notebook(ADA)])
    assert b"<p>" not in content
    assert content == file.read_bytes().replace(b'=1+1",,', b'=1+1",50,', 1)


def test_numbers_of_another_assignment_are_not_taken_for_these(file):
    """Moodle numbers participants anew in each assignment."""
    file.write_bytes(worksheet(people=[("Somebody Else", "101"), ("小明 王", "102")]))
    content, said = fill(file, [notebook(ADA), notebook(BOB), notebook(EVE)])
    assert moodle_takes(content)["101"] == (None, "")
    assert moodle_takes(content)["102"][0] == 50
    assert "since the line has the number and another name: Ada Lovelace." in said
    assert "In no line of the table: O'Brien" in said


def test_hidden_names_are_no_other_names(file):
    file.write_bytes(worksheet(people=[("Submitted for grading", "101")]))
    content, _ = fill(file, [notebook(("Participant 101", "101"))])
    assert moodle_takes(content)["101"][0] == 50


def test_students_of_ones_own_folders_are_found_by_name(file):
    twice = [ADA, BOB, ("Kim Lee", "7"), ("Lee Kim", "8")]
    file.write_bytes(worksheet(people=twice))
    rows = [notebook((name, "")) for name in ("ada lovelace", "Lovelace, Ada", "王小明", "Kim Lee")]
    content, said = fill(file, rows)
    taken = moodle_takes(content)
    assert [taken[each][0] for each in ("101", "102", "7", "8")] == [None, 50, None, None]
    assert "several students here have the same line: ada lovelace, Lovelace, Ada." in said
    assert "since several lines fit: Kim Lee." in said


def test_what_could_not_be_examined_leaves_the_cell(file):
    file.write_bytes(worksheet(cells={(0, 4): "70.00"}))
    lost = ungraded(ADA, "could not be examined: it was lost", "2_mlp")
    essay = ungraded(BOB, "no notebook: essay.pdf (a PDF)")
    content, said = fill(file, [notebook(ADA), lost, essay, notebook(BOB)])
    assert moodle_takes(content)["101"] == (70, "")
    assert moodle_takes(content)["102"][0] == 50
    assert "Left as it was, without a grade: Ada Lovelace." in said
    assert "Ada Lovelace (could not be examined: it was lost)" in said
    assert "王小明 (no notebook: essay.pdf (a PDF))" in said


def test_a_notebook_that_was_stopped_counts_up_to_there_and_is_told(file):
    file.write_bytes(worksheet())
    stopped = dataclasses.replace(notebook(ADA), note="took longer than 60 s")
    content, said = fill(file, [stopped])
    assert moodle_takes(content)["101"][0] == 50
    assert "Counted up to where it stopped: Ada Lovelace (took longer than 60 s)." in said


def test_several_notebooks_are_added_up(file):
    file.write_bytes(worksheet(most="12.00"))
    rows = [notebook(ADA), notebook(ADA, name="2_mlp"), notebook(BOB)]
    content, said = fill(file, rows)
    assert [moodle_takes(content)[each][0] for each in ("101", "102")] == [6, 3]
    assert "More than one notebook, added up: Ada Lovelace." in said
    assert "1_linear 6 (2 handed in), 2_mlp 6 (1 handed in), as many as the column has." in said
    assert (
        "Up to 6 more points are for answers in words, which you grade by hand: 2 students" in said
    )


def test_a_scale_of_words_is_refused(file):
    file.write_bytes(worksheet(most="Good\nBad"))
    with pytest.raises(DataError, match="graded by a scale of words"):
        fill(file, [notebook(ADA)])


SIS = ("SIS User ID", "SIS Login ID")


def canvas(separator=",", sign=".", sis=True, ending="\r\n", names=("Student",)):
    """Like Canvas' `lib/gradebook_exporter.rb`, with one custom column and totals."""
    info = [*names, "ID", *(SIS if sis else SIS[1:]), "Section"]
    header = [*info, "Notes", "Übung 1: linear (31)", "Exam (32)", "Homework Final Score"]
    blank = [""] * (len(info) - 1)
    rows = [
        ["", *blank, "", "Manual Posting", "", ""],
        ["    Points Possible", *blank, "", "12.00", "40.00", "(read only)"],
    ]
    people = [
        ("Lovelace, Ada", "4711", "s1", "ada"),
        ('="=cmd|x"', "4712", "s2", "bob@uni"),
        ("O'Brien, Ann", "4713", "s3", "ann"),
        ("Student, Test", "4714", "", "f00"),
    ]
    grades = [("", "7.50"), ("EX", ""), ("N/A", ""), ("", "")]
    for (name, number, user, login), mine in zip(people, grades, strict=True):
        shown = name.split(", ")[: len(names)] if len(names) == 2 else [name]
        shown += [""] * (len(names) - len(shown))
        ids = (user, login) if sis else (login,)
        rows.append([*shown, number, *ids, "A; B, C", "read\nme", *mine, "88.10"])
    text = io.StringIO()
    rows = [[re.sub(r"^(\d+)\.(\d\d)$", rf"\1{sign}\2", cell) for cell in row] for row in rows]
    csv.writer(text, delimiter=separator, lineterminator=ending).writerows([header, *rows])
    return text.getvalue().encode()


def canvas_takes(content):
    """Read a gradebook as `lib/gradebook_importer.rb` does: assignment by number, student by ID."""
    text = content.decode("utf-8-sig")
    first = text.splitlines()[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    places = {
        found[1]: place
        for place, name in enumerate(header)
        if (found := re.search(r" \((\d+)\)$", name))
    }
    taken = {}
    for row in rows:
        assert len(row) == len(header)
        if "Points Possible" in row[0] or all(
            re.fullmatch(r"(?i)\s*(Manual Posting.*)?\s*", cell) for cell in row
        ):
            continue
        for assignment, place in places.items():
            cell = row[place].strip()
            if re.fullmatch(r"-?[0-9.,]+%?", cell):
                *whole, part = re.split("[,.]", cell)
                cell = ".".join(filter(None, ["".join(whole), part]))
            taken[row[header.index("ID")], assignment] = cell
    return taken


@pytest.mark.parametrize("names", [("Student",), ("LastName", "FirstName")])
@pytest.mark.parametrize("sis", [True, False])
@pytest.mark.parametrize(("separator", "sign"), [(",", "."), (";", ","), (",", ",")])
def test_canvas_takes_its_gradebook_back(file, separator, sign, sis, names):
    before = canvas(separator, sign, sis, names=names)
    file.write_bytes(before)
    rows = [
        notebook(("lovelaceada", "4711", "99"), right=1),
        notebook(("x", "4712", "98")),
        notebook(("y", "4713", "97", True)),
        notebook(("gone", "4799", "96")),
    ]
    content, said = fill(file, rows)
    old, new = canvas_takes(before), canvas_takes(content)
    changed = {key for key in old if old[key] != new[key]}
    assert changed == {("4711", "31")}
    assert float(new["4711", "31"]) == 2  # 1 of 6 points, of 12
    assert "Left as it was, EX: x." in said
    assert "Left as it was, N/A: y." in said
    assert "Late: y." in said
    assert "In no line of the table: gone." in said
    assert "into 'Übung 1: linear (31)' of Canvas' gradebook: 1." in said
    # Nothing else has changed.
    assert (
        content.replace(
            b";2;7" if separator == ";" else b",2,", b";;7" if separator == ";" else b",,", 1
        )
        == before
    )


@pytest.mark.parametrize("name", ["4711", "S1", "ADA", "Ada Lovelace", "lovelace, ada"])
def test_canvas_students_are_found_by_number_sis_number_login_and_name(file, name):
    file.write_bytes(canvas())
    content, _ = fill(file, [notebook((name, ""))])
    assert canvas_takes(content)["4711", "31"] == "6"


@pytest.mark.parametrize(
    ("column", "chosen"),
    [(None, "31"), ("exam", "32"), ("Exam (32)", "32"), ("übung", "31"), ("32", None)],
)
def test_the_column_is_named_or_that_of_the_exercise(file, column, chosen):
    file.write_bytes(canvas())
    rows = [notebook(("a", "4714"))]
    if chosen:
        content, _ = fill(file, rows, column)
        assert canvas_takes(content)["4714", chosen]
    else:
        with pytest.raises(
            DataError, match=r"means\. Name it with --column; there are 'Übung 1: l"
        ):
            fill(file, rows, column)


def test_columns_that_may_be_meant_are_listed(file):
    file.write_bytes(canvas())
    with pytest.raises(DataError) as problem:
        fill(file, [notebook(ADA, name="4_cnn")])
    assert "there are 'Übung 1: linear (31)', 'Exam (32)'" in str(problem.value)
    assert "Notes" not in str(problem.value)
    assert "Final" not in str(problem.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1250"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", ";\t,")
def test_a_plain_table_stays_what_it_was(file, encoding, ending, separator):
    lines = [
        ["Nr", "Surname", "First name", "Points", "Remark"],
        ["1", "Żółć", '"Łukasz"', "", '"says ""hi""' + ending + 'twice"'],
        ["2", "Lovelace", "Ada", '""', ""],
        ["3", "Nobody", "", "", "=1+1"],
    ]
    text = ending.join(separator.join(line) for line in lines)
    file.write_bytes(text.encode(encoding))
    rows = [notebook(("Ada Lovelace", "")), notebook(("Łukasz Żółć", ""), right=1)]
    content, said = fill(file, rows, "points")
    lines[2][3] = '"3"'
    if encoding != "cp1250":  # where names in it cannot be read
        lines[1][3] = "1"
        assert "not scaled" in said
    else:
        assert "In no line of the table: Łukasz Żółć." in said
    assert content == ending.join(separator.join(line) for line in lines).encode(encoding)


def test_a_plain_table_with_numbers_and_its_only_empty_column(file):
    file.write_text("id,mark,old\n101,,1.5\n102,,\n", encoding="utf-8")
    content, _ = fill(file, [notebook(ADA), notebook(BOB, right=1)])
    assert content == b"id,mark,old\n101,3,1.5\n102,1,\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no lines with students"),
        (b"name,points\n", "has no lines with students"),
        (b"PK\3\4\0\0", "is not a CSV file"),
        (b"\xff\xfea", "is not a CSV file"),
        (b"name,points\nzoe,\n", "has no column that names the students"),
        (b"name,a,b\nAda Lovelace,,\n", "there are 'a', 'b'"),
        (b"name\nAda Lovelace\n", "none of it can have grades"),
    ],
)
def test_what_cannot_be_filled_is_told(file, content, words):
    file.write_bytes(content)
    with pytest.raises(DataError, match=words):
        fill(file, [notebook(ADA)])


def test_broken_quotes_are_kept(file):
    text = 'name,points,"re"mark\nAda Lovelace,,"never closed, or is it\nBob,,\n'
    file.write_text(text, encoding="utf-8")
    content, _ = fill(file, [notebook(ADA)], "points")
    assert content.decode() == text.replace("ce,,", "ce,3,")


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "class/Ada Lovelace_101_assignsubmission_file"
    folder.mkdir(parents=True)
    nbformat.write(student("1_linear"), folder / "1_linear.ipynb")
    return tmp_path / "class"


def test_a_report_fills_a_copy(room, file, capsys):
    before = worksheet()
    file.write_bytes(before)
    assert main(["report", str(room), "--no-run", "--grades", str(file)]) == 0
    assert file.read_bytes() == before
    taken = moodle_takes((room.parent / "mnist_lab-report/table.csv").read_bytes())
    assert taken["101"][0] == 0  # nothing is on file
    said = capsys.readouterr().out
    assert "Grades written into 'Grade' of Moodle's grading worksheet: 1." in said
    assert "mnist_lab-report/table.csv" in said
    page = (room.parent / "mnist_lab-report/report.html").read_text("utf-8")
    assert "Moodle&#39;s grading worksheet: 1." in page


def test_a_table_is_refused_before_anything_is_examined(room, file, capsys):
    file.write_text("name,points\nzoe,\n", encoding="utf-8")
    assert main(["report", str(room), "--grades", str(file), "--trust"]) == 1
    assert "has no column that names the students" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mnist_lab-report/table.csv", "report.csv", "missing.csv"])
def test_no_table_is_overwritten(room, name, capsys):
    path = room.parent / name
    path.parent.mkdir(exist_ok=True)
    if "missing" not in name:
        path.write_bytes(worksheet())
    assert main(["report", str(room), "--no-run", "--grades", str(path)]) == 1
    words = "is missing" if "missing" in name else "would be overwritten by its own copy"
    assert words in capsys.readouterr().err
