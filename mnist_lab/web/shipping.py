"""The files that the page loads: MNIST, records, networks on file, and the Worker's program."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..course import PARTS
from ..data import load_mnist
from ..runs import load_records
from ..support import join_modules
from .figures import figures
from .records import bands_bytes, networks_bytes, record_bytes

HERE = Path(__file__).parent
FILES = "files"  # the folder
CHUNK = 10_000  # images in a file
# What the page loads as it opens; the rest follows when it is asked for.
CORE = ("worker.js", "figures.json", "engine.wasm", "networks", "mnist-train-0", "mnist-valid")


@dataclass(frozen=True)
class Shipped:
    """A compressed file of the page.

    Attributes
    ----------
    name : str
        What the page calls it.
    content : bytes
        What it holds, compressed by gzip.
    """

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of the compressed file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def file(self) -> str:
        """Where it lies: another content has another name, so no old file is taken for it.

        It does not end in .gz, or some servers would have the browser unpack it.
        """
        return named_by(self.content, f"{self.name}.bin")

    @property
    def about(self) -> dict[str, str | int]:
        """What the page's manifest says of it."""
        return {"file": self.file, "bytes": len(self.content), "sha256": self.sha256}


def ship() -> Iterator[Shipped]:
    """Yield all files that the page loads; it takes some seconds."""
    for name, content in _contents():
        # Level 9 would take ten times as long, for 0.6 % less.
        yield Shipped(name, gzip.compress(content, compresslevel=7, mtime=0))


def _contents() -> Iterator[tuple[str, bytes]]:
    yield "worker.js", in_function(join_modules(HERE / "kernel" / "worker.js")).encode()
    yield "figures.json", json.dumps(figures()).encode()
    yield "engine.wasm", (HERE / "engine" / "engine.wasm").read_bytes()
    yield "networks", networks_bytes()
    yield "bands", bands_bytes()
    data = load_mnist()
    yield "mnist-valid", _images(data.x_valid, data.y_valid)
    for number, first in enumerate(range(0, len(data.x_train), CHUNK)):
        chunk = slice(first, first + CHUNK)
        yield f"mnist-train-{number}", _images(data.x_train[chunk], data.y_train[chunk])
    for part in PARTS:
        for run in load_records(part):
            yield f"record-{part}-{run.settings.seed}", record_bytes(run)


def named_by(content: bytes, name: str) -> str:
    """Return the path of a file in the page's folder, with a digest of its content."""
    stem, _, end = name.rpartition(".")
    return f"{FILES}/{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{end}"


def in_function(code: str) -> str:
    """Return modules that were joined as a script that leaves no names behind."""
    return f'(() => {{\n"use strict";\n{code}\n}})();\n'


def _images(pixels: np.ndarray, labels: np.ndarray) -> bytes:
    return pixels.tobytes() + labels.astype(np.uint8).tobytes()
