"""How long a report on some forty notebooks takes: right, wrong, blank, broken and malicious ones.

    python benchmarks/bench_report.py [FOLDER]

FOLDER, if it is given, keeps the notebooks and the report.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from students import write_class

from mnist_lab.__main__ import main


def measure(folder):
    """Write a class into a folder, and report on it twice."""
    victim = folder / "victim"
    victim.mkdir(parents=True, exist_ok=True)
    write_class(folder / "class", victim)
    for when in ("at first", "again"):
        began = time.perf_counter()
        main(["report", str(folder / "class"), "--output", str(folder / "report")])
        count = len(list((folder / "class").rglob("*.ipynb")))
        print(f"{count} notebooks, {when}: {time.perf_counter() - began:.0f} s\n")
    assert victim.is_dir()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder))
