"""What every other module leans on: argument checks, and files read and written whole."""

import contextlib
import numbers
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np


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
    """
    path = Path(path)
    # The ending stays, since numpy and matplotlib choose the format by it.
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield beside
        with beside.open("rb+") as written:
            os.fsync(written.fileno())  # or a power cut could leave the name without the content
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read_arrays(path: Path, names: tuple[str, ...], limit: int) -> dict[str, np.ndarray]:
    """Read the named arrays of an `.npz` file, never unpickling and never reading without bound.

    Parameters
    ----------
    path
        An `.npz` file as `numpy.savez` or `numpy.savez_compressed` writes it.
    names
        The arrays to read; others in the file are passed over.
    limit
        The largest size of one array, in bytes. It is compared with the array's header, so
        that nothing is allocated for an array that announces more.

    Raises
    ------
    DataError
        If the file is missing or not an `.npz`, if an array is missing, damaged or too large,
        or if one holds Python objects. The message begins with the path.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            absent = [name for name in names if f"{name}.npy" not in archive.namelist()]
            if absent:
                raise DataError(
                    f"{path} holds no array {absent[0]!r}; it must hold {', '.join(names)}"
                )
            return {name: _read_member(archive, name, limit) for name in names}
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except DataError:
        raise
    except zipfile.BadZipFile as problem:
        raise DataError(f"{path} is damaged or not an .npz file ({problem})") from None
    except (OSError, EOFError, zlib.error, ValueError, RuntimeError, SyntaxError) as problem:
        raise DataError(f"{path} cannot be read ({problem})") from None


def _read_member(archive: zipfile.ZipFile, name: str, limit: int) -> np.ndarray:
    with archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise ValueError(f"array {name!r} is of npy version {version}, only 1.0 is read")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype.hasobject:
            raise ValueError(f"array {name!r} holds pickled Python objects, which are never loaded")
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if size > limit:
            raise ValueError(
                f"array {name!r} announces {size:,} bytes, more than the {limit:,} allowed"
            )
        member.seek(0)
        array = np.lib.format.read_array(member, allow_pickle=False)
        member.read(1)  # Reaching the end makes zipfile compare the checksum.
        return array
