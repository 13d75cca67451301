"""Model answers: what the solution notebooks answer, for a student who has tried."""

import functools
import json
import textwrap
from pathlib import Path

from .. import places
from ..course import find_regions, named, question_name
from ..support import by_number
from .verdicts import unless_withheld


class Text(str):
    """Text that a notebook shows as Markdown."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return str(self)


def solution(name: str) -> str:
    """The answer of a solution notebook, in code or in words.

    Parameters
    ----------
    name
        Notebook and cell, such as "linear.flat".
    """
    return _answers()[name]


def model_answer(name: str) -> Text:
    """One good answer to a question in words, and what a good answer mentions.

    Parameters
    ----------
    name
        Notebook and question, such as "linear.see"; it stands in the question's cell.

    Raises
    ------
    ValueError
        If there is no such question; names those that there are.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.model_answer("linear.cure-q")
    Each step is a fifth as large, ...
    """
    words = _answers("markdown")
    if name not in words:
        raise ValueError(f"name={name!r}: it must be one of {', '.join(map(repr, words))}")
    return Text(unless_withheld(words[name]))


def _answers(kind: str = "code") -> dict[str, str]:
    paths = sorted(places.here.solutions.glob("[!.]*.ipynb"), key=by_number)
    read = (_read_answers(path, path.stat().st_mtime_ns) for path in paths)
    return {name: text for each in read for name, (its, text) in each.items() if its == kind}


@functools.cache
def _read_answers(path: Path, _changed: int) -> dict[str, tuple[str, str]]:
    """Kind and text of each answer in a notebook, by name; read again only if the file changed."""
    found = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        cell["source"] = "".join(cell["source"])
        lines = cell["source"].split("\n")
        with named(path, cell):
            regions = [region.inside(lines) for region in find_regions(cell)]
        if regions:
            texts = [textwrap.dedent("\n".join(region)).strip("\n") for region in regions]
            found[question_name(path, cell)] = cell["cell_type"], "\n\n".join(texts)
    return found
