"""What every other module leans on: argument checks, and files read and written whole."""

import contextlib
import math
import numbers
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

_LARGEST_FILE = 2**30 + 2**20  # bytes; zipfile reads a file's list of contents without bound
# The beginning of an .npy file of format 1.0 with numbers, words or objects; Python 2 wrote an L
# behind lengths.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][biufcSUO]\d{0,9})', 'fortran_order': (?:True|False), "
    rb"'shape': \((|%b,|%b(?:, %b)+)\), \} *\n" % ((rb"(?:0|[1-9]\d{0,18})L?",) * 3),
    re.DOTALL,
)


class DataError(ValueError):
    """A file or an array is missing, damaged, or not what it has to be."""


def in_range(name: str, value: float, low: float, high: float, *, whole: bool = False) -> float:
    """Refuse an argument that is not a number between `low` and `high`, both included.

    Returns
    -------
    int or float
        The value as a plain Python number (Keras and JSON take no NumPy ones).

    Raises
    ------
    ValueError
        In one sentence that names the argument, the value and the allowed range.
    """
    kind = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        noun = "a whole number" if whole else "a number"
        raise ValueError(f"{name}={value!r}: it must be {noun} from {low:g} to {high:,g}")
    return int(value) if whole else float(value)


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
    # The ending stays, since numpy and matplotlib choose the format by it.
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    with _writing(path):
        if path.exists() and not path.is_file():
            raise OSError("it is a folder or a device")
        try:
            yield beside
            with beside.open("rb+") as written:
                os.fsync(written.fileno())  # or a power cut could leave the name without content
            if path.exists():
                shutil.copymode(path, beside)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


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


def read_arrays(path: Path, names: tuple[str, ...], limit: int) -> dict[str, np.ndarray]:
    """Read the named arrays of an `.npz` file, never unpickling and never reading without bound.

    Parameters
    ----------
    path
        An `.npz` file as `numpy.savez` or `numpy.savez_compressed` writes it.
    names
        The arrays to read; others in the file are passed over.
    limit
        The largest size of all these arrays together, in bytes. It is compared with what their
        headers say, so that nothing is allocated for an array that announces more.

    Raises
    ------
    DataError
        If the file is missing or not an `.npz`, if an array is missing, damaged or too large,
        or if one holds Python objects. The message begins with the path.
    """
    check_file(path, _LARGEST_FILE)
    try:
        with zipfile.ZipFile(path) as archive:
            absent = [name for name in names if f"{name}.npy" not in archive.namelist()]
            if absent:
                raise DataError(
                    f"{path} holds no array {absent[0]!r}; it must hold {', '.join(names)}"
                )
            arrays = {}
            for name in names:
                arrays[name] = _read_member(archive, name, limit)
                limit -= arrays[name].nbytes
            return arrays
    except DataError:
        raise
    except zipfile.BadZipFile as problem:
        raise DataError(f"{path} is damaged or not an .npz file ({problem})") from None
    except (OSError, EOFError, zlib.error, ValueError, RuntimeError) as problem:
        raise DataError(f"{path} cannot be read ({problem})") from None


def _read_member(archive: zipfile.ZipFile, name: str, limit: int) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks the other kinds without bound.
        raise ValueError(f"array {name!r} is compressed as numpy does not do it")
    if info.flag_bits & 1:
        raise ValueError(f"array {name!r} is encrypted")
    with archive.open(info) as member:
        shape, dtype = _read_header(member, name)
        # An empty array may announce what no computer can count.
        size = math.prod(max(1, length) for length in shape) * max(1, dtype.itemsize)
        if size > limit:
            raise ValueError(
                f"array {name!r} announces {size:,} bytes, more than the {limit:,} allowed"
            )
        # Where both agree, reading the array reaches the end, and zipfile compares the checksum.
        if info.file_size != member.tell() + math.prod(shape) * dtype.itemsize:
            raise ValueError(f"array {name!r} is not as long as it announces")
        member.seek(0)
        return np.lib.format.read_array(member, allow_pickle=False)


def _read_header(member: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, from a header that is exactly as numpy writes it.

    numpy's own reader takes anything that looks like Python, and stumbles over it in many ways.
    """
    start = member.read(10)
    found = _HEADER.fullmatch(start + member.read(int.from_bytes(start[8:], "little")))
    if not found:
        raise ValueError(f"array {name!r} does not begin as a plain array of numpy does")
    try:
        dtype = np.dtype(found[1].decode())
    except TypeError:
        raise ValueError(f"array {name!r} is of no type that numpy knows") from None
    if dtype.hasobject:
        raise ValueError(f"array {name!r} holds pickled Python objects, which are never loaded")
    return tuple(map(int, re.findall(rb"\d+", found[2]))), dtype
