"""Results of a notebook's cells, from an examination or from saved outputs."""

import dataclasses
import json
from collections.abc import Mapping

from ..checks import OUTCOMES

LONGEST = 500  # characters of a text


@dataclasses.dataclass(frozen=True)
class CellResult:
    """The result of a cell: its error, if any, and for a check its outcome and first fault.

    Attributes
    ----------
    error, kind : str
        The message of the error and its class; empty if there was none.
    outcome : str
        For a check, the outcome as in `CheckResult`.
    first, reason : str
        The first thing that is wrong, and why it matters.
    parts : dict of str to float
        The share that is right of each part of the answer, from 0 to 1.
    """

    error: str = ""
    kind: str = ""
    outcome: str = ""
    first: str = ""
    reason: str = ""
    parts: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Examination:
    """The results of a notebook.

    Attributes
    ----------
    results : dict of str to CellResult
        The result of each cell that ended, by the cell's name.
    stopped : str
        Why the notebook did not finish; empty if it did.
    unexamined : str
        Why it could not be examined at all, or not to its end; empty if it was. Nothing that went
        wrong is a grade.
    """

    results: Mapping[str, CellResult]
    stopped: str = ""
    unexamined: str = ""


def to_keep(done: Examination) -> str:
    """Return an examination as a text for `read_kept`."""
    return json.dumps(dataclasses.asdict(done), indent=1)


def read_kept(text: str) -> Examination:
    """Read an examination from the text of `to_keep`.

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
    """Make a cell's result of data that may be wrong.

    Raises
    ------
    TypeError, ValueError
        If the data are not a result, or a text is too long.
    """
    result = CellResult(**what)
    *texts, parts = dataclasses.astuple(result)
    right = all(isinstance(text, str) and len(text) <= LONGEST for text in texts)
    if not right or read_parts(parts) != parts or result.outcome not in ("", *OUTCOMES):
        raise ValueError("not the result of a cell")
    return result


def read_parts(parts: object) -> dict[str, float]:
    """Make the shares of an answer's parts of data that may be wrong; none where they are."""
    right = isinstance(parts, dict) and all(
        type(part) is str and type(share) in (int, float) and 0 <= share <= 1
        for part, share in parts.items()
    )
    return parts if right else {}
