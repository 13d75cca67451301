"""The answers in the solution notebooks, to be looked up once a student has tried."""

import json
import re
import textwrap

from ..data import HOME
from .verdicts import unless_withheld

_REGION = re.compile(
    r"^[^\n]*### BEGIN SOLUTION[^\n]*\n(.*?)\n[^\n]*### END SOLUTION", re.DOTALL | re.MULTILINE
)


class Text(str):
    """Words in Markdown, which a notebook shows as such."""

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
    Each step is a fifth as long, ...
    """
    words = _answers("markdown")
    if name not in words:
        raise ValueError(f"name={name!r}: it must be one of {', '.join(map(repr, words))}")
    return Text(unless_withheld(words[name]))


def _answers(kind: str = "code") -> dict[str, str]:
    found = {}
    for path in sorted((HOME / "notebooks" / "solutions").glob("*.ipynb")):
        title = path.stem.split("_", 1)[-1]
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            regions = _REGION.findall("".join(cell["source"]))
            if regions and cell["cell_type"] == kind:
                text = "\n\n".join(textwrap.dedent(region).strip("\n") for region in regions)
                found[f"{title}.{cell['id']}"] = text
    return found
