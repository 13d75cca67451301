"""Keeps the results of examinations beside a report, each under a digest of all it depends on."""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import places
from ..support import check_file, write_whole
from .results import Examination, read_kept, to_keep

_LARGEST = 2**24  # bytes
_LIBRARIES = ("keras", "numpy", "tensorflow", "tensorflow-cpu")


def digest(name: str, files: dict[str, bytes], *settings: Any) -> str:
    """Hash everything that a result depends on.

    That is what the student handed in and how it is examined, and all that judges: the files of
    the package (descriptions, models, the course, the checks), the data and the recorded runs, and
    the versions of Python, Keras, TensorFlow and NumPy. So nothing that was kept outlives a change
    of what it was judged by.

    Parameters
    ----------
    name
        The exercise that the notebook is a copy of.
    files
        The files beside the notebook.
    settings
        The notebook's cells, and what else `examine` is told.
    """
    whole = hashlib.sha256(json.dumps([name, *settings]).encode() + _digest_of_judges())
    for path, content in sorted(files.items()):
        whole.update(os.fsencode(path) + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()


def read(place: Path) -> Examination | None:
    """Read a result that was kept; None if there is none, or what is there is none."""
    with contextlib.suppress(OSError, ValueError):
        check_file(place, _LARGEST)
        return read_kept(place.read_text("utf-8"))
    return None


def keep(place: Path, done: Examination) -> None:
    """Keep a result, unless something went wrong: nothing of that is a grade."""
    if not (done.stopped or done.unexamined):
        write_whole(place, to_keep(done))


@functools.cache
def _digest_of_judges() -> bytes:
    whole = hashlib.sha256(platform.python_version().encode())
    for library in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            whole.update(f"{library} {importlib.metadata.version(library)}".encode())
    for path in _files():
        whole.update(os.fsencode(path.name) + hashlib.sha256(path.read_bytes()).digest())
    return whole.digest()


def _files() -> Iterator[Path]:
    """Yield the files of the package, and the data and records, which a clone has beside it."""
    for folder in (Path(__file__).parents[1], places.here.data):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path
