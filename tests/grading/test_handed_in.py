"""What a class hands in: as Moodle and Canvas pack it, in folders, in zips, and hostile."""

import contextlib
import csv
import json
import os
import random
import shutil
import stat
import unicodedata
import zipfile

import nbformat
import pytest
from students import blank, student
from test_report import Elsewhere

from mnist_lab.__main__ import main
from mnist_lab.grading import archives, report

NAMES = [
    "Łukasz Żółć",
    "王小明",
    "Ünal Çağrı",
    "Nguyễn Thị Hà",
    "Владимир Щербаков",
    "محمد",
    "O'Brien",
    "van der Berg, Anna",
    'Ann "Nan" Lee',
    "अनिता_शर्मा",
]
COLUMNS = ("student", "id", "submission", "late", "notebook", "file", "earlier")


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder for a class; its report is written beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def text(name="1_linear", answers=student):
    return nbformat.writes(answers(name))


def put(folder, name, content, when=1.5e9):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (when, when))
    return path


def pack(path, members, **settings):
    """Write a zip; a member is a text, or a ZipInfo in the place of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **settings) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def pack_folder(folder, path):
    files = [each for each in sorted(folder.rglob("*")) if each.is_file()]
    return pack(path, [(str(each.relative_to(folder)), each.read_bytes()) for each in files])


def read(room, code=0):
    assert main(["report", str(room), "--no-run"]) == code
    with open("mnist_lab-report/report.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def whose(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


@pytest.mark.parametrize("ending", ["_", ""])
@pytest.mark.parametrize("form", [*("NFC", "NFD")])
def test_moodles_folders_give_names_and_numbers(room, ending, form):
    for number, name in enumerate(NAMES, 101):
        folder = unicodedata.normalize(form, f"{name}_{number}_assignsubmission_file{ending}")
        put(room, f"{folder}/1_linear.ipynb", text())
        put(room, f"{name}_{number}_assignsubmission_onlinetext{ending}/onlinetext.html", "<p>")
    typed = f"Ada Lovelace_99_assignsubmission_onlinetext{ending}/onlinetext.html"
    put(room, typed, "<p>My notebook does not start.</p>")
    rows = read(room)
    found = dict(whose(rows, "student", "id"))
    assert found == {name: str(number) for number, name in enumerate(NAMES, 101)} | {
        "Ada Lovelace": "99"
    }
    (ada,) = (row for row in rows if row["id"] == "99")
    assert ada["first"] == "no notebook: onlinetext.html (a web page)"
    assert {row["notebook"] for row in rows} == {"1_linear", ""}
    assert rows == read(pack_folder(room, room.parent / "download.ZIP"))


def test_moodles_files_without_folders(room):
    put(room, "王小明_7_assignsubmission_file_1_linear.ipynb", text())
    put(room, "王小明_7_assignsubmission_file_2_mlp.ipynb", text("2_mlp"))
    put(room, "O'Brien_8_assignsubmission_file_hw.pdf", "%PDF")
    rows = read(room)
    assert whose(rows, "student", "id", "file") == [
        ("O'Brien", "8", "hw.pdf"),
        ("王小明", "7", "1_linear.ipynb"),
        ("王小明", "7", "2_mlp.ipynb"),
    ]


def test_canvas_names_give_numbers_tries_and_who_was_late(room, capsys):
    put(room, "bergannavander_4711_998877_1_linear.ipynb", text())
    put(room, "bergannavander_LATE_4711_998899_1_linear-2.ipynb", text(answers=blank))
    put(room, "żółćłukasz_4712_998878_1_linear-1.ipynb", text())
    put(room, "小明王_LATE_4713_998879_essay.pdf", "%PDF")
    put(room, "obrien_4714_998880_hw.zip", b"PK no zip")
    put(room, "محمد_4715_text.html", "<p>")
    put(room, "LATE_anon_k2F9x_998881_1_linear.ipynb", text())
    rows = read(room)
    assert whose(rows, *COLUMNS) == [
        ("anon_k2F9x", "anon_k2F9x", "998881", "late", "1_linear", "1_linear.ipynb", ""),
        (
            *("bergannavander", "4711", "998899", "late", "1_linear", "1_linear-2.ipynb"),
            "1_linear.ipynb",
        ),
        ("obrien", "4714", "998880", "", "", "hw.zip", ""),
        ("żółćłukasz", "4712", "998878", "", "1_linear", "1_linear-1.ipynb", ""),
        ("محمد", "4715", "", "", "", "text.html", ""),
        ("小明王", "4713", "998879", "late", "", "essay.pdf", ""),
    ]
    assert rows[1]["answered"] == "0"  # the later one, though it is blank
    assert rows[5]["first"] == "no notebook: essay.pdf (a PDF)"
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[:4] == ["student", "late", "notebook", "file"]
    assert "bergannavander  late  1_linear  1_linear-2.ipynb" in said[2]
    page = (room.parent / "mnist_lab-report/report.html").read_text("utf-8")
    assert page.count('<span class="late">late</span>') == 3
    assert "counts instead of 1_linear.ipynb" in page
    assert rows == read(pack_folder(room, room.parent / "submissions.zip"))


def test_numbers_in_names_are_not_taken_for_canvas(room):
    for name in ("ada", "bob"):
        put(room, f"hw_2024_11_{name}.ipynb", text())
    assert whose(read(room), "student", "id") == [("hw_2024_11_ada", ""), ("hw_2024_11_bob", "")]


def test_one_download_over_another_confuses_nobody(room):
    """A due date was moved, and a name changed in between; the others are as they were."""
    put(room, "ada_4711_1001_1_linear.ipynb", text())
    put(room, "ada_LATE_4711_1001_1_linear.ipynb", text())
    put(room, "bob_4712_text.html", "<p>")
    put(room, "bob_LATE_4712_text.html", "<p>")
    put(room, "cy_4713_1003_1_linear.ipynb", text())
    put(room, "cynthia_4713_1004_1_linear.ipynb", text())
    assert whose(read(room), "student", "id", "notebook") == [
        ("ada", "4711", "1_linear"),
        ("bob", "4712", ""),
        ("cy_4713_1003_1_linear", "", "1_linear"),
        ("cynthia_4713_1004_1_linear", "", "1_linear"),
    ]


def test_nobody_hands_in_as_another(room):
    """Below the class's folder, names are the students' own."""
    put(room, "Ada_1_assignsubmission_file_/1_linear.ipynb", text())
    put(room, "Bob_2_assignsubmission_file_/Ada_1_assignsubmission_file_/1_linear.ipynb", text())
    put(room, "Bob_2_assignsubmission_file_/ada_11_22_1_linear.ipynb", text("2_mlp"))
    put(room, "Bob_2_assignsubmission_file_Ada_1_assignsubmission_file_hw.ipynb", text("4_cnn"))
    rows = read(room)
    assert set(whose(rows, "student", "id")) == {("Ada", "1"), ("Bob", "2")}
    bobs = {row["notebook"] for row in rows if row["student"] == "Bob"}
    assert bobs == {"1_linear", "2_mlp", "4_cnn"}


def test_what_one_hands_in_late_is_all_that_is_examined_again(room):
    """In Canvas' flat folder the files of all lie side by side."""
    put(room, "ada_4711_1001_1_linear.ipynb", text())
    put(room, "ada_4711_1002_own-1.py", "x = 1")
    put(room, "bob_4712_1003_1_linear.ipynb", text(answers=blank))
    pool = Elsewhere()

    def call():
        pool.asked.clear()
        report.report_class(room, room.parent / "out", executor=lambda: pool)
        return [files for _, files, _ in pool.asked]

    # A module is found under its own name, too.
    assert call() == [{"own-1.py": b"x = 1", "own.py": b"x = 1"}, {}]
    assert call() == []
    put(room, "bob_LATE_4712_1004_my_digits.npz", b"PK")
    assert call() == [{"my_digits.npz": b"PK"}]
    put(room, "ada_4711_1005_own-2.py", "x = 2")
    (files,) = call()
    assert files["own.py"] == b"x = 2"


def test_folders_with_anything_in_them(room):
    put(room, "ada/1_LINEAR.IPYNB", text())
    put(room, "ada/own.py", "x = 1")
    put(room, "ada/1_linear.html", "<p>")  # the page of the notebook
    put(room, "ada/my_digits.npz", b"PK")
    put(room, "ada/essay.docx", b"PK")
    put(room, "bob/mnist_lab_notebooks/1_linear.ipynb.txt", text())
    put(room, "cy/hw.pdf", "%PDF")
    put(room, "cy/hw.py", "x = 1")
    put(room, "cy/.DS_Store", "")
    pack(room / "dora.zip", [("hw/1_linear.ipynb", text()), ("__MACOSX/hw/._1_linear.ipynb", "")])
    pack(room / "eve/hw.zip", [("hw/scan.PDF", "%PDF"), ("hw/Übung/eins.txt", "")])
    put(room, "fay/.ipynb_checkpoints/1_linear-checkpoint.ipynb", text())
    put(room, "gil.pdf", "%PDF")
    put(room, "roster.csv", "ada")
    rows = read(room)
    assert whose(rows, "student", "file", "notebook") == [
        ("ada", "1_LINEAR.IPYNB", "1_linear"),
        ("ada", "essay.docx", ""),
        ("bob", "mnist_lab_notebooks/1_linear.ipynb.txt", "1_linear"),
        ("cy", "hw.pdf", ""),
        ("dora", "hw/1_linear.ipynb", "1_linear"),
        ("eve", "hw.zip/hw/scan.PDF", ""),
        ("fay", "", ""),
        ("gil", "gil.pdf", ""),
    ]
    words = [row["first"] for row in rows]
    assert words[1] == "no notebook: essay.docx (a text document)"
    assert words[3] == "no notebook: hw.pdf (a PDF), hw.py (a Python program)"
    assert words[5] == "no notebook: hw.zip/hw/scan.PDF (a PDF), hw.zip/hw/Übung/eins.txt"
    assert words[6:] == ["it is empty", "no notebook: gil.pdf (a PDF)"]


def test_a_report_within_the_folder_is_not_handed_in(room, monkeypatch):
    monkeypatch.chdir(room)
    put(room, "ada/1_linear.ipynb", text())
    assert read(room) == read(room)


def test_the_glossary_alone_has_a_row(room):
    put(room, "ada/glossary.ipynb", text("glossary", blank))
    put(room, "bob/glossary.ipynb", text("glossary", blank))
    put(room, "bob/1_linear.ipynb", text())
    assert whose(read(room), "student", "notebook") == [("ada", "glossary"), ("bob", "1_linear")]


def test_of_several_tries_the_newest_counts(room):
    at = "Ünal Çağrı_5_assignsubmission_file_"
    put(room, f"{at}/first.ipynb", text(), when=1.5e9)
    put(room, f"{at}/second.ipynb", text(answers=blank), when=1.6e9)
    put(room, f"{at}/damaged.ipynb", "{", when=1.7e9)
    # In folders of one's own, names say what is a try at what.
    for name in ("hw.ipynb", "hw (2).ipynb", "hw (10).ipynb", "other.ipynb"):
        put(room, f"ada/{name}", text())
    for name in ("week-1.ipynb", "week-2.ipynb"):
        put(room, f"group/{name}", text())
    assert whose(read(room), "student", "file", "earlier") == [
        ("ada", "hw (10).ipynb", "hw (2).ipynb; hw.ipynb"),
        ("ada", "other.ipynb", ""),
        ("group", "week-1.ipynb", ""),
        ("group", "week-2.ipynb", ""),
        ("Ünal Çağrı", "damaged.ipynb", ""),
        ("Ünal Çağrı", "second.ipynb", "first.ipynb"),
    ]


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(path):
    """Set the mark of encryption in a zip with one file, as Python writes none."""
    content = bytearray(pack(path, [("1_linear.ipynb", "{}")]).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)


def with_damage(path):
    noise = random.Random(0).randbytes(10_000)
    content = bytearray(pack(path, [("1_linear.ipynb", noise)]).read_bytes())
    content[5_000] ^= 1
    path.write_bytes(content)


def inside(path, depth):
    content = text().encode()
    for level in range(depth):
        name = f"{level}.zip" if level else "1_linear.ipynb"
        content = pack(path, [(name, content)]).read_bytes()


def as_lzma(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("1_linear.ipynb", "{}")


HOSTILE = {
    "leads elsewhere": (lambda path: pack(path, [("../../owned.ipynb", "{}")]), "it has a path"),
    "absolute": (lambda path: pack(path, [("/owned.ipynb", "{}")]), "it has a path"),
    "backslashes": (lambda path: pack(path, [("..\\..\\owned.ipynb", "{}")]), "it has a path"),
    "another drive": (lambda path: pack(path, [("hw/C:owned.ipynb", "{}")]), "it has a path"),
    "a link": (lambda path: pack(path, [(link("1.ipynb"), "/etc/passwd")]), "it has a link in it"),
    "no zip": (lambda path: path.write_bytes(b"%PDF"), "it is damaged or not a zip (File is not"),
    "empty": (lambda path: path.write_bytes(b""), "it is damaged or not a zip (File is not"),
    "nothing in it": (lambda path: pack(path, []), "it is empty"),
    "cut": (lambda path: path.write_bytes(pack(path, [("1", "2")]).read_bytes()[:-9]), "it is dam"),
    "damaged": (with_damage, "it is damaged or not a zip ("),
    "encrypted": (encrypted, "it is locked with a password"),
    "unusual": (as_lzma, "it is packed in an unusual way"),
    "too many": (lambda path: pack(path, [(f"{n}", "") for n in range(2001)]), "it holds 2,001"),
    "a bomb": (lambda path: pack(path, [("0", bytes(10**8))]), "it unpacks to 1,0"),
    "a file as a folder": (
        lambda path: pack(path, [("a", ""), ("a/b", "")]),
        "it cannot be unpack",
    ),
    "a long name": (lambda path: pack(path, [("a" * 300, "")]), "it cannot be unpacked (File name"),
    "a zip in a zip in a zip": (lambda path: inside(path, 3), "it is a zip in a zip in a zip"),
    "a folder": (lambda path: path.mkdir(), "no notebook"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_zips_have_a_row_and_harm_nobody(room, kind):
    make, words = HOSTILE[kind]
    put(room, "ada/1_linear.ipynb", text())
    (room / "bob").mkdir()
    make(room / "bob/hw.zip")
    if kind == "a folder":
        put(room, "bob/hw.zip/scan.pdf", "")
    before = sorted(room.parent.rglob("*"))
    rows = read(room)
    assert whose(rows, "student", "answered") == [("ada", "18"), ("bob", "")]
    assert rows[1]["first"].startswith(words)
    shutil.rmtree("mnist_lab-report")
    assert sorted(room.parent.rglob("*")) == before


def test_a_zip_in_a_zip_is_opened(room):
    (room / "bob").mkdir()
    inside(room / "bob/hw.zip", 2)
    assert whose(read(room), "file", "answered") == [("hw.zip/1.zip/1_linear.ipynb", "18")]


def test_zips_in_a_zip_share_one_allowance(room, monkeypatch):
    put(room, "ada/1_linear.ipynb", text())
    inner = pack(room.parent / "inner.zip", [(f"{n}", "") for n in range(900)]).read_bytes()
    pack(room / "bob/hw.zip", [(f"{n}.zip", inner) for n in range(3)])
    problems = [row["first"] for row in read(room) if row["student"] == "bob"]
    assert sum(problem.startswith("it holds 900 files, more than") for problem in problems) == 1


def test_whatever_is_damaged_in_a_zip_is_told_in_a_sentence(tmp_path):
    path = pack(tmp_path / "hw.zip", [("hw/1.ipynb", "{}" * 99), ("hw/ü.py", "x = 1"), ("d/", "")])
    whole, chance = path.read_bytes(), random.Random(0)
    for number in range(2_000):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 4])):
            at = chance.randrange(len(content))
            content[at : at + chance.choice([1, 1, 1, 9])] = chance.randbytes(1)
        path.write_bytes(content)
        with contextlib.suppress(archives.DataError):
            archives.unpack(path, tmp_path / f"out/{number}", archives.Allowance(9, 10**6))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["hw.zip", "out"]


def test_a_table_of_contents_is_not_read_beyond_bounds(tmp_path):
    path = pack(tmp_path / "hw.zip", [("a", "")])
    content = path.read_bytes()
    # The real end stands within another that says little, and says much.
    end = content.rindex(b"PK\5\6")
    huge = content[: end + 12] + (2**30).to_bytes(4, "little") + content[end + 16 :]
    path.write_bytes(huge)
    with pytest.raises(archives.DataError, match="more files in it than can be listed"):
        archives.unpack(path, tmp_path / "out", archives.Allowance(9, 9))


@pytest.mark.parametrize("mark", [True, False])
def test_names_in_zips_are_read_with_and_without_the_mark_of_utf_8(room, mark):
    path = pack(room / "bob.zip", [("Übung/Łódź.ipynb", text())])
    if not mark:  # as macOS writes them
        content = bytearray(path.read_bytes())
        content[7] &= ~8
        content[content.index(b"PK\1\2") + 9] &= ~8
        path.write_bytes(content)
    assert whose(read(room), "file") == [("Übung/Łódź.ipynb",)]


def test_what_is_kept_with_a_zip_keeps_its_time(room):
    """In a zip of a class, the time says which try is the newest."""
    info = zipfile.ZipInfo("ada/hw.ipynb", (2020, 1, 1, 0, 0, 0))
    later = zipfile.ZipInfo("ada/hw (1).ipynb", (2019, 1, 1, 0, 0, 0))
    impossible = zipfile.ZipInfo("bob/hw.ipynb", (1980, 0, 0, 0, 0, 0))
    path = pack(room.parent / "all.zip", [(each, text()) for each in (info, later, impossible)])
    assert whose(read(path), "file", "earlier") == [
        ("hw.ipynb", "hw (1).ipynb"),
        ("hw.ipynb", ""),
    ]


def test_a_damaged_zip_of_a_class_is_told(room, capsys):
    path = put(room, "all.zip", b"PK")
    assert main(["report", str(path), "--no-run"]) == 1
    assert f"{path} is damaged or not a zip" in capsys.readouterr().err


def wide(book):
    book["cells"][0]["source"] = "1\n" * 2**20


def many(book):
    cell = {"cell_type": "raw", "metadata": {}, "source": ""}
    book["cells"] += [cell | {"id": f"n{number}"} for number in range(10_001)]


def loud(book):
    output = {"output_type": "stream", "name": "stdout", "text": "x"}
    book["cells"][3]["outputs"] = [output] * 2**18


def twice(book):
    """A hundred thousand keys, the last one twice; in pairs, they would take hours."""
    book["metadata"] |= {f"{number}": 0 for number in range(100_000)} | {"twice": 0, "ecwt": 0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (wide, "it has more than 1,048,576 characters in its cells"),
        (many, "it has more than 10,000 cells"),
        (loud, "it is not a whole notebook (more than 262,144 outputs and cells)"),
        (twice, "it is not a whole notebook ('twice' appears twice in one place)"),
    ],
)
def test_notebooks_beyond_bounds_have_a_row(room, change, words):
    book = json.loads(text())
    change(book)
    put(room, "ada.ipynb", json.dumps(book).replace("ecwt", "twice"))
    assert read(room)[0]["first"] == words


def test_a_million_printed_lines_cost_no_point(room):
    book = json.loads(text())
    lines = [f"step {number}\n" for number in range(10**6)]
    book["cells"][3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}]
    put(room, "ada.ipynb", json.dumps(book))
    assert read(room)[0]["answered"] == "18"
