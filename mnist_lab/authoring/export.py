"""All solution notebooks as one printable page that needs neither network nor other files."""

import base64
import html
import io
import re
from pathlib import Path

import nbformat
from jinja2 import pass_context
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ..support import DataError, whole_file
from . import notebooks
from .exercises import MARKER

_NETWORK = re.compile(
    r"""<(?:script|img|iframe|link|source|video|audio|embed|object)\b[^>]*?\b(?:src|href|data)"""
    r"""\s*=\s*["']?\s*((?:https?:)?//[^\s"'>]+)""",
    re.IGNORECASE,
)
_POINTS = 12  # the font size in which formulas are drawn; the page scales them to its own
_STYLE = Path(__file__).with_suffix(".css")


def export_solutions(target: Path) -> None:
    """Write all solution notebooks as one HTML page, with a list of contents.

    Formulas become pictures, and everything is in the file: it can be read and printed offline.

    Raises
    ------
    DataError
        If there are no solution notebooks, one has not been executed, a formula cannot be drawn,
        or a picture would come from the network. Names the notebook and, but for the last, the
        cell.
    """
    books = notebooks.list_solutions()
    if not books:
        raise DataError(f"{notebooks.SOLUTIONS} has no notebooks; call it in a clone")
    entries, sections, styles = [], [], {}
    for path in books:
        book = _prepare(path)
        exporter = _Exporter(path, [other.name for other in books])
        body, resources = exporter.from_notebook_node(
            book, {"metadata": {"path": str(path.parent)}}
        )
        remote = _NETWORK.search(body)
        if remote:
            raise DataError(f"{path} shows {remote[1]} from the network; embed it")
        # Each notebook's cells have ids of their own, and several have a cell "title".
        body = body.replace('id="cell-id=', f'id="{path.stem}/')
        styles |= dict.fromkeys(resources["inlining"]["css"])
        sections.append(f'<section id="{path.stem}">\n{body}\n</section>')
        title = html.escape(_title(book) or path.stem)
        entries.append(f'<li><a href="#{path.stem}">{title}</a></li>')
    page = f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>mnist_lab: solutions</title>
<style>{"".join(styles)}{_STYLE.read_text()}</style></head>
<body>
<h1>mnist_lab: solutions</h1>
<p>A laboratory for your first neural networks: all notebooks with their answers and outputs.</p>
<ul class="contents" style="list-style: none; padding: 0">{"".join(entries)}</ul>
{"".join(sections)}
</body></html>
"""
    with whole_file(target) as beside:
        beside.write_text(page, encoding="utf-8")


def _prepare(path: Path) -> nbformat.NotebookNode:
    book = notebooks.read(path)
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
    if notebooks.WIDGET not in output.get("data", {}):
        return output
    return nbformat.v4.new_output("stream", text="(a live panel: it works in the notebook)\n")


def _title(book: nbformat.NotebookNode) -> str:
    """The notebook's first heading; empty if it has none."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    found = re.search(r"^# +(.+)", text, re.MULTILINE)
    return found[1] if found else ""


class _Exporter(HTMLExporter):
    """nbconvert's, with formulas as pictures and links between notebooks as links in the page."""

    def __init__(self, path: Path, names: list[str]):
        super().__init__(template_name="basic", embed_images=True)
        self._path, self._names = path, names

    @pass_context
    def markdown2html(self, context: dict, source: str) -> str:
        cell = context["cell"]
        renderer = _Renderer(self._names, cell.get("attachments", {}), str(self._path.parent))
        try:
            return MarkdownWithMath(renderer=renderer).render(source)
        except DataError as problem:
            raise DataError(f"{self._path}: cell {cell['id']!r}: {problem}") from None


class _Renderer(IPythonRenderer):
    def __init__(self, names: list[str], attachments: dict, path: str):
        super().__init__(
            escape=False,
            embed_images=True,
            exclude_anchor_links=True,
            attachments=attachments,
            path=path,
        )
        self._names = names

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, f"#{Path(url).stem}" if url in self._names else url, title)

    def inline_math(self, body: str) -> str:
        return draw_formula(body)

    def block_math(self, body: str) -> str:
        return f'<p class="math">{draw_formula(body)}</p>\n'

    def latex_environment(self, name: str, body: str) -> str:
        raise DataError(f"the environment {name} cannot be drawn; write $$...$$ instead")


def draw_formula(tex: str) -> str:
    """Draw a formula as a picture in the text's line, with the TeX as its alternative text.

    Raises
    ------
    DataError
        If matplotlib cannot draw it.
    """
    formula = f"${' '.join(tex.split())}$"
    font = FontProperties(size=_POINTS, math_fontfamily="stix")
    picture = io.BytesIO()
    with rc_context({"svg.hashsalt": "mnist_lab"}):  # the same ids in the picture each time
        try:
            # In units of 1/72 inch, which are points.
            width, height, depth, *_ = MathTextParser("path").parse(formula, dpi=72, prop=font)
        except ValueError as problem:
            raise DataError(
                f"the formula {formula} cannot be drawn ({str(problem).splitlines()[-1]}); "
                "write it in simpler TeX"
            ) from None
        figure = Figure(figsize=(width / 72, height / 72))
        figure.text(0, depth / height, formula, fontproperties=font)
        figure.savefig(picture, format="svg", transparent=True, metadata={"Date": None})
    source = base64.b64encode(picture.getvalue()).decode()
    size = f"height: {height / _POINTS:.3f}em; vertical-align: {-depth / _POINTS:.3f}em"
    return (
        f'<img class="math" alt="{html.escape(tex.strip())}" style="{size}" '
        f'src="data:image/svg+xml;base64,{source}">'
    )
