"""A notebook as HTML that needs no network: formulas are pictures, links lead within the page."""

import base64
import html
import io
from pathlib import Path

from jinja2 import pass_context
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ..support import DataError

_POINTS = 12  # the font size in which formulas are drawn; the page scales them to its own


class Exporter(HTMLExporter):
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


class UntrustedExporter(HTMLExporter):
    """nbconvert's, for cells that anybody may have written: their own HTML is shown as text."""

    def __init__(self, path: Path):
        super().__init__(template_name="basic", embed_images=True)
        self._folder = str(path.parent)

    @pass_context
    def markdown2html(self, context: dict, source: str) -> str:
        attachments = context["cell"].get("attachments", {})
        renderer = _UntrustedRenderer([], attachments, self._folder, trusted=False)
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def __init__(self, names: list[str], attachments: dict, path: str, *, trusted: bool = True):
        super().__init__(
            escape=not trusted,
            allow_harmful_protocols=trusted,
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


class _UntrustedRenderer(_Renderer):
    """A formula that cannot be drawn stays as it was typed."""

    def inline_math(self, body: str) -> str:
        try:
            return super().inline_math(body)
        except DataError:
            return f"<code>{html.escape(body)}</code>"

    def block_math(self, body: str) -> str:
        try:
            return super().block_math(body)
        except DataError:
            return f"<pre>{html.escape(body)}</pre>"

    def latex_environment(self, name: str, body: str) -> str:
        return f"<pre>{html.escape(body)}</pre>"


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
