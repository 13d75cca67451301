"""See through a network: every layer's values for an image, and what each is computed from."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kinds

from .signals import signals_blocked

MOST = 10  # terms of a sum that are listed; the others are added up
_ACTIVATIONS = ("Activation", "ReLU", "Relu", "Softmax", "LeakyReLU", "ELU", "Sigmoid", "Tanh")
_MOVING = (kinds.Flatten, kinds.Reshape)
_PASSING = (kinds.Dropout, kinds.RandomRotation, kinds.RandomTranslation, kinds.RandomZoom)
_LINEAR = (*_MOVING, *_PASSING, kinds.Dense, kinds.Conv2D, kinds.AveragePooling2D, kinds.Rescaling)


class Step(NamedTuple):
    """One layer, or one operation, in the order of the computation.

    Attributes
    ----------
    layer : keras.Layer or keras.Operation
        What is computed; nested models are opened.
    inputs : list of int
        The steps that it takes its values from; -1 is the image.
    """

    layer: Any
    inputs: list[int]


class Seen(NamedTuple):
    """What a network computed for some images.

    Attributes
    ----------
    values : list of numpy.ndarray or None
        Each step's output, batch first; None where that is not one array.
    masks : dict of int to numpy.ndarray
        By step: what its dropout multiplied the values by.
    scores, probabilities : numpy.ndarray
        Of the classes, before and after the softmax.
    """

    values: list[np.ndarray | None]
    masks: dict[int, np.ndarray]
    scores: np.ndarray
    probabilities: np.ndarray


class Sum(NamedTuple):
    """What one value is computed from: products of inputs and weights, a bias, an activation.

    Attributes
    ----------
    places : list of tuple of int
        Where the inputs lie in the step before; the largest products first, none of zero.
    inputs, weights : numpy.ndarray
        Those of the largest products, float64.
    count : int
        Number of all products.
    rest, bias, before : float
        The sum of all other products, what is added, and the sum of everything.
    activation : str
        What is computed from that sum; "linear" if nothing is.
    value : float
        What comes out.
    patch, kernel : numpy.ndarray or None
        For maps: the inputs and weights of the channel whose products are the largest.
    """

    places: list[tuple[int, ...]]
    inputs: np.ndarray
    weights: np.ndarray
    count: int
    rest: float
    bias: float
    before: float
    activation: str
    value: float
    patch: np.ndarray | None
    kernel: np.ndarray | None


class Layers:
    """A model, opened. Its weights are read at each look, so it may go on learning.

    Parameters
    ----------
    model
        Sequential, functional, nested, or of a class of its own that calls Keras' layers.
    input_shape
        Shape of one image.
    masks
        Whether dropout drops units, with random numbers of its own: the model's stay as they are.

    Attributes
    ----------
    steps : list of Step
        Its layers.

    Raises
    ------
    ValueError
        If the model cannot be followed; the message says why.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> from mnist_lab.layers import Layers
    >>> digits = lab.load_mnist().x_valid[:1].reshape(1, 784) / 255
    >>> [each.shape for each in Layers(lab.build_linear(), (784,)).look(digits).values]
    [(1, 10), (1, 10), (1, 784)]
    """

    def __init__(self, model: keras.Model, input_shape: tuple[int, ...], masks: bool = False):
        self.steps: list[Step] = []
        self._model, self._masking = model, masks
        self._twins: dict[int, kinds.Layer] = {}  # dropout layers with their own random numbers
        self._images = tf.TensorSpec((None, *input_shape), tf.float32)
        try:
            self._forward = self._traced(self._walk)
        except Exception as problem:  # whatever a student's own class raises
            why = str(problem).strip().split("\n")[0] or type(problem).__name__
            raise ValueError(f"{type(model).__name__} cannot be followed: {why}") from problem

    def look(self, images: np.ndarray) -> Seen:
        """Compute every layer's values for images as the model takes them, batch first."""
        with signals_blocked():
            seen = self._forward(tf.constant(images, tf.float32))
        return Seen(*tf.nest.map_structure(np.asarray, seen))

    def speaking(self, images: np.ndarray) -> np.ndarray:
        """Compute gradient times input for the answer's score: which pixels speak for it.

        If `linear` is true, these numbers add up to the score, but for the biases.
        """
        with signals_blocked():
            return self._backward(tf.constant(images, tf.float32)).numpy()

    @functools.cached_property
    def _backward(self) -> Callable:
        return self._traced(self._gradient)

    def _traced(self, compute: Callable) -> Callable:
        return tf.function(compute, autograph=False).get_concrete_function(self._images)

    @functools.cached_property
    def linear(self) -> bool:
        """Whether each score is a weighted sum of the pixels and a constant, up to the softmax."""
        *inner, last = [each.layer for each in self.steps]
        bends = [activation_of(layer) for layer in inner]
        ends = isinstance(last, kinds.Dense) and activation_of(last) in ("linear", "softmax")
        return ends and all(isinstance(each, _LINEAR) for each in inner) and {*bends} <= {"linear"}

    def sum_at(self, seen: Seen, number: int, place: tuple[int, ...]) -> Sum:
        """Say what a value is computed from.

        Parameters
        ----------
        seen
            What a look at one image returned.
        number
            Of the step.
        place
            Where the value lies in the step's output.

        Raises
        ------
        ValueError
            If that is not known for this kind of layer.
        """
        layer, inputs = self.steps[number]
        value, before = seen.values[number], [seen.values[each] for each in inputs if each >= 0]
        image = seen.values[-1]
        (x,) = before if len(before) == 1 == len(inputs) else [image] if inputs == [-1] else [None]
        if x is None:
            raise ValueError(f"{layer.name} takes its values from {len(inputs)} layers")
        mask = seen.masks.get(number)
        return _summed(layer, x[0], value[0], place, None if mask is None else mask[0])

    def _walk(self, images: tf.Tensor) -> tuple:
        """Run all layers on a batch. TensorFlow traces it once."""
        self.steps.clear()
        values, masks = [], {}
        known = {id(images): -1}

        def note(layer: Any, *args: Any, **kwargs: Any) -> Any:
            taken = [
                known[id(each)] for each in tf.nest.flatten((args, kwargs)) if id(each) in known
            ]
            if "training" in inspect.signature(layer.call).parameters:
                kwargs["training"] = False
            if self._masking and isinstance(layer, kinds.Dropout):
                masks[len(values)] = self._mask(layer, args[0])
                output = args[0] * masks[len(values)]
            else:
                output = layer(*args, **kwargs)
            if any(output is each for each in (*args, *values)):
                output = tf.identity(output)  # a layer of its own, though it passes what it gets
            known[id(output)] = len(values)
            self.steps.append(Step(layer, taken))
            values.append(output)
            return output

        output = _followed(self._model, images, note)
        scores, probabilities = _scores(self.steps[-1], [*values, images], output)
        told = [each if tf.is_tensor(each) else None for each in values]
        return [*told, images], masks, scores, probabilities

    def _mask(self, layer: kinds.Dropout, values: tf.Tensor) -> tf.Tensor:
        twin = self._twins.get(id(layer))
        if twin is None:
            twin = self._twins[id(layer)] = type(layer).from_config(layer.get_config())
        return twin(tf.ones_like(values), training=True)

    def _gradient(self, images: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            scores = tf.reduce_max(self._walk(images)[2], axis=1)
        return tape.gradient(scores, images) * images


def passes_on(layer: Any) -> str:
    """Say how a layer passes on the values that it gets; an empty text if it changes them."""
    if isinstance(layer, _MOVING):
        return "the same values in another order"
    return "passes everything on, except in training" if isinstance(layer, _PASSING) else ""


def activation_of(layer: Any) -> str:
    """Name a layer's activation: "linear" if it has none."""
    activation = getattr(layer, "activation", None)
    if activation is not None:
        return getattr(activation, "__name__", None) or type(activation).__name__
    kind = type(layer).__name__
    return kind.lower() if kind in _ACTIVATIONS else "linear"


def _followed(model: Any, x: Any, note: Callable) -> Any:
    """Call `note` instead of each layer of a model, nested ones included."""

    def instead(layer: Any) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            if isinstance(layer, keras.Model):
                return _followed(layer, args[0], note)
            return note(layer, *args, **kwargs)

        return call

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            x = instead(layer)(x)
        return x
    if not hasattr(model, "operations"):  # a class of its own: its `call` draws the graph
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, model.call(inputs))
    return model._run_through_graph(x, operation_fn=instead)


def _scores(last: Step, values: list, output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The classes' scores before and after the softmax, or whatever stands in its place."""
    layer, activation = last.layer, activation_of(last.layer)
    if activation == "linear":
        return output, tf.nn.softmax(output)
    if not isinstance(layer, kinds.Dense):
        return values[last.inputs[0]], output
    scores = keras.ops.matmul(values[last.inputs[0]], keras.ops.cast(layer.kernel, output.dtype))
    return (scores if layer.bias is None else scores + layer.bias), output


def _summed(
    layer: Any, x: np.ndarray, output: np.ndarray, place: tuple[int, ...], mask: np.ndarray | None
) -> Sum:
    """What the value at a place is computed from; `x` and `output` belong to one image."""
    places, weights, bias = _products(layer, x, output, place, mask)
    inputs, weights = x[tuple(places.T)].astype(np.float64), weights.astype(np.float64)
    products = inputs * weights
    largest = np.argsort(-np.abs(products), kind="stable")[: min(MOST, np.count_nonzero(products))]
    patch, kernel = _of_channel(places, products, inputs, weights) if x.ndim == 3 else (None, None)
    return Sum(
        places=[tuple(map(int, each)) for each in places[largest]],
        inputs=inputs[largest],
        weights=weights[largest],
        count=len(products),
        rest=float(products.sum() - products[largest].sum()),
        bias=float(bias),
        before=float(products.sum() + bias),
        activation=activation_of(layer),
        value=float(output[place]),
        patch=patch,
        kernel=kernel,
    )


def _products(
    layer: Any, x: np.ndarray, output: np.ndarray, place: tuple[int, ...], mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """The places of all inputs of a value, a row each, their weights, and what is added."""
    here, one = np.array([place]), np.ones(1)
    if isinstance(layer, kinds.Dense):
        inputs = np.arange(x.shape[-1])[:, None]
        places = np.hstack([np.tile(here[:, :-1], (len(inputs), 1)), inputs])
        return places, np.asarray(layer.kernel)[:, place[-1]], _bias(layer, place[-1])
    if type(layer) in (kinds.Conv2D, kinds.MaxPooling2D, kinds.AveragePooling2D):
        return _windowed(layer, x, place)
    if isinstance(layer, kinds.GlobalAveragePooling2D):
        sides = np.indices(x.shape[:2]).reshape(2, -1).T
        places = np.hstack([sides, np.full((len(sides), 1), place[-1])])
        return places, np.full(len(places), 1 / len(places)), 0.0
    if isinstance(layer, kinds.BatchNormalization) and layer.axis in (-1, x.ndim):
        return here, *_normalised(layer, place[-1])
    if isinstance(layer, kinds.Rescaling) and np.ndim(layer.scale) == np.ndim(layer.offset) == 0:
        return here, one * layer.scale, layer.offset
    if isinstance(layer, _MOVING):
        flat = np.ravel_multi_index(place, output.shape)
        return np.array([np.unravel_index(flat, x.shape)]), one, 0.0
    if isinstance(layer, kinds.Dropout) and mask is not None:
        return here, one * mask[place], 0.0
    if isinstance(layer, _PASSING) or type(layer).__name__ in _ACTIVATIONS:
        return here, one, 0.0
    raise ValueError(f"{type(layer).__name__} is computed in a way that is not taken apart here")


def _windowed(
    layer: Any, x: np.ndarray, place: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, float]:
    """The inputs of a place in a map: a window, of which nothing lies outside of the image."""
    convolution = isinstance(layer, kinds.Conv2D)
    if layer.data_format != "channels_last" or (convolution and layer.groups != 1):
        raise ValueError("convolutions in groups, or with channels first, are not taken apart here")
    size = layer.kernel_size if convolution else layer.pool_size
    apart = layer.dilation_rate if convolution else (1, 1)
    rows, columns = (
        _window(*figures, layer.padding)
        for figures in zip(x.shape[:2], size, layer.strides, apart, place[:2], strict=True)
    )
    channels = range(x.shape[2]) if convolution else [place[2]]
    taken = [(i, j, c) for i in rows for j in columns for c in channels]
    places = np.array([(rows[i], columns[j], c) for i, j, c in taken])
    if convolution:
        kernel = np.asarray(layer.kernel)[..., place[2]]
        return places, kernel[tuple(np.array(taken).T)], _bias(layer, place[2])
    if isinstance(layer, kinds.AveragePooling2D):
        return places, np.full(len(places), 1 / len(places)), 0.0
    weights = np.zeros(len(places))
    weights[np.argmax(x[tuple(places.T)])] = 1  # only the largest counts
    return places, weights, 0.0


def _window(
    length: int, size: int, stride: int, apart: int, place: int, padding: str
) -> dict[int, int]:
    """Which pixels a window covers along one side: by place in the window, place in the image."""
    reach = apart * (size - 1) + 1
    added = max((-(-length // stride) - 1) * stride + reach - length, 0) if padding == "same" else 0
    start = place * stride - added // 2
    covered = {i: start + i * apart for i in range(size)}
    return {i: pixel for i, pixel in covered.items() if 0 <= pixel < length}


def _of_channel(
    places: np.ndarray, products: np.ndarray, inputs: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A window's inputs and weights as images, of the channel whose products are the largest."""
    sums = np.bincount(places[:, 2], np.abs(products))
    own = places[:, 2] == sums.argmax()
    lines, columns = (np.unique(places[own, axis]) for axis in (0, 1))
    shape = len(lines), len(columns)
    return tuple(each[own].astype(np.float32).reshape(shape) for each in (inputs, weights))


def _bias(layer: Any, unit: int) -> float:
    return 0.0 if layer.bias is None else float(np.asarray(layer.bias)[unit])


def _normalised(layer: kinds.BatchNormalization, channel: int) -> tuple[np.ndarray, float]:
    """A normalisation by the means that it has learned, as a factor and something added."""
    mean, variance = (
        float(np.asarray(v)[channel]) for v in (layer.moving_mean, layer.moving_variance)
    )
    factor = (variance + layer.epsilon) ** -0.5
    factor *= float(np.asarray(layer.gamma)[channel]) if layer.scale else 1
    offset = float(np.asarray(layer.beta)[channel]) if layer.center else 0
    return np.array([factor]), offset - mean * factor


def idle(steps: list[Step], seen: Seen) -> Iterator[np.ndarray]:
    """Mark each step's units that say nothing about any of some images.

    Yields
    ------
    numpy.ndarray
        uint8, one for each unit or map: 1 if it is dead, its activation never above zero; 2 if it
        is saturated, its sigmoid or tanh always within a hundredth of its bounds; else 0.
    """
    for (layer, _), values in zip(steps, seen.values, strict=False):
        bend = activation_of(layer)
        if values is None or bend not in ("relu", "sigmoid", "tanh"):
            yield np.zeros(0, np.uint8)
            continue
        units = values.reshape(-1, values.shape[-1])
        if bend == "relu":
            yield (units == 0).all(axis=0).astype(np.uint8)
        else:
            near = np.abs(units if bend == "tanh" else 2 * units - 1) > 0.98
            yield 2 * near.all(axis=0).astype(np.uint8)
