"""Notebook 7: how sure is it?"""

import functools

import numpy as np

from .measures import drawn
from .tasks import Answer, Function, Notebook, Slip


def _ece(probabilities: np.ndarray, truth: np.ndarray, *, part: str = "") -> float:
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((10 * confidence).astype(int), 9)
    total = 0.0
    for own in (bins == number for number in np.unique(bins)):
        distance = right[own].mean() - confidence[own].mean()
        distance = distance if part == "signed" else abs(distance)
        total += distance * {"unweighted": 1, "counted": own.sum()}.get(part, own.mean())
    return 100 * total


def _some_answers(seed: int | None = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Probabilities of two networks for a few hundred images, with the true digits."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(300, 10)) * random.uniform(0.5, 4, (300, 1))
    said = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    truth = np.where(random.random(300) < 0.6, said.argmax(axis=1), random.integers(0, 10, 300))
    return [(said, truth), (said[:50], truth[:50])]


def _at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def _reviewed(
    probabilities: np.ndarray, truth: np.ndarray, share: float, *, sign: int = 1, of: str = "all"
) -> float:
    """Wrong answers that are left, in percent of all, once the least sure have been read again."""
    wrong = probabilities.argmax(axis=1) != truth
    order = np.argsort(sign * probabilities.max(axis=1), kind="stable")
    read, left = np.split(wrong[order], [round(share * len(truth))])
    return 100 * {"all": left.sum() / len(truth), "left": left.mean(), "read": read.mean()}[of]


_ANSWERS = {
    "ece": Answer(
        "this is the expected calibration error in points",
        Function(
            _ece,
            (
                Slip(
                    functools.partial(_ece, part="unweighted"),
                    "each bin counts by its share of the images, own.mean()",
                ),
                Slip(
                    functools.partial(_ece, part="signed"),
                    "a distance is never negative",
                    "abs(...)",
                ),
                Slip(
                    lambda *said: -_ece(*said, part="signed"),
                    "a distance is never negative",
                    "abs(...)",
                ),
                Slip(
                    functools.partial(_ece, part="counted"),
                    "that multiplies by the number of images in the bin",
                    "by their share of all images, own.mean()",
                ),
                Slip(lambda *said: 100 * _ece(*said), "it is multiplied by 100 at the end already"),
            ),
            lambda: _some_answers() + _some_answers(None),
        ),
        (
            "right[own].mean() is how many of the bin are right.",
            "Add abs(right - sure) times own.mean().",
        ),
    ),
    "cool": Answer(
        "these are the probabilities at that temperature",
        Function(
            _at_temperature,
            (
                Slip(
                    lambda said, heat: _at_temperature(said, 1 / heat), "the power is 1 / T, not T"
                ),
                Slip(
                    lambda said, heat: said ** (1 / heat),
                    "they do not add up to 1",
                    "divide by the sum of each row",
                ),
                Slip(
                    lambda said, heat: said ** (1 / heat) / (said ** (1 / heat)).sum(),
                    "divided by the sum of all",
                    "each row adds up to 1, axis=1",
                ),
                Slip(
                    lambda said, heat: said / heat,
                    "that divides the probabilities by T",
                    "** comes before /, so the power is ** (1 / temperature)",
                ),
                Slip(
                    lambda said, _: said,
                    "the temperature changes nothing",
                    "** comes before /, so the power is ** (1 / temperature)",
                    free=True,
                ),
            ),
            lambda: [
                *((_some_answers()[1][0], heat) for heat in (1.0, 2.0, 0.5)),
                (_some_answers(None)[1][0], drawn(3, 30) / 10),
            ],
        ),
        ("probabilities ** (1 / temperature).", "See sum(axis=1, keepdims=True)."),
    ),
    "review": Answer(
        "these are the mistakes that nobody notices",
        Function(
            _reviewed,
            (
                Slip(
                    functools.partial(_reviewed, sign=-1),
                    "the surest answers are read again",
                    "the least sure come first",
                ),
                Slip(
                    functools.partial(_reviewed, of="left"),
                    "that is a share of the answers that are left",
                    "of all answers, please",
                ),
                Slip(
                    functools.partial(_reviewed, of="read"),
                    "these are the mistakes among those that are read again",
                    "the others are asked for",
                ),
                Slip(
                    lambda *given: _reviewed(*given) / 100,
                    "that is a share",
                    "multiply by 100",
                ),
                Slip(
                    lambda said, truth, share: _reviewed(said, truth, 0),
                    "these are all mistakes",
                    "leave out those that somebody reads again",
                    free=True,
                ),
            ),
            lambda: [
                *((*said, share) for said in _some_answers() for share in (0.1, 0.5)),
                (*_some_answers(None)[0], drawn(1, 9) / 10),
            ],
        ),
        (
            'np.argsort(..., kind="stable") of the confidence puts the least sure first.',
            "order[round(share * len(order)) :] are the answers that nobody reads again.",
        ),
    ),
}
NOTEBOOK = Notebook("sure", answers=_ANSWERS)
