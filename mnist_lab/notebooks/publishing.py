"""Writes generated texts into README, and buttons for Binder and Colab into the notebooks."""

import re
import tomllib

import nbformat
from nbformat import NotebookNode

from .. import places
from ..support import DataError, write_whole
from .cells import plain
from .files import list_solutions


def publish(text: str, mark: str = "results") -> None:
    """Put a text into README between two marks, `<!-- MARK -->` and `<!-- end of MARK -->`.

    Raises
    ------
    DataError
        If the marks are missing.
    """
    old, new = places.here.readme.read_text("utf-8"), published(text, mark)
    if new != old:
        write_whole(places.here.readme, new)


def published(text: str, mark: str) -> str:
    """Return README's text as `publish` would write it."""
    path = places.here.readme
    between = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- end of {mark} -->)", re.DOTALL)
    readme = path.read_text("utf-8")
    if not between.search(readme):
        raise DataError(f"{path} has no lines <!-- {mark} --> and <!-- end of {mark} -->")
    return between.sub(lambda _: f"{text}\n" if text else "", readme)


def add_buttons(cells: list[NotebookNode], name: str, repository: str) -> None:
    """Add the buttons to an exercise's first Markdown cell, and insert a cell for Colab behind."""
    index = next(i for i, cell in enumerate(cells) if cell.cell_type == "markdown")
    title = cells[index]
    cells[index] = plain(title, f"{title.source}\n\n{_buttons(name, repository)}")
    install = f"""\
import sys

if "google.colab" in sys.modules:
    import subprocess

    # Colab has TensorFlow and most of the rest already; without --no-deps it would get another.
    packages = ["git+https://github.com/{repository}", "anywidget>=0.11", "lazy-loader>=0.4"]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, *packages], check=True)"""
    colab = nbformat.v4.new_code_cell(install, id="colab")
    cells.insert(index + 1, plain(colab, install))


def _buttons(name: str, repository: str) -> str:
    place, copy = f"notebooks/exercises/{name}", f"notebooks/mine/{name}"
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{copy}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/{place}"
    return (
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder}) "
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def readme_buttons() -> str:
    """Return README's link to the page without Python, and the buttons of the first exercise.

    Without a repository, it is empty.
    """
    address = repository()
    if not address:
        return ""
    owner, name = address.split("/")
    page = f"[**The laboratory without the notebooks**](https://{owner}.github.io/{name}/)"
    return f"{page}, in your browser\n\n{_buttons(list_solutions()[0].name, address)}"


def repository() -> str | None:
    """Return OWNER/NAME of the repository, if pyproject.toml names one on github.com."""
    address = read_project().get("urls", {}).get("Repository", "")
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    return found[1] if found else None


def read_project() -> dict:
    """Return pyproject.toml's `[project]`: name, version, addresses."""
    return tomllib.loads(places.here.pyproject.read_text("utf-8"))["project"]
