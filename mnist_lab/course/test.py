"""Notebook 6: an honest test."""

import functools
import itertools
import math
from typing import Any

import numpy as np

from ..data import Dataset, load_mnist
from ..runs import Run, load_records
from .measures import drawn, mnist
from .tasks import Answer, Function, GivenModel, GivenRun, GivenRuns, Notebook, Slip, Value


def _flattery(run: Run) -> float:
    accuracies = 100 * np.array(run.history["val_accuracy"])
    return accuracies.max() - accuracies[-1]


def _real_gain(run: Run, chooses: str = "fit_accuracy", measures: str = "val_accuracy") -> float:
    accuracies = 100 * np.array(run.history[measures])
    return accuracies[np.argmax(run.history[chooses])] - accuracies[-1]


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


def _paired(differences: np.ndarray, sign: Any = abs, least: float = -1e-9) -> float:
    """The share of combinations of signs whose mean is `least` further from 0 than the real one."""
    signs = np.array(list(itertools.product([1, -1], repeat=len(differences))))
    means = sign((signs * differences).mean(axis=1))
    return float(np.mean(means >= abs(np.mean(differences)) + least))


def _remains(iterations: int, learning_rate: float, weight_decay: float) -> float:
    return (1 - learning_rate * weight_decay) ** iterations


def _stopped(watched: Run, judged: Run, plus: int = 0) -> float:
    """Accuracy of a run, in percent, at the epoch that the loss of another one chooses."""
    place = int(np.argmin(watched.history["val_loss"])) + plus
    return 100 * judged.history["val_accuracy"][place]


_ANSWERS = {
    "flattery": Answer(
        "these are the points that the choice promises",
        Function(
            _flattery,
            (
                Slip(lambda run: -_flattery(run), "the sign", "the best one minus the last one"),
                Slip(
                    lambda run: 100 * max(run.history["val_accuracy"]),
                    "that is the best accuracy itself",
                    "take the last one away",
                ),
                Slip(
                    lambda run: 100 * np.ptp(run.history["val_accuracy"]),
                    "that is best minus worst",
                    "the last one is [-1]",
                ),
                Slip(
                    lambda run: (
                        100 * (max(run.history["val_accuracy"]) - run.history["val_accuracy"][0])
                    ),
                    "that is best minus first",
                    "the last one is [-1]",
                ),
                Slip(lambda run: _flattery(run) / 100, "these are shares; multiply by 100"),
            ),
            lambda: [(run,) for run in load_records("linear")[:3]],
        ),
        ("accuracies.max() is the best one.", "accuracies[-1] is the last one."),
    ),
    "real": Answer(
        "these are the points that are left when other images choose",
        Function(
            _real_gain,
            (
                Slip(
                    lambda run: _real_gain(run, chooses="val_accuracy"),
                    "the validation images have chosen themselves",
                    "let fit_accuracy choose",
                ),
                Slip(
                    lambda run: _real_gain(run, measures="fit_accuracy"),
                    "that is what the images that chose say of their choice",
                    "the validation accuracy at that epoch",
                ),
                Slip(
                    lambda run: _real_gain(run, "val_accuracy", "fit_accuracy"),
                    "the two are swapped",
                    "fit_accuracy chooses, val_accuracy measures",
                ),
                Slip(lambda run: -_real_gain(run), "the sign", "the chosen one minus the last one"),
                Slip(
                    lambda run: _real_gain(run) / 100, "these are shares", "accuracies are percent"
                ),
            ),
            lambda: [(run,) for run in load_records("linear")],
        ),
        (
            "chooses.argmax() is the place of the epoch that it chooses.",
            "accuracies at that place, minus accuracies[-1].",
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
    "paired": Answer(
        "this is the exact two-sided p-value of paired differences",
        Function(
            _paired,
            (
                Slip(
                    functools.partial(_paired, sign=lambda means: means),
                    "one-sided",
                    "far from 0 on either side counts, so take abs(...)",
                ),
                Slip(
                    functools.partial(_paired, least=1e-9),
                    "ties are left out",
                    "`at least as far` includes them",
                ),
                Slip(
                    functools.partial(_paired, least=0),
                    "rounding hides some ties",
                    "compare with abs(differences.mean()) - 1e-9",
                ),
                Slip(
                    lambda differences: _paired(differences) * 2 ** len(differences),
                    "that is a number of combinations",
                    "divide by how many there are",
                ),
                Slip(
                    lambda differences: np.mean(differences > 0),
                    "that is the share of the positive ones",
                ),
            ),
            lambda: [
                (np.array([1.0, 2, 3]),),
                (np.array([3.62, 4.36, 5.0, -4.14, 4.73]),),
                # Here rounding hides a tie.
                (np.array([0.2, 0.4, 0.3, -0.2]),),
                (np.random.default_rng().normal(0.5, 1, size=6),),
            ],
        ),
        (
            "signs * differences has a row for each combination; .mean(axis=1) is their means.",
            "Compare abs(means) with abs(differences.mean()) - 1e-9, and take the mean of that.",
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
        "this is the accuracy where the validation images would have stopped",
        Function(
            _stopped,
            (
                Slip(
                    lambda _, judged: _stopped(judged, judged),
                    "that is chosen by the test images",
                    "the watched run says when to stop",
                ),
                Slip(
                    lambda watched, _: _stopped(watched, watched),
                    "that is on the validation images that chose",
                    "judge by the other run",
                ),
                Slip(
                    functools.partial(_stopped, plus=1),
                    "that is one epoch later",
                    "np.argmin counts from 0, as the list does",
                ),
                Slip(lambda *runs: _stopped(*runs) / 100, "that is a share", "multiply by 100"),
                Slip(
                    lambda watched, judged: (
                        100
                        * judged.history["val_accuracy"][
                            int(np.argmax(watched.history["val_accuracy"]))
                        ]
                    ),
                    "that is where the accuracy is largest",
                    "look for the smallest loss",
                ),
                Slip(lambda _, judged: 100 * judged.val_accuracy, "that is the last epoch"),
            ),
            lambda: list(zip(load_records("mlp"), load_records("dropout"), strict=True)),
        ),
        (
            "np.argmin(watched.history['val_loss']) is the place of its smallest loss.",
            "Take judged.history['val_accuracy'] at that place.",
        ),
    ),
}
NOTEBOOK = Notebook("test", answers=_ANSWERS)
