"""Makes one file of a class's digits."""

import contextlib
import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np

from .digits import MOST, MOST_BY_ONE, Digits, load_digits
from .support import DataError, readable

_OWN = "my_digits"  # what the laboratory calls a student's file
_LONGEST_NAME = 100  # characters


def collect_digits(
    folder: Path, output: Path, *, names: bool = False
) -> tuple[list[str], list[str]]:
    """Make one file of all files of digits below a folder.

    Each file becomes a writer. They are numbered in the order of the SHA-256 of their first digits,
    which says nothing about their names.

    Parameters
    ----------
    folder
        With a file for each student, in a folder of its own or not. Links are not followed.
    output
        The file to write, completely or not at all. It is never read as one of the students'.
    names
        Whether to keep for each writer what the file, or else its folder, is called.

    Returns
    -------
    done, problems : list of str
        What was collected and which digits were there twice; and which files were left out, and
        why.

    Raises
    ------
    DataError
        If the folder is missing or has no such file, or if something else is at `output`.
    OSError
        If `output` cannot be written.
    """
    _check_target(output)
    done, problems = [], []
    first: dict[bytes, Path] = {}  # the file in which each drawing was found first
    collected: list[tuple[Path, Digits]] = []
    for path in _find_files(folder, output, problems):
        try:
            digits = _read(path)
            new, notes = _new_ones(path, digits, first)
            if len(first) + len(new) > MOST:
                raise DataError(f"{path} has {len(new)} digits more than the {MOST:,} allowed")
        except DataError as problem:
            problems.append(f"left out: {problem}")
            continue
        done += notes
        first |= dict.fromkeys(new, path)
        if new:
            collected.append((path, digits.where(list(new.values()))))
    if collected:
        joined = _joined(collected, folder, names)
        joined.save(output)
        done += _summary(output, joined)
    else:
        problems.append(f"{folder} has no digits that can be read: nothing was written")
    return [readable(line) for line in done], [readable(line) for line in problems]


def _check_target(output: Path) -> None:
    """Refuse to write over anything but an earlier collection, such as a student's file.

    Raises
    ------
    DataError
        If there is something else.
    """
    if os.path.lexists(output):
        with contextlib.suppress(DataError):
            if load_digits(output).writers.any():
                return
        raise DataError(f"{output} is there, and is not a class's file: choose another --output")


def _find_files(folder: Path, output: Path, problems: list[str]) -> list[Path]:
    """List the files in order; say which folders cannot be read."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name the one that has your students' files")
    found = []

    def unreadable(problem: OSError) -> None:
        problems.append(f"left out: {problem.filename} cannot be read ({problem.strerror})")

    for place, folders, files in os.walk(folder, onerror=unreadable):
        for name in [*folders, *files]:
            path = Path(place, name)
            # macOS keeps its own notes beside a file, under its name with "._" before it.
            if path.suffix.lower() == ".npz" and not name.startswith("."):
                found.append(path)
    others = [path for path in found if os.path.realpath(path) != os.path.realpath(output)]
    if not others:
        raise DataError(f"{folder} has no files of digits (*.npz), and neither have its subfolders")
    return sorted(others)


def _read(path: Path) -> Digits:
    if path.is_symlink():
        raise DataError(f"{path} is a link, which may lead anywhere")
    digits = load_digits(path, most=MOST_BY_ONE)
    if digits.writers.any():
        raise DataError(f"{path} is a class's file ({digits})")
    return digits


def _new_ones(
    path: Path, digits: Digits, first: dict[bytes, Path]
) -> tuple[dict[bytes, int], list[str]]:
    """The digits that were not there before, as indices by their keys; and words on the others."""
    new: dict[bytes, int] = {}
    again: Counter[Path] = Counter()
    for index, drawing in enumerate(digits.drawings):
        key = _key(drawing)
        if key in new or key in first:
            again[first.get(key, path)] += 1
        else:
            new[key] = index
    return new, [
        f"left out: {count} of {len(digits)} digits in {path}, which "
        f"{'are there twice' if place == path else f'{place} has, too'}"
        for place, count in again.items()
    ]


def _key(drawing: np.ndarray) -> bytes:
    return hashlib.sha256(drawing).digest()


def _joined(collected: list[tuple[Path, Digits]], folder: Path, names: bool) -> Digits:
    ordered = sorted(collected, key=lambda each: _key(each[1].drawings[0]))
    parts = [digits for _, digits in ordered]
    return Digits(
        np.concatenate([digits.images for digits in parts]),
        np.concatenate([digits.labels for digits in parts]),
        np.concatenate([digits.drawings for digits in parts]),
        np.repeat(np.arange(len(parts), dtype=np.uint16), [len(digits) for digits in parts]),
        tuple(_name(path.relative_to(folder)) for path, _ in ordered) if names else (),
    )


def _name(path: Path) -> str:
    """What a file is called, or its folder where the laboratory gave the file its name."""
    return readable(path.with_suffix("").as_posix().removesuffix(f"/{_OWN}"))[:_LONGEST_NAME]


def _summary(output: Path, digits: Digits) -> list[str]:
    lines = [f"{output}: {digits}"]
    counts = np.bincount(digits.labels, minlength=10)
    if not counts.all():
        each = ", ".join(f"{digit}: {count}" for digit, count in enumerate(counts))
        lines.append(f"not every digit is among them ({each})")
    return lines
