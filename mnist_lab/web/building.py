"""Puts the page together: a folder for a web server, or a single file."""

import base64
import hashlib
import html
import json
import re
import secrets
import shutil
import string
from collections.abc import Sequence
from pathlib import Path

from .. import __version__, places
from ..laboratory import UPLOT, styles
from ..progress import MovingLine
from ..support import DataError, join_modules, write_whole, writing
from .shipping import CORE, FILES, HERE, Shipped, in_function, named_by, ship

SHELL = HERE / "shell"
MARK = '<meta name="generator" content="mnist_lab '  # in each page of ours
_OWN = {"index.html", "service-worker.js", "page.webmanifest", "icon.svg", "NOTICE.txt", FILES}
# Nothing is allowed but what follows: no other address is ever asked for anything.
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self' blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
}

_APP = {
    "name": "mnist_lab",
    "short_name": "mnist_lab",
    "start_url": "./",
    "display": "standalone",
    "icons": [{"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"}],
}


def write_page(place: Path, *, single: bool = False) -> list[str]:
    """Write the laboratory as a page, whole or not at all.

    Parameters
    ----------
    place
        The folder to write; with `single`, the file.
    single
        Whether to write one file that opens without a web server.

    Returns
    -------
    list of str
        What was written, and what to do with it.

    Raises
    ------
    DataError
        If the folder holds something else.
    OSError
        If it cannot be written.
    """
    if not single:
        _check_free(place)
    shipped = []
    with MovingLine() as line:
        for each in ship():
            shipped.append(each)
            line.show(f"packing {each.name}")
        line.show("")
    if single:
        write_whole(place, _single_file(shipped))
        return [f"{place}: {_size(place)}. Open it in a browser, by a double click, say."]
    files = _folder(shipped)
    _replace(place, files)
    return [
        f"{place}: {_size(*place.rglob('*'))} in {len(files)} files, for any web server",
        f"to see it here: python -m http.server --directory {place}",
    ]


def _check_free(folder: Path) -> None:
    """Refuse a folder that holds something else than an earlier page."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name another, or write one file by --single")
    names = {path.name for path in folder.iterdir()}
    index = folder / "index.html"
    ours = index.is_file() and MARK in index.read_text("utf-8", errors="replace")
    if names and not (ours and names <= _OWN):
        other = sorted(names - _OWN if ours else names)[0]
        raise DataError(f"{folder} holds other things ({other}): name a new folder for the page")


def _replace(folder: Path, files: dict[str, bytes]) -> None:
    """Write a folder beside its place, and put it there when it is complete."""
    folder = folder.resolve()
    beside, old = (folder.with_name(f".{secrets.token_hex(8)}.{folder.name}") for _ in range(2))
    try:
        with writing(folder):
            for name, content in files.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_bytes(content)
            if folder.exists():
                folder.rename(old)
            beside.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _folder(shipped: Sequence[Shipped]) -> dict[str, bytes]:
    """Return the files of the folder, by their paths."""
    script, style = _script().encode(), _style().encode()
    at_script, at_style = named_by(script, "page.js"), named_by(style, "style.css")
    index = _index(
        policy=_POLICY,
        head=(
            f'<link rel="stylesheet" href="{at_style}">\n'
            '<link rel="manifest" href="page.webmanifest">\n'
            '<link rel="icon" href="icon.svg">'
        ),
        shipped=shipped,
        files="",
        script=f'<script src="{at_script}"></script>',
    )
    core = [at_script, at_style, *(each.file for each in shipped if each.name in CORE)]
    own = {
        "index.html": index.encode(),
        "service-worker.js": _service_worker(index, core).encode(),
        "page.webmanifest": json.dumps(_APP).encode(),
        "icon.svg": (SHELL / "icon.svg").read_bytes(),
        "NOTICE.txt": _notice().encode(),
    }
    return (
        own | {at_script: script, at_style: style} | {each.file: each.content for each in shipped}
    )


def _single_file(shipped: Sequence[Shipped]) -> str:
    """Return the page with everything in it."""
    script, style = _script(), _style()
    icon = base64.b64encode((SHELL / "icon.svg").read_bytes()).decode()
    inside = "".join(
        f'<script type="application/octet-stream" data-name="{each.name}">'
        f"{base64.b64encode(each.content).decode()}</script>\n"
        for each in shipped
    )
    return _index(
        policy=_POLICY
        | {
            "script-src": f"{_source(script)} 'wasm-unsafe-eval'",
            "style-src": _source(style),
            "img-src": "data:",
            "connect-src": "'none'",
            "manifest-src": "'none'",
            "worker-src": "blob:",
        },
        head=f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">\n<style>{style}</style>',
        shipped=shipped,
        files=inside,
        script=f"<script>{script}</script>",
    )


def _index(*, policy: dict[str, str], shipped: Sequence[Shipped], **parts: str) -> str:
    template = string.Template((SHELL / "index.html").read_text("utf-8"))
    return template.substitute(
        policy="; ".join(f"{kind} {allowed}" for kind, allowed in policy.items()),
        version=__version__,
        notice=html.escape(_notice(), quote=False),
        manifest=json.dumps({each.name: each.about for each in shipped}),
        **parts,
    )


def _script() -> str:
    """Return the page's own script: uPlot, the laboratory's front and what is around it."""
    return UPLOT.read_text("utf-8") + in_function(join_modules(SHELL / "boot.js"))


def _style() -> str:
    return f"{styles()}\n{(SHELL / 'shell.css').read_text('utf-8')}"


def _service_worker(index: str, core: Sequence[str]) -> str:
    digest = hashlib.sha256(index.encode()).hexdigest()[:12]
    head = f"const VERSION = {json.dumps(digest)};\nconst CORE = {json.dumps(['./', *core])};\n"
    return head + (SHELL / "service-worker.js").read_text("utf-8")


def _notice() -> str:
    """Return where all that is not ours comes from, and under which licence."""
    about = (places.here.data / "README.md").read_text("utf-8")
    mnist = re.findall(r"^\*\*(Source|Licence and attribution)\.\*\* (.+)$", about, re.MULTILINE)[
        :2
    ]
    licences = {
        "mnist_lab": places.here.home / "LICENSE",
        "uPlot, which draws the curves": UPLOT.parent / "LICENSE",
        "uqr, which makes the QR code": SHELL / "uqr" / "LICENSE",
    }
    texts = [f"{whose}\n\n{file.read_text('utf-8')}" for whose, file in licences.items()]
    return "\n\n".join(["MNIST", *(f"{what}. {text}" for what, text in mnist), *texts])


def _source(text: str) -> str:
    """Return what a Content-Security-Policy calls a script or a style in the page."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _size(*paths: Path) -> str:
    return f"{sum(path.stat().st_size for path in paths if path.is_file()) / 1e6:.1f} MB"
