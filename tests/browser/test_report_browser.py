"""The class report and a page to hand in, opened in Chromium: no script in a notebook runs."""

import nbformat
import pytest
from conftest import SCREENSHOTS, found_by_axe
from nbformat.v4 import new_markdown_cell, new_output
from samples import fault
from students import BOMB, FILE, blank, cell_of, student

import mnist_lab as lab
from mnist_lab.grading import report_class
from mnist_lab.notebooks import export_notebooks


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report and a page of a hostile notebook."""
    folder = tmp_path_factory.mktemp("pages")
    book = student("1_linear", blank=["see"])
    wrong = lab.CheckResult("wrong", f"Not yet: {BOMB}", [fault(BOMB, BOMB)])
    outputs = [
        new_output("execute_result", data={"text/plain": repr(wrong), "text/html": BOMB}),
        new_output("display_data", data={"text/html": BOMB}),
        new_output("display_data", data={"image/svg+xml": f"<svg>{BOMB}</svg>"}),
        new_output("display_data", data={"application/javascript": "document.title = 'owned'"}),
    ]
    cell_of(book, "flat-check").outputs = outputs
    book.cells.append(new_markdown_cell(f"{BOMB}\n\n[click](javascript:document.title='owned')"))
    (folder / "class").mkdir()
    nbformat.write(book, folder / "class" / f"{FILE}.ipynb")
    nbformat.write(blank("1_linear"), folder / "class" / "bob.ipynb")
    report_class(folder / "class", folder / "report", run=False)
    files = [folder / "class" / f"{FILE}.ipynb"]
    written, failed = export_notebooks(files, folder)
    assert not failed
    return {"report": folder / "report/report.html", "handin": written[0]}


@pytest.mark.parametrize("name", ["report", "handin"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_script_of_a_notebook_runs(browser, pages, name, scheme):
    page = browser.new_page(color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.goto(pages[name].as_uri())
    for link in page.get_by_text("click", exact=True).all():
        link.click()
    page.wait_for_timeout(500)
    assert "owned" not in page.title().replace(FILE, "")
    # Their text is there, as text.
    assert "onerror" in page.inner_text("body")
    assert [url for url in asked if not url.startswith("data:")] == [pages[name].as_uri()]
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png", full_page=True)
    page.close()


@pytest.mark.parametrize("name", ["report", "handin"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, pages, name, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto(pages[name].as_uri())
    found = found_by_axe(page)
    page.close()
    assert found == []
