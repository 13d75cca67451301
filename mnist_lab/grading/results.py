"""What is known of a notebook's cells, by an examination or by the outputs on file."""

import dataclasses
import json
from collections.abc import Mapping

from ..checks import OUTCOMES

LONGEST = 500  # characters of a text


@dataclasses.dataclass(frozen=True)
class CellResult:
    """The result of a cell: an error, perhaps, and for a check its outcome and what differs.

    Attributes
    ----------
    error, kind : str
        What was raised, in words, and its class; empty if nothing was.
    outcome : str
        Of a check, as `CheckResult` has it.
    first, reason : str
        The first thing that is wrong, and why it matters.
    """

    error: str = ""
    kind: str = ""
    outcome: str = ""
    first: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Examination:
    """What came of a notebook.

    Attributes
    ----------
    results : dict of str to CellResult
        By the names of those cells that came to their end.
    stopped : str
        Why it did not finish, in words; empty if it did.
    refused : str
        What it tried first that an examination refuses; empty if nothing.
    """

    results: Mapping[str, CellResult]
    stopped: str = ""
    refused: str = ""


def to_keep(done: Examination) -> str:
    """An examination as a text that `read_kept` understands."""
    return json.dumps(dataclasses.asdict(done), indent=1)


def read_kept(text: str) -> Examination:
    """An examination that was kept.

    Raises
    ------
    ValueError
        If the text is not what `to_keep` writes.
    """
    try:
        kept = json.loads(text)
        results = {name: read_result(what) for name, what in kept.pop("results").items()}
        return Examination(results, **kept)
    except (TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise ValueError(f"not an examination ({problem})") from None


def read_result(what: dict) -> CellResult:
    """A cell's result, of which nothing is trusted.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or a text is too long.
    """
    result = CellResult(**what)
    texts = dataclasses.astuple(result)
    right = all(isinstance(text, str) and len(text) <= LONGEST for text in texts)
    if not right or result.outcome not in ("", *OUTCOMES):
        raise ValueError("not the result of a cell")
    return result


def readable(text: str) -> str:
    """A text in one line, without what would move a terminal's cursor or is no character."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
