"""Writes all solution notebooks as one printable page that needs no network and no other files."""

import html
import re
from pathlib import Path

import nbformat

from ..course import MARKER
from ..support import DataError, write_whole
from .files import WIDGET, find_solutions, read_notebook

_NETWORK = re.compile(
    r"""<(?:script|img|iframe|link|source|video|audio|embed|object)\b[^>]*?\b(?:src|href|data)"""
    r"""\s*=\s*["']?\s*((?:https?:)?//[^\s"'>]+)""",
    re.IGNORECASE,
)
_STYLE = Path(__file__).with_name("pages.css")


def export_solutions(target: Path) -> None:
    """Write all solution notebooks as one HTML page, with a list of contents.

    Formulas become pictures, and everything is in the file, so it can be read and printed offline.

    Raises
    ------
    DataError
        If there are no solution notebooks, one has not been executed, a formula cannot be drawn,
        or a picture would come from the network. Names the notebook and, except in the last case,
        the cell.
    """
    from .rendering import Exporter  # takes a second to load

    books = find_solutions()
    entries, sections, styles = [], [], {}
    for path in books:
        book = _prepare(path)
        exporter = Exporter(path, [other.name for other in books])
        body, resources = exporter.from_notebook_node(
            book, {"metadata": {"path": str(path.parent)}}
        )
        remote = _NETWORK.search(body)
        if remote:
            raise DataError(f"{path} shows {remote[1]} from the network; embed it")
        # Cell ids are unique within one notebook only: several have a cell "title".
        body = body.replace('id="cell-id=', f'id="{path.stem}/')
        styles |= dict.fromkeys(resources["inlining"]["css"])
        sections.append(f'<section id="{path.stem}">\n{body}\n</section>')
        title = html.escape(_title(book) or path.stem)
        entries.append(f'<li><a href="#{path.stem}">{title}</a></li>')
    page = f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>mnist_lab: solutions</title>
<style>{"".join(styles)}{_STYLE.read_text("utf-8")}</style></head>
<body>
<main>
<h1>mnist_lab: solutions</h1>
<p>A laboratory for your first neural networks: all notebooks with their answers and outputs.</p>
<ul class="contents" style="list-style: none; padding: 0">{"".join(entries)}</ul>
{"".join(sections)}
</main>
</body></html>
"""
    write_whole(target, page)


def _prepare(path: Path) -> nbformat.NotebookNode:
    book = read_notebook(path)
    book.metadata.pop("widgets", None)  # the state of live panels
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        if cell.source.strip() and cell.execution_count is None:
            raise DataError(
                f"{path}: cell {cell.id!r} has not been executed; run `mnist-lab solutions` first"
            )
        lines = cell.source.split("\n")
        cell.source = "\n".join(line for line in lines if not MARKER.fullmatch(line))
        cell.outputs = [_without_widget(output) for output in cell.outputs]
    return book


def _without_widget(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    if WIDGET not in output.get("data", {}):
        return output
    return nbformat.v4.new_output("stream", text="(a live panel: it works in the notebook)\n")


def _title(book: nbformat.NotebookNode) -> str:
    """Return the notebook's first heading, or an empty text."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    found = re.search(r"^# +(.+)", text, re.MULTILINE)
    return found[1] if found else ""
