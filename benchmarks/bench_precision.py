"""Whether bfloat16 costs accuracy: the same trainings in both precisions, from several seeds.

What is recorded in float32 is taken from its record. All other runs have checkpoints in FOLDER, so
that a bench that was stopped goes on; a processor without bfloat16 is slow, but as exact.

Usage: python bench_precision.py PART SEEDS FOLDER [HIDDEN_UNITS]
"""

import itertools
import math
import statistics
import sys
import warnings
from pathlib import Path

import numpy as np

import mnist_lab as lab

PRECISIONS = ("float32", "bfloat16")


def trained(part: str, units: list[str], seed: int, precision: str, folder: Path) -> lab.Run:
    """The sheet's training; one that has ended is read from its checkpoint."""
    network = {"hidden_units": int(units[0])} if units else {}
    return lab.train(
        lab.PARTS[part].build(**network),
        lab.load_mnist(),
        epochs=lab.PARTS[part].epochs,
        seed=seed,
        precision=precision,
        recorded=precision == "float32",
        checkpoint=folder / "-".join([part, *units, precision, f"seed{seed}"]),
    )


def mcnemar(only: tuple[int, int]) -> float:
    """McNemar's exact test: how often the smaller of two counts is so small by a coin's tosses."""
    tosses = sum(only)
    return min(1, 2 * sum(math.comb(tosses, k) for k in range(min(only) + 1)) / 2**tosses)


def by_signs(differences: list[float]) -> float:
    """How often the mean is at least as far from 0 if each sign is a coin's toss: exact."""
    means = [
        abs(np.dot(signs, differences))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    return float(np.mean(np.array(means) >= abs(sum(differences)) - 1e-12))


def main() -> None:
    part, seeds, folder, *units = sys.argv[1:]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    labels, accuracies = lab.load_mnist().y_valid, []
    for seed in range(int(seeds)):
        runs = [trained(part, units, seed, each, folder) for each in PRECISIONS]
        full, short = (run.val_probabilities.argmax(axis=1) == labels for run in runs)
        only = int((full & ~short).sum()), int((short & ~full).sum())
        accuracies.append([100 * float(right.mean()) for right in (full, short)])
        print(
            f"{part}, seed {seed}: {accuracies[-1][0]:.2f} % in float32, "
            f"{accuracies[-1][1]:.2f} % in bfloat16; only one is right on {only[0]} and {only[1]} "
            f"images, McNemar p = {mcnemar(only):.2f}",
            flush=True,
        )
    differences = [short - full for full, short in accuracies]
    means = " and ".join(
        f"{statistics.mean(each):.2f} ± {statistics.stdev(each):.2f} %"
        for each in zip(*accuracies, strict=True)
    )
    print(
        f"{part}: {means}; bfloat16 minus float32 {statistics.mean(differences):+.3f} points, "
        f"p = {by_signs(differences):.2f} over {len(differences)} seeds"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # that a processor has no bfloat16
    main()
