"""Which parts of an answer are right, from what was found."""

from collections.abc import Iterable, Mapping

from ..course import Rubric
from .findings import Finding, faults


def reached(findings: Iterable[Finding], rubric: Rubric) -> dict[str, float]:
    """The share that is reached of each part; several faults add up."""
    lost = dict.fromkeys(rubric.weights, 0.0)
    for fault in faults(findings):
        for part, cost in _costs(fault, rubric).items():
            lost[part] += cost
    return {part: 1 - min(1, cost) for part, cost in lost.items()}


def _costs(fault: Finding, rubric: Rubric) -> Mapping[str, float]:
    for name in _names(fault):
        if name in rubric.costs:
            return rubric.costs[name]
    return dict.fromkeys(fault.parts or rubric.weights, fault.cost)


def _names(fault: Finding) -> list[str]:
    """What a rubric may call a fault, the particular before the general."""
    names = [f"{fault.topic}: {fault.figure}", fault.topic]
    if fault.topic != "number":
        return names
    kind, found, asked = fault.figure, fault.found, fault.asked
    if found > asked:
        return [f"extra {kind}", "extra", *names]
    return [*([] if found else [f"no {kind}"]), f"missing {kind}", "missing", *names]
