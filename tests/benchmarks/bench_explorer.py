"""How much drawing slows a training down, and how soon after Start the first point is seen.

Usage: python bench_explorer.py PART EPOCHS PAIRS
"""

import statistics
import sys
import time

import mnist_lab as lab

STARTS = 10


class Bench:
    """A laboratory whose pictures are timed, or left out."""

    def __init__(self, part: str):
        self.laboratory = lab.explore(part)
        self.laboratory.controls._moved = lambda: None  # no training until Start
        self._draw = self.laboratory._picture.draw
        self.laboratory._picture.draw = self._timed
        self.drawing, self.frames, self.first, self.spent = True, 0, None, 0.0

    def _timed(self, curves, live=None):
        if live is None or not self.drawing:
            return
        began = time.perf_counter()
        self._draw(curves, live)
        if len(live.run.batch_loss):
            self.frames += 1
            self.spent += time.perf_counter() - began
            self.first = self.first or time.perf_counter()

    def seconds(self, epochs: int, drawing: bool) -> float:
        """Train, and tell how long it took."""
        self.drawing = drawing
        self.laboratory.controls.widgets["epochs"].value = epochs
        self.laboratory.rows.clear()
        self.laboratory.start(wait=True)
        return self.laboratory.runs[0].seconds

    def latency(self) -> float:
        """Seconds from Start to the first point."""
        self.first, self.drawing = None, True
        self.laboratory.rows.clear()
        began = time.perf_counter()
        self.laboratory.start_button.click()
        while not self.first:
            time.sleep(0.001)
        self.laboratory.stop_button.click()
        self.laboratory.wait()
        return self.first - began


def main() -> None:
    part, epochs, pairs = sys.argv[1], *map(int, sys.argv[2:])
    bench = Bench(part)
    latencies = [bench.latency() for _ in range(STARTS + 1)]
    print(
        f"{part}: first point {statistics.median(latencies[1:]):.2f} s after Start "
        f"(median of {STARTS}; {latencies[0]:.1f} s with compiling)"
    )
    bench.seconds(1, True)
    times: dict[bool, list[float]] = {True: [], False: []}
    bench.frames, bench.spent = 0, 0.0
    for number in range(pairs):
        for drawing in (True, False) if number % 2 else (False, True):
            times[drawing].append(bench.seconds(epochs, drawing))
    ratios = [with_it / without for with_it, without in zip(*times.values(), strict=True)]
    print(
        f"{part}: {epochs} epochs take {statistics.median(times[False]):.2f} s undrawn, "
        f"{statistics.median(times[True]):.2f} s drawn; by pairs {statistics.median(ratios):.3f} "
        f"times as long; {bench.frames / pairs:.1f} frames, "
        f"{bench.spent / sum(times[True]):.1%} of the time in drawing"
    )


if __name__ == "__main__":
    main()
