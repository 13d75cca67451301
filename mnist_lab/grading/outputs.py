"""What the outputs on file say of a student's answers."""

import html
import re
from collections.abc import Mapping

from nbformat import NotebookNode

from ..checks import MIME, OUTCOMES, first_fault
from .results import CellResult, readable

_LONGEST = 400  # characters of a text
# Copies that were made before checks kept their findings as data are read by their words. These are
# how the answer of a check began, and what its card held.
_VERDICTS = {
    "Right": "right",
    "Not attempted": "not attempted",
    "Our check crashed": "crashed",
}
_DIFFERENCE = re.compile(r'<li style="[^"]*">(?!<i>)(.*?)(?:<br><span [^>]*>(.*?)</span>)?</li>')


def read_check(cell: NotebookNode) -> CellResult | None:
    """What the output of a check says; None if it says nothing."""
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
    """Outcome, first fault and its reason as a check kept them; None if they are not there."""
    try:
        outcome, (first, reason) = result["outcome"], first_fault(result)
    except (KeyError, TypeError):  # an older copy, or somebody has written there
        return None
    right = outcome in OUTCOMES and isinstance(first, str) and isinstance(reason, str)
    return (outcome, first, reason) if right else None


def _from_text(data: Mapping[str, str]) -> tuple[str, str, str]:
    """The same from what is shown; in the card each difference is whole, in text it is wrapped."""
    text = data["text/plain"]
    outcome = next((word for begin, word in _VERDICTS.items() if text.startswith(begin)), "wrong")
    if found := _DIFFERENCE.search(data.get("text/html", "")):
        return outcome, html.unescape(found[1]), html.unescape(found[2] or "")
    listed = re.findall(r"^  - (.*)", text, re.MULTILINE)
    first = (listed or text.splitlines() or [""])[0].removeprefix("Not yet: ")
    return outcome, first, ""
