"""The cells of each solution are run in another order, and then again: no check changes its mind.

A student goes back, runs a cell once more, and goes on. So a name has to mean one thing in a
notebook, and a cell must not lean on having been run once. Trainings that are not on record are
cut short; what they give is nbval's to compare.
"""

import ast
import contextlib
import dis
import io
import random
import types

import pytest

import mnist_lab as lab
from mnist_lab import notebooks

pytestmark = pytest.mark.gate
BOOKS = {path.stem: path for path in notebooks.list_solutions() if path.stem != "glossary"}
SEEDS = (0,)  # of the orders
# Methods that change what they are called on, as far as the notebooks use them.
CHANGING = {"add", "append", "build", "compile", "fit", "pop", "set", "set_weights", "update"}


def code_cells(name):
    book = notebooks.read_notebook(BOOKS[name])
    # The programs that students write train for up to a minute; the walk through the exercises
    # runs them, on a few images.
    own = ("program", "program-run", "program-check", "program-compare")
    return [cell for cell in book.cells if cell.cell_type == "code" and cell.id not in own]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """No training takes long."""
    train, replicas = lab.train, lab.train_replicas

    def short_train(model, data, **options):
        if not options.get("recorded"):
            names = ("x_train", "y_train", "x_valid", "y_valid")
            data = lab.Dataset(*(getattr(data, name)[:1000] for name in names))
        return train(model, data, **options)

    def one(*arguments, seeds=100, **options):
        import numpy as np

        return np.repeat(replicas(*arguments, seeds=1, **options), seeds, axis=-2)

    monkeypatch.setattr(lab, "train", short_train)
    monkeypatch.setattr(lab, "train_replicas", one)


def run(cell, names):
    """Run a cell as a kernel does; what its last expression gives."""
    body = ast.parse(cell.source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(ast.Module(body, []), cell.id, "exec"), names)
        return eval(compile(ast.Expression(last.value), cell.id, "eval"), names) if last else None


def run_all(cells, names):
    """Run cells; what each check said that was not right."""
    said = {}
    for cell in cells:
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


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BOOKS)
def test_no_check_turns_wrong_in_another_order_and_when_all_cells_are_run_again(name, seed):
    cells, names = code_cells(name), {"__name__": "__main__"}
    other = another_order(cells, seed)
    assert [cell.id for cell in other] != [cell.id for cell in cells]
    assert run_all(other, names) == {}
    if name != "11_bugs":  # the bug hunt trains some thirty times; once is enough
        assert run_all(cells, names) == {}


def test_an_order_that_reads_another_thing_of_the_same_name_is_noticed():
    sources = ["x = 1", "y = x", "x = 'another'", "z = [y]\nz.append(x)"]
    cells = [types.SimpleNamespace(id=str(n), source=text) for n, text in enumerate(sources)]
    orders = {tuple(cell.id for cell in another_order(cells, seed)) for seed in range(20)}
    assert orders == {
        *(("0", "1", "2", "3"), ("0", "2", "1", "3")),
        *(("2", "0", "1", "3"),),
    }
