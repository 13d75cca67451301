"""Compare two descriptions of a network: each difference is a finding."""

import re
from collections import Counter
from dataclasses import replace

from ..descriptions import Description, differences, in_words
from .findings import Finding
from .reading import topic

# A network that differs in one of these may still compute the same: calling it decides.
_MATTERS_OF_WORDS = {"layers", "input", "activation", "initial weights", "initial bias"}
# Names from Keras can be trusted; what has another name has to be called.
_OF_KERAS = re.compile(
    "(linear|relu|elu|gelu|tanh|sigmoid|softmax|zeros|ones|constant|random|glorot|he|lecun)\\b"
)


def compare(found: Description, asked: Description) -> list[Finding]:
    """Find what differs; hidden layers with the same difference are one finding.

    Parameters
    ----------
    found, asked
        What `describe` says of the student's model and of the part's.
    """
    unlike = differences(found, asked)
    alike: dict[tuple[str, ...], tuple[Finding, list[str]]] = {}
    for key, (this, that) in unlike.items():
        kind = topic(key)
        # A layer, optimiser or loss of another kind has other figures: naming the kind is enough.
        other_kind = kind in unlike and (that is None or key == "epsilon")
        if key == "layers" or this is None or other_kind:
            continue
        place, _, figure = key.rpartition(": ")
        if not place and kind == "optimiser" != key:
            place = kind
        usual = not this if that is None and isinstance(this, bool) else that
        group = place.rstrip(" 0123456789"), figure, in_words(this), in_words(usual)
        _, places = alike.setdefault(group, (Finding(figure, this, usual, topic=kind), []))
        places.append(place)
    structure = _structure(*unlike["layers"], found) if "layers" in unlike else []
    figures = [replace(each, place=_joined(places)) for each, places in alike.values()]
    return structure + figures


def perhaps_the_same(found: Description, asked: Description) -> bool:
    """Whether two networks that are described differently might still do the same."""
    unlike = differences(found, asked)
    if isinstance(found["layers"], str):
        return True
    if "layers" not in unlike and any(
        _OF_KERAS.match(in_words(this)) for this, _ in unlike.values()
    ):
        return False
    both = {key for key, pair in unlike.items() if None not in pair or "layers" not in unlike}
    return {key.rpartition(": ")[2] for key in both} <= _MATTERS_OF_WORDS


def _joined(places: list[str]) -> str:
    """Several layers in words: "hidden layers 1, 2 and 3"."""
    if len(places) == 1:
        return places[0]
    hidden = places[0].startswith("hidden layer")
    *first, last = [place.removeprefix("hidden layer ") for place in places]
    return ("hidden layers " if hidden else "") + ", ".join(first) + " and " + last


def _structure(found: list[str], asked: list[str], description: Description) -> list[Finding]:
    """How two lists of layers differ."""
    figures = []
    if found[-1:] == ["dropout"]:
        figures.append(Finding("dropout at the end"))
    if found[:1] == ["dropout"]:
        figures.append(Finding("dropout at the beginning"))
    counts, wanted = Counter(found), Counter(asked)
    for kind in dict.fromkeys([*asked, *found]):
        if kind == "activation":
            extra = [str(v) for k, v in description.items() if k.startswith("activation")]
            softmax = "softmax" in extra
            figures.append(Finding("another softmax" if softmax else "another activation", extra))
        elif counts[kind] != wanted[kind]:
            figures.append(Finding(kind, counts[kind], wanted[kind], topic="number"))
    figures = figures or [Finding("order", found, asked)]
    return [
        replace(each, place="layers", topic="structure" if each.topic == "answer" else each.topic)
        for each in figures
    ]
