"""Runs in the child process: executes the cells of one notebook and reports each outcome."""

import contextlib
import functools
import inspect
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from .. import quiet
from . import guard

REPORT = "report.jsonl"  # the file that the examining process reads afterwards
LONGEST = 400  # characters of a text in the report
SECONDS = 2.0  # for each training that was not recorded
_OUTPUT = 10**7  # characters that a cell may print
_SHOUTING = f"printing more than {_OUTPUT // 10**6} MB"
_HOARDING = f"taking more than {guard.MEMORY // 2**30} GB of memory"


class NotDoneError(Exception):
    """Raised where an examination skips or stops what takes too long."""


class _Output(io.TextIOBase):
    """Counts what a cell prints, and throws it away."""

    def __init__(self):
        self.printed = 0

    def write(self, text: str) -> int:
        self.printed += len(text)
        if self.printed > _OUTPUT:
            raise NotDoneError(f"{_SHOUTING} is refused in an examination")
        return len(text)


def sit(cells: list[tuple[str, str, bool]], place: Path, seconds: float) -> NoReturn:
    """Run the cells of a notebook in `place/work`, and report each result in `place/report.jsonl`.

    Parameters
    ----------
    cells
        Name and source of each, and whether it is a check of the lab.
    place
        A folder that contains the folder "work".
    seconds
        How long it may compute.
    """
    if hasattr(os, "setsid"):  # so that it can be killed together with what it starts
        os.setsid()
    report = os.open(place / REPORT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(**entry: Any) -> None:
        os.write(report, json.dumps(entry).encode() + b"\n")

    refused = []

    def write_refused(what: str) -> None:
        if not refused:  # the first says enough, and a loop may try for ever
            write(refused=what[:LONGEST])
        refused[:] = [what]

    guard.leave_network()
    output = _Output()
    shell, own = _prepare(place / "work", output)
    guard.shut_in(place / "work", seconds, write_refused)
    for name, source, is_check in cells:
        write(begin=name)
        output.printed = 0
        result = (_check if is_check else _run)(shell, source, own)
        if output.printed > _OUTPUT:
            write_refused(_SHOUTING)
        if result.get("kind") == "MemoryError":
            write_refused(_HOARDING)
        write(end=name, **result)
    write(done=True)
    os._exit(0)  # without exit handlers, which a student's code may have registered


def _prepare(folder: Path, output: io.TextIOBase) -> tuple[Any, dict[str, Any]]:
    """Return a shell like a kernel's, and the lab's names with their values in an examination."""
    os.chdir(folder)
    home = str(folder)
    os.environ |= dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), home)
    # `%cd` and other magics write here; outside the folder that would be refused.
    os.environ["IPYTHONDIR"] = str(folder / ".ipython")
    # One thread each, since as many notebooks are examined at once as there are processors.
    os.environ |= {"MPLBACKEND": "agg", "TF_NUM_INTRAOP_THREADS": "1"}
    os.environ.pop(quiet.ASLEEP, None)
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    with open(os.devnull, "r+b") as nothing:
        for standard in range(3):
            os.dup2(nothing.fileno(), standard)
    sys.stdout = sys.stderr = output

    import mnist_lab as lab

    from . import warm

    quiet.install()  # wakes TensorFlow, if it was loaded before the fork
    warm.matplotlib.use("agg")
    own = {name: getattr(lab, name) for name in lab.__all__} | _as_examined(lab, warm)
    vars(lab).update(own)
    return _shell(warm.IPython.core.interactiveshell.InteractiveShell), own


def _shell(kind: type) -> Any:
    shell = kind.instance()
    # Lines with ! and cells with %%bash do nothing, and the notebook goes on.
    shell.system = shell.getoutput = lambda *_, **__: None
    for name in ("!", "bash", "cmd", "script", "sh", "sx", "system"):
        shell.register_magic_function(lambda line, cell: None, "cell", name)
    shell.display_formatter.active_types = ["text/plain"]  # nobody sees figures here
    shell.enable_matplotlib = lambda *_, **__: (None, "agg")
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    return shell


def _as_examined(lab: Any, warm: Any) -> dict[str, Callable]:
    """Return replacements for those functions of the lab that would take long."""
    fit = warm.keras.Model.fit

    def fit_briefly(model: Any, *arguments: Any, callbacks: Any = None, **options: Any) -> Any:
        clock = warm.keras.callbacks.LambdaCallback(on_train_batch_end=_clock("no recorded run"))
        callbacks = [*(callbacks or []), clock]
        return fit(model, *arguments, callbacks=callbacks, **options)

    warm.keras.Model.fit = fit_briefly

    @functools.wraps(lab.train)
    def train(*arguments: Any, recorded: bool = False, callback: Any = None, **options: Any) -> Any:
        try:
            return warm.training.train(*arguments, recorded="only", **options)
        except LookupError as problem:
            if recorded:
                raise NotDoneError(f"{problem}: not trained for a report") from None
            clock = _clock(str(problem))
        watch = callback or (lambda run: False)
        return warm.training.train(
            *arguments, callback=lambda run: clock() or watch(run), **options
        )

    @functools.wraps(lab.load_mnist)
    def load_mnist(*arguments: Any, **options: Any) -> Any:
        asked = inspect.signature(lab.load_mnist).bind(*arguments, **options).arguments
        return warm.MNIST if asked.get("path") is None else warm.load_mnist(*arguments, **options)

    return {
        "train": train,
        "load_mnist": load_mnist,
        "train_replicas": _not_done("a survey of replicas is not trained for a report"),
        "explore": _not_done("the laboratory is not opened for a report"),
    }


def _clock(why: str) -> Callable[..., None]:
    ends = None

    def look(*_: Any, **__: Any) -> None:
        nonlocal ends
        ends = ends or time.monotonic() + SECONDS
        if time.monotonic() > ends:
            raise NotDoneError(f"a training is stopped after {SECONDS:g} s: {why}")

    return look


def _not_done(words: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise NotDoneError(words)

    return refuse


def _run(shell: Any, source: str, _: dict[str, Any]) -> dict[str, str]:
    return _error(shell.run_cell(source))


def _check(shell: Any, source: str, own: dict[str, Any]) -> dict[str, str]:
    """Run a check of the lab, with the lab's names restored in case a student changed them."""
    import mnist_lab as lab

    from ..checks import first_fault

    vars(lab).update(own)
    shell.user_ns["lab"] = lab
    done = shell.run_cell(source)
    result = done.result
    if type(result) is not own["CheckResult"]:
        return _error(done)
    first, reason = first_fault(result.as_dict())
    return {"outcome": result.outcome, "first": first[:LONGEST], "reason": reason[:LONGEST]}


def _error(done: Any) -> dict[str, str]:
    problem = done.error_before_exec or done.error_in_exec
    if problem is None:
        return {}
    words = ""
    with contextlib.suppress(Exception):  # a student's own exception may have no message
        words = str(problem).strip().splitlines()[0]
    kind = type(problem).__name__
    error = f"{kind}: {words}" if words else kind
    if isinstance(problem, NotDoneError):
        error = words
    return {"error": error[:LONGEST], "kind": kind[:LONGEST]}
