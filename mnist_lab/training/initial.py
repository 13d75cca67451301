"""Initial weights, drawn anew from a model's own initialisers."""

import contextlib
import random
import threading
from collections.abc import Iterator

import keras
import numpy as np

from ..signals import signals_blocked

_SEEDING = threading.Lock()  # Keras has one seed for all threads


def copy_layers(model: keras.Model) -> keras.Model:
    """Make a second model of the same layers with weights of its own, not compiled.

    Left compiled, `clone_model` would look up a student's own loss by its name and fail.
    """
    compiled, model.compiled = model.compiled, False
    try:
        return keras.models.clone_model(model)
    finally:
        model.compiled = compiled


def redraw(model: keras.Model, seed: int, input_shape: tuple[int, ...]) -> None:
    """Give a model new initial weights, drawn from its own initialisers, and a new optimiser state.

    Frozen layers and those that `adapt` prepared keep their weights.

    Parameters
    ----------
    model
        Built and compiled.
    seed
        The weights follow from it alone, for one version of Keras.
    input_shape
        Shape of one image, as the model takes it.

    Raises
    ------
    ValueError
        If Keras cannot make a second model like this one, as with some subclassed models.
    """
    with _seeded(seed):
        try:
            fresh = copy_layers(model)
            with signals_blocked():
                fresh(np.zeros((1, *input_shape), np.float32))
            states = list(zip(model.variables, fresh.variables, strict=True))
            if any(old.shape != new.shape for old, new in states):
                raise ValueError("the copy has other weights")
        except Exception as problem:  # whatever a student's own class raises
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
    """Seed all that Keras draws from; Python's and NumPy's own generators get back their state."""
    with _SEEDING:
        python, numpy = random.getstate(), np.random.get_state()
        keras.utils.set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
