"""Counting the parameters of a part by hand: the sums, and the classic slips in them."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

from .parts import PARTS, Part


class _Layer(NamedTuple):
    name: str
    window: int  # pixels of a convolution's kernel; 1 in a dense layer
    inputs: int  # numbers that come in at each pixel of the window
    units: int
    biases: int
    positions: int  # pixels at which a convolution's kernel is applied; 1 in a dense layer
    flattened: bool

    @property
    def sum(self) -> int:
        return self.window * self.inputs * self.units + self.biases


_Slip = Callable[[_Layer], _Layer]
_SLIPS: list[tuple[str, _Slip]] = [
    ("the biases are forgotten", lambda layer: layer._replace(biases=0)),
    (
        "an image has 28 · 28 = 784 pixels, not 28",
        lambda layer: layer._replace(inputs=28 if layer.inputs == 784 else layer.inputs),
    ),
    (
        "a convolution uses one kernel for all pixels, so it is not counted for each pixel",
        lambda layer: layer._replace(window=layer.window * layer.positions),
    ),
    (
        "a convolution uses one kernel for all pixels, so it is not counted for each pixel",
        lambda layer: layer._replace(
            window=layer.window * layer.positions, biases=layer.biases * layer.positions
        ),
    ),
    (
        "the input channels are forgotten: a kernel reaches through all maps that come in",
        lambda layer: layer._replace(inputs=1 if layer.window > 1 else layer.inputs),
    ),
    (
        "the second pooling is forgotten: it leaves a quarter of the pixels",
        lambda layer: layer._replace(inputs=layer.inputs * (4 if layer.flattened else 1)),
    ),
    (
        "pooling is forgotten: each leaves a quarter of the pixels",
        lambda layer: layer._replace(inputs=layer.inputs * (16 if layer.flattened else 1)),
    ),
]
_DROPOUT = "dropout takes no parameters away: it only pauses units, in training"
_DROPOUT_SLIPS: list[tuple[str, _Slip]] = [
    (_DROPOUT, lambda layer: layer._replace(inputs=layer.inputs // (1 + (layer.inputs != 784)))),
    (_DROPOUT, lambda layer: layer._replace(units=layer.units // 2, biases=layer.biases // 2)),
    (
        _DROPOUT,
        lambda layer: layer._replace(
            inputs=layer.inputs // (1 + (layer.inputs != 784)),
            units=layer.units // (1 + (layer.units != 10)),
            biases=layer.biases // (1 + (layer.units != 10)),
        ),
    ),
]


def arithmetic(part: Part) -> str:
    """The sum, layer by layer."""
    lines = [
        f"{each.name}: {each.window * each.inputs:,} · {each.units:,} + {each.biases:,} = "
        f"{each.sum:,}"
        for each in _layers(part)
    ]
    return "\n".join([*lines, f"together: {part.parameters:,}"])


def slip(part: Part, number: float) -> str:
    """Which slip, or which two, lead to a wrong number; empty if it is none of the classic ones."""
    layers = _layers(part)
    total = part.parameters
    slips = list(_SLIPS) + (_DROPOUT_SLIPS if "dropout" in part.figures else [])
    for layer in layers:
        slips.append((f"{layer.name} is forgotten", functools.partial(_without, layer.name)))
    known: dict[float, str] = {}
    for words, change in slips:
        known.setdefault(sum(change(layer).sum for layer in layers), words)
    for (words, change), (others, another) in itertools.combinations(slips, 2):
        both = sum(another(change(layer)).sum for layer in layers)
        known.setdefault(both, f"{words}; and {others}")
    for layer in layers:
        known.setdefault(layer.sum, f"this is {layer.name} alone")
        known.setdefault(total + layer.sum, f"{layer.name} is counted twice")
    for own in (total + 2, 2 * total + 2, 3 * total + 2):
        known.setdefault(own, "the optimiser's own numbers are no parameters of the network")
    for other in PARTS.values():
        known.setdefault(other.parameters, f"this is the number of part {other.key}")
    return known.get(number, "")


def _layers(part: Part) -> list[_Layer]:
    weighted = [layer for layer in part.build().layers if layer.weights]
    layers = []
    for index, layer in enumerate(weighted, 1):
        (*window, inputs, units), (biases,) = (weight.shape for weight in layer.weights)
        last = index == len(weighted)
        layers.append(
            _Layer(
                "the output layer" if last else f"hidden layer {index}",
                *(math.prod(window), inputs, units, biases, math.prod(layer.output.shape[1:-1])),
                flattened=bool(layers) and inputs != layers[-1].units,
            )
        )
    return layers


def _without(name: str, layer: _Layer) -> _Layer:
    return layer._replace(units=0, biases=0) if layer.name == name else layer
