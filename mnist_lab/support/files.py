"""Atomic writes, and clear errors for paths that are not regular files."""

import contextlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path


class DataError(ValueError):
    """A file or an array is missing, damaged, or not what it has to be."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` once all is written.

    Whatever goes wrong meanwhile, `path` holds either what it held before or the whole new file.
    Where `path` is a link, the link stays, and the file to which it leads is replaced.

    Raises
    ------
    OSError
        If it cannot be written; in one sentence that begins with the path.
    """
    path = Path(os.path.realpath(path))
    # The ending stays, since numpy and matplotlib choose the format by it. The number is drawn, for
    # threads and machines may write the same file at once.
    beside = path.with_name(f".{secrets.randbits(63)}.{path.name}")
    with _writing(path):
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
    """Write a file whole or not at all; text in UTF-8, its lines ended alike on every system.

    Raises
    ------
    OSError
        As `whole_file`.
    """
    with whole_file(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def _replace(new: Path, old: Path) -> None:
    """Put a file in place of another; on Windows, a virus scanner may hold either for a moment."""
    for pause in (0.1, 0.2, 0.3, 0.4):
        try:
            os.replace(new, old)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    os.replace(new, old)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises
    ------
    OSError
        If it cannot be made; in one sentence that begins with the path.
    """
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        why = problem.strerror or problem
        raise OSError(
            f"{path} cannot be written ({why}): make room, or choose another place where you may "
            "write; what was there is unharmed"
        ) from None


def check_file(path: Path, limit: int) -> None:
    """Refuse what is no file of at most `limit` bytes, without opening it.

    A pipe would keep whoever opens it waiting, and a device never ends.

    Raises
    ------
    DataError
        In one sentence that begins with the path.
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
