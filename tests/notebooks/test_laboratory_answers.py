"""The figures in the model answers of the laboratory's questions come from trainings."""

import runpy
from pathlib import Path

import pytest

from mnist_lab import notebooks, places

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_answers.py"


@pytest.fixture(scope="module")
def bench():
    return runpy.run_path(str(BENCH))


def test_each_figure_that_is_trained_again_stands_in_its_answer(bench):
    for example in bench["EXAMPLES"]:
        path = places.here.solutions / f"{example.notebook}.ipynb"
        (cell,) = (c for c in notebooks.read_notebook(path).cells if c.id == example.cell)
        for quoted in example.quoted.values():
            assert quoted in cell.source, example


@pytest.mark.gate
def test_some_of_the_linear_network_come_out_again(bench):
    """Every third; `make bench` trains all of them again."""
    of_linear = [each for each in bench["EXAMPLES"] if each.notebook == "1_linear"]
    for example in of_linear[::3]:
        nothing = dict.fromkeys(example.quoted, 0)
        assert bench["apart"](example) == pytest.approx(nothing, abs=bench["OFF"]), example
