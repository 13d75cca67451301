"""Judge a Keras program that was mended, by what comes out of it for digits drawn anew.

Its text is never looked at. Whatever a program does wrong shows in the arrays that it makes, in the
network that it trains, or in what this network reads of digits that the program was never given.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..course import Mended, test_images
from ..data import Dataset, is_one_hot
from ..descriptions import describe, describe_network, mathematics
from ..runs import Run
from ..support import DataError
from .arrays import misplaced, unscaled, unusable_images
from .building import called
from .comparing import compare
from .findings import Finding
from .judging import in_one_line, type_of
from .network import input_shape

if TYPE_CHECKING:
    import keras

_BATCH = 100
_SAME = 1.5e-3  # accuracies of the same 1,000 images, which may differ by rounding in one of them
_SAME_LOSS = 1e-3  # relative; the same arrays give the same but for rounding
_NEARLY_ALL = 0.99  # in 40 trainings on drawn digits, program E gave 0.9998 and more one answer
_LEARNED = 0.8  # without a bug, 2,000 training images are enough for 0.87 to 0.93


def judge_mended(task: Mended, attempt: Any) -> list[Finding]:
    """Find what is wrong with a program: the bug itself, or what was changed besides."""
    images, labels = task.digits()
    made, findings = called(attempt, (images.copy(), labels.copy()))
    if findings:
        return findings
    if not _complete(made):
        return [Finding("not all returned", type_of(made))]
    history, (x_train, y_train, x_valid, y_valid) = made
    try:
        data = Dataset(_flat(x_train), y_train, _flat(x_valid), y_valid)
    except DataError as problem:
        return [Finding("no arrays", asked=in_one_line(problem))]
    model = history.model
    of_arrays = _of_arrays(task, data, model, (images, labels))
    findings = of_arrays + _of_network(task, model) + _of_fit(task, history, len(data.x_train))
    shape = input_shape(model, task.build())
    if not of_arrays:
        findings += _of_validation(data, history, shape)
    return findings or _of_loss(data, history, shape) or _of_learning(data, model, shape)


def _complete(made: Any) -> bool:
    """Whether a program returned what `fit` returned, and four arrays."""
    import keras

    if not (isinstance(made, tuple | list) and len(made) == 2):
        return False
    history, arrays = made
    return (
        isinstance(history, keras.callbacks.History)
        and isinstance(arrays, tuple | list)
        and len(arrays) == 4
    )


def _flat(images: Any) -> np.ndarray:
    images = np.asarray(images)
    return images.reshape(len(images), -1) if images.ndim > 2 else images


def _of_network(task: Mended, model: "keras.Model") -> list[Finding]:
    """What differs from the program's network and from how it was compiled."""
    found, asked = (mathematics(describe(each)) for each in (model, task.build()))
    return compare(*({**each, **dict.fromkeys(task.free)} for each in (found, asked)))


def _of_fit(task: Mended, history: "keras.callbacks.History", images: int) -> list[Finding]:
    """How long it trained, and in batches of which size."""
    findings, batches = [], math.ceil(images / _BATCH)
    epochs, steps = len(history.epoch), history.params["steps"]
    if epochs != task.epochs:
        findings.append(Finding("other epochs", epochs, task.epochs))
    if steps != batches:
        findings.append(Finding("other batches", steps, batches))
    return findings


def _of_arrays(
    task: Mended, data: Dataset, model: "keras.Model", given: tuple[np.ndarray, np.ndarray]
) -> list[Finding]:
    """What is wrong with the arrays: their pixels, their labels, or which images are where."""
    if findings := unusable_images(data):
        return findings
    findings = unscaled(data, "input: divided by" in describe_network(model))
    findings += misplaced(data, *given)
    sizes = {"x_train": len(given[0]) - task.validation, "x_valid": task.validation}
    for place, size in sizes.items():
        if not findings and len(getattr(data, place)) != size:
            findings.append(Finding("size", len(getattr(data, place)), size, place, "images"))
    return findings


def _of_validation(
    data: Dataset, history: "keras.callbacks.History", shape: tuple[int, ...]
) -> list[Finding]:
    """Whether `fit` was given these arrays."""
    said = Run.from_keras(history).history["val_accuracy"][-1]
    if math.isnan(said):
        return [Finding("no validation")]
    y_valid = data.y_valid.argmax(axis=1) if is_one_hot(data.y_valid) else data.y_valid.ravel()
    read = float(np.mean(_answers(history.model, data.x_valid, shape) == y_valid))
    return [Finding("other arrays", said, read)] if abs(read - said) > _SAME else []


def _of_loss(
    data: Dataset, history: "keras.callbacks.History", shape: tuple[int, ...]
) -> list[Finding]:
    """Whether `fit` was given these arrays, by the loss of the network, which is the right one.

    A network that was trained on pixels up to 255 may read as many of those up to 1.
    """
    import keras
    from keras.src.models.functional import Functional  # which Keras 3 has under no public name

    if not isinstance(history.model, keras.Sequential | Functional):
        return []  # of a student's own class, the report knows the answers alone
    x, said = data.x_valid.reshape(-1, *shape), Run.from_keras(history).history["val_loss"][-1]
    try:
        values = history.model.evaluate(x, data.y_valid, verbose=0, return_dict=True)
    except ValueError:  # one-hot labels instead of class numbers, or the other way round
        return []
    near = np.isclose(said, values["loss"], rtol=_SAME_LOSS, atol=0, equal_nan=True)
    return [] if near else [Finding("other loss", said, values["loss"])]


def _of_learning(data: Dataset, model: "keras.Model", shape: tuple[int, ...]) -> list[Finding]:
    """What the network reads of new digits."""
    images, labels = test_images()
    images = images * np.float32(data.x_valid.max() / 255)
    answers = _answers(model, images, shape)
    # Not all: of some digits that are drawn, a last unit is left that answers to a few images.
    if np.bincount(answers).max() > _NEARLY_ALL * len(answers):
        return [Finding("one answer")]
    read = float(np.mean(answers == labels))
    return [Finding("reads little", read, _LEARNED)] if read < _LEARNED else []


def _answers(model: "keras.Model", x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return model.predict(x.reshape(-1, *shape), batch_size=1000, verbose=0).argmax(axis=1)
