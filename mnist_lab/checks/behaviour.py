"""Judge a network that cannot be read, by its outputs, its initial weights and its dropout.

The part's network and the student's get the same weights and the same images. The student's model
is only ever called in a `StatelessScope`, so nothing in it can change.
"""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..signals import signals_blocked
from .findings import Finding
from .judging import raised

if TYPE_CHECKING:
    import keras

_PROBES = 8  # random images
_IMAGES = 1000  # to estimate a dropout rate: its standard error is 0.016, or less
Arrays = list[np.ndarray]


def behaves_otherwise(
    model: "keras.Model", part_model: "keras.Model", from_logits: bool, rate: float
) -> list[Finding]:
    """Find how a network behaves differently from a part's network.

    Parameters
    ----------
    model
        Built.
    part_model
        Fresh; its weights are changed.
    from_logits
        Whether the loss takes logits.
    rate
        Of the dropout after each hidden layer.

    Returns
    -------
    list of Finding
        The differences.
    """
    import keras

    shapes = [
        sorted(map(tuple, (weight.shape for weight in each.weights)))
        for each in (model, part_model)
    ]
    if shapes[0] != shapes[1]:
        found, asked = (", ".join(" × ".join(map(str, shape)) for shape in all_) for all_ in shapes)
        return [Finding("shapes of weights", found, asked, topic="behaviour")]
    if len(model.trainable_weights) < len(model.weights):
        return [Finding("frozen", place="weights", topic="behaviour")]
    if model.losses:
        return [Finding("regularizer", "used", "none", topic="layers")]
    initial = part_model.get_weights()
    part_model.layers[-1].activation = keras.activations.linear
    try:
        twin = _Twin(model, part_model)
        findings = _outputs(twin, part_model, from_logits)
        if not findings and not (model.compiled and int(model.optimizer.iterations)):
            findings = unlike_initially(twin.sorted(model.get_weights()), initial)
        return findings or _dropout(twin, rate)
    except _RefusalError as refusal:
        return [Finding("raises on an image", *refusal.args, topic="behaviour")]


def unlike_initially(found: Arrays, asked: Arrays) -> list[Finding]:
    """Find the initial weights that follow another distribution than those of a part's model."""
    findings = []
    for index, pair in enumerate(zip(found, asked, strict=True)):
        # Estimates from as many numbers as there are weights; the largest one is surer.
        (sd, mean, top), (usual_sd, usual_mean, usual_top) = map(_statistics, pair)
        tolerance = min(0.5, 6 / pair[0].size ** 0.5) * usual_sd + 1e-7
        if max(abs(sd - usual_sd), abs(mean - usual_mean)) > tolerance or (
            abs(top - usual_top) > 0.12 * usual_top
        ):
            place = "output layer" if index >= len(asked) - 2 else f"hidden layer {index // 2 + 1}"
            figure = "initial bias" if index % 2 else "initial weights"
            findings.append(Finding(figure, *map(_spread, pair), place, "layers"))
    return findings


def _statistics(values: np.ndarray) -> tuple[float, float, float]:
    return values.std(), values.mean(), np.abs(values).max()


def _spread(values: np.ndarray) -> str:
    sd, mean, top = _statistics(values)
    if np.ptp(values) == 0:
        return f"constant {mean:.3g}" if top else "zeros"
    return f"random with sd {sd:.2g}, at most {top:.2g}"


class _RefusalError(Exception):
    """A student's model raised an error when called; the arguments are its kind and words."""


class _Twin:
    """A student's model that is called with weights in the order of the part's model."""

    def __init__(self, model: "keras.Model", part_model: "keras.Model"):
        rng = np.random.default_rng(0)
        self.model = model
        self.values = [
            rng.standard_normal(weight.shape, np.float32) * (2 / np.prod(weight.shape[:-1])) ** 0.5
            for weight in part_model.weights
        ]
        self.images = rng.random((_PROBES, *part_model.input_shape[1:]), np.float32)
        part_model.set_weights(self.values)
        asked = _readings(part_model, self.images)
        orders = list(_orders(model.weights, part_model.weights))
        self.shape = self._accepted_shape(part_model.input_shape[1:], orders[0])
        # The first order again at the end: it is kept if no order gives the same outputs.
        for self.order in [*orders, orders[0]]:
            self.outputs = self.run(self.values, self.images)
            if any(_close(self.outputs, values) for values in asked.values()):
                break

    def run(self, values: Arrays, images: np.ndarray, training: bool = False) -> np.ndarray:
        import keras

        pairs = zip(self.model.weights, self.order, strict=True)
        given = [(weight, values[index]) for weight, index in pairs]
        # Unlike `stateless_call`, it takes a `call` that knows no argument `training`, too.
        try:
            with signals_blocked(), keras.StatelessScope(given):
                outputs = self.model(images.reshape(len(images), *self.shape), training=training)
            return np.asarray(outputs, np.float64)
        except Exception as problem:  # whatever a student's own class raises
            raise _RefusalError(*raised(problem)) from problem

    def sorted(self, weights: Arrays) -> Arrays:
        """The model's own weights in the order of the part's."""
        return [weights[self.order.index(index)] for index in range(len(weights))]

    def _accepted_shape(self, usual: tuple[int, ...], order: list[int]) -> tuple[int, ...]:
        self.order = order
        for self.shape in (usual, (784,), (28, 28), (28, 28, 1)):
            try:
                self.run(self.values, self.images)
                return self.shape
            except _RefusalError as problem:
                refusal = problem
        raise refusal


def _orders(weights: list, asked: list) -> Iterator[list[int]]:
    """All ways to match a model's weights with the part's; those of equal shape can be swapped."""
    places: dict[tuple, list[int]] = {}
    for index, weight in enumerate(asked):
        places.setdefault(tuple(weight.shape), []).append(index)
    for choice in itertools.product(*map(itertools.permutations, places.values())):
        left = {shape: list(order) for shape, order in zip(places, choice, strict=True)}
        yield [left[tuple(weight.shape)].pop(0) for weight in weights]


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _readings(part_model: "keras.Model", images: np.ndarray) -> dict[str, np.ndarray]:
    """Possible outputs of a network that has the same logits as the part's, by their activation."""
    with signals_blocked():
        logits = part_model(images).numpy()
    probabilities = _softmax(logits)
    return {
        "softmax": probabilities,
        "linear": logits,
        "sigmoid": 1 / (1 + np.exp(-logits)),
        "softmax twice": _softmax(probabilities),
    }


def _close(this: np.ndarray, that: np.ndarray) -> bool:
    return this.shape == that.shape and np.allclose(this, that, rtol=1e-3, atol=1e-4)


def _outputs(twin: _Twin, part_model: "keras.Model", from_logits: bool) -> list[Finding]:
    same = np.repeat(twin.images[:1], _PROBES, axis=0)
    if np.ptp(twin.run(twin.values, same), axis=0).max() > 1e-3:
        return [Finding("always on", True, False, "dropout", "layers")]
    readings = _readings(part_model, twin.images)
    found = next((name for name, values in readings.items() if _close(twin.outputs, values)), None)
    if found is None:
        faint = _readings(part_model, twin.images / 255)["softmax"]
        if _close(twin.outputs, faint):
            return [Finding("scaled by the network too", topic="behaviour")]
        return [Finding("outputs", place="outputs", topic="behaviour")]
    if found == "softmax" and from_logits:
        return [Finding("from logits", True, False, "loss", "loss")]
    if found in ("sigmoid", "softmax twice") or (found == "linear" and not from_logits):
        return [Finding("activation", found, "softmax", "output layer", "layers")]
    return []


def _dropout(twin: _Twin, rate: float) -> list[Finding]:
    calm, noisy = (twin.run(twin.values, twin.images, training) for training in (False, True))
    if not rate:
        varies = Finding("some dropout", place="dropout", topic="behaviour")
        return [] if _close(calm, noisy) else [varies]
    findings = []
    hidden = len(twin.values) // 2 - 1
    for place in range(hidden + 1):
        found, asked = _dropped(twin, place), rate if place else 0
        if abs(found - asked) > 0.08:  # five standard errors
            where = f"after hidden layer {place}" if place else "before the first layer"
            findings.append(Finding("measured rate", found, asked, f"dropout {where}", "behaviour"))
    flat = [np.zeros_like(value) for value in twin.values]
    ones = np.ones((_IMAGES, *twin.images.shape[1:]), np.float32)
    if np.ptp(twin.run([*flat[:-1], flat[-1] + 1], ones, training=True)) > 1e-3:
        findings.append(Finding("measured at the end", topic="behaviour"))
    return findings


def _dropped(twin: _Twin, place: int) -> float:
    """The share of images for which the first unit of a layer is dropped (layer 0: a pixel).

    The layers before give ones; the next one copies the unit; those after it take the mean.
    """
    values = [np.zeros_like(value) for value in twin.values]
    kernels, biases = values[::2], values[1::2]
    for bias in biases[:place]:
        bias += 1
    for kernel in kernels[place + 1 :]:
        kernel += 1 / len(kernel)
    kernels[place][0] = 1
    kernels[-1][:, 1:] = 0  # one logit shows it, the others stay at zero
    ones = np.ones((_IMAGES, *twin.images.shape[1:]), np.float32)
    outputs = twin.run(values, ones, training=True)
    return float(np.mean(outputs[:, 0] - outputs[:, 1] < 1e-4))
