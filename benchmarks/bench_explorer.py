"""How much showing a training slows it down, and how soon after Start the first point is sent.

The network is seen through meanwhile, layer by layer, in a notebook's kernel: without one, nothing
is sent.

Each training that is shown lies between two that are not, whose own ratio tells the noise.

Usage: python bench_explorer.py PART EPOCHS ROUNDS [IMAGES]; fewer images, shorter epochs
"""

import statistics
import sys
import time

import numpy as np
from bench import some_of_mnist
from jupyter_client.manager import start_new_kernel

import mnist_lab as lab
from mnist_lab.laboratory import explorer

STARTS = 10


class Bench:
    """A laboratory whose news are timed, or left out."""

    def __init__(self, part: str, images: int = 60_000):
        self.laboratory = lab.explore(part, data=some_of_mnist(images))
        page = self.laboratory._page
        self._follow, page.follow = page.follow, self._timed
        self.showing, self.first = True, None
        self.reset()
        self._live, page.through.live = page.through.live, self._counted
        self._send, page.view.send_values = page.view.send_values, self._sent
        self.laboratory.hear({"ask": "through", "wish": {}}, [])

    def reset(self) -> None:
        """Count and time from now on."""
        self.messages, self.looks, self.spent = 0, 0, np.zeros(2)  # seconds passed, and computed

    def _counted(self, *args):
        self.looks += 1
        return self._live(*args)

    def _sent(self, values):
        self.messages += 1
        self._send(values)

    def _timed(self, run, glimpses, **about):
        if not self.showing:
            return
        began, busy = time.perf_counter(), time.thread_time()
        self._follow(run, glimpses, **about)
        self.spent += np.array([time.perf_counter() - began, time.thread_time() - busy])
        self.first = self.first or time.perf_counter()

    def seconds(self, epochs: int, showing: bool) -> float:
        """Train, and tell how long it took."""
        self.showing = showing
        self.laboratory.setup = self.laboratory.setup.moved(epochs=epochs)
        self.laboratory.rows.clear()
        self.laboratory.start(wait=True)
        return self.laboratory.runs[0].seconds

    def latency(self) -> float:
        """Seconds from Start to the first point."""
        self.first, self.showing = None, True
        self.laboratory.rows.clear()
        began = time.perf_counter()
        self.laboratory.start()
        while not self.first:
            time.sleep(0.001)
        self.laboratory.stop()
        self.laboratory.wait()
        return self.first - began


def answers(laboratory: explorer.Explorer) -> list[float]:
    """Seconds that it takes to say what all networks see in a digit."""
    digit, times = lab.load_mnist().x_valid[0].tobytes(), []
    for _ in range(30):
        began = time.perf_counter()
        laboratory.hear({"ask": "digit"}, [digit])
        times.append(time.perf_counter() - began)
    return times


def through(laboratory: explorer.Explorer, network: str) -> float:
    """Milliseconds that it takes to show all layers of a network on file; the median."""
    times = []
    for _ in range(30):
        began = time.perf_counter()
        laboratory.hear({"ask": "through", "wish": {"network": network}}, [])
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def mean_of(ratios: list[float]) -> str:
    """Their mean and its standard error."""
    return f"{statistics.mean(ratios):.3f} ± {statistics.stdev(ratios) / len(ratios) ** 0.5:.3f}"


def measure() -> None:
    part, epochs, rounds, *images = sys.argv[1], *map(int, sys.argv[2:])
    bench = Bench(part, *images)
    latencies = [bench.latency() for _ in range(STARTS + 1)]
    print(
        f"{part}: first point {statistics.median(latencies[1:]):.2f} s after Start "
        f"(median of {STARTS}; {latencies[0]:.1f} s with compiling)"
    )
    bench.seconds(1, True)
    bench.reset()
    times = [[bench.seconds(epochs, each) for each in (False, True, False)] for _ in range(rounds)]
    shown = statistics.mean(between for _, between, _ in times)
    print(
        f"{part}: {epochs} epochs take {shown:.2f} s shown, "
        f"{mean_of([2 * between / (before + after) for before, between, after in times])} times as "
        f"long as unseen (unseen ones {mean_of([after / before for before, _, after in times])}); "
        f"{bench.messages / rounds:.0f} messages, "
        f"{bench.looks / rounds / shown:.1f} looks through the network a second, "
        "{:.2%} of the time in making them, {:.2%} of it computing".format(
            *bench.spent / (rounds * shown)
        )
    )
    asked = answers(bench.laboratory)
    print(
        f"{part}: a drawn digit is answered in {1000 * statistics.median(asked[1:]):.0f} ms "
        f"(median; the first in {1000 * asked[0]:.0f} ms)"
    )
    for network in bench.laboratory._at_hand():
        print(f"all layers of {network}: {through(bench.laboratory, network):.1f} ms")


def main() -> None:
    if "ipykernel" in sys.modules:
        measure()
        return
    manager, client = start_new_kernel()
    try:
        client.execute_interactive(f"%run {' '.join(sys.argv)}")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
