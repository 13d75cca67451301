"""A student's own notebook as a page: answers told apart, nothing in it interpreted."""

import base64
import hashlib
import html
import os
import re
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from students import BOMB, blank, cell_of, student
from test_trust import Elements, scripts

from mnist_lab.__main__ import main
from mnist_lab.notebooks import handin

PIXEL = "iVBORw0KGgo="


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Export a notebook without a browser; give the page."""
    monkeypatch.setattr(handin.shutil, "which", lambda name: None)

    def export(book, name="hw (1)"):
        nbformat.write(book, tmp_path / f"{name}.ipynb")
        assert main(["export", str(tmp_path / f"{name}.ipynb")]) == 0
        return (tmp_path / f"{name}.html").read_text("utf-8")

    return export


def cut(name, cell):
    """A student's copy of one cell."""
    book = student(name)
    book.cells = [cell_of(book, cell)]
    return book


def marked(text, tag):
    """The cells that have a tag."""
    cells = [about for _, about in Elements(text).found if "cell-id" in about.get("id", "")]
    found = [about for about in cells if f"celltag_{tag}" in about["class"]]
    return [about["id"].removeprefix("cell-id=") for about in found]


def test_answers_are_told_apart_from_questions(page):
    book = student("1_linear", blank=["flat", "see"])
    book.cells.append(new_markdown_cell("My own remark", id="mine"))
    book.cells.append(new_markdown_cell("", id="empty"))
    text = page(book)
    assert marked(text, "blank") == ["flat", "see", "program"]
    answers = marked(text, "answer")
    assert answers[:2] == ["onehot", "prepare"]
    assert answers[-1] == "mine"
    assert not {"load", "see-jumps-question"} & set(answers)
    assert len(marked(page(blank("1_linear")), "blank")) == 19


TOOLS = {
    "nothing": lambda cell, number: None,
    "the metadata of nbgrader": lambda cell, number: cell.metadata.pop("nbgrader", None),
    "all metadata": lambda cell, number: cell.metadata.clear(),
    "ids and metadata": lambda cell, number: cell.update(id=f"x{number}", metadata={}),
}


@pytest.mark.parametrize("lost", TOOLS)
def test_a_blank_copy_of_a_grader_has_no_answers_and_is_never_updated(
    page, released, tmp_path, capsys, lost
):
    book = nbformat.read(released, 4)
    for number, cell in enumerate(book.cells):
        cell.source = without_solution(cell)
        TOOLS[lost](cell, number)
    text = page(book)
    assert marked(text, "answer") == []
    assert len(marked(text, "blank")) == 19
    before = (tmp_path / "hw (1).ipynb").read_bytes()
    assert main(["update", str(tmp_path / "hw (1).ipynb")]) == 0
    assert "made by a grader for a course, left as it is" in capsys.readouterr().out
    assert (tmp_path / "hw (1).ipynb").read_bytes() == before


def without_solution(cell):
    """Put nbgrader's stub in place of a solution, as its ClearSolutions does."""
    code = cell.cell_type == "code"
    stub = "# YOUR CODE HERE\nraise NotImplementedError()" if code else "YOUR ANSWER HERE"
    marked = r"(?ms)^[ \t]*(?:<!-- )?### BEGIN SOLUTION.*?### END SOLUTION(?: -->)?$"
    return re.sub(marked, stub, cell.source)


def test_an_answer_in_a_cell_below_answers_the_question(page):
    book = student("1_linear", blank=["flat", "see"])
    place = [cell.id for cell in book.cells].index("see")
    book.cells.insert(place + 1, new_markdown_cell("It rises fast.", id="below"))
    text = page(book)
    assert marked(text, "blank") == ["flat", "program"]
    assert "below" in marked(text, "answer")


def test_footer_has_the_time_and_the_digest_of_the_file(page, tmp_path):
    text = page(student("2_mlp"))
    digest = hashlib.sha256((tmp_path / "hw (1).ipynb").read_bytes()).hexdigest()
    footer = text[text.index("<footer>") :]
    assert digest in footer
    assert re.search(r"hw \(1\)\.ipynb, exported \d{4}-\d\d-\d\d \d\d:\d\d", footer)


def test_figures_of_the_lab_are_shown_with_their_description(page):
    book = student("1_linear")
    shown = f'<img alt="A &quot;5&quot;" width="750" src="data:image/png;base64,{PIXEL}">'
    data = {"text/html": shown, "text/plain": "<Figure>"}
    cell_of(book, "look").outputs = [new_output("display_data", data=data)]
    found = [about for _, about in Elements(page(book)).found]
    (picture,) = [about for about in found if "/png" in about.get("src", "")]
    assert picture == {"alt": 'A "5"', "width": "750", "src": f"data:image/png;base64,{PIXEL}"}


SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0L9 9"/></svg>'


@pytest.mark.parametrize(
    ("kind", "content", "metadata", "shown"),
    [
        # %config InlineBackend.figure_formats = ["svg"], and ["retina"]
        ("image/svg+xml", SVG, {"isolated": True}, {}),
        ("image/png", PIXEL, {"width": 6, "height": 4, "alt": "x"}, {"width": "6", "height": "4"}),
        ("image/png", PIXEL, {"width": "9", "height": [1]}, {}),
        ("image/png", PIXEL, 7, {}),
        ("image/jpeg", PIXEL, {}, {}),
    ],
)
def test_figures_of_all_usual_formats_are_shown_in_their_size(page, kind, content, metadata, shown):
    book = cut("1_linear", "look")
    data = {kind: content, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    output = new_output("display_data", data=data, metadata={kind: metadata})
    cell_of(book, "look").outputs = [output]
    text = page(book)
    found = [about for _, about in Elements(text).found if about.get("class") != "math"]
    (picture,) = [about for about in found if about.get("src", "").startswith(f"data:{kind};")]
    on_page = base64.b64decode(picture["src"].split("base64,")[1])
    assert on_page == (SVG.encode() if content == SVG else base64.b64decode(PIXEL))
    assert {side: picture[side] for side in ("width", "height") if side in picture} == shown
    assert "Figure size" not in text


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("attachment:a.png", "a.png"),
        ("attachment:my%20image.png", "my image.png"),
        ("<attachment:my image.png>", "my image.png"),
        ("attachment:my%20image.png", "my%20image.png"),
        ("attachment:Lösung.png", "Lösung.png"),
        ("attachment:L%C3%B6sung.png", "Lo\u0308sung.png"),  # as macOS takes it apart
        ("beside/my%20Lösung.png", None),
    ],
)
def test_pictures_in_words_are_shown_whatever_they_are_called(page, tmp_path, written, name):
    book = cut("1_linear", "see")
    cell_of(book, "see").source += f'\n\n![a "5"]({written})'
    if name:
        cell_of(book, "see").attachments = {name: {"image/png": PIXEL}}
    else:
        (tmp_path / "beside").mkdir()
        (tmp_path / "beside/my Lösung.png").write_bytes(base64.b64decode(PIXEL))
    found = [about for _, about in Elements(page(book)).found]
    shown = {"src": f"data:image/png;base64,{PIXEL}", "alt": 'a "5"'}
    assert shown in found


def test_a_picture_that_is_lost_is_named(page, tmp_path):
    (tmp_path / "notes.txt").write_text("secret")
    book = student("1_linear")
    lost = [
        "attachment:a%20b.png",
        "attachment:empty.png",
        "gone.png",
        "notes.txt",
        "..",
        "%00.png",
    ]
    lost += ["x" * 5000 + ".png", "%3Cb%3E.png", "../../etc/hostname.png"]
    cell_of(book, "see").source += "\n\n" + " ".join(f"![x](<{name}>)" for name in lost)
    cell_of(book, "see").attachments = {"empty.png": {}}
    text = page(book)
    assert text.count(" is missing)</em>") == len(lost)
    assert "(the picture a b.png is missing)" in text
    assert "(the picture &lt;b&gt;.png is missing)" in text


def test_a_formula_that_is_nested_too_deeply_stays_as_it_was_typed(page):
    kinds = [("{", "}"), ("\\sqrt{", "}"), ("x^{", "}"), ("\\frac{1}{", "}")]
    deep = [f"{begin * depth}x{end * depth}" for begin, end in kinds for depth in (60, 5000)]
    book = student("1_linear")
    cell_of(book, "see").source += "".join(f"\n\nso ${tex}$" for tex in deep)
    text = page(book)
    assert all(f"<code>{tex}</code>" in text for tex in deep)


def pictures(text):
    """The formulas drawn on a page, as they were typed."""
    found = [about for _, about in Elements(text.split("<body>")[1]).found]
    return [about["alt"] for about in found if about.get("class") == "math" and "alt" in about]


@pytest.mark.parametrize("around", [("", ""), ("$$", "$$")])
def test_aligned_formulas_are_drawn_with_and_without_dollars(page, around):
    lines = "a_i &= b \\label{x} & i &= 1 \\\\[4pt]\n&= c \\notag \\\\ m"
    begin, end = around
    words = f"so\n\n{begin}\\begin{{align*}}{lines}\\end{{align*}}{end}\n\n$d$"
    book = nbformat.v4.new_notebook(cells=[new_markdown_cell(words)])
    text = page(book)
    assert pictures(text) == ["a_i", "= b", "i", "= 1", "= c", "m", "d"]
    assert text.count("<tr>") == 3


@pytest.mark.parametrize("name", ["align", "pmatrix", "x"])
def test_lines_that_cannot_be_drawn_stay_as_they_were_typed(page, name):
    typed = f"\\begin{{{name}}}a &= \\nonsense<b>\\end{{{name}}}"
    cells = [new_markdown_cell(f"so\n\n{words}") for words in (typed, f"$${typed}$$")]
    text = page(nbformat.v4.new_notebook(cells=cells))
    assert text.count(f"<pre>{html.escape(typed)}</pre>") == 2
    assert pictures(text) == []


@pytest.mark.gate
def test_long_outputs_are_shortened_with_a_word(page):
    lines = "".join(f"line {number}\n" for number in range(200_000))
    outputs = [
        new_output("stream", text=lines),
        new_output("execute_result", data={"text/plain": "x" * 1_000_000}),
        new_output("error", ename="E", evalue="", traceback=[lines, lines]),
        *(new_output("display_data", data={"text/plain": f"shown {n}"}) for n in range(5_000)),
    ]
    cell = new_code_cell("1", outputs=outputs)
    text = page(nbformat.v4.new_notebook(cells=[cell]))
    assert len(text) < 100_000
    for left_out in ("199,901 lines", "9,900 lines", "399,902 lines"):
        assert f"… ({left_out} left out: see the notebook)" in text
    assert "line 0\n" in text
    assert "line 199999\n" in text
    assert "line 1000\n" not in text
    assert "… (4,903 more outputs: see the notebook)" in text


def test_outputs_of_a_sheet_are_shown_whole(page):
    lines = "".join(f"line {number}\n" for number in range(99))
    cell = new_code_cell("1", outputs=[new_output("stream", text=lines)])
    text = page(nbformat.v4.new_notebook(cells=[cell]))
    assert lines in text
    assert "left out" not in text


HOSTILE = {
    "text/html": BOMB,
    "text/markdown": BOMB,
    "text/latex": BOMB,
    "image/svg+xml": f"<svg>{BOMB}</svg>",
    "application/javascript": "document.title = 'owned'",
    "application/vnd.jupyter.widget-view+json": {"model_id": BOMB},
}


def test_nothing_in_a_notebook_is_interpreted(page):
    book = student("1_linear")
    outputs = [new_output("display_data", data={kind: what}) for kind, what in HOSTILE.items()]
    outputs.append(new_output("display_data", data={"text/plain": BOMB, "text/html": BOMB}))
    outputs.append(new_output("stream", text=BOMB))
    outputs.append(new_output("error", ename=BOMB, evalue=BOMB, traceback=[BOMB]))
    outputs.append(new_output("display_data", data={"image/png": f'x">{BOMB}'}, metadata={
        "filenames": {"image/png": "http://192.0.2.1/a.png"}, "image/png": {"alt": f'">{BOMB}'}
    }))  # fmt: skip
    book.cells.append(new_code_cell(f"# {BOMB}", outputs=outputs, metadata={"tags": [f'">{BOMB}']}))
    words = f"{BOMB}\n\n[a](javascript:f()) ![b](javascript:f()) $\\nonsense<b>$ $$x^<i>$$ `{BOMB}`"
    book.cells.append(new_markdown_cell(f"{words}\n\n\\begin{{a}}{BOMB}\\end{{a}}"))
    book.cells[-1]["attachments"] = {"x": {f'x">{BOMB}': f'">{BOMB}'}}
    book.cells[-1].source += "\n\n![x](attachment:x)"
    book.metadata["widgets"] = {"x": BOMB}
    book.metadata["title"] = BOMB
    text = page(book, "<img src=x onerror=f()>")
    assert not list(scripts(text))
    assert "http://192.0.2.1" not in text
    assert "default-src 'none'" in text
    assert "<b>" not in text.split("<body>")[1]


def test_what_is_broken_is_told_and_the_others_are_written(page, tmp_path, capsys):
    page(student("1_linear"))
    (tmp_path / "zoe.ipynb").write_text("{")
    own = nbformat.v4.new_notebook(cells=[new_code_cell("1", id="a")])
    nbformat.write(own, tmp_path / "own.ipynb")
    files = [str(tmp_path / f"{name}.ipynb") for name in ("zoe", "own", "absent")]
    assert main(["export", *files, "--output", str(tmp_path / "pages")]) == 1
    said = capsys.readouterr()
    assert f"{files[0]} is broken at line 1" in said.err
    assert f"{files[2]} is missing" in said.err
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["own.html"]


@pytest.mark.gate
def test_one_that_no_library_can_show_leaves_the_others_done(page, tmp_path, monkeypatch, capsys):
    page(student("1_linear"), "a")
    page(student("1_linear"), "b")
    (tmp_path / "b.html").unlink()
    whole = handin._page
    monkeypatch.setattr(
        handin, "_page", lambda path, book: whole(path, book) if path.stem == "b" else 1 / 0
    )
    assert main(["export", str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")]) == 1
    said = capsys.readouterr().err
    assert "a.ipynb was left as it is: ZeroDivisionError in test_handin.py, line" in said
    assert "please report it" in said
    assert (tmp_path / "b.html").exists()


def test_two_of_a_name_do_not_overwrite_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handin.shutil, "which", lambda name: None)
    files = [tmp_path / student / "1_linear.ipynb" for student in ("ada", "bob")]
    for path in files:
        path.parent.mkdir()
        nbformat.write(student("1_linear"), path)
    pages = tmp_path / "pages"
    assert main(["export", *map(str, files), "--output", str(pages)]) == 1
    assert f"{files[1]} is not exported: {pages / '1_linear.html'} is" in capsys.readouterr().err
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert digest in (pages / "1_linear.html").read_text("utf-8")


def test_a_browser_that_fails_is_told_and_the_page_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handin.shutil, "which", lambda name: sys.executable)
    nbformat.write(student("1_linear"), tmp_path / "a.ipynb")
    assert main(["export", str(tmp_path / "a.ipynb")]) == 1
    assert "a.pdf could not be made (CalledProcessError of" in capsys.readouterr().err
    assert (tmp_path / "a.html").exists()


@pytest.mark.gate
@pytest.mark.skipif(not any(map(shutil.which, handin._BROWSERS)), reason="there is no Chromium")
def test_a_page_is_printed(tmp_path):
    nbformat.write(student("1_linear"), tmp_path / "a #b%20.ipynb")
    assert main(["export", str(tmp_path / "a #b%20.ipynb")]) == 0
    assert (tmp_path / "a #b%20.pdf").read_bytes().startswith(b"%PDF-")
    assert os.listdir(tmp_path).count("a #b%20.html") == 1
