"""Opens the zips that students hand in, which may be damaged or hostile, within bounds."""

import contextlib
import dataclasses
import os
import re
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from ..notebooks import ASIDE
from ..support import DataError, check_file

_LARGEST_FILE = 2**34  # bytes
_LARGEST_CONTENTS = 2**24  # bytes of a table of contents, which zipfile reads at once
_RATIO, _ALWAYS = 200, 2**26  # bytes that may be unpacked whatever they were packed into
# Looks ahead, since one end may be written into another.
_END = re.compile(rb"PK(?:\x05\x06(?=.{8}(.{4}))|\x06\x06(?=.{36}(.{8})))", re.DOTALL)
# What systems and tools put beside a student's files.
_NOT_THEIRS = {ASIDE, "__MACOSX", "__pycache__", "node_modules", "venv"}


@dataclasses.dataclass
class Allowance:
    """How much may still be unpacked: from a student's zip, and from the zips in it."""

    files: int
    size: int  # bytes


def is_passed_over(name: str) -> bool:
    """Whether a file or folder is hidden, or of a kind that no student hands in."""
    return (name.startswith(".") and name != "..") or name in _NOT_THEIRS


def unpack(path: Path, target: Path, allowed: Allowance) -> None:
    """Unpack a zip into a folder, except what `is_passed_over`, and reduce the allowance.

    Raises
    ------
    DataError
        If it is damaged, encrypted, too large, or has links or paths that lead elsewhere; then
        nothing was unpacked, or a part. One sentence that begins with the path.
    """
    check_file(path, _LARGEST_FILE)
    try:
        if _contents(path) > _LARGEST_CONTENTS:
            raise DataError(f"{path} has more files in it than can be listed")
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.filename.endswith("/")]
            members = [(info, _parts(info)) for info in files]
            members = [each for each in members if not any(map(is_passed_over, each[1]))]
            _check(path, members, allowed)
            for info, parts in members:
                _write(archive, info, target.joinpath(*parts))
    except DataError:
        raise
    except OSError as problem:
        raise DataError(f"{path} cannot be unpacked ({problem.strerror or problem})") from None
    except EOFError:
        raise DataError(f"{path} is damaged (it ends too early)") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError) as problem:
        raise DataError(f"{path} is damaged or not a zip ({problem})") from None


def _contents(path: Path) -> int:
    """Return how long the table of contents says it is, in bytes."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 2**16 + 2**8), os.SEEK_END)
        found = _END.finditer(file.read())
    sizes = [int.from_bytes(each[1] or each[2], "little") for each in found]
    return max((size for size in sizes if size != 2**32 - 1), default=0)


def _parts(info: zipfile.ZipInfo) -> list[str]:
    """Return a member's folders and name; older tools write backslashes, or leave out a mark."""
    name = info.filename
    if not info.flag_bits & 0x800:  # the mark of UTF-8, which macOS does not set
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    if re.match(r"[/\\]", name):
        return ["", name]
    return [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]


def _check(
    path: Path, members: Sequence[tuple[zipfile.ZipInfo, list[str]]], allowed: Allowance
) -> None:
    for info, parts in members:
        shown = f"{info.filename:.80}"
        if not parts or any(part in ("", "..") or re.match("[A-Za-z]:", part) for part in parts):
            raise DataError(f"{path} has a path in it that leads elsewhere ({shown})")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DataError(f"{path} has a link in it ({shown}): have the files themselves packed")
        if info.flag_bits & 1:
            raise DataError(f"{path} is locked with a password")
        # zipfile unpacks the other kinds without a limit.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{path} is packed in an unusual way: have it packed again")
    allowed.files -= len(members)
    if allowed.files < 0:
        raise DataError(f"{path} holds {len(members):,} files, more than are unpacked")
    size = sum(info.file_size for info, _ in members)
    allowed.size -= size
    if allowed.size < 0:
        raise DataError(f"{path} holds {size / 2**20:,.0f} MB of files, more than are unpacked")
    if size > max(_ALWAYS, _RATIO * path.stat().st_size):
        raise DataError(f"{path} unpacks to {size // path.stat().st_size:,} times its size")


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path) -> None:
    """Write a member, of which zipfile reads no more than it announces, with its own time."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as member, place.open("xb") as file:
        shutil.copyfileobj(member, file)
    with contextlib.suppress(OverflowError, ValueError):  # a time that is none
        modified = time.mktime((*info.date_time, 0, 0, -1))
        os.utime(place, (modified, modified))
