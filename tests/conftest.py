"""What the tests share: the real MNIST, a small piece of it, and a TensorFlow without XLA."""

import dataclasses
import functools
import inspect
import itertools
import os
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

# What a TensorFlow without XLA raises: the error of an operation, of one kind or another; or, so
# its documentation, a ValueError.
MISSING = {
    "InvalidArgumentError": "No JIT device registered for CPU",
    "ValueError": "XLA support is not available",
}
# Pipes, full disks and closed folders as Unix has them.
collect_ignore = ["test_faults.py"] if os.name == "nt" else []
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def data():
    return lab.load_mnist()


@pytest.fixture(scope="session")
def small(data):
    """330 and 120 real images: five whole batches of 64 and a short one of 10."""
    return lab.Dataset(
        data.x_train[:330], data.y_train[:330], data.x_valid[:120], data.y_valid[:120], "small"
    )


@pytest.fixture(scope="module")
def plainly():
    """Networks are not compiled by XLA, which takes a second for each, however small."""
    from mnist_lab.training import loop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "suits_xla", functools.wraps(loop.suits_xla)(lambda traced: False))
        yield


@pytest.fixture(params=MISSING)
def without_xla(request, monkeypatch):
    """TensorFlow as if it had been built without XLA; the reason that it names."""
    import tensorflow as tf

    from mnist_lab.training import loop, xla

    function, calls, reason = tf.function, itertools.count(), MISSING[request.param]

    class Refusing:
        def __init__(self, traced):
            self.graph = traced.graph

        def __call__(self, *_):
            # The name of the operation is another one each time.
            message = f"{reason} [Op:__inference__chunk_{next(calls)}]"
            kind = getattr(tf.errors, request.param, None)
            raise kind(None, None, message) if kind else ValueError(message)

    def missing(*arguments, jit_compile=None, **options):
        made = function(*arguments, **options)
        if jit_compile and arguments:  # without, it is Keras' decorator of something never called
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
    """Have some things lie elsewhere: `relocate(records=folder)`, and others as in `Places`."""

    def replace(**others):
        monkeypatch.setattr(places, "here", dataclasses.replace(places.here, **others))

    return replace


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A clone with one small solution notebook, in which tests may do as they like.

    Its data and records are those of the lab.
    """
    real = places.here
    house = dataclasses.replace(places.find_in(tmp_path), data=real.data, records=real.records)
    shutil.copytree(GOLDEN / "solutions", house.solutions)
    house.readme.write_text("A\n<!-- badges -->\n<!-- end of badges -->\nB\n")
    house.pyproject.write_text('[project]\nname = "mnist_lab"\nversion = "0.1.0"\n')
    monkeypatch.setattr(places, "here", house)
    return house
