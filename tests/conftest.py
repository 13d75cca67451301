"""Shared fixtures: the real MNIST, a small part of it, and a TensorFlow without XLA."""

import dataclasses
import functools
import gc
import inspect
import itertools
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import mnist_lab as lab
from mnist_lab import places

CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("few", derandomize=True, max_examples=40, **CALM)
settings.register_profile("long", max_examples=3000, print_blob=True, **CALM)
settings.load_profile("few")

# What a TensorFlow without XLA raises: an OpError, or (according to its documentation) a
# ValueError.
MISSING = {
    "InvalidArgumentError": "No JIT device registered for CPU",
    "ValueError": "XLA support is not available",
}
# These tests need pipes, file size limits and permissions of Unix.
collect_ignore = ["test_faults.py"] if os.name == "nt" else []
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def data():
    return lab.load_mnist()


@pytest.fixture(scope="session")
def small(data):
    """330 training and 120 validation images: five full batches of 64 and one of 10."""
    return lab.Dataset(
        data.x_train[:330], data.y_train[:330], data.x_valid[:120], data.y_valid[:120], "small"
    )


@pytest.fixture(scope="module")
def plainly():
    """Train without XLA, which takes a second to compile even a small network."""
    from mnist_lab.training import loop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "suits_xla", functools.wraps(loop.suits_xla)(lambda traced: False))
        yield


@pytest.fixture(params=MISSING)
def without_xla(request, monkeypatch):
    """Make TensorFlow behave as if built without XLA; return the reason that it gives."""
    import tensorflow as tf

    from mnist_lab.training import loop, xla

    function, calls, reason = tf.function, itertools.count(), MISSING[request.param]

    class Refusing:
        def __init__(self, traced):
            self.graph = traced.graph

        def __call__(self, *_):
            # The operation has another name each time.
            message = f"{reason} [Op:__inference__chunk_{next(calls)}]"
            kind = getattr(tf.errors, request.param, None)
            raise kind(None, None, message) if kind else ValueError(message)

    def missing(*arguments, jit_compile=None, **options):
        made = function(*arguments, **options)
        if jit_compile and arguments:  # otherwise Keras uses it as a decorator
            trace = made.get_concrete_function
            monkeypatch.setattr(
                made, "get_concrete_function", lambda *specs: Refusing(trace(*specs))
            )
        return made

    monkeypatch.setattr(loop, "suits_xla", inspect.unwrap(loop.suits_xla))
    monkeypatch.setattr(tf, "function", missing)
    monkeypatch.setattr(xla, "_reported", set())
    return reason


@pytest.fixture
def relocate(monkeypatch):
    """Move some of `places.here`, for instance `relocate(records=folder)`."""

    def replace(**others):
        monkeypatch.setattr(places, "here", dataclasses.replace(places.here, **others))

    return replace


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A clone with one small solution notebook, which tests may change.

    It uses the lab's own data and records.
    """
    real = places.here
    house = dataclasses.replace(places.find_in(tmp_path), data=real.data, records=real.records)
    shutil.copytree(GOLDEN / "solutions", house.solutions)
    house.readme.write_text("A\n<!-- badges -->\n<!-- end of badges -->\nB\n")
    house.pyproject.write_text('[project]\nname = "mnist_lab"\nversion = "0.1.0"\n')
    monkeypatch.setattr(places, "here", house)
    return house


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """Notebook 1 as it is released to nbgrader."""
    from mnist_lab.grading import write_release

    folder = tmp_path_factory.mktemp("course")
    write_release("nbgrader", folder)
    return folder / "source/mnist_lab/1_linear.ipynb"


@pytest.fixture(autouse=True)
def no_hints_given():
    """Each test asks for hints as in a kernel that has just started."""
    from mnist_lab.checks import hints

    hints.forget_all()


def pytest_collection_modifyitems(items):
    """Leave the notebooks from part 10 on, which take as long as all others, to the gate."""
    for item in items:
        if re.fullmatch(r"\d\d_.*\.ipynb", item.path.name):
            item.add_marker("gate")


def pytest_collection_finish():
    """Spare the garbage collector what lasts as long as the process: modules and tests."""
    gc.collect()
    gc.freeze()


CHECKS = ("check", "check_answer", "check_count", "check_data")


def pytest_generate_tests(metafunc):
    """Have a test that is marked `anywhere` run again on what another process tells of answers."""
    if metafunc.definition.get_closest_marker("anywhere"):
        metafunc.fixturenames.append("place")
        places = ["here", pytest.param("elsewhere", marks=pytest.mark.gate)]
        metafunc.parametrize("place", places, indirect=True)


@pytest.fixture
def place(request, monkeypatch):
    """Where a check looks at an answer."""
    if request.param == "elsewhere":
        from elsewhere import elsewhere

        for name in CHECKS:
            monkeypatch.setattr(lab, name, elsewhere(getattr(lab, name)))
