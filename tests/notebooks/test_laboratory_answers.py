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
    for figure in bench["FIGURES"]:
        path = places.here.solutions / f"{figure.notebook}.ipynb"
        (cell,) = (c for c in notebooks.read_notebook(path).cells if c.id == figure.cell)
        assert figure.quoted in cell.source, figure


@pytest.mark.gate
def test_those_of_the_linear_network_come_out_again(bench):
    for figure in bench["FIGURES"]:
        if figure.notebook == "1_linear":
            assert bench["measure"](figure) == pytest.approx(float(figure.quoted), abs=bench["OFF"])
