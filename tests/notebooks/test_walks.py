"""Each exercise is walked through as by a student who is stuck at each answer and looks it up.

Where a cell raises NotImplementedError with the prompt of an answer (in sight, or caught by one of
the lab's checks), the solution of that answer is run, and the walk goes on; any other error fails.
Then the solution's cells are run again, in another order, and no check changes its mind: a student
goes back, runs a cell once more, and goes on. So a name has to mean one thing in a notebook, and a
cell must not lean on having been run once.

The numbers that come out are nbval's to compare, with the solutions: here, trainings that are not
on record are cut short.
"""

import ast
import builtins
import contextlib
import dis
import io
import json
import random
import re
import types
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pytest

import mnist_lab as lab
from mnist_lab import notebooks, places

GOLDEN = Path(__file__).parents[1] / "golden"
BOOKS = {path.stem: path for path in notebooks.list_solutions()}
PROMPT = re.compile(r"^ *raise NotImplementedError\((\".*\")\)$", re.MULTILINE)
SEED = 0  # of the other orders
# Cells that compute for seconds, and on which no check depends, are run once, with fewer images.
LONG = {"all-table", "trained", "shift-table", "batch"}
# Methods that change what they are called on, as far as the notebooks use them.
CHANGING = {"add", "append", "build", "compile", "fit", "pop", "set", "set_weights", "update"}


class StuckError(Exception):
    """An exercise does something else than to ask for its answers."""


class Listening(builtins.NotImplementedError):
    """Hides Python's own from the cells, so that a prompt is heard even if it is caught."""

    def __init__(self, prompt):
        super().__init__(prompt)
        print(f"\nasked: {prompt}")


class Walk:
    """A walk through one exercise, with its solution at hand.

    `fits` grows with each call of `fit`. What the cells define is in `names`, and which of them
    called `fit`, in `fitted`.
    """

    def __init__(self, exercise, solution, fits=()):
        self.cells = code_cells(exercise)
        self.answers = {cell.id: cell for cell in code_cells(solution)}
        self.open = {cell.id: PROMPT.findall(cell.source) for cell in self.cells}
        self.open = {name: prompts for name, prompts in self.open.items() if prompts}
        self.names = {"__name__": "__main__", "NotImplementedError": Listening}
        self.fits, self.fitted = fits, set()

    def walk(self):
        """Run all cells of the exercise, and of the solution those that are asked for."""
        for cell in self.cells:
            while asked := self.run(cell):
                owner = self.who_asks(cell, asked)
                if self.run(self.answers[owner]):
                    raise StuckError(f"cell {owner!r}: the solution asks for an answer")
                del self.open[owner]
                if owner == cell.id:
                    break
        if self.open:
            raise StuckError(f"cells {', '.join(self.open)}: nothing asked for these answers")

    def run(self, cell):
        """Run a cell; the answers that it asked for."""
        printed, fits = io.StringIO(), len(self.fits)
        read = read_some if cell.id in LONG else lab.predict
        try:
            with contextlib.redirect_stdout(printed), mock.patch.object(lab, "predict", read):
                run(cell, self.names)
        except Listening:
            pass
        except Exception as problem:
            kind = type(problem).__name__
            raise StuckError(f"cell {cell.id!r} fails: {kind}: {problem}") from problem
        if len(self.fits) > fits:
            self.fitted.add(cell.id)
        return re.findall(r"^asked: (.*)", printed.getvalue(), re.MULTILINE)

    def who_asks(self, cell, asked):
        """The cell whose answer is missing: this one, or one above that defines a function."""
        for name in (cell.id, *self.open):
            if asked[0] in [json.loads(prompt) for prompt in self.open.get(name, [])]:
                return name
        raise StuckError(f"cell {cell.id!r} asks for something else: {asked[0]}")


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def run(cell, names):
    """Run a cell as a kernel does; what its last expression gives."""
    body = ast.parse(cell.source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), cell.id, "exec"), names)
    return eval(compile(ast.Expression(last.value), cell.id, "eval"), names) if last else None


def wrong_checks(cells, names):
    """Run cells; what each check said that was not right."""
    said = {}
    for cell in cells:
        with contextlib.redirect_stdout(io.StringIO()):
            result = run(cell, names)
        if isinstance(result, lab.CheckResult) and not result:
            said[cell.id] = str(result)
    return said


def flow(cell):
    """Which names a cell takes from others, and which it binds or changes."""
    code = compile(cell.source, cell.id, "exec")
    taken, bound, codes = set(), set(), [code]
    while codes:
        inner = codes.pop()
        codes += [each for each in inner.co_consts if isinstance(each, types.CodeType)]
        for step in dis.get_instructions(inner):
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                taken.add(step.argval)
            elif step.opname in ("STORE_NAME", "STORE_GLOBAL"):
                bound.add(step.argval)
    return taken, bound | changed(ast.parse(cell.source))


def changed(tree):
    """The names of what is trained, or called with a method that changes it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            thing = node.func.value if node.func.attr in CHANGING else None
            if node.func.attr == "train" and node.args:
                thing = node.args[0]
            if isinstance(thing, ast.Name):
                found.add(thing.id)
    return found


def another_order(cells, seed):
    """The cells shuffled, each behind those before it that make what it takes."""
    flows, left, order = [flow(cell) for cell in cells], [*range(len(cells))], []
    chance = random.Random(seed)
    while left:
        ready = [
            place
            for place in left
            if not any(flows[place][0] & flows[other][1] for other in left if other < place)
        ]
        order.append(chance.choice(ready))
        left.remove(order[-1])
    return [cells[place] for place in order]


def read_some(model, images, read=lab.predict):
    """What a network says of the first images, again and again."""
    said = read(model, images[:200])
    return np.resize(said, (len(images), said.shape[1]))


def some_of(data):
    names = ("x_train", "y_train", "x_valid", "y_valid")
    return lab.Dataset(*(getattr(data, name)[:1000] for name in names))


@pytest.fixture
def fits(monkeypatch):
    """No training takes long; the calls of Keras' own `fit`."""
    import keras

    train, replicas, fit, calls = lab.train, lab.train_replicas, keras.Model.fit, []

    def short_train(model, data, **options):
        return train(model, data if options.get("recorded") else some_of(data), **options)

    def one(*arguments, seeds=100, **options):
        return np.repeat(replicas(*arguments, seeds=1, **options), seeds, axis=-2)

    def cut_fit(self, x, y, **options):
        calls.append(self)
        options["epochs"] = 1
        return fit(self, x[:1000], y[:1000], **options)

    monkeypatch.setattr(lab, "train", short_train)
    monkeypatch.setattr(lab, "train_replicas", one)
    monkeypatch.setattr(keras.Model, "fit", cut_fit)
    yield calls
    plt.close("all")


@pytest.mark.gate
@pytest.mark.parametrize("name", BOOKS)
def test_an_exercise_asks_for_its_answers_and_its_cells_can_be_run_again(
    name, fits, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    solution = notebooks.read_notebook(BOOKS[name])
    exercise = notebooks.read_notebook(places.here.exercises / f"{name}.ipynb")
    if name != "1_linear":  # whose program without the lab stands for those of the others
        for book in (exercise, solution):
            book.cells = [cell for cell in book.cells if not cell.id.startswith("program")]
    walk = Walk(exercise, solution, fits)
    walk.walk()
    # What a cut `fit` has trained, and what judges that, is left out.
    left_out = {*walk.fitted, *LONG, "program-run", "program-check", "program-compare"}
    cells = [cell for cell in code_cells(solution) if cell.id not in left_out]
    other = another_order(cells, SEED)
    assert not cells or [cell.id for cell in other] != [cell.id for cell in cells]
    assert wrong_checks(other, walk.names) == {}


def pair(*changes):
    """The sample exercise and its solution, with some words of the exercise changed."""
    books = [
        notebooks.read_notebook(GOLDEN / kind / "9_sample.ipynb")
        for kind in ("exercises", "solutions")
    ]
    for book in books:
        book.cells = [cell for cell in book.cells if cell.id != "widget"]
    for cell in code_cells(books[0]):
        for old, new in (("%matplotlib inline\n", ""), *changes):
            cell.source = cell.source.replace(old, new)
    return books


def test_the_walk_goes_through_an_exercise():
    Walk(*pair()).walk()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("values = [1, 2]", "values = 1 / 0"), "cell 'build' fails: ZeroDivisionError: division"),
        (('NotImplementedError("double', 'ValueError("double'), "cell 'build' fails: ValueError:"),
        (
            ("print(np.pi)", "raise NotImplementedError('of somebody else')"),
            "cell 'start' asks for something else: of somebody else",
        ),
        (("two(total)", "2 * total"), "cells function: nothing asked for these answers"),
    ],
)
def test_the_walk_notices_what_is_wrong(change, words):
    with pytest.raises(StuckError, match=re.escape(words)):
        Walk(*pair(change)).walk()


def test_an_order_that_reads_another_thing_of_the_same_name_is_noticed():
    sources = ["x = 1", "y = x", "x = 'another'", "z = [y]\nz.append(x)"]
    cells = [types.SimpleNamespace(id=str(n), source=text) for n, text in enumerate(sources)]
    orders = {tuple(cell.id for cell in another_order(cells, seed)) for seed in range(20)}
    assert orders == {
        *(("0", "1", "2", "3"), ("0", "2", "1", "3")),
        *(("2", "0", "1", "3"),),
    }
