"""Makes pages without scripts, in which everything from a notebook is escaped."""

from pathlib import Path
from typing import Any

import jinja2

_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent, "utf-8"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str, **values: Any) -> str:
    """Return a page made of a template in this folder."""
    return _PAGES.get_template(name).render(values) + "\n"
