"""Judges one notebook in a clean process: no code of a student's runs in it.

The student's process, behind walls, runs the cells and tells what the answers are; the lab's own
checks judge what is made again of that here. What a check is asked stands in the exercise, so a
student's code chooses neither the question nor the judge.
"""

import ast
import functools
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .. import quiet
from ..checks import CheckResult, first_fault
from . import warm
from .examinee import NotDoneError, sit
from .hearing import Hearing
from .results import LONGEST, CellResult, Examination, to_keep
from .walls import Bounds, Room, open_room
from .wire import MalformedError, receive

_CHECKS = {each.__name__: each for each in warm.CHECKS}


class _GoneError(BaseException):
    """The student's process has ended. It passes through a check, which takes no blame for it."""


def preside(
    cells: Sequence[tuple[str, str, bool]],
    folder: Path,
    bounds: Bounds,
    trust: bool,
    connection: Connection,
) -> None:
    """Have a notebook run behind walls, judge its answers, and send the `Examination`.

    Parameters
    ----------
    cells
        Name and source of each, and whether it is a check of the lab.
    folder
        Where they run; the only folder in which they may write.
    bounds
        What they may take.
    trust
        Whether they run even where walls are missing.
    connection
        To the process that reports.
    """
    inside = functools.partial(sit, folder, bounds.seconds)
    try:
        with open_room(inside, folder, bounds, trust=trust) as room:
            quiet.install()  # wakes TensorFlow, which had no threads before the fork
            done = _judged(cells, room)
    except Exception as problem:  # walls are missing, or the lab or the system failed
        words = f"{type(problem).__name__}: {problem}"
        done = Examination({}, unexamined=words[:LONGEST])
    connection.send_bytes(to_keep(done).encode())


def _judged(cells: Sequence[tuple[str, str, bool]], room: Room) -> Examination:
    witness, results = Witness(room.connection), {}
    for name, source, is_check in cells:
        try:
            results[name] = (_checked if is_check else _run)(witness, source)
        except _GoneError:
            room.end()
            words = f"{_cell(name)} {room.stopped or 'ended its kernel'}"
            return Examination(results, **{"unexamined" if room.by_others else "stopped": words})
        except MalformedError:
            return Examination(results, f"{_cell(name)} sent what is no answer")
    return Examination(results)


def _cell(name: str) -> str:
    return f"cell {name}" if name.startswith("number ") else f"cell {name!r}"


class Witness:
    """The student's process, as the judge sees it: it is asked, and tells."""

    def __init__(self, connection: Connection):
        self._connection, self._asked = connection, 0
        self.begin()

    def begin(self) -> None:
        """Forget what was told; another answer comes."""
        self._hearing = Hearing(self.ask)

    def ask(self, request: str, *given: Any, **options: Any) -> Any:
        """Send a request, and return what is told.

        Raises
        ------
        Exception
            A stand-in for what the student's code raised.
        """
        self._asked += 1
        try:
            self._connection.send((self._asked, request, given, options))
            said, arrays = receive(self._connection, self._asked)
        except (EOFError, OSError):
            raise _GoneError from None
        match said:
            case ["returned", told]:
                return self._hearing.hear(told, arrays)
            case ["raised", str(kind), str(words), str(meaning)]:
                raise _error(kind, words, meaning)
        raise MalformedError


def _error(kind: str, words: str, meaning: str) -> BaseException:
    """An error like that which a student's code raised."""
    if meaning in ("not done", "no memory"):
        return NotDoneError(words or "not enough memory")
    base = NotImplementedError if meaning == "blank" else Exception
    return type(kind, (base,), {})(words)


def _run(witness: Witness, source: str) -> CellResult:
    try:
        witness.ask("run", source)
    except (Exception, NotDoneError) as problem:
        return _failed(problem)
    return CellResult()


def _checked(witness: Witness, source: str) -> CellResult:
    try:
        result = consult(witness, source)
    except (Exception, NotDoneError) as problem:
        return _failed(problem)
    first, reason = first_fault(result.as_dict())
    texts = first[:LONGEST], reason[:LONGEST]
    return CellResult("", "", result.outcome, *texts, result.parts)


def consult(witness: Witness, source: str) -> CheckResult:
    """Have the student's process tell what a check is about, and judge that.

    Parameters
    ----------
    witness
        The student's process.
    source
        The check's cell as the exercise has it. It ends in a call of one of the lab's checks.

    Raises
    ------
    Exception, NotDoneError
        A stand-in for what the student's code raised before there was anything to judge.
    """
    *before, last = ast.parse(source).body
    call = last.value
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    asked = [each for each in arguments if not isinstance(each, ast.Constant)]
    witness.begin()
    told = witness.ask("tell", "\n".join(map(ast.unparse, before)), [*map(ast.unparse, asked)])
    if not isinstance(told, list) or len(told) != len(asked):
        raise MalformedError
    values = [each.value if isinstance(each, ast.Constant) else told.pop(0) for each in arguments]
    given, named = values[: len(call.args)], values[len(call.args) :]
    options = dict(zip([keyword.arg for keyword in call.keywords], named, strict=True))
    return _CHECKS[call.func.attr](*given, **options)


def _failed(problem: BaseException) -> CellResult:
    words = (str(problem).strip().splitlines() or [""])[0]
    kind = type(problem).__name__
    error = f"{kind}: {words}" if words else kind
    if isinstance(problem, NotDoneError):
        error = words
    return CellResult(error[:LONGEST], kind[:LONGEST])
