"""Renders notebooks as offline HTML: formulas become pictures, links stay within the page."""

import base64
import html
import io
import mimetypes
import os
import re
from pathlib import Path
from urllib.parse import unquote

from jinja2 import pass_context
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ..support import DataError, check_file
from .cells import attachment_name

_POINTS = 12  # the font size in which formulas are drawn; the page scales them to its own
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
_ALIGNED = {"align", "aligned", "eqnarray", "equation", "gather", "gathered", "multline", "split"}
_ENVIRONMENT = re.compile(r"\\begin\{(\w+\*?)\}(.*)\\end\{\1\}", re.DOTALL)
_NEXT_LINE = re.compile(r"\\\\(?:\[[^]]*\])?")
_UNSEEN = re.compile(r"\\(?:nonumber|notag)\b|\\(?:label|tag)\{[^}]*\}")
_LARGEST = 2**26  # bytes of a picture beside the notebook


class Exporter(HTMLExporter):
    """nbconvert's exporter with formulas as pictures; links between notebooks stay in the page."""

    def __init__(self, path: Path, names: list[str]):
        super().__init__(template_name="basic", embed_images=True)
        self._path, self._names = path, names

    @pass_context
    def markdown2html(self, context: dict, source: str) -> str:
        cell = context["cell"]
        renderer = _Renderer(self._names, cell.get("attachments", {}), self._path.parent)
        try:
            return MarkdownWithMath(renderer=renderer).render(source)
        except DataError as problem:
            raise DataError(f"{self._path}: cell {cell['id']!r}: {problem}") from None


class UntrustedExporter(HTMLExporter):
    """nbconvert's exporter for cells that anybody may have written: it shows HTML as text."""

    def __init__(self, path: Path):
        super().__init__(template_name="basic", embed_images=True)
        self._folder = path.parent

    @pass_context
    def markdown2html(self, context: dict, source: str) -> str:
        attachments = context["cell"].get("attachments", {})
        renderer = _UntrustedRenderer([], attachments, self._folder, trusted=False)
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def __init__(self, names: list[str], attachments: dict, folder: Path, *, trusted: bool = True):
        super().__init__(
            escape=not trusted,
            allow_harmful_protocols=trusted,
            embed_images=trusted,
            exclude_anchor_links=True,
            path=str(folder),
        )
        self._names = names
        self._folder = folder
        self._attached = {attachment_name(name): each for name, each in attachments.items()}

    def link(self, text: str, url: str, title: str | None = None) -> str:
        name, _, heading = url.partition("#")
        if name in self._names:
            url = f"#{heading or Path(name).stem}"
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        name = unquote(url)
        if name.startswith("attachment:"):
            name = name.removeprefix("attachment:")
            source = self._attachment(attachment_name(name))
        elif ":" in url or url.startswith("//"):
            return super().image(text, url, title)
        else:
            source = self._picture_beside(name)
        if source is None:
            return self.missing(name)
        return f'<img src="{html.escape(source)}" alt="{html.escape(html.unescape(text))}">'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        kind = "th" if head and text else "td"  # an empty cell is the head of nothing
        style = f' style="text-align:{align}"' if align else ""
        return f"<{kind}{style}>{text}</{kind}>\n"

    def missing(self, name: str) -> str:
        raise DataError(f"the picture {name} is missing; put it in again")

    def _attachment(self, name: str) -> str | None:
        kinds = self._attached.get(name, {})
        kind = next((kind for kind in _PICTURES if kind in kinds), None)
        return f"data:{kind};base64,{kinds[kind]}" if kind else None

    def _picture_beside(self, name: str) -> str | None:
        """Read a picture in the notebook's folder or below; None if there is no such picture."""
        kind = mimetypes.guess_type(name)[0]
        try:
            place = Path(os.path.realpath(self._folder / name))
            if kind not in _PICTURES or not place.is_relative_to(os.path.realpath(self._folder)):
                return None
            check_file(place, _LARGEST)
            return f"data:{kind};base64,{base64.b64encode(place.read_bytes()).decode()}"
        except (OSError, ValueError):
            return None

    def inline_math(self, body: str) -> str:
        return draw_formula(body)

    def block_math(self, body: str) -> str:
        found = _ENVIRONMENT.fullmatch(body.strip())
        if found and found[1].rstrip("*") in _ALIGNED:
            return _draw_lines(found[2])
        return f'<p class="math">{draw_formula(body)}</p>\n'

    def latex_environment(self, name: str, body: str) -> str:
        if name.rstrip("*") not in _ALIGNED:
            raise DataError(f"the environment {name} cannot be drawn; write $$...$$ instead")
        return _draw_lines(body)


class _UntrustedRenderer(_Renderer):
    """Shows a formula that cannot be drawn as it was typed, and the name of a lost picture."""

    def missing(self, name: str) -> str:
        return f"<em>(the picture {html.escape(name)} is missing)</em>"

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
        try:
            return super().latex_environment(name, body)
        except DataError:
            typed = f"\\begin{{{name}}}{body}\\end{{{name}}}"
            return f"<pre>{html.escape(typed)}</pre>"


def draw_formula(tex: str) -> str:
    """Draw a formula as an inline picture with the TeX as alternative text.

    Raises
    ------
    DataError
        If matplotlib cannot draw it.
    """
    formula = f"${' '.join(tex.split())}$"
    try:
        picture, height, depth = _draw(formula)
    except (ValueError, ArithmeticError, RecursionError) as problem:
        raise DataError(
            f"the formula {formula} cannot be drawn ({str(problem).splitlines()[-1]}); "
            "write it in simpler TeX"
        ) from None
    source = base64.b64encode(picture).decode()
    size = f"height: {height / _POINTS:.3f}em; vertical-align: {-depth / _POINTS:.3f}em"
    return (
        f'<img class="math" alt="{html.escape(tex.strip())}" style="{size}" '
        f'src="data:image/svg+xml;base64,{source}">'
    )


def _draw_lines(body: str) -> str:
    """Draw formulas in lines, with `&` where they are aligned, as a table of pictures.

    Raises
    ------
    DataError
        If matplotlib cannot draw one of them.
    """
    lines = [line.split("&") for line in _NEXT_LINE.split(_UNSEEN.sub("", body))]
    drawn = [[draw_formula(tex) if tex.strip() else "" for tex in line] for line in lines]
    rows = ("".join(f"<td>{each}</td>" for each in line) for line in drawn if any(line))
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="math" role="presentation">{table}</table>\n'


def _draw(formula: str) -> tuple[bytes, float, float]:
    """Draw a formula as SVG; also return its height, and its depth below the line, in points."""
    font = FontProperties(size=_POINTS, math_fontfamily="stix")
    picture = io.BytesIO()
    with rc_context({"svg.hashsalt": "mnist_lab"}):  # so that the picture's ids are repeatable
        # 72 dpi, so that sizes are in points
        width, height, depth, *_ = MathTextParser("path").parse(formula, dpi=72, prop=font)
        figure = Figure(figsize=(width / 72, height / 72))
        figure.text(0, depth / height, formula, fontproperties=font)
        figure.savefig(picture, format="svg", transparent=True, metadata={"Date": None})
    return picture.getvalue(), height, depth
