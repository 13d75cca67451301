"""Reads arrays from files that may be damaged or hostile: size limits, and no unpickling."""

import gzip
import math
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from .files import DataError, check_file

_LARGEST_FILE = 2**30 + 2**20  # bytes; zipfile reads a file's table of contents without a limit
# The header of an .npy file of format 1.0 with numbers, texts or objects. Python 2 wrote an L after
# lengths.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][biufcSUO]\d{0,9})', 'fortran_order': (True|False), "
    rb"'shape': \((|%b,|%b(?:, %b)+)\), \} *\n" % ((rb"(?:0|[1-9]\d{0,18})L?",) * 3),
    re.DOTALL,
)


class MissingArrayError(DataError):
    """A readable archive lacks an array; `found` lists the names of its members."""

    def __init__(self, path: Path, missing: str, names: tuple[str, ...], found: list[str]):
        there = ", ".join(name.removesuffix(".npy") for name in found[:5]) or "nothing"
        there += ", ..." if found[5:] else ""
        asked = ", ".join(names)
        super().__init__(f"{path} holds no array {missing!r} but {there}; it must hold {asked}")
        self.found = found


def read_arrays(path: Path, names: tuple[str, ...], limit: int) -> dict[str, np.ndarray]:
    """Read the named arrays of an `.npz` file, without unpickling and within a limit.

    Parameters
    ----------
    path
        An `.npz` file as `numpy.savez` or `numpy.savez_compressed` writes it.
    names
        The arrays to read; others in the file are ignored.
    limit
        The largest size of all these arrays together, in bytes. It is compared with their headers
        before anything is allocated.

    Raises
    ------
    MissingArrayError
        If the file can be read but lacks an array.
    DataError
        If the file is missing or not an `.npz`, or an array is damaged, too large or of Python
        objects. The message begins with the path.
    """
    check_file(path, _LARGEST_FILE)
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.namelist()
            absent = [name for name in names if f"{name}.npy" not in found]
            if absent:
                raise MissingArrayError(path, absent[0], names, found)
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


def read_idx(path: Path, axes: int, limit: int) -> np.ndarray:
    """Read an array of bytes from an IDX file, within a limit.

    Parameters
    ----------
    path
        A file in the format in which MNIST was published (yann.lecun.com/exdb/mnist), gzipped or
        not, whatever its name: browsers may unpack a file and keep its name.
    axes
        Number of axes: 3 for images, 1 for labels.
    limit
        The largest size in bytes, compared with the header.

    Returns
    -------
    numpy.ndarray
        uint8.

    Raises
    ------
    DataError
        If the file is missing, damaged, too large, or not an IDX file of bytes with so many axes.
        The message begins with the path.
    """
    check_file(path, _LARGEST_FILE)
    try:
        with path.open("rb") as plain:
            gzipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if gzipped else path.open("rb") as file:
            begin = file.read(4 + 4 * axes)
            # Two zeros, the type (8: unsigned bytes), the number of axes, and the lengths.
            if begin[:4] != bytes((0, 0, 8, axes)) or len(begin) < 4 + 4 * axes:
                raise ValueError(f"it does not begin as an IDX file of bytes with {axes} axes does")
            shape = tuple(int(length) for length in np.frombuffer(begin, ">u4", offset=4))
            size = math.prod(shape)
            if size > limit:
                raise ValueError(f"it announces {size:,} bytes, more than the {limit:,} allowed")
            content = file.read(size + 1)  # past the end, where gzip compares its checksum
    except (OSError, EOFError, zlib.error, ValueError) as problem:
        raise DataError(f"{path} cannot be read ({problem})") from None
    if len(content) != size:
        kind = "shorter" if len(content) < size else "longer"
        raise DataError(f"{path} is {kind} than it announces ({size:,} bytes)")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_member(archive: zipfile.ZipFile, name: str, limit: int) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks the other kinds without a limit.
        raise ValueError(f"array {name!r} is compressed as numpy does not do it")
    if info.flag_bits & 1:
        raise ValueError(f"array {name!r} is encrypted")
    with archive.open(info) as member:
        shape, dtype, order = _read_header(member, name)
        # An empty array may have other lengths that overflow, so a length of 0 counts as 1.
        announced = math.prod(max(1, length) for length in shape) * max(1, dtype.itemsize)
        if announced > limit:
            raise ValueError(
                f"array {name!r} announces {announced:,} bytes, more than the {limit:,} allowed"
            )
        size = math.prod(shape) * dtype.itemsize
        # If both agree, reading the array reaches the end, where zipfile compares the checksum.
        if info.file_size != member.tell() + size:
            raise ValueError(f"array {name!r} is not as long as it announces")
        content = member.read(size)
    if len(content) < size:
        raise ValueError(f"array {name!r} ends too early")
    return np.ndarray(shape, dtype, bytearray(content), order=order)


def _read_header(member: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype, str]:
    """Read an array's shape, type and order from a header that is exactly as numpy writes it.

    numpy's own reader accepts anything that looks like Python, and fails on it in many ways. It
    also calls Python's parser, which before Python 3.11.8 may fail when two threads use it at once
    (github.com/python/cpython/issues/106905).
    """
    start = member.read(10)
    found = _HEADER.fullmatch(start + member.read(int.from_bytes(start[8:], "little")))
    if not found:
        raise ValueError(f"array {name!r} does not begin as a plain array of numpy does")
    try:
        dtype = np.dtype(found[1].decode())
    except TypeError:
        raise ValueError(f"array {name!r} has a type that numpy does not know") from None
    if dtype.hasobject:
        raise ValueError(f"array {name!r} holds pickled Python objects, which are never loaded")
    order = "F" if found[2] == b"True" else "C"
    return tuple(map(int, re.findall(rb"\d+", found[3]))), dtype, order
