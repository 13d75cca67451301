"""Each exercise is walked through as by a student who is stuck at each answer and looks it up.

Where a cell raises NotImplementedError with the prompt of an answer (in sight, or caught by one of
the lab's checks), the solution of that answer is run, and the walk goes on; any other error fails.
The numbers that come out are nbval's to compare, with the solutions: here, trainings that are not
on record are cut short.
"""

import asyncio
import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mnist_lab import notebooks, places

pytestmark = pytest.mark.gate
GOLDEN = Path(__file__).parents[1] / "golden"
BOOKS = notebooks.list_solutions()
AT_ONCE = 2  # kernels; most cells use one core
TIMEOUT = 120  # seconds for a cell
PROMPT = re.compile(r"^ *raise NotImplementedError\((\".*\")\)$", re.MULTILINE)
# In the kernel's own namespace it hides Python's, so that a prompt is heard even if it is caught.
LISTEN = """
import builtins

class NotImplementedError(builtins.NotImplementedError):
    def __init__(self, prompt):
        super().__init__(prompt)
        print(f"\\nasked: {prompt}")
"""
SHORTEN = """
import keras, mnist_lab, numpy

def cut_fit(fit):
    return lambda self, x, y, **options: fit(self, x[:1000], y[:1000], **options)

keras.Model.fit = cut_fit(keras.Model.fit)

def cut(train):
    def short(model, data, **options):
        if not options.get("recorded"):
            names = ("x_train", "y_train", "x_valid", "y_valid")
            data = mnist_lab.Dataset(*(getattr(data, name)[:1000] for name in names))
        return train(model, data, **options)
    return short

def repeat(train):
    def one(*arguments, seeds=100, **options):
        return numpy.repeat(train(*arguments, seeds=1, **options), seeds, axis=-2)
    return one

mnist_lab.train, mnist_lab.train_replicas = cut(mnist_lab.train), repeat(mnist_lab.train_replicas)
"""


class StuckError(Exception):
    """An exercise does something else than to ask for its answers."""


class Walk:
    """A walk through one exercise, with its solution at hand."""

    def __init__(self, exercise, solution):
        self.cells = [cell for cell in exercise.cells if cell.cell_type == "code"]
        self.answers = {cell.id: cell for cell in solution.cells}
        self.open = {cell.id: PROMPT.findall(cell.source) for cell in self.cells}
        self.open = {name: prompts for name, prompts in self.open.items() if prompts}
        # What is executed: nbclient wants to find each cell in its notebook.
        self.book = nbformat.v4.new_notebook(metadata=exercise.metadata)

    async def run(self, folder, first=""):
        """Execute a few lines, then all cells of the exercise, in a kernel of their own."""
        client = NotebookClient(
            self.book,
            kernel_name="python3",
            allow_errors=True,
            timeout=TIMEOUT,
            resources={"metadata": {"path": str(folder)}},
        )
        client.extra_arguments = ["--log-level=ERROR"]
        async with client.async_setup_kernel():
            await self.execute(client, nbformat.v4.new_code_cell(LISTEN + first))
            for cell in self.cells:
                while asked := await self.execute(client, cell):
                    owner = self.who_asks(cell, asked)
                    if await self.execute(client, self.answers[owner]):
                        raise StuckError(f"cell {owner!r}: the solution asks for an answer")
                    del self.open[owner]
                    if owner == cell.id:
                        break
        if self.open:
            raise StuckError(f"cells {', '.join(self.open)}: nothing asked for these answers")

    async def execute(self, client, cell):
        """Execute a cell; the answers that it asked for."""
        run = nbformat.v4.new_code_cell(cell.source, id=f"{len(self.book.cells)}")
        self.book.cells.append(run)
        await client.async_execute_cell(run, len(self.book.cells) - 1)
        printed = "".join(output.get("text", "") for output in run.outputs)
        asked = re.findall(r"^asked: (.*)", printed, re.MULTILINE)
        for output in run.outputs:
            if output.output_type == "error" and output.evalue not in asked:
                raise StuckError(f"cell {cell.id!r} fails: {output.ename}: {output.evalue}")
        return asked

    def who_asks(self, cell, asked):
        """The cell whose answer is missing: this one, or one above that defines a function."""
        for name in (cell.id, *self.open):
            if asked[0] in [json.loads(prompt) for prompt in self.open.get(name, [])]:
                return name
        raise StuckError(f"cell {cell.id!r} asks for something else: {asked[0]}")


def walk_all(pairs, folder, first=""):
    """Walk through exercises, a few at a time; a result or an exception for each."""

    async def walks():
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(exercise, solution):
            async with gate:
                await Walk(exercise, solution).run(folder, first)

        return await asyncio.gather(*(one(*pair) for pair in pairs), return_exceptions=True)

    return asyncio.run(walks())


@pytest.fixture(scope="module")
def walked():
    pairs = [
        (notebooks.read_notebook(places.here.exercises / path.name), notebooks.read_notebook(path))
        for path in BOOKS
    ]
    results = walk_all(pairs, places.here.exercises, SHORTEN)
    return {path.stem: result for path, result in zip(BOOKS, results, strict=True)}


@pytest.mark.parametrize("name", [path.stem for path in BOOKS])
def test_exercise_asks_for_its_answers_and_nothing_else_goes_wrong(walked, name):
    assert walked[name] is None, walked[name]


def pair(*changes):
    """The sample exercise and its solution, with some words of the exercise changed."""
    solution = notebooks.read_notebook(GOLDEN / "solutions" / "9_sample.ipynb")
    exercise = notebooks.read_notebook(GOLDEN / "exercises" / "9_sample.ipynb")
    for book in (exercise, solution):
        book.cells = [cell for cell in book.cells if cell.id != "widget"]
    for cell in exercise.cells:
        for old, new in changes:
            cell.source = cell.source.replace(old, new)
    return exercise, solution


def test_the_walk_notices_what_is_wrong(tmp_path):
    results = walk_all(
        [
            pair(),
            pair(("values = [1, 2]", "values = 1 / 0")),
            pair(('NotImplementedError("double', 'ValueError("double')),
            pair(("print(np.pi)", "raise NotImplementedError('of somebody else')")),
            pair(("two(total)", "2 * total")),
        ],
        tmp_path,
    )
    assert results[0] is None, results[0]
    assert [str(result) for result in results[1:]] == [
        "cell 'build' fails: ZeroDivisionError: division by zero",
        "cell 'build' fails: ValueError: double each value",
        "cell 'start' asks for something else: of somebody else",
        "cells function: nothing asked for these answers",
    ]
