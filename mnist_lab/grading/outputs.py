"""Reads the results of checks from the outputs saved in a student's notebook."""

import html
import re
from collections.abc import Mapping

from nbformat import NotebookNode

from ..checks import MIME, OUTCOMES, first_fault
from .results import CellResult, readable

_LONGEST = 400  # characters of a text
# Older copies have no findings as data, and are read by their words: how the text of a check began,
# and what its card held. Later rewording of checks must not change these.
_VERDICTS = {
    "Right": "right",
    "Not attempted": "not attempted",
    "Our check crashed": "crashed",
}
_DIFFERENCE = re.compile(r'<li style="[^"]*">(?!<i>)(.*?)(?:<br><span [^>]*>(.*?)</span>)?</li>')


def read_check(cell: NotebookNode) -> CellResult | None:
    """Read the result of a check from its output; None if there is none."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            error = readable(f"{output.ename}: {output.evalue}")
            return CellResult(error[:_LONGEST], readable(output.ename)[:_LONGEST])
        data = output.get("data", {})
        if output.output_type == "execute_result" and "text/plain" in data:
            outcome, first, reason = _from_data(data.get(MIME)) or _from_text(data)
            texts = readable(first)[:_LONGEST], readable(reason)[:_LONGEST]
            return CellResult("", "", outcome, *texts)
    return None


def _from_data(result: object) -> tuple[str, str, str] | None:
    """Read outcome, first fault and its reason from a check's data; None if they are missing."""
    try:
        outcome, (first, reason) = result["outcome"], first_fault(result)
    except (KeyError, TypeError):  # an older copy, or a changed one
        return None
    right = outcome in OUTCOMES and isinstance(first, str) and isinstance(reason, str)
    return (outcome, first, reason) if right else None


def _from_text(data: Mapping[str, str]) -> tuple[str, str, str]:
    """Read the same from the card, or from the text, in which long lines are wrapped."""
    text = data["text/plain"]
    outcome = next((word for begin, word in _VERDICTS.items() if text.startswith(begin)), "wrong")
    if found := _DIFFERENCE.search(data.get("text/html", "")):
        return outcome, html.unescape(found[1]), html.unescape(found[2] or "")
    listed = re.findall(r"^  - (.*)", text, re.MULTILINE)
    first = (listed or text.splitlines() or [""])[0].removeprefix("Not yet: ")
    return outcome, first, ""
