"""Tells the judge what an answer is, as plain data. It runs beside a student's code.

Whatever is told here may be made up, since a student's code can reach it: the judge takes it for
data, and `looking` says which answers call what an answer does not need.
"""

import functools
import inspect
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import unchanged
from ..descriptions import describe_network
from ..signals import signals_blocked
from .kinds import BASES, OWN, SAFE
from .wire import KINDS, LARGEST

_LONGEST = 400  # characters of a thing's own words
_EXACT = 2**53  # up to which JSON's readers agree on a whole number


class Teller:
    """Says what values are, and does with them what the judge asks for.

    Things that the judge may ask about again get a number, their handle, until `forget`.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another answer."""
        self._things: list[Any] = []
        self._arrays: list[np.ndarray] = []

    def arrays(self) -> list[np.ndarray]:
        """The arrays of what was told since the last call, in the order of their numbers."""
        arrays, self._arrays = self._arrays, []
        return arrays

    def thing(self, handle: int) -> Any:
        """What was told under a handle."""
        return self._things[handle]

    def tell(self, value: Any) -> Any:
        """Say what a value is, in JSON; a list begins with its kind."""
        if value is None or type(value) in (bool, float, str):
            return value
        if type(value) is int:
            return value if abs(value) < _EXACT else ["int", hex(value)]
        if type(value) is complex:
            return ["complex", value.real, value.imag]
        if value is Ellipsis:
            return ["ellipsis"]
        if isinstance(value, np.ndarray | np.generic) and _can_be_sent(value):
            self._arrays.append(np.asarray(value))
            kind = "array" if isinstance(value, np.ndarray) else "scalar"
            return [kind, len(self._arrays) - 1]
        if isinstance(value, list | tuple):
            kind = "list" if isinstance(value, list) else "tuple"
            return [kind, [self.tell(each) for each in value]]
        if isinstance(value, Mapping):
            return ["dict", [[self.tell(key), self.tell(each)] for key, each in value.items()]]
        if OWN.get(type(value).__name__) is type(value):
            return ["own", type(value).__name__, self.tell(vars(value))]
        if isinstance(value, type):
            return ["class", value.__name__, value.__module__]
        return self._of_keras(value) or self._other(value)

    def _of_keras(self, value: Any) -> list | None:
        import keras

        if isinstance(value, keras.callbacks.History):
            about = {key: getattr(value, key) for key in ("history", "epoch", "params")}
            return ["history", self.tell(about), self.tell(value.model)]
        if isinstance(value, keras.KerasTensor):
            return ["symbol", self.tell(value.shape)]
        if isinstance(value, keras.Model):
            return ["model", self._handle(value), *map(self.tell, _parts(value))]
        for base, kind in BASES.items():
            if isinstance(value, kind):
                own = SAFE.get(type(value).__name__) is type(value)
                return [
                    "keras" if own else "foreign", self._handle(value), type(value).__name__,
                    self.tell(_config(value)), base, type(value).__module__,
                ]  # fmt: skip
        return None

    def _other(self, value: Any) -> list:
        name, module = type(value).__name__, type(value).__module__
        if isinstance(value, functools.partial):
            return ["partial", self._handle(value), *map(self.tell, (value.func, value.keywords))]
        if inspect.isroutine(value):
            return ["function", self._handle(value), value.__name__, self.tell(_parameters(value))]
        if callable(value):
            return ["callable", self._handle(value), name, module]
        array = self.tell(_numbers(value))
        return ["thing", name, module, repr(value)[:_LONGEST], array]

    def _handle(self, value: Any) -> int:
        """A thing's number; the same thing has the same number."""
        for handle, thing in enumerate(self._things):
            if thing is value:
                return handle
        self._things.append(value)
        return len(self._things) - 1

    # What the judge asks for.

    def call(self, handle: int, pickled: bytes) -> Any:
        """Call a thing; tell what it returns, and which of its arguments it has changed."""
        given, before = pickle.loads(pickled), pickle.loads(pickled)
        returned = self.thing(handle)(*given)
        changed = {
            place: one
            for place, (one, other) in enumerate(zip(given, before, strict=True))
            if not unchanged(other, one)
        }
        return self.tell((returned, changed))

    def outputs(self, handle: int, values: list, images: np.ndarray, training: bool) -> Any:
        """What a model makes of images with other weights; nothing in it changes."""
        import keras

        model = self.thing(handle)
        given = list(zip(model.weights, values, strict=True))
        # Unlike `stateless_call`, it takes a `call` that knows no argument `training`, too.
        with signals_blocked(), keras.StatelessScope(given):
            return self.tell(np.asarray(model(images, training=training)))

    def predict(self, handle: int, images: np.ndarray) -> Any:
        """What a model makes of images, as it is."""
        return self.tell(self.thing(handle).predict(images, batch_size=1000, verbose=0))

    def describe(self, handle: int, shape: tuple[int, ...] | None) -> Any:
        """What a model's layers are."""
        return self.tell(describe_network(self.thing(handle), shape))


def _parts(model: Any) -> tuple[tuple | None, dict, tuple | None]:
    """A model: how to build it, if anybody can; what is known of it; how it is compiled."""
    import keras

    rebuilt = None
    if type(model) is keras.Sequential:
        rebuilt = "layers", model.layers
    elif type(model) is SAFE["Functional"]:
        rebuilt = "graph", model.get_config()
    known = {
        "name": type(model).__name__,
        "weights": [np.asarray(weight) for weight in model.weights],
        "trainable": [bool(weight.trainable) for weight in model.weights],
        "regularized": bool(model.losses),
        "built": model.built,
        "build": model.get_build_config(),
        "input": getattr(model, "input_shape", None),
    }
    compiled = None
    if model.compiled:
        # Not by get_compile_config, which refuses what cannot be saved, such as a lambda.
        asked = {**model._compile_config.config, "optimizer": model.optimizer}
        compiled = asked, int(model.optimizer.iterations)
    return rebuilt, known, compiled


def _config(thing: Any) -> dict | None:
    """The configuration of a thing of Keras; None if a student's own class gives none."""
    try:
        return thing.get_config()
    except Exception:  # whatever a student's own class raises
        return None


def _numbers(value: Any) -> np.ndarray | None:
    """What NumPy makes of a tensor, a table and the like; None if that are no numbers."""
    try:
        numbers = np.asarray(value) if hasattr(value, "__array__") else None
    except Exception:  # whatever it raises
        return None
    return numbers if numbers is not None and _can_be_sent(numbers) else None


def _can_be_sent(value: Any) -> bool:
    return value.dtype.kind in KINDS and value.nbytes <= LARGEST


def _parameters(function: Any) -> list | None:
    """Name, kind and whether there is a default, of each; None where nobody knows."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[each.name, each.kind.value, each.default is not each.empty] for each in parameters]
