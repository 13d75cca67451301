"""Makes things again of what a student's process tells, for the lab's own checks to judge.

Numbers, arrays, layers and networks of Keras are made anew. What cannot be made anew, such as a
function or a layer of a student's own class, is a stand-in that asks the student's process.
"""

import functools
import inspect
import operator
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from ..descriptions import Description, Elsewhere
from ..runs import Run
from .kinds import ALLOWED, BASES, OWN, SAFE
from .wire import MalformedError

# How Keras' configurations write what is no object of a class.
_PLAIN = {"__keras_tensor__", "__numpy__", "__tensor__", "__tuple__", "DTypePolicy"}


class UnsafeError(Exception):
    """A configuration that names something else than Keras' own layers and the like."""


class Hearing:
    """What was told of one answer, made again.

    Parameters
    ----------
    ask
        Sends a request to the student's process, and returns what it tells.
    """

    def __init__(self, ask: Callable[..., Any]):
        self._ask = ask
        self._made: dict[int, Any] = {}

    def hear(self, told: Any, arrays: Sequence[np.ndarray]) -> Any:
        """Make a value again.

        Raises
        ------
        MalformedError
            If that is not possible: it was not told by `Teller`.
        """
        try:
            return self._hear(told, arrays)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError) as why:
            raise MalformedError from why

    def _hear(self, told: Any, arrays: Sequence[np.ndarray]) -> Any:
        if not isinstance(told, list):
            return told
        kind, *about = told
        if kind in ("keras", "foreign", "model", "function", "callable", "partial"):
            handle, *about = about
            if handle not in self._made:
                parts = [self._hear(each, arrays) for each in about]
                self._made[handle] = getattr(self, f"_{kind}")(handle, *parts)
            return self._made[handle]
        return getattr(self, f"_plain_{kind}")(arrays, *about)

    # Plain data.

    def _plain_int(self, _: Any, text: str) -> int:
        return int(text, 16)

    def _plain_complex(self, _: Any, real: float, imaginary: float) -> complex:
        return complex(real, imaginary)

    def _plain_symbol(self, arrays: Sequence[np.ndarray], shape: list) -> keras.KerasTensor:
        return keras.KerasTensor(self._hear(shape, arrays))

    def _plain_ellipsis(self, _: Any) -> Any:
        return ...

    def _plain_array(self, arrays: Sequence[np.ndarray], index: int) -> np.ndarray:
        return arrays[index]

    def _plain_scalar(self, arrays: Sequence[np.ndarray], index: int) -> np.generic:
        return arrays[index][()]

    def _plain_list(self, arrays: Sequence[np.ndarray], parts: list) -> list:
        return [self._hear(each, arrays) for each in parts]

    def _plain_tuple(self, arrays: Sequence[np.ndarray], parts: list) -> tuple:
        return tuple(self._plain_list(arrays, parts))

    def _plain_dict(self, arrays: Sequence[np.ndarray], pairs: list) -> dict:
        return {self._hear(key, arrays): self._hear(value, arrays) for key, value in pairs}

    def _plain_own(self, arrays: Sequence[np.ndarray], name: str, about: list) -> Any:
        return OWN[name](**self._hear(about, arrays))

    def _plain_class(self, _: Any, name: str, module: str) -> type:
        known = SAFE.get(name)
        return known if known and known.__module__ == module else type(name, (), {})

    def _plain_history(self, arrays: Sequence[np.ndarray], about: list, model: list) -> Any:
        history = keras.callbacks.History()
        vars(history).update(self._hear(about, arrays))
        history.set_model(self._hear(model, arrays))
        return history

    def _plain_thing(
        self, arrays: Sequence[np.ndarray], name: str, module: str, words: str, array: list | None
    ) -> Any:
        about: dict[str, Any] = {"__module__": module, "__repr__": lambda _: words}
        if array is not None:
            numbers = self._hear(array, arrays)
            about["__array__"] = lambda _, dtype=None, copy=None: np.array(numbers, dtype)
            about["__float__"] = lambda _: float(numbers)
            about["__len__"] = lambda _: len(numbers)
        return type(name, (), about)()

    # Functions.

    def _function(self, handle: int, name: str, parameters: list | None) -> Callable:
        def stand_in(*arguments: Any) -> Any:
            return self._call(handle, arguments)

        stand_in.__name__ = name
        if parameters is not None:
            stand_in.__signature__ = inspect.Signature([_parameter(*each) for each in parameters])
        return stand_in

    def _callable(self, handle: int, name: str, module: str) -> Any:
        about = {"__module__": module, "__call__": lambda _, *given: self._call(handle, given)}
        return type(name, (), about)()

    def _partial(self, handle: int, function: Callable, keywords: dict) -> functools.partial:
        about = {"__call__": lambda _, *given: self._call(handle, given)}
        return type("partial", (functools.partial,), about)(function, **keywords)

    def _call(self, handle: int, arguments: tuple) -> Any:
        returned, changed = self._ask("call", handle, pickle.dumps(arguments))
        for place, after in changed.items():
            _put(after, arguments[place])
        return returned

    # Keras.

    def _keras(self, handle: int, name: str, config: dict | None, base: str, module: str) -> Any:
        try:
            return SAFE[name].from_config(_safe(config))
        except (UnsafeError, TypeError, ValueError):  # Keras' own words for a lambda
            return self._foreign(handle, name, config, base, module)

    def _foreign(self, handle: int, name: str, config: dict | None, base: str, module: str) -> Any:
        """A stand-in for an object of a student's own class, which only says what it is."""

        def get_config(_: Any) -> dict:
            if config is None:
                raise NotImplementedError
            return dict(config)

        about: dict[str, Any] = {"__module__": module, "get_config": get_config}
        if base == "schedule":
            about["__call__"] = lambda _, iteration: self._call(handle, (iteration,))
        if base == "layer":
            about["call"] = lambda _, inputs: inputs
        kind = type(name, (_StandIn, BASES[base]), about)
        # A layer's place in a network is found by its name.
        needs = {
            "optimizer": {"learning_rate": 0.01},
            "layer": {"name": (config or {}).get("name")},
        }
        return kind(**needs.get(base, {}))

    def _model(self, handle: int, rebuilt: tuple | None, known: dict, compiled: list | None) -> Any:
        try:
            model = _built(rebuilt, known)
        except (UnsafeError, TypeError, ValueError):
            model = Told(functools.partial(self._ask, handle=handle), known)
        if compiled:
            asked, iterations = compiled
            model.compile(**asked)
            model.optimizer.iterations.assign(iterations)
        return model


class _StandIn:
    """What could not be made anew."""


class Told(_StandIn, Elsewhere, keras.Model):
    """A stand-in for a network that only the student's process can compute."""

    def __init__(self, ask: Callable[..., Any], known: dict):
        super().__init__()
        self._ask = ask
        pairs = zip(known["weights"], known["trainable"], strict=True)
        self.own = [keras.Variable(value, trainable=trainable) for value, trainable in pairs]
        self._known = known
        self.built = known["built"]

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._known["input"] or (None,)

    @property
    def losses(self) -> list:
        return [0.0] if self._known["regularized"] else []

    def get_build_config(self) -> dict | None:
        return self._known["build"]

    def call(self, images: Any, training: bool = False) -> np.ndarray:
        values = [np.asarray(weight) for weight in self.own]
        return self._ask("outputs", values=values, images=np.asarray(images), training=training)

    def predict(self, images: np.ndarray, **_: Any) -> np.ndarray:
        return self._ask("predict", images=images)

    def described(self, shape: tuple[int, ...] | None) -> Description:
        return self._ask("describe", shape=shape)


def _built(rebuilt: tuple | None, known: dict) -> keras.Model:
    """Build a network of Keras' own layers, with its weights."""
    if rebuilt is None:
        raise UnsafeError
    kind, parts = rebuilt
    if kind == "layers":
        if any(isinstance(layer, _StandIn) for layer in parts):
            raise UnsafeError
        model = keras.Sequential([keras.Input(known["input"][1:])] if known["built"] else [])
        for layer in parts:
            model.add(layer)
    else:
        model = keras.Model.from_config(_safe(parts))
    for weight, trainable in zip(model.weights, known["trainable"], strict=True):
        weight.trainable = trainable
    model.set_weights(known["weights"])
    return model


def _safe(config: Any) -> Any:
    """A configuration that names Keras' own classes alone, by where they really are.

    Keras imports whatever module a configuration names.

    Raises
    ------
    UnsafeError
        If it names anything else.
    """
    if isinstance(config, list | tuple):
        return type(config)(_safe(each) for each in config)
    if not isinstance(config, dict):
        return config
    safe = {key: _safe(value) for key, value in config.items()}
    if (name := config.get("class_name")) is None or name in _PLAIN:
        return safe
    try:
        found = operator.attrgetter(f"{config['module']}.{name}".removeprefix("keras."))(keras)
    except (KeyError, AttributeError):
        raise UnsafeError(name) from None
    if not isinstance(found, type) or found not in ALLOWED:
        raise UnsafeError(name)
    return {**safe, "registered_name": None}


def _parameter(name: str, kind: int, has_default: bool) -> inspect.Parameter:
    default = None if has_default else inspect.Parameter.empty
    return inspect.Parameter(name, inspect._ParameterKind(kind), default=default)


def _put(after: Any, into: Any) -> None:
    """Change an argument as the student's function has changed its own copy of it."""
    if isinstance(into, Run):
        vars(into).update(vars(after))
    else:
        into[slice(None)] = after  # of an array, whose shape stays, or of a list
