"""A class at once: a solution notebook in many kernels at the same time, their time and memory.

Each kernel must give the outputs that are on file, compared as `make test` compares them. Memory is
what the kernels take together: a page that several of them share counts once.

    python benchmarks/bench_class.py KERNELS ... [--notebook 2_mlp]
"""

import argparse
import asyncio
import contextlib
import copy
import re
import statistics
import sys
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbval.plugin import coalesce_streams, get_sanitize_patterns

from mnist_lab import places
from mnist_lab.notebooks import files

SANITIZE = Path(__file__).parents[1] / "tests" / "sanitize.cfg"
SECONDS_BETWEEN = 0.5  # looks at the memory
GIB = 2**30


class Student:
    """A notebook in a kernel of its own, from its start to its last cell."""

    def __init__(self, book: nbformat.NotebookNode):
        self.book = copy.deepcopy(book)
        for cell in self.book.cells:
            cell.pop("outputs", None)
        self.process: psutil.Process | None = None  # while there is a kernel
        self.own, self.where = 0, ""  # its own pages at the peak, and in which cell that was
        self.seconds, self.processor_seconds = 0.0, 0.0
        self._cell = ""

    async def work(self) -> None:
        """Execute all cells, as `mnist_lab.notebooks.files.execute` does."""
        client = NotebookClient(
            self.book,
            kernel_name="python3",
            startup_timeout=600,
            iopub_timeout=60,  # or outputs that come late, as here, would be missing
            resources={"metadata": {"path": str(places.here.solutions)}},
        )
        client.extra_arguments = ["--log-level=ERROR"]
        began = time.perf_counter()
        async with client.async_setup_kernel():
            self.process = psutil.Process(client.km.provisioner.pid)
            for index, cell in enumerate(self.book.cells):
                self._cell = cell.id
                await client.async_execute_cell(cell, index)
            self.seconds = time.perf_counter() - began
            self.processor_seconds = sum(self.process.cpu_times()[:2])
            self.look()
            self.process = None

    def look(self) -> int:
        """Measure the memory, and tell this kernel's share of what all processes take, in bytes."""
        if self.process is None:
            return 0
        memory = self.process.memory_full_info()
        if memory.uss > self.own:
            self.own, self.where = memory.uss, self._cell
        return memory.pss


async def watch(students: list[Student]) -> int:
    """Look at the memory until cancelled; the most that all kernels took together, in bytes."""
    most = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            most = max(most, sum(student.look() for student in students))
            await asyncio.sleep(SECONDS_BETWEEN)
    return most


def said(book: nbformat.NotebookNode) -> dict[str, list]:
    """What each cell put out, without what nbval overlooks."""
    patterns = get_sanitize_patterns(SANITIZE.read_text())

    def sanitized(text: str) -> str:
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
        return text

    outputs = {}
    for cell in book.cells:
        for output in coalesce_streams(copy.deepcopy(cell.get("outputs", []))):
            shown = {"text": output.get("text", ""), **output.get("data", {})}
            shown.pop(files.WIDGET, None)
            kept = {kind: sanitized(text) for kind, text in shown.items()}
            outputs.setdefault(cell.id, []).append(kept)
    return outputs


async def teach(path: Path, kernels: int) -> None:
    """Let so many students work at the same time, and print what it took."""
    book = files.read_notebook(path)
    students = [Student(book) for _ in range(kernels)]
    watcher = asyncio.create_task(watch(students))
    began = time.perf_counter()
    await asyncio.gather(*(student.work() for student in students))
    seconds = time.perf_counter() - began
    watcher.cancel()
    together = await watcher
    expected = said(book)
    for number, student in enumerate(students):
        found = said(student.book)
        for cell in expected:
            if found.get(cell) != expected[cell]:
                sys.exit(f"kernel {number}, cell {cell!r}: {found.get(cell)}, not {expected[cell]}")
    largest = max(students, key=lambda student: student.own)
    first = min(student.seconds for student in students)
    work = statistics.mean(student.processor_seconds for student in students)
    print(
        f"{path.stem} in {kernels} kernels: all outputs as on file, the first after {first:.0f} s, "
        f"the last after {seconds:.0f} s, each with {work:.0f} s of a processor's work;\n"
        f"  memory at the peak {together / GIB:.2f} GiB together, {together / kernels / GIB:.2f} "
        f"each; the largest has {largest.own / GIB:.2f} of its own, in cell {largest.where!r}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kernels", type=int, nargs="+")
    parser.add_argument("--notebook", default="1_linear", help="without .ipynb (default 1_linear)")
    options = parser.parse_args()
    for kernels in options.kernels:
        asyncio.run(teach(places.here.solutions / f"{options.notebook}.ipynb", kernels))


if __name__ == "__main__":
    main()
