"""Notebook 6: an honest test."""

import functools
import itertools
import math
from typing import Any

import numpy as np

from ..data import Dataset, load_mnist
from ..runs import Run, load_records
from .measures import drawn, mnist, p_value
from .tasks import Answer, Function, GivenModel, GivenRun, GivenRuns, Notebook, Slip, Value


def _gain(chooses: list[float], judges: list[float], *, beyond: int = -1) -> float:
    """Points between the epoch that one list of accuracies chooses and another, in a second one."""
    return 100 * (judges[int(np.argmax(chooses))] - judges[beyond])


def _some_accuracies() -> list[tuple[list[float], list[float]]]:
    """Accuracies by epoch, on the images that choose and on those that judge."""
    random = np.random.default_rng().uniform(0.5, 1, (2, 9)).round(4).tolist()
    fixed = [0.5, 0.9, 0.7, 0.6], [0.6, 0.8, 0.85, 0.7]
    return [fixed, ([0.92, 0.9, 0.91], [0.9, 0.91, 0.93]), tuple(random)]


def _best_of(
    right: np.ndarray, order: np.ndarray, *, by: str = "first", means: float = 1
) -> tuple[float, float]:
    """Points by which the network that one half chooses is above the mean, by both halves."""
    halves = [100 * right[:, half].mean(axis=1) for half in np.split(order, 2)]
    best = halves[by == "second"].argmax()
    claimed, real = (half[best] - means * half.mean() for half in halves)
    return claimed, real


def _best_of_each(right: np.ndarray, order: np.ndarray) -> tuple[float, float]:
    """A slip: each half chooses its own."""
    return _best_of(right, order)[0], _best_of(right, order, by="second")[1]


def _some_answers(seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Which images some networks read right, and an order in which the halves disagree."""
    random = np.random.default_rng(seed)
    while True:
        right, order = random.random((4, 60)) < 0.7, random.permutation(60)
        first, second = (right[:, half].sum(axis=1) for half in np.split(order, 2))
        alone = np.sum(first == first.max()) == np.sum(second == second.max()) == 1
        best = first.argmax()
        # Neither the second half's best, nor exactly at its mean, where rounding would decide.
        if alone and best != second.argmax() and second[best] != second.mean():
            return right, order


def _standard_error(accuracy: float, images: int, *, root: bool = True) -> float:
    share = accuracy / 100
    variance = share * (1 - share) / images
    return 100 * (math.sqrt(variance) if root else variance)


def _choice(runs: dict, last: bool = False, first: int = 1) -> tuple:
    """The learning rate and the number of epochs of the best accuracy."""

    def best(run: Run) -> float:
        accuracies = run.history["val_accuracy"]
        return accuracies[-1] if last else max(accuracies)

    rate = max(runs, key=lambda each: best(runs[each]))
    return rate, int(np.argmax(runs[rate].history["val_accuracy"])) + first


def _tested(model: Any, scale: float = 100) -> float:
    from ..training import predict

    data = mnist()  # whose validation images are the test part of a split
    return scale * np.mean(predict(model, data.x_valid).argmax(axis=1) == data.y_valid)


def _split() -> Dataset:
    """As the notebook makes it."""
    return load_mnist().split(validation=10_000, seed=0)


def _on_validation_images(model: Any) -> float:
    from ..training import predict

    split = _split()
    return 100 * np.mean(predict(model, split.x_valid).argmax(axis=1) == split.y_valid)


def _against_other_labels(model: Any) -> float:
    from ..training import predict

    split = _split()
    return 100 * np.mean(predict(model, split.x_test).argmax(axis=1) == split.y_valid)


def _seen(images: int) -> float:
    return 3_000 * 100 / images


def _gains(without: list[Run], having: list[Run]) -> np.ndarray:
    """Points of accuracy that a remedy gains, seed by seed."""
    finals = [[100 * run.history["val_accuracy"][-1] for run in runs] for runs in (having, without)]
    return np.subtract(*finals)


def _remains(iterations: int, learning_rate: float, weight_decay: float) -> float:
    return (1 - learning_rate * weight_decay) ** iterations


def _stopped(
    watched: Run,
    judged: Run,
    criterion: str,
    *,
    smallest: tuple[str, ...] = ("loss",),
    plus: int = 0,
    scale: float = 100,
) -> tuple[int, float, float]:
    """The epoch that one run chooses, and accuracy and loss of another one there."""
    choose = np.argmin if criterion in smallest else np.argmax
    place = int(choose(watched.history[f"val_{criterion}"])) + plus
    return place, scale * judged.history["val_accuracy"][place], judged.history["val_loss"][place]


def _p_value(differences: np.ndarray, **how: float) -> np.floating:
    """Of the mean of paired differences, by flipping signs."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    return p_value((signs * differences).mean(axis=1), np.mean(differences), **how)


_ANSWERS = {
    "flattery": Answer(
        "this is what choosing gains, by the images that judge",
        Function(
            _gain,
            (
                Slip(lambda *lists: -_gain(*lists), "the sign", "the chosen minus the last epoch"),
                Slip(
                    lambda _, judges: _gain(judges, judges),
                    "there the judging images choose, too",
                    "np.argmax(chooses) is the chosen epoch",
                ),
                Slip(
                    lambda chooses, _: _gain(chooses, chooses),
                    "that is measured by the images that choose",
                    "take both accuracies from judges",
                ),
                Slip(
                    functools.partial(_gain, beyond=0),
                    "that is the chosen minus the first epoch",
                    "the last one is [-1]",
                ),
                Slip(lambda *lists: _gain(*lists) / 100, "these are shares; multiply by 100"),
                Slip(
                    lambda chooses, judges: 100 * judges[int(np.argmax(chooses))],
                    "that is the accuracy itself",
                    "take the last one away",
                    free=True,
                ),
            ),
            _some_accuracies,
        ),
        (
            "np.argmax(chooses) is the place of the best epoch.",
            "judges[-1] is the last accuracy of the judging images.",
        ),
    ),
    "halves": Answer(
        "one half chooses, both measure",
        Function(
            _best_of,
            (
                Slip(
                    _best_of_each,
                    "the second half chooses a network of its own",
                    "it judges the one that the first half has chosen",
                ),
                Slip(
                    functools.partial(_best_of, by="second"),
                    "the second half chooses",
                    "the first half of order chooses, the second judges",
                ),
                Slip(
                    lambda right, order: _best_of(right, np.sort(order)),
                    "the images are not shuffled",
                    "order[:half] are the places of the first half",
                ),
                Slip(
                    functools.partial(_best_of, means=0),
                    "these are accuracies",
                    "take away the mean of all networks, of the same half",
                ),
                Slip(
                    lambda *given: tuple(each / 100 for each in _best_of(*given)),
                    "these are shares",
                    "multiply by 100",
                ),
                Slip(lambda *given: _best_of(*given)[::-1], "the claimed one comes first"),
            ),
            lambda: [_some_answers(0), _some_answers(1), _some_answers(None)],
            names=("claimed", "by the other half"),
        ),
        (
            "right[:, order[:half]].mean(axis=1) is each network's accuracy on the first half.",
            "argmax of these is the chosen network; take its accuracy minus the mean, twice.",
        ),
    ),
    "error": Answer(
        "this is the standard error in points",
        Function(
            _standard_error,
            (
                Slip(functools.partial(_standard_error, root=False), "the square root is missing"),
                Slip(
                    lambda accuracy, images: math.nan,
                    "that is the root of a negative number",
                    "p is a share from 0 to 1, accuracy / 100",
                ),
                Slip(
                    lambda accuracy, images: _standard_error(accuracy, images) / 100,
                    "that is a share; one point is 1 %",
                ),
                Slip(
                    lambda accuracy, _: _standard_error(accuracy, 1),
                    "that is not divided by the number of images",
                ),
                Slip(
                    lambda accuracy, images: _standard_error(accuracy, 1) / images,
                    "the root is of all of it, the number of images too",
                ),
            ),
            lambda: [(50, 100), (98.3, 10_000), (91.0, 2_500), (drawn(2, 99), drawn(2, 9_999))],
        ),
        ("p is accuracy / 100.", "100 * np.sqrt(p * (1 - p) / images)."),
    ),
    "choose": Answer(
        "this network reads the validation images best",
        Value(
            _choice,
            (
                Slip(
                    lambda runs: _choice(runs, first=0), "Python counts epochs from 0", "one more"
                ),
                Slip(
                    lambda runs: _choice(runs, last=True),
                    "that rate is best at its last epoch; the best of all epochs counts",
                ),
                Slip(
                    lambda runs: (_choice(runs)[0], runs[_choice(runs)[0]].epochs),
                    "that is the last epoch",
                    "the validation accuracy is best before that",
                    free=True,
                ),
            ),
            names=("best_rate", "best_epochs"),
        ),
        (
            "Compare max(run.history['val_accuracy']) of the three.",
            "np.argmax says at which place the largest is, counted from 0.",
        ),
        {"runs": GivenRuns(each=GivenRun(images=0))},
    ),
    "test": Answer(
        "this is the accuracy on images that took no part in the choice",
        Value(
            _tested,
            (
                Slip(lambda model: _tested(model, 1), "that is a share; multiply by 100"),
                Slip(lambda model: 100 - _tested(model), "these are the wrong answers, in percent"),
                Slip(
                    lambda model: _tested(model, len(mnist().y_valid)),
                    "that is a number of images; in percent, please",
                ),
                Slip(
                    _on_validation_images,
                    "that is the accuracy on the validation images",
                    "said is what the network says of the test images",
                ),
                Slip(
                    _against_other_labels,
                    "these are the labels of the validation images",
                    "compare with split.y_test",
                    free=True,
                ),
            ),
        ),
        (
            "said.argmax(axis=1) is the answers.",
            "Compare them with split.y_test, and take the mean.",
        ),
        {"model": GivenModel()},
    ),
    "seen": Answer(
        "this is how often each image is seen",
        Function(
            _seen,
            (
                Slip(lambda images: 3_000 / images, "a batch holds 100 images, not one"),
                Slip(
                    lambda images: images / 300_000,
                    "that is upside down",
                    "the fewer the images, the more often",
                ),
                Slip(
                    lambda _: 300_000,
                    "that is how many images are seen",
                    "divide by how many there are",
                ),
            ),
            lambda: [(100,), (3_000,), (60_000,), (drawn(1, 60_000),)],
        ),
        ("How many images do 3,000 batches hold?", "Divide that by the number of images."),
    ),
    "gains": Answer(
        "these are the points that the remedy gains, seed by seed",
        Function(
            _gains,
            (
                Slip(lambda *runs: -_gains(*runs), "the sign", "with minus without"),
                Slip(lambda *runs: _gains(*runs) / 100, "these are shares", "multiply by 100"),
                Slip(
                    lambda *runs: _gains(*runs).mean(), "one number for each seed, not their mean"
                ),
            ),
            lambda: [
                (load_records("mlp"), load_records("dropout")),
                (load_records("dropout"), load_records("cnn")),
            ],
        ),
        (
            "run.history['val_accuracy'][-1] is a run's last accuracy.",
            "Make an array of each list, and subtract.",
        ),
    ),
    "remains": Answer(
        "this is the share of the weight that remains",
        Function(
            _remains,
            (
                Slip(
                    lambda n, _, w: (1 - w) ** n,
                    "the share taken off is the learning rate times the weight decay",
                ),
                Slip(
                    lambda n, rate, w: 1 - n * rate * w,
                    "each time a share of what is left, not of what there was",
                ),
                Slip(
                    lambda *figures: 1 - _remains(*figures), "that is what is gone", "what remains?"
                ),
                Slip(lambda _, *figures: _remains(1, *figures), "that is after a single iteration"),
            ),
            lambda: [
                *((3_000, 0.001, 0.5), (600, 0.001, 0.1), (2, 0.5, 0.5)),
                (drawn(2, 100), drawn(1, 9) / 100, drawn(1, 9) / 10),
            ],
        ),
        (
            "After one iteration 1 - learning_rate * weight_decay remains.",
            "After two, the same share of that: a power.",
        ),
    ),
    "stopped": Answer(
        "this is where the validation images stop, by either criterion",
        Function(
            _stopped,
            (
                Slip(
                    lambda _, judged, criterion: _stopped(judged, judged, criterion),
                    "that is chosen by the test images",
                    "the watched run says when to stop",
                ),
                Slip(
                    lambda watched, _, criterion: _stopped(watched, watched, criterion),
                    "that is on the validation images that chose",
                    "judge by the other run",
                ),
                Slip(
                    functools.partial(_stopped, plus=1),
                    "that is one epoch later",
                    "count from 0, as np.argmin and the lists do",
                ),
                Slip(
                    functools.partial(_stopped, scale=1),
                    "the accuracy is a share",
                    "multiply it by 100",
                ),
                Slip(
                    lambda watched, judged, _: _stopped(watched, judged, "loss"),
                    "the criterion changes nothing",
                    'it is "loss" or "accuracy"',
                ),
                Slip(
                    functools.partial(_stopped, smallest=("loss", "accuracy")),
                    "that is the smallest accuracy",
                    "the smallest loss, but the largest accuracy",
                ),
            ),
            lambda: [
                (*pair, criterion)
                for pair in zip(load_records("mlp")[:3], load_records("dropout")[:3], strict=True)
                for criterion in ("loss", "accuracy")
            ],
            names=("the place", "the accuracy", "the loss"),
        ),
        (
            "np.argmin(values) is the place of the smallest loss, np.argmax(values) of the best "
            "accuracy.",
            "Take judged.history['val_accuracy'] and judged.history['val_loss'] at that place.",
        ),
    ),
    "signs": Answer(
        "this is the exact p-value for pairs",
        Function(
            _p_value,
            (
                Slip(
                    functools.partial(_p_value, sides=1),
                    "that is one side only",
                    "a mean as far below zero counts, too: abs(...)",
                ),
                Slip(
                    functools.partial(_p_value, ties=1e-9),
                    "means that are just as far from zero count, too",
                    ">=, with 1e-9 for rounding",
                ),
                Slip(
                    lambda differences: 2 ** len(differences) * _p_value(differences),
                    "that is how many ways they are",
                    "their share, np.mean(...)",
                ),
            ),
            lambda: [
                (np.array([1.0, 2.0, 3.0]),),
                (np.array([0.5, -0.2, 0.4, 0.9, 0.1]),),
                (np.random.default_rng().normal(0.3, 1, 6),),
            ],
        ),
        (
            "(signs * differences).mean(axis=1) is the mean for each way to choose the signs.",
            "Compare abs of these with abs of the mean as it is; np.mean of True and False is a "
            "share.",
        ),
    ),
}
NOTEBOOK = Notebook("test", answers=_ANSWERS)
