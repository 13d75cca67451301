"""Counting the parameters of a part by hand: the sums, and the classic slips in them."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

from ..parts import PARTS, Part
from .verdicts import untouched


class _Layer(NamedTuple):
    name: str
    window: int  # pixels of a convolution's kernel; 1 in a dense layer
    inputs: int  # numbers that come in at each pixel of the window
    units: int
    biases: int
    positions: int  # pixels at which a convolution's kernel is applied; 1 in a dense layer
    flattened: bool  # whether its inputs are pixels of maps

    @property
    def sum(self) -> int:
        return self.window * self.inputs * self.units + self.biases

    def times(self, factors: dict[str, float]) -> "_Layer":
        return self._replace(**{k: round(getattr(self, k) * by) for k, by in factors.items()})


_PER_PIXEL = "a convolution uses one kernel for all pixels, so it is not counted for each pixel"
_DROPOUT = "dropout takes no parameters away: it only pauses units, in training"
# In a slip, the figures of a layer are multiplied by something. In the last two dropout is taken
# to halve what each hidden layer sends on, and the hidden layers themselves.
_SLIPS: list[tuple[str, Callable[[_Layer], dict[str, float]]]] = [
    ("the biases are forgotten", lambda _: {"biases": 0}),
    ("an image has 28 · 28 = 784 pixels, not 28", lambda it: {"inputs": _if(it, 784, 1 / 28)}),
    (_PER_PIXEL, lambda it: {"window": it.positions}),
    (_PER_PIXEL, lambda it: {"window": it.positions, "biases": it.positions}),
    (
        "the input channels are forgotten: a kernel reaches through all maps that come in",
        lambda it: {"inputs": 1 / it.inputs if it.window > 1 else 1},
    ),
    (
        "the second pooling is forgotten: it leaves a quarter of the pixels",
        lambda it: {"inputs": 4 if it.flattened else 1},
    ),
    (
        "pooling is forgotten: each leaves a quarter of the pixels",
        lambda it: {"inputs": 16 if it.flattened else 1},
    ),
    (_DROPOUT, lambda it: {"inputs": _if(it, 1500, 0.5)}),
    (
        _DROPOUT,
        lambda it: {"inputs": _if(it, 1500, 0.5), **dict.fromkeys(("units", "biases"), _half(it))},
    ),
]


def _if(layer: _Layer, inputs: int, factor: float) -> float:
    return factor if layer.inputs == inputs else 1


def _half(layer: _Layer) -> float:
    return 0.5 if layer.units == 1500 else 1


def arithmetic(part: Part) -> str:
    """The sum, layer by layer."""
    lines = [
        f"{it.name}: {it.window * it.inputs:,} · {it.units:,} + {it.biases:,} = {it.sum:,}"
        for it in _layers(part.key)
    ]
    return "\n".join([*lines, f"together: {part.parameters:,}"])


def slip(part: Part, number: float) -> str:
    """Which slip, or which two, lead to a wrong number; empty if it is none of the classic ones."""
    layers = _layers(part.key)
    slips = list(_SLIPS)
    for layer in layers:
        gone = {"units": 0, "biases": 0}
        slips.append(
            (
                f"{layer.name} is forgotten",
                lambda it, name=layer.name, gone=gone: gone if it.name == name else {},
            )
        )
    known: dict[float, str] = {}
    for words, change in slips:
        known.setdefault(sum(it.times(change(it)).sum for it in layers), words)
    for (words, change), (others, another) in itertools.combinations(slips, 2):
        both = sum(it.times(change(it)).times(another(it)).sum for it in layers)
        known.setdefault(both, f"{words}; and {others}")
    known |= {it.sum: f"this is {it.name} alone" for it in layers if it.sum not in known}
    for copies in (1, 2, 3):  # Adam keeps two numbers for each parameter, and two of its own
        known[copies * part.parameters + 2] = "the optimiser's own numbers are no parameters"
    for other in PARTS.values():
        known.setdefault(other.parameters, f"this is the number of part {other.key}")
    return known.get(number, "")


@functools.cache
def _layers(key: str) -> list[_Layer]:
    with untouched():
        weighted = [layer for layer in PARTS[key].build().layers if layer.weights]
    layers: list[_Layer] = []
    for index, layer in enumerate(weighted, 1):
        (*window, inputs, units), (biases,) = (weight.shape for weight in layer.weights)
        name = "the output layer" if index == len(weighted) else f"hidden layer {index}"
        flattened = bool(layers) and inputs != layers[-1].units
        positions = math.prod(layer.output.shape[1:-1])
        layers.append(_Layer(name, math.prod(window), inputs, units, biases, positions, flattened))
    return layers
