"""The solutions as one page: complete, readable without a network, and honest about what is not."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mnist_lab.__main__ import main
from mnist_lab.notebooks import export_solutions

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n and the rest").decode()


def put(house, *cells, name="10_next"):
    nbformat.write(new_notebook(cells=list(cells)), house.solutions / f"{name}.ipynb")


@pytest.fixture
def page(house):
    """Export what the house has; give the page."""

    def run():
        assert main(["export", "--output", str(house.home / "out.html")]) == 0
        return (house.home / "out.html").read_text(encoding="utf-8")

    return run


def requests(text):
    """What a browser would load for this page."""
    sources = re.findall(r'<[^>]*?\b(?:src|srcset|poster|data)\s*=\s*["\']([^"\']*)', text)
    sources += re.findall(r'<link[^>]*\bhref\s*=\s*["\']([^"\']*)', text)
    sources += re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", text)
    return [source for source in sources if not str(source).startswith("data:")]


def test_page_has_all_notebooks_and_needs_nothing_else(house, page):
    picture = new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"})
    put(
        house,
        new_markdown_cell(
            "# 10. The next\n\n[Back](9_sample.ipynb), [term](9_sample.ipynb#A-term), [site](https://a.org)",
            id="t",
        ),
        new_code_cell("draw()", id="draw", execution_count=1, outputs=[picture]),
        new_code_cell("", id="empty"),
    )
    text = page()
    assert requests(text) == []
    assert "<script" not in text
    for name, title in (("9_sample", "9. A sample"), ("10_next", "10. The next")):
        assert f'<section id="{name}">' in text
        assert f'<a href="#{name}">{title}</a>' in text
    assert '<a href="#10_next">Next: part 10</a>' in text
    assert '<a href="#9_sample">Back</a>' in text
    assert '<a href="#A-term">term</a>' in text
    assert '<a href="https://a.org">site</a>' in text
    assert f'src="data:image/png;base64,{PIXEL}"' in text
    assert "3.141592653589793" in text
    assert "twelve" in text  # the answers, and their discussion
    assert "BEGIN SOLUTION" not in re.sub("<!--.*?-->", "", text)
    assert "(a live panel: it works in the notebook)" in text
    assert "VBox()" not in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert re.search(r"section \{ break-before: page", text)


def test_formulas_are_pictures_with_their_tex(page):
    text = page()
    pictures = re.findall(r'<img [^>]*class="math"[^>]*>', text)
    assert not any("$" in other for other in re.split(r'<img [^>]*class="math"[^>]*>', text))
    pictures = [dict(re.findall(r'(\w+)="([^"]*)"', picture)) for picture in pictures]
    alts = [picture["alt"] for picture in pictures]
    assert alts == ["-\\ln p", "\\text{scores} = x\\,W + b"]
    assert '<p class="math"><img' in text
    for picture in pictures:
        style, source = picture["style"], picture["src"]
        assert re.fullmatch(r"height: \d\.\d+em; vertical-align: -\d\.\d+em", style)
        drawn = base64.b64decode(source.removeprefix("data:image/svg+xml;base64,"))
        assert ElementTree.fromstring(drawn).tag.endswith("svg")
        assert b"<path" in drawn


def test_dollars_in_code_are_no_formula(house, page):
    put(house, new_markdown_cell("# A\n\n`$x$` costs\n\n```\n$$\\nonsense$$\n```", id="t"))
    text = page()
    assert "<code>$x$</code>" in text
    assert "$$\\nonsense$$" in text


def test_pictures_of_the_author_are_embedded(house, page):
    (house.solutions / "dot.png").write_bytes(base64.b64decode(PIXEL))
    cell = new_markdown_cell("# A\n\n![dot](dot.png) ![pasted](attachment:p.png)", id="t")
    cell["attachments"] = {"p.png": {"image/png": PIXEL}}
    put(house, cell)
    text = page()
    assert requests(text) == []
    assert text.count(PIXEL) == 2


def test_page_is_the_same_twice(page):
    assert page() == page()


TITLE = new_markdown_cell("# A", id="title")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (new_code_cell("1", id="here"), "cell 'here' has not been executed; run `mnist-lab sol"),
        (new_markdown_cell("$\\nonsense$", id="here"), "cell 'here': the formula $\\nonsense$ can"),
        (
            new_markdown_cell("![x](attachment:a%20b.png)", id="here"),
            "cell 'here': the picture a b.png is missing",
        ),
        (new_markdown_cell("$$x^$$", id="here"), "cell 'here': the formula $x^$ cannot be drawn"),
        (
            new_markdown_cell("\\begin{array}x\\end{array}", id="here"),
            "cell 'here': the environment array cannot be drawn; write $$...$$ instead",
        ),
        (
            new_markdown_cell("![a](https://a.org/b.png)", id="here"),
            "shows https://a.org/b.png from the network; embed it",
        ),
        (
            new_code_cell(
                "1",
                id="here",
                execution_count=1,
                outputs=[
                    new_output(
                        "display_data", data={"text/html": '<script src="//a.org/b.js"></script>'}
                    )
                ],
            ),
            "shows //a.org/b.js from the network",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(house, capsys, cell, message):
    put(house, TITLE, cell)
    target = house.home / "out.html"
    target.write_text("old")
    assert main(["export", "--output", str(target)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"mnist-lab: {house.solutions / '10_next.ipynb'}")
    assert message in said
    assert target.read_text() == "old"


def test_nowhere_to_write(house, capsys):
    assert main(["export", "--output", str(house.home / "no" / "out.html")]) == 1
    assert "No such file or directory" in capsys.readouterr().err


def test_output_is_put_into_the_current_folder(house, monkeypatch, capsys):
    monkeypatch.chdir(house.home)
    assert main(["export"]) == 0
    assert capsys.readouterr().out == "mnist_lab-solutions.html\n"
    assert (house.home / "mnist_lab-solutions.html").exists()


@pytest.mark.gate
def test_solutions_of_the_lab_can_be_exported(tmp_path):
    export_solutions(tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert requests(text) == []
    assert "<h1>1. A linear network</h1>" in text
