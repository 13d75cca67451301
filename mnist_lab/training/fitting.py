"""Checks whether a model can be trained here, and how it takes a data set's images and labels."""

import contextlib
import logging
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..data import Dataset, as_stored, is_one_hot
from ..signals import signals_blocked
from .initial import copy_layers
from .losses import takes_class_numbers, takes_logits

_log = logging.getLogger(__name__)

# Methods that a subclass may override and this loop would ignore.
_OVERRIDDEN = ("fit", "train_step", "test_step", "train_function", "make_train_function")


class Intake(NamedTuple):
    """How a model takes the images and labels of a data set.

    Attributes
    ----------
    input_shape : tuple of int
        Shape of one image, as the model takes it.
    classes : int
        Number of the model's classes.
    stored : bool
        Whether the images are stored like MNIST (uint8, 28 x 28) and must be reshaped.
    scaled : bool
        Whether they must also be divided by 255, because the model does not scale them.
    sparse : bool
        Whether the model's loss takes class numbers.
    logits : bool
        Whether the loss takes logits, so that the outputs are not probabilities.
    """

    input_shape: tuple[int, ...]
    classes: int
    stored: bool
    scaled: bool
    sparse: bool
    logits: bool

    def tensors(self, x: np.ndarray, y: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Return images and labels as tensors; images stored as bytes remain bytes."""
        if not self.stored:
            x = x.astype(np.float32, copy=False)
        y = y.astype(np.float32) if is_one_hot(y) else y.reshape(-1).astype(np.int32)
        return tf.constant(x), tf.constant(y)

    def adapted(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return images as the model takes them, labels as the loss does, and class numbers."""
        x = tf.cast(x, tf.float32)
        if self.scaled:
            x = x / 255.0
        if self.stored:
            x = tf.reshape(x, (-1 if x.shape[0] is None else x.shape[0], *self.input_shape))
        if y.shape.rank == 2:
            return x, y, tf.argmax(y, -1, tf.int32)
        return x, y if self.sparse else tf.one_hot(y, self.classes), y


def intake_of(model: keras.Model, data: Dataset) -> Intake:
    """Find out how a model takes these data; build it for them if it is not built yet.

    Raises
    ------
    ValueError
        If the model is not compiled, overrides how `fit` trains, has several inputs or outputs, or
        does not fit the data.
    """
    if getattr(model, "optimizer", None) is None:
        raise ValueError(f"model {model.name!r} is not compiled: call model.compile(...) first")
    _check_overrides(model)
    stored = as_stored(data.x_train)
    input_shape, classes = _fit_shapes(model, data, stored)
    sparse = takes_class_numbers(model, input_shape, classes)
    _check_labels(data, sparse, classes)
    scaled = stored and not scales_itself(model)
    logits = takes_logits(model, input_shape, classes)
    return Intake(input_shape, classes, stored, scaled, sparse, logits)


def scales_itself(model: keras.Model) -> bool:
    """Whether a model scales the pixels itself."""
    scaling = keras.layers.Rescaling, keras.layers.Normalization
    return any(isinstance(layer, scaling) for layer in model._flatten_layers())


def _check_overrides(model: keras.Model) -> None:
    """Refuse a model that `fit` would train differently from this loop."""
    own = [
        name
        for name in _OVERRIDDEN
        if getattr(type(model), name, None) is not getattr(keras.Model, name, None)
    ]
    own += [name for name in ("fit", "train_step", "test_step") if name in vars(model)]
    if own:
        raise ValueError(
            f"model {model.name!r} has its own {own[0]} (class {type(model).__name__}), which "
            "lab.train would ignore: use model.fit, or write what is special about its loss "
            "as compute_loss, which both use"
        )
    inputs = None
    with contextlib.suppress(AttributeError, ValueError):  # unknown before a model is built
        inputs = keras.tree.flatten(model.inputs)
    if inputs and len(inputs) > 1:
        raise ValueError(
            f"model {model.name!r} has {len(inputs)} inputs: this lab trains networks that take "
            "one, the image"
        )


def _fit_shapes(model: keras.Model, data: Dataset, stored: bool) -> tuple[tuple[int, ...], int]:
    own = data.x_train.shape[1:]
    shapes = [(int(np.prod(own)),), (*own, 1), own] if stored else [own]
    with contextlib.suppress(AttributeError, ValueError):  # unknown before a model is built
        declared = tuple(model.input_shape[1:])
        if stored and None not in declared and np.prod(declared) == np.prod(own):
            shapes = [declared]
    problem, cause = "", None
    for shape in shapes:
        images = np.zeros((2, *shape), np.float32)
        try:
            with signals_blocked():
                output = _expendable(model)(images, training=False)
        except (ValueError, TypeError, tf.errors.OpError) as refusal:
            problem, cause = str(refusal).split("\n")[0], refusal
            continue
        if not isinstance(output, tf.Tensor):
            several = list(output) if isinstance(output, dict) else f"{len(output)} in a list"
            raise ValueError(
                f"model {model.name!r} has not one output but {several}: this lab trains "
                "classifiers whose output is one tensor, of shape (images, classes)"
            )
        if len(output.shape) == 2 and output.shape[1] > 1:
            if not model.built:
                model(images, training=False)
            return shape, int(output.shape[1])
        problem = f"its output for 2 images has shape {tuple(output.shape)}, not (2, classes)"
    raise ValueError(
        f"model {model.name!r} does not take these images (shape {own}) as "
        f"{' or '.join(map(str, shapes))}: {problem}"
    ) from cause


def _expendable(model: keras.Model) -> keras.Model:
    """Return a model to try a shape on: a copy, unless the model is built already."""
    if model.built:
        return model
    try:
        return copy_layers(model)
    except Exception:  # a student's own class may raise anything
        _log.debug("model %r cannot be copied, and is tried as it is", model.name, exc_info=True)
        return model


def _check_labels(data: Dataset, sparse: bool, classes: int) -> None:
    y = data.y_train
    if any(labels.dtype.kind not in "biuf" for labels in (y, data.y_valid)):
        raise ValueError(f"labels are {y.dtype} and must be numbers: y.astype(int) converts them")
    if y.ndim == 3:
        raise ValueError(
            f"y_train has the shape {y.shape}: its labels were made one-hot twice; call "
            "to_categorical, or pick rows of np.eye, only once"
        )
    cure = f"give its output layer {data.classes} units (classes={data.classes})"
    if is_one_hot(y) and sparse:
        raise ValueError(
            f"y_train is one-hot (shape {y.shape}), but the model's loss is a sparse one: train on "
            "the class numbers, or compile with 'categorical_crossentropy'"
        )
    if is_one_hot(y) and y.shape[1] != classes:
        raise ValueError(
            f"y_train has {y.shape[1]} columns, but the model has {classes} outputs: {cure}"
        )
    lowest = min(y.min(), data.y_valid.min())
    if not is_one_hot(y) and lowest < 0:
        raise ValueError(f"the smallest label is {lowest}: class numbers begin at 0")
    if data.classes > classes:
        raise ValueError(
            f"there are labels up to {data.classes - 1}, but the model has {classes} outputs: "
            f"{cure}"
        )
