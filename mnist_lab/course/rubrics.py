"""What the parts of a question are worth, and what each fault costs of them.

A right answer has all parts. A fault that a rubric does not list costs them all: where nothing can
be compared, nothing is right.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .tasks import (
    Built,
    Estimate,
    Function,
    Layer,
    Layers,
    Mended,
    Program,
    Schedule,
    Task,
    Trained,
    Value,
)

HALF = 0.5  # what a usual mistake costs of the parts that it makes wrong


@dataclass(frozen=True)
class Rubric:
    """How the points of a question are divided.

    Attributes
    ----------
    weights : dict of str to float
        What each part of an answer is worth, beside the others.
    costs : dict of str to dict of str to float
        What a fault costs: of each part the share that is lost. A fault goes by "topic: figure" of
        its finding, or by the topic alone; a wrong number of layers also by "no dropout",
        "missing dropout" and "missing", or "extra dropout" and "extra".
    slips : bool
        Whether the question has usual slips, which cost half.
    """

    weights: Mapping[str, float]
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    slips: bool = False

    def steps(self, part: str) -> tuple[float, ...]:
        """The shares of a part that can be right, without none."""
        halves = self.slips or any(costs.get(part) == HALF for costs in self.costs.values())
        return (HALF, 1) if halves else (1,)

    def weighted(self, weights: Mapping[str, float]) -> "Rubric":
        """The same with other weights."""
        return replace(self, weights={**self.weights, **weights})


def share(weights: Mapping[str, float], reached: Mapping[str, float]) -> float:
    """The share of the points, from 0 to 1, by the share that is reached of each part."""
    got = sum(weight * reached.get(part, 0) for part, weight in weights.items())
    return got / sum(weights.values())


def _each(cost: float, parts: Iterable[str]) -> dict[str, float]:
    return dict.fromkeys(parts, cost)


def _alike(faults: Iterable[str], costs: Mapping[str, float]) -> dict[str, Mapping[str, float]]:
    return dict.fromkeys(faults, costs)


_OF_LAYERS = ("layers", "structure", "number", "behaviour")
_OF_COMPILE = ("optimiser", "loss", "metrics", "compile")


def _build(**others: float) -> Rubric:
    """Of the layers alone; how they are compiled is asked elsewhere."""
    parts = {"layers": 2, "sizes": 1, "activations": 1, "initial values": 1, **others}
    return Rubric(
        parts,
        {
            **_alike(_OF_COMPILE, {"layers": HALF}),
            "layers": {"sizes": 1},
            "layers: activation": {"activations": 1},
            "layers: initial weights": {"initial values": 1},
            "layers: initial bias": {"initial values": 1},
            **{f"layers: {other}": {other: 1} for other in others},
            **{f"behaviour: measured {other}": {other: 1} for other in others},
            "structure": {"layers": 1},
            "extra": {"layers": 1},
            # The other layers are all there, and were compared.
            **_alike(("missing max pooling", "missing flatten"), {"layers": 1, "sizes": 1}),
            "missing dropout": {"layers": 1},
            "no dropout": _each(1, parts),  # that is the network of the part before
        },
    )


BUILD = _build()
BUILD_DROPOUT = _build(rate=1)
_COMPILED = {"optimiser": 1, "hyperparameters": 1, "loss": 1, "metrics": 1}
COMPILE = Rubric(
    _COMPILED,
    {
        **_alike(_OF_LAYERS, {"hyperparameters": HALF}),
        "optimiser: optimiser": {"optimiser": 1, "hyperparameters": 1},
        "optimiser": {"hyperparameters": 1},
        "loss": {"loss": 1},
        "metrics": {"metrics": 1},
    },
)
_PREPARED = {"shape": 1, "scale": 1, "labels": 1}
DATA = Rubric(
    _PREPARED,
    {
        # Images that nobody recognises say nothing about the order of their labels.
        "images": {"shape": 1, "scale": 1, "labels": HALF},
        "images: not scaled": {"scale": 1},
        **_alike(
            ("images: scaled twice", "images: divided", "images: standardised", "images: range"),
            {"scale": 1, "labels": HALF},
        ),
        "images: black and white": {"scale": 1, "labels": HALF},
        "images: own scale": {"scale": 1, "labels": HALF},
        "labels": {"labels": 1},
    },
)
COUNT = Rubric({"number": 2}, slips=True)
PLAIN = Rubric({"answer": 1})  # of a question that the course does not know


@functools.singledispatch
def rubric_of(task: Task) -> Rubric:
    """The usual rubric of a task."""
    raise TypeError(f"nothing is known of a {type(task).__name__}")


@rubric_of.register(Value)
@rubric_of.register(Function)
def _(task: Value | Function) -> Rubric:
    parts = _each(2, task.names or ("values",))
    changes = {"answer: changes": _each(HALF, parts)}
    if task.names:
        return Rubric(parts, changes, slips=True)
    near = ("rounded", "factor", "other order")
    return Rubric(
        parts, {f"answer: {each}": _each(HALF, parts) for each in near} | changes, slips=True
    )


@rubric_of.register(Estimate)
@rubric_of.register(Schedule)
def _(_: Estimate | Schedule) -> Rubric:
    return Rubric({"values": 2}, slips=True)


@rubric_of.register
def _(_: Layer) -> Rubric:
    parts = {"sizes": 1, "activation": 1, "initial values": 1}
    costs = {
        "layers": {"sizes": 1},
        "layers: activation": {"activation": 1},
        "layers: initial weights": {"initial values": 1},
        "layers: initial bias": {"initial values": 1},
        "answer: same layer": {"sizes": HALF},
        "answer: same for all": {"sizes": 1},
    }
    return Rubric(parts, costs)


@rubric_of.register
def _(_: Layers) -> Rubric:
    return Rubric({"layers": 2}, {"layers": {"layers": HALF}}, slips=True)


@rubric_of.register
def _(_: Built) -> Rubric:
    parts = {"layers": 2, "figures": 2, "optimiser": 1, "loss": 1, "metrics": 1}
    costs = {
        "layers": {"figures": HALF},
        "optimiser": {"optimiser": 1},
        "loss": {"loss": 1},
        "metrics": {"metrics": 1},
        "compile": {"optimiser": 1, "loss": 1, "metrics": 1},
    }
    return Rubric(parts, costs)


@rubric_of.register
def _(_: Trained) -> Rubric:
    parts = {"epochs": 1, "seed": 1}
    # The network comes from another question: trained as it should be, a wrong one counts half.
    costs = _alike((*_OF_LAYERS, *_OF_COMPILE), _each(HALF, parts)) | {
        "run: epochs": {"epochs": 1},
        "run: seed": {"seed": 1},
        "run: batch_size": {"epochs": HALF},
        "answer: stopped": {"epochs": 1},
    }
    return Rubric(parts, costs)


@rubric_of.register
def _(_: Program) -> Rubric:
    parts = ("network", "compiling", "training", "batches", "validation")
    costs = {
        **_alike(_OF_LAYERS, {"network": 1}),
        **_alike(_OF_COMPILE, {"compiling": 1}),
        "training": {"training": 1},
        # A run that diverged has validated nothing.
        "training: large losses": {"training": 1, "validation": 1},
        "batches": {"batches": 1},
        "validation": {"validation": 1},
    }
    return Rubric(_each(1, parts), costs)


_FIT = ("answer: other epochs", "answer: other batches", "images: size")


@rubric_of.register
def _(_: Mended) -> Rubric:
    costs = _alike((*_FIT, *_OF_LAYERS, *_OF_COMPILE), {"nothing else": 1})
    return Rubric({"the bug": 3, "nothing else": 1}, costs)


# Where the bug is in the network, or shows only once a program with the right network has trained.
MENDED_NETWORK = Rubric({"the bug": 3, "nothing else": 1}, _alike(_FIT, {"nothing else": 1}))
MENDED_LEARNING = Rubric({"it learns": 1})
