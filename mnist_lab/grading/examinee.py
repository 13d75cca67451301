"""Runs a student's code: does what the judge asks for, in a process of its own behind walls."""

import contextlib
import functools
import inspect
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from .. import quiet
from ..checks import untouched
from .telling import Teller
from .wire import send

# Trainings are held to processor time, which does not depend on what else the machine does.
SECONDS = 2.0  # for one by the lab that was not recorded
_OF_ALL = 0.8  # of a notebook's time, for one by Keras' own `fit`, as in a student's own program
_OUTPUT = 10**7  # characters that a cell may print
_LONGEST = 2000  # characters of an error's words


class NotDoneError(BaseException):
    """Raised where an examination skips or stops what takes too long.

    It passes through what catches a student's errors, so that nothing takes it for one.
    """


class _Output(io.TextIOBase):
    """Counts what is printed, and throws it away."""

    def __init__(self):
        self.printed = 0

    def write(self, text: str) -> int:
        self.printed += len(text)
        if self.printed > _OUTPUT:
            raise NotDoneError(f"printing more than {_OUTPUT // 10**6} MB is refused in a report")
        return len(text)


def sit(folder: Path, seconds: float, connection: Connection) -> NoReturn:
    """Answer the judge's requests, one by one, until this process is ended.

    Parameters
    ----------
    folder
        The only one in which a student's code may write.
    seconds
        Of processor time for the whole notebook.
    connection
        To the judge, whose requests are the lab's own and may be unpickled.
    """
    output, teller = _Output(), Teller()
    shell = _prepare(folder, output, seconds)
    while True:
        request = connection.recv()
        output.printed = 0
        answer(shell, teller, connection, *request)


def answer(
    shell: Any,
    teller: Teller,
    connection: Connection,
    number: int,
    name: str,
    given: tuple,
    options: dict,
) -> None:
    """Answer one of the judge's requests.

    Parameters
    ----------
    shell
        IPython's, with the student's names.
    teller
        Which has told what the request may be about.
    connection
        To the judge.
    number, name, given, options
        The request's number, what is to be done, and with what.
    """
    own = {"run": functools.partial(_run, shell), "tell": functools.partial(_tell, shell, teller)}
    # A student's next layers must not depend on what a check has drawn.
    guard = contextlib.nullcontext() if name == "run" else untouched()
    try:
        with guard:
            said = ["returned", (own.get(name) or getattr(teller, name))(*given, **options)]
    except BaseException as problem:  # whatever a student's code raises
        teller.arrays()
        said = ["raised", *_raised(problem)]
    send(connection, number, said, teller.arrays())


def _run(shell: Any, source: str) -> None:
    """Run a cell."""
    done = shell.run_cell(source)
    if problem := done.error_before_exec or done.error_in_exec:
        raise problem


def _tell(shell: Any, teller: Teller, before: str, expressions: Sequence[str]) -> Any:
    """Tell the values of expressions of the lab's own, after some lines of its own."""
    teller.forget()
    if before:
        _run(shell, before)
    return teller.tell([eval(each, shell.user_ns) for each in expressions])


def _raised(problem: BaseException) -> tuple[str, str, str]:
    """The kind of an error, its words, and what it means for the judge."""
    words = ""
    with contextlib.suppress(Exception):  # a student's own exception may have no words
        words = str(problem)[:_LONGEST]
    meanings = {NotDoneError: "not done", MemoryError: "no memory", NotImplementedError: "blank"}
    meaning = next((word for kind, word in meanings.items() if isinstance(problem, kind)), "")
    return type(problem).__name__, words, meaning


def _prepare(folder: Path, output: io.TextIOBase, seconds: float) -> Any:
    """Return a shell like a kernel's, in which the lab does what an examination has time for."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))  # as in a kernel, for a student's own modules
    home = str(folder)
    os.environ |= dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), home)
    # `%cd` and other magics write here.
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
    vars(lab).update(
        {name: getattr(lab, name) for name in lab.__all__} | _as_examined(lab, warm, seconds)
    )
    return _shell(warm.IPython.core.interactiveshell.InteractiveShell)


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


def _as_examined(lab: Any, warm: Any, seconds: float) -> dict[str, Callable]:
    """Return replacements for those functions of the lab that would take long."""
    fit = warm.keras.Model.fit

    def fit_briefly(model: Any, *arguments: Any, callbacks: Any = None, **options: Any) -> Any:
        look = _clock("no recorded run", _OF_ALL * seconds)
        clock = warm.keras.callbacks.LambdaCallback(on_train_batch_end=look)
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
            clock = _clock(str(problem), SECONDS)
        watch = callback or (lambda run: False)
        return warm.training.train(
            *arguments, callback=lambda run: clock() or watch(run), **options
        )

    @functools.wraps(lab.load_mnist)
    def load_mnist(*arguments: Any, **options: Any) -> Any:
        asked = inspect.signature(lab.load_mnist).bind(*arguments, **options).arguments
        if (path := asked.get("path")) is None:
            return warm.MNIST
        if asked.get("download") and not os.path.exists(path):  # there is no network
            shutil.copy(lab.mnist_file(), path)
        return warm.load_mnist(path)

    return {
        "train": train,
        "load_mnist": load_mnist,
        "train_replicas": _not_done("a survey of replicas is not trained for a report"),
        "explore": _not_done("the laboratory is not opened for a report"),
    }


def _clock(why: str, seconds: float) -> Callable[..., None]:
    ends = None

    def look(*_: Any, **__: Any) -> None:
        nonlocal ends
        ends = ends or time.process_time() + seconds
        if time.process_time() > ends:
            raise NotDoneError(f"a training is stopped after {seconds:g} s: {why}")

    return look


def _not_done(words: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise NotDoneError(words)

    return refuse
