"""Exports a student's notebook as a page to hand in, and as PDF if Chromium is installed."""

import hashlib
import html
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..support import DataError, make_folder, write_whole
from .cells import find_answered, find_cells, has_answer, recognise
from .files import attempted, read_notebook
from .questions import Exercise, read_questions

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_PRINT_LIMIT = 120  # seconds that printing may take
# Browsers run no scripts in pictures, not even in SVG.
_SHOWN = ("text/plain", "image/png", "image/jpeg", "image/svg+xml")
# The HTML of the lab's own figures. Of any other HTML output, the page shows the plain text.
_FIGURE = re.compile(
    r'<img alt="([^"<>]*)" width="(\d{1,4})" src="data:image/png;base64,([\w+/=\s]*)">'
)
_WIDTH = 100  # characters that a page shows in a line, about
_HEAD, _TAIL = 75, 25  # such lines of a long output that the page shows
_OUTPUTS = 100  # of a cell
_STYLE = Path(__file__).with_name("pages.css")
_ANSWERS = """
.celltag_answer, .celltag_blank { border-left: .4em solid #0969da; padding-left: .8em; }
.celltag_blank { border-left-style: dotted; border-left-color: #8c959f; }
.celltag_answer::before, .celltag_blank::before { display: block; color: #0969da;
  font: bold .75em Helvetica, Arial, sans-serif; content: "ANSWER"; }
.celltag_blank::before { color: #57606a; content: "NOT ANSWERED"; }
footer { margin-top: 3em; padding-top: .5em; border-top: 1px solid #bbb; font-size: .8em;
  overflow-wrap: anywhere; }
@media print { .celltag_answer, .celltag_blank { print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } }
"""


def export_notebooks(files: Iterable[Path], folder: Path | None = None) -> tuple[list, list[str]]:
    """Write each student's notebook as a page in which the answers are marked.

    The page does not interpret the notebook's HTML, has no scripts and needs no network. It names
    the time of the export and the digest of the notebook.

    Parameters
    ----------
    files
        The notebooks.
    folder
        Where the pages go; by default beside the notebooks.

    Returns
    -------
    list of Path, list of str
        The files written, and why others were not.

    Raises
    ------
    DataError
        If the exercises cannot be read, without which answers are not recognised.
    """
    exercises, books = read_questions()
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    written, failed = [], []
    for path in files:
        target = (folder or path.parent) / f"{path.stem}.html"
        with attempted(path, failed):
            if target in written:
                raise DataError(f"{path} is not exported: {target} is the page of another notebook")
            book = read_notebook(path, repair=True)
            make_folder(target.parent)
            name = recognise(book, books)
            write_whole(target, _page(path, _prepare(book, exercises.get(name))))
            written.append(target)
            if browser:
                written.append(_print(browser, target))
    return written, failed


def _prepare(book: NotebookNode, exercise: Exercise | None) -> NotebookNode:
    """Mark a notebook's answers, and keep only text and pictures of its outputs."""
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = _shown_outputs(cell.outputs)
    if exercise:
        find_cells(book, exercise.cells)
        answered = find_answered(book, exercise.cells, exercise.check_of)
        book.cells = [part for cell in book.cells for part in _mark(cell, exercise, answered)]
    else:
        for cell in book.cells:
            cell.metadata = {}
    book.metadata = nbformat.from_dict({"language_info": {"name": "python"}})
    return book


def _mark(cell: NotebookNode, exercise: Exercise, answered: set[str]) -> list[NotebookNode]:
    """Tag a cell as answer or blank, and split an answer in words from the question above it."""
    asked = cell.id in exercise.prompts
    mine = has_answer(cell, exercise.cells)
    blank = asked and cell.id not in answered
    cell.metadata = {"tags": ["answer"] if mine else ["blank"] if blank else []}
    if not (mine and asked and cell.cell_type == "markdown"):
        return [cell]
    lines, given = (each.source.split("\n") for each in (cell, exercise.cells[cell.id]))
    alike = [mine == its for mine, its in zip(lines, given, strict=False)]
    same = [*alike, False].index(False)
    question = nbformat.v4.new_markdown_cell("\n".join(lines[:same]), id=f"{cell.id}-question")
    cell.source = "\n".join(lines[same:])
    return [question, cell] if question.source else [cell]


def _shown_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    shown = [_text_or_picture(output) for output in outputs[:_OUTPUTS]]
    if more := len(outputs) - len(shown):
        words = f"… ({more:,} more outputs: see the notebook)\n"
        shown.append(nbformat.v4.new_output("stream", text=words))
    return shown


def _shorten(text: str) -> str:
    """Leave out the middle of a text that would take more than a sheet or two, and say so."""
    lines = [
        line[place : place + _WIDTH]
        for line in text.split("\n")
        for place in range(0, len(line) or 1, _WIDTH)
    ]
    more = len(lines) - _HEAD - _TAIL
    if more <= 0:
        return text
    words = f"… ({more:,} lines left out: see the notebook)"
    return "\n".join([*lines[:_HEAD], words, *lines[-_TAIL:]])


def _text_or_picture(output: NotebookNode) -> NotebookNode:
    if output.output_type == "stream":
        output.text = _shorten(output.text)
    if output.output_type == "error":
        output.traceback = [_shorten("\n".join(output.traceback))]
    if "data" not in output:
        return output
    figure = _FIGURE.fullmatch(output.data.get("text/html", ""))
    output.metadata = nbformat.from_dict({kind: _size(output, kind) for kind in _SHOWN})
    shown = {kind: content for kind, content in output.data.items() if kind in _SHOWN}
    if "text/plain" in shown:
        shown["text/plain"] = _shorten(shown["text/plain"])
    output.data = nbformat.from_dict(shown or {"text/plain": "(see the notebook)"})
    if figure:
        alt, width, picture = figure.groups()
        output.data["image/png"] = picture
        output.metadata["image/png"] = {"alt": html.unescape(alt), "width": int(width)}
    return output


def _size(output: NotebookNode, kind: str) -> dict[str, int]:
    """Return the size at which a picture is shown, which may be smaller than its pixels."""
    about = output.metadata.get(kind)
    sizes = about if isinstance(about, dict) else {}
    return {side: sizes[side] for side in ("width", "height") if isinstance(sizes.get(side), int)}


def _page(path: Path, book: NotebookNode) -> str:
    from .rendering import UntrustedExporter  # takes a second to load

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    body, resources = UntrustedExporter(path).from_notebook_node(book)
    name = html.escape(os.fsencode(path.name).decode(errors="replace"))
    styles = "".join(resources["inlining"]["css"])
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{name}</title>
<style>{styles}{_STYLE.read_text("utf-8")}{_ANSWERS}</style></head>
<body>
<main>
{body}
</main>
<footer>{name}, exported {time.strftime("%Y-%m-%d %H:%M %Z")}. SHA-256 of the notebook: {digest}
</footer>
</body></html>
"""


def _print(browser: str, page: Path) -> Path:
    """Print a page as PDF."""
    target = page.with_suffix(".pdf")
    command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")  # Chromium refuses its sandbox to root, as in a container
    command += [f"--print-to-pdf={target}", page.resolve().as_uri()]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_PRINT_LIMIT)
    except (OSError, subprocess.SubprocessError) as problem:
        raise DataError(
            f"{target} could not be made ({type(problem).__name__} of {browser}): open {page} in "
            "your browser, and print it"
        ) from None
    return target
