"""A student's own notebook as a page: answers told apart, nothing in it interpreted."""

import hashlib
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


def marked(text, tag):
    """The cells that have a tag."""
    cells = [about for _, about in Elements(text).found if "cell-id" in about.get("id", "")]
    found = [about for about in cells if f"celltag_{tag}" in about["class"]]
    return [about["id"].removeprefix("cell-id=") for about in found]


def test_answers_are_told_apart_from_questions(page):
    book = student("1_linear", blank=["flat", "see"])
    book.cells.append(new_markdown_cell("My own remark", id="mine"))
    text = page(book)
    assert marked(text, "blank") == ["flat", "see"]
    answers = marked(text, "answer")
    assert answers[:2] == ["onehot", "prepare"]
    assert answers[-1] == "mine"
    assert not {"load", "see-jumps-question"} & set(answers)
    assert len(marked(page(blank("1_linear")), "blank")) == 16


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


def test_a_browser_that_fails_is_told_and_the_page_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handin.shutil, "which", lambda name: sys.executable)
    nbformat.write(student("1_linear"), tmp_path / "a.ipynb")
    assert main(["export", str(tmp_path / "a.ipynb")]) == 1
    assert "a.pdf could not be made (CalledProcessError of" in capsys.readouterr().err
    assert (tmp_path / "a.html").exists()


@pytest.mark.gate
@pytest.mark.skipif(not any(map(shutil.which, handin._BROWSERS)), reason="there is no Chromium")
def test_a_page_is_printed(tmp_path):
    nbformat.write(student("1_linear"), tmp_path / "a b.ipynb")
    assert main(["export", str(tmp_path / "a b.ipynb")]) == 0
    assert (tmp_path / "a b.pdf").read_bytes().startswith(b"%PDF-")
    assert os.listdir(tmp_path).count("a b.html") == 1
