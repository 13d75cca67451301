"""New initial weights, drawn from a model's own initialisers."""

import contextlib
import random
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import keras
import numpy as np
from keras.src.random import seed_generator

from ..signals import signals_blocked

_SEEDING = threading.Lock()  # Keras has one seed for all threads


def copy_layers(model: keras.Model) -> keras.Model:
    """Return a second model with the same layers and new weights, not compiled.

    From a compiled model, `clone_model` would look up a custom loss by its name and fail.
    """
    compiled, model.compiled = model.compiled, False
    try:
        return keras.models.clone_model(model)
    finally:
        model.compiled = compiled


def redraw(model: keras.Model, seed: int, input_shape: tuple[int, ...]) -> None:
    """Draw a model's initial weights again from its initialisers, and reset its optimiser.

    Frozen layers and those prepared by `adapt` keep their weights.

    Parameters
    ----------
    model
        Built and compiled.
    seed
        In one version of Keras, it alone decides the weights.
    input_shape
        Shape of one image, as the model takes it.

    Raises
    ------
    ValueError
        If Keras cannot copy the model, as with some subclasses.
    """
    with _seeded(seed):
        try:
            fresh = copy_layers(model)
            with signals_blocked():
                fresh(np.zeros((1, *input_shape), np.float32))
            states = list(zip(model.variables, fresh.variables, strict=True))
            if any(old.shape != new.shape for old, new in states):
                raise ValueError("the copy has other weights")
        except Exception as problem:  # a student's own class may raise anything
            raise ValueError(
                f"seed={seed}: the weights of {model.name!r} cannot be drawn anew "
                f"({str(problem).splitlines()[0]}). Call keras.utils.set_random_seed({seed}), "
                "build the model again, and train it with seed=None"
            ) from problem
    kept = {
        id(variable)
        for layer in model._flatten_layers()
        if not layer.trainable or hasattr(layer, "adapt")
        for variable in layer.weights
    }
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    states += zip(model.optimizer.variables, optimizer.variables, strict=True)
    for old, new in states:
        if id(old) not in kept:
            old.assign(new)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed all random generators for a while, then restore Python's and NumPy's.

    Keras draws a seed for each layer from Python's generator, which all threads share: if another
    thread drew as well, the weights would be others. Here Keras draws from a generator of this
    thread alone, which starts from the same seed.
    """
    own, thread = random.Random(seed), threading.get_ident()

    def randint(low: int, high: int) -> int:
        mine = threading.get_ident() == thread
        return (own if mine else random).randint(low, high)

    with _SEEDING:
        python, numpy = random.getstate(), np.random.get_state()
        keras.utils.set_random_seed(seed)
        seed_generator.python_random = SimpleNamespace(randint=randint)
        try:
            yield
        finally:
            seed_generator.python_random = random
            random.setstate(python)
            np.random.set_state(numpy)
