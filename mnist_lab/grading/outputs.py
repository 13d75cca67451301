"""Reads the results of checks from the outputs saved in a student's notebook."""

import html
import re
from collections.abc import Mapping

from nbformat import NotebookNode

from ..checks import MIME, OUTCOMES, first_fault
from ..support import readable
from .results import CellResult, read_parts

_LONGEST = 400  # characters of a text
_LONGEST_OUTPUT = 100_000  # characters of an output that is read by its words
# Older copies have no findings as data, and are read by their words: how the text of a check began,
# and what its card held. Later rewording of checks must not change these.
_VERDICTS = {
    "Right": "right",
    "Not attempted": "not attempted",
    "Our check crashed": "crashed",
}
_ITEM, _REASON = '<li style="', "<br><span "


def read_check(cell: NotebookNode) -> CellResult | None:
    """Read the result of a check from its output; None if there is none."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            texts = f"{output.ename}: {output.evalue}", output.ename
            return CellResult(*(readable(text[:_LONGEST]) for text in texts))
        data = output.get("data", {})
        if output.output_type == "execute_result" and "text/plain" in data:
            outcome, first, reason = _from_data(data.get(MIME)) or _from_text(data)
            texts = (readable(text[:_LONGEST]) for text in (first, reason))
            return CellResult("", "", outcome, *texts, _parts(data.get(MIME)))
    return None


def _from_data(result: object) -> tuple[str, str, str] | None:
    """Read outcome, first fault and its reason from a check's data; None if they are missing."""
    try:
        outcome, (first, reason) = result["outcome"], first_fault(result)
    except (KeyError, TypeError):  # an older copy, or a changed one
        return None
    right = outcome in OUTCOMES and isinstance(first, str) and isinstance(reason, str)
    return (outcome, first, reason) if right else None


def _parts(result: object) -> dict[str, float]:
    """Read the share of each part from a check's data; none if an older copy has none."""
    return read_parts(result.get("parts")) if isinstance(result, dict) else {}


def _from_text(data: Mapping[str, str]) -> tuple[str, str, str]:
    """Read the same from the card, or from the text, in which long lines are wrapped."""
    text = data["text/plain"][:_LONGEST_OUTPUT]
    outcome = next((word for begin, word in _VERDICTS.items() if text.startswith(begin)), "wrong")
    for item in data.get("text/html", "")[:_LONGEST_OUTPUT].split("</li>")[:-1]:
        # In one pass, which a regular expression would not do with a hostile card.
        inner = item.rpartition(_ITEM)[2].partition('">')[2]
        if _ITEM in item and not inner.startswith("<i>"):
            first, _, reason = inner.partition(_REASON)
            reason = reason.partition(">")[2].removesuffix("</span>")
            return outcome, html.unescape(first), html.unescape(reason)
    listed = re.findall(r"^  - (.*)", text, re.MULTILINE)
    first = (listed or text.splitlines() or [""])[0].removeprefix("Not yet: ")
    return outcome, first, ""
