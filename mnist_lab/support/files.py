"""Atomic writes, and clear errors for paths that are not regular files."""

import contextlib
import math
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path


class DataError(ValueError):
    """A file or an array is missing, damaged or wrong."""


def by_number(path: Path) -> tuple[float, str]:
    """Sort files by the number that their names begin with: 10 after 9, words at the end."""
    number = re.match(r"\d+", path.name)
    return (int(number[0]) if number else math.inf), path.name


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path to write to, which replaces `path` at the end of the block.

    Whatever goes wrong, `path` holds either its old content or the whole new file. If `path` is a
    link, it stays one, and the file that it points to is replaced.

    Raises
    ------
    OSError
        If the file cannot be written. One sentence that begins with the path.
    """
    path = Path(os.path.realpath(path))
    # The suffix stays, since numpy and matplotlib choose the format by it. The number is random,
    # since several threads or machines may write the same file at once.
    beside = path.with_name(f".{secrets.randbits(63)}.{path.name}")
    with writing(path):
        if path.exists() and not path.is_file():
            raise OSError("it is a folder or a device")
        try:
            yield beside
            with beside.open("rb+") as written:
                os.fsync(written.fileno())  # or a power cut could leave the name without content
            if path.exists():
                shutil.copymode(path, beside)
            _replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8 with the same line ends on every system.

    Raises
    ------
    OSError
        As `whole_file`.
    """
    with whole_file(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def _replace(new: Path, old: Path) -> None:
    """Replace a file, trying again where a virus scanner on Windows holds it for a moment."""
    for pause in (0.1, 0.2, 0.3, 0.4):
        try:
            os.replace(new, old)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    os.replace(new, old)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, unless they exist.

    Raises
    ------
    OSError
        If it cannot be made. One sentence that begins with the path.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make whatever goes wrong within the block one sentence that begins with the path.

    Raises
    ------
    OSError
        That sentence.
    """
    try:
        yield
    except OSError as problem:
        why = problem.strerror or problem
        raise OSError(
            f"{path} cannot be written ({why}): make room, or choose another place where you may "
            "write; what was there is unharmed"
        ) from None


def check_file(path: Path, limit: int) -> None:
    """Refuse anything but a regular file of at most `limit` bytes, without opening it.

    Opening a pipe would block, and a device may never end.

    Raises
    ------
    DataError
        If it is refused. One sentence that begins with the path.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        link = path.is_symlink() and f"is a link to {os.readlink(path)}, which is missing"
        raise DataError(f"{path} {link or 'is missing'}") from None
    except OSError as problem:
        raise DataError(f"{path} cannot be read ({problem.strerror})") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or a pipe"
        raise DataError(f"{path} is {kind}, not a file")
    if found.st_size > limit:
        raise DataError(f"{path} has {found.st_size:,} bytes, more than the {limit:,} allowed")
