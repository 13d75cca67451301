"""`check_count`: judge a number of parameters counted by hand, and name the usual slips."""

import functools
import itertools
import math
import numbers
from typing import Any

from ..course import (
    COUNT,
    COUNT_SLIPS,
    OPTIMISER,
    PARTS,
    CountedLayer,
    Part,
    Slip,
    count_hints,
    no_slip,
)
from .findings import slipped
from .judging import judged, kind_of, untouched
from .network import chosen_part
from .verdicts import CheckResult


def check_count(part: str, number: Any) -> CheckResult:
    """Judge a number of parameters that you counted by hand, and find the slip in a wrong one.

    Parameters
    ----------
    part
        As in `check`.
    number
        Weights and biases of the part's network.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.check_count("linear", 7850)
    Not yet: 7,850 is too few.
      - the output layer is forgotten
    Right so far: 1 of 2.
    """
    chosen = chosen_part(part)
    judge = functools.partial(_judge, chosen)
    hints = count_hints(_layers(part))
    return judged(
        number, judge, hints, lambda: arithmetic(chosen), rubric=COUNT, question=f"{part}, count"
    )


def _judge(part: Part, number: Any) -> CheckResult:
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        what, _ = kind_of(number)
        return CheckResult("wrong", f"This is {what}: give the number of parameters.")
    if number == part.parameters:
        right = f"Right: the network of part {part.key} has {part.parameters:,} parameters."
        return CheckResult("right", right)
    amount = "few" if number < part.parameters else "many"
    slip = find_slip(part, number) or no_slip(_layers(part.key))
    return CheckResult("wrong", f"Not yet: {number:,} is too {amount}.", [slipped(slip, "count")])


def arithmetic(part: Part) -> str:
    """The number of parameters worked out layer by layer, in words."""
    lines = [
        f"{it.name}: {it.window * it.inputs:,} · {it.units:,} + {it.biases:,} = {it.sum:,}"
        for it in _layers(part.key)
    ]
    return "\n".join([*lines, f"together: {part.parameters:,}"])


def find_slip(part: Part, number: float) -> Slip | None:
    """Find the slip, or the two slips, that lead to a wrong number; None if no usual one does."""
    layers = _layers(part.key)
    slips = [*COUNT_SLIPS, *map(_forgotten, layers)]
    known: dict[float, Slip] = {}
    for slip in slips:
        known.setdefault(sum(it.times(slip.answer(it)).sum for it in layers), slip)
    for one, other in itertools.combinations(slips, 2):
        both = sum(it.times(one.answer(it)).times(other.answer(it)).sum for it in layers)
        known.setdefault(both, one.and_also(other))
    known |= {
        it.sum: Slip(None, f"this is {it.name} alone", free=True)
        for it in layers
        if it.sum not in known
    }
    for copies in (1, 2, 3):  # Adam keeps two numbers for each parameter, and two of its own
        known[copies * part.parameters + 2] = OPTIMISER
    for other in PARTS.values():
        slip = Slip(None, f"this is the number of part {other.key}", free=True)
        known.setdefault(other.parameters, slip)
    return known.get(number)


def _forgotten(layer: CountedLayer) -> Slip:
    gone = {"units": 0, "biases": 0}
    return Slip(lambda it: gone if it.name == layer.name else {}, f"{layer.name} is forgotten")


@functools.cache
def _layers(key: str) -> list[CountedLayer]:
    with untouched():
        weighted = [layer for layer in PARTS[key].build().layers if layer.weights]
    layers: list[CountedLayer] = []
    for index, layer in enumerate(weighted, 1):
        (*window, inputs, units), (biases,) = (weight.shape for weight in layer.weights)
        name = "the output layer" if index == len(weighted) else f"hidden layer {index}"
        flattened = bool(layers) and inputs != layers[-1].units
        positions = math.prod(layer.output.shape[1:-1])
        layers.append(
            CountedLayer(name, math.prod(window), inputs, units, biases, positions, flattened)
        )
    return layers
