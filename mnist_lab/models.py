"""Builders of the sheet's networks as compiled Keras models; each of its figures is a keyword."""

from collections.abc import Sequence

import keras
from keras import layers

from .support import in_range

# Kernel size, stride and padding of the modern network's convolutions; 28 pixels a side become
# 14, 12, 6 and 4.
_CONVOLUTIONS = ((5, 2, "same"), (3, 1, "valid"), (3, 2, "same"), (3, 1, "valid"))


@keras.saving.register_keras_serializable("mnist_lab")
class ClippedCrossentropy(keras.losses.Loss):
    """The categorical cross-entropy as Keras 2.2.4 computed it, from clipped probabilities.

    If the probability of the right class is below `epsilon`, the loss stays at -ln(epsilon), about
    16.1, and its gradient is zero: that image no longer moves the weights. Today's Keras finds the
    logits behind a softmax and uses their exact gradient instead.

    Parameters
    ----------
    epsilon : float
        Probabilities are clipped to [epsilon, 1 - epsilon].
    name : str
        As for any Keras loss.

    Notes
    -----
    Labels are one-hot, shape (batch, classes); predictions are probabilities (a softmax),
    of the same shape. The formula is that of `categorical_crossentropy` in
    keras/backend/tensorflow_backend.py of Keras 2.2.4.
    """

    from_logits = False  # Keras' own losses have this attribute too

    def __init__(self, epsilon: float = 1e-7, name: str = "clipped_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.epsilon = in_range("epsilon", epsilon, 1e-30, 0.1)

    def call(self, y_true, y_pred):
        ops = keras.ops
        y_pred = y_pred / ops.sum(y_pred, axis=-1, keepdims=True)
        y_pred = ops.clip(y_pred, self.epsilon, 1 - self.epsilon)
        return -ops.sum(ops.cast(y_true, y_pred.dtype) * ops.log(y_pred), axis=-1)

    def get_config(self) -> dict:
        return {**super().get_config(), "epsilon": self.epsilon}


def build_linear(
    *,
    hidden_units: int = 10,
    learning_rate: float = 0.5,
    loss: str | keras.losses.Loss | None = None,
    classes: int = 10,
) -> keras.Model:
    """Build the sheet's linear network: two dense layers without an activation in between.

    The first layer starts at zero. 7,960 parameters with the sheet's figures.

    Parameters
    ----------
    hidden_units
        Units of the first layer, 1 to 10,000.
    learning_rate
        Of plain stochastic gradient descent, 0 to 1,000.
    loss
        A Keras loss for one-hot labels; the default is `ClippedCrossentropy()`, as the sheet had
        it. Today's is `"categorical_crossentropy"`.
    classes
        Units of the output layer, 2 to 1,000; see `Dataset.classes`.

    Returns
    -------
    keras.Model
        Compiled; input (batch, 784) float32 from 0 to 1, output (batch, classes) probabilities.

    Raises
    ------
    ValueError
        If a figure lies outside its range.
    """
    hidden_units = in_range("hidden_units", hidden_units, 1, 10_000, whole=True)
    learning_rate = in_range("learning_rate", learning_rate, 0, 1000)
    stack = [
        keras.Input((784,)),
        layers.Dense(hidden_units, kernel_initializer="zeros"),
        _output(classes),
    ]
    loss = ClippedCrossentropy() if loss is None else loss
    return _compiled(stack, "linear", keras.optimizers.SGD(learning_rate), loss)


def build_mlp(
    *,
    hidden_layers: int = 3,
    hidden_units: int = 1500,
    dropout: float = 0.0,
    batch_normalization: bool = False,
    weight_decay: float = 0.0,
    degrees: float = 0.0,
    shift: float = 0.0,
    kernel_stddev: float | None = 0.01,
    bias: float = 0.1,
    learning_rate: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    loss: str | keras.losses.Loss = "categorical_crossentropy",
    classes: int = 10,
) -> keras.Model:
    """Build the sheet's multi-layer perceptron; with `dropout=0.5`, the network of its third part.

    5,695,510 parameters with the sheet's figures.

    Parameters
    ----------
    hidden_layers
        Number of hidden ReLU layers, 1 to 20.
    hidden_units
        Units of each, 1 to 10,000.
    dropout
        Share of each hidden layer's units that is dropped in training, 0 to 0.99.
        At 0 there are no dropout layers.
    batch_normalization
        Whether to normalise each hidden layer's inputs to its ReLU over the batch.
    weight_decay
        Share of each weight, times the learning rate, that is subtracted in each iteration, 0 to 1
        (decoupled from the gradient, as in AdamW: Loshchilov and Hutter 2019).
    degrees, shift
        Largest random rotation (0 to 180 degrees) and shift (0 to 27 pixels) of each training
        image, drawn again each time the image is shown.
    kernel_stddev, bias
        The hidden layers' weights start from a normal distribution of this standard deviation
        (0 to 10), truncated at two of them; their biases start at this value (-10 to 10). With
        None, the weights start as Keras' own default has it (Glorot and Bengio 2010, uniform).
    learning_rate, beta_1, beta_2, epsilon
        Of Adam: 0 to 1,000, 0 to 0.9999, 0 to 0.99999 and 1e-12 to 1.
    loss
        A Keras loss for one-hot labels.
    classes
        Units of the output layer, 2 to 1,000; see `Dataset.classes`.

    Returns
    -------
    keras.Model
        Compiled; input (batch, 784) float32 from 0 to 1, output (batch, classes) probabilities.

    Raises
    ------
    ValueError
        If a figure lies outside its range.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.build_mlp().count_params()
    5695510
    """
    hidden_layers = in_range("hidden_layers", hidden_layers, 1, 20, whole=True)
    hidden_units = in_range("hidden_units", hidden_units, 1, 10_000, whole=True)
    dropout = in_range("dropout", dropout, 0, 0.99)
    stack = [keras.Input((784,))]
    if moves := _augmentation(degrees, shift, 0):
        stack += [layers.Reshape((28, 28, 1)), *moves, layers.Flatten()]
    for _ in range(hidden_layers):
        start = _initialisers(kernel_stddev, bias)
        if batch_normalization:
            stack += [layers.Dense(hidden_units, **start), layers.BatchNormalization()]
            stack.append(layers.ReLU())
        else:
            stack.append(layers.Dense(hidden_units, "relu", **start))
        if dropout:
            stack.append(layers.Dropout(dropout))
    stack.append(_output(classes))
    optimizer = _adam(learning_rate, beta_1, beta_2, epsilon, weight_decay)
    return _compiled(stack, "dropout" if dropout else "mlp", optimizer, loss)


def build_cnn(
    *,
    filters: tuple[int, ...] = (32, 64),
    kernel_size: int = 5,
    pool_size: int = 2,
    kernel_stddev: float = 0.01,
    bias: float = 0.1,
    learning_rate: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    loss: str | keras.losses.Loss = "categorical_crossentropy",
    classes: int = 10,
) -> keras.Model:
    """Build the sheet's convolutional network: convolution and max pooling, twice, then softmax.

    83,466 parameters with the sheet's figures.

    Parameters
    ----------
    filters
        Filters of each convolution, 1 to 1,024 each; one to four convolutions.
    kernel_size, pool_size
        Side of the square convolution kernels (1 to 28) and of the pooling windows (1 to 28),
        in pixels. Both are padded ("same").
    kernel_stddev, bias, learning_rate, beta_1, beta_2, epsilon, loss, classes
        As in `build_mlp`, for the convolutions.

    Returns
    -------
    keras.Model
        Compiled; input (batch, 28, 28, 1) float32 from 0 to 1, output (batch, classes)
        probabilities.

    Raises
    ------
    ValueError
        If a figure lies outside its range.
    """
    counts = _filter_counts(filters, 1, "one to four")
    kernel_size = in_range("kernel_size", kernel_size, 1, 28, whole=True)
    pool_size = in_range("pool_size", pool_size, 1, 28, whole=True)
    stack = [keras.Input((28, 28, 1))]
    for count in counts:
        stack += [
            layers.Conv2D(
                count,
                kernel_size,
                padding="same",
                activation="relu",
                **_initialisers(kernel_stddev, bias),
            ),
            layers.MaxPool2D(pool_size, padding="same"),
        ]
    stack += [layers.Flatten(), _output(classes)]
    return _compiled(stack, "cnn", _adam(learning_rate, beta_1, beta_2, epsilon), loss)


def build_modern_cnn(
    *,
    filters: tuple[int, int, int, int] = (32, 48, 64, 96),
    dropout: float = 0.4,
    degrees: float = 10.0,
    shift: float = 2.0,
    zoom: float = 0.1,
    learning_rate: float = 0.003,
    iterations: int = 15_000,
    classes: int = 10,
) -> keras.Model:
    """Build a convolutional network with today's usual techniques: the best of notebook 8.

    Four convolutions, two of them with stride 2 instead of pooling; batch normalisation before
    each ReLU; dropout before the output layer; training images that are turned, shifted and
    zoomed; and a learning rate that rises at first and then falls to zero. 113,898 parameters by
    default. It was chosen from five networks by validation images; see docs/records.md.

    Parameters
    ----------
    filters
        Filters of the four convolutions, 1 to 1,024 each.
    dropout
        Share of the last convolution's outputs that is dropped in training, 0 to 0.99.
    degrees, shift, zoom
        Largest random rotation (0 to 180 degrees), shift (0 to 27 pixels) and change of size (a
        share, 0 to 0.9) of each training image, drawn again each time the image is shown.
    learning_rate
        Highest learning rate of Adam, 0 to 1,000.
    iterations
        Planned length of the training, 10 to 10,000,000 iterations. In the first tenth the
        learning rate rises from a tenth of its highest value; then it falls to zero along a cosine
        (Loshchilov and Hutter 2017).
    classes
        Units of the output layer, 2 to 1,000; see `Dataset.classes`.

    Returns
    -------
    keras.Model
        Compiled; input (batch, 28, 28, 1) float32 from 0 to 1, output (batch, classes)
        probabilities.

    Raises
    ------
    ValueError
        If a figure lies outside its range.

    Examples
    --------
    >>> import mnist_lab as lab
    >>> lab.build_modern_cnn().count_params()
    113898
    """
    counts = _filter_counts(filters, len(_CONVOLUTIONS), "four")
    stack = [keras.Input((28, 28, 1)), *_augmentation(degrees, shift, zoom)]
    for count, (kernel_size, stride, padding) in zip(counts, _CONVOLUTIONS, strict=True):
        # No bias: the normalisation adds one.
        convolution = layers.Conv2D(count, kernel_size, stride, padding, use_bias=False)
        stack += [convolution, layers.BatchNormalization(), layers.ReLU()]
    stack += [layers.Flatten(), layers.Dropout(in_range("dropout", dropout, 0, 0.99))]
    stack.append(_output(classes))
    optimizer = keras.optimizers.Adam(_warm_up_and_decay(learning_rate, iterations))
    return _compiled(stack, "modern", optimizer, "categorical_crossentropy")


def _filter_counts(filters: Sequence[int], fewest: int, words: str) -> list[int]:
    if not isinstance(filters, tuple | list) or not fewest <= len(filters) <= 4:
        raise ValueError(f"filters={filters!r}: it must be a tuple of {words} whole numbers")
    return [
        in_range(f"filters[{index}]", count, 1, 1024, whole=True)
        for index, count in enumerate(filters)
    ]


def _output(classes: int) -> keras.layers.Dense:
    return layers.Dense(in_range("classes", classes, 2, 1000, whole=True), activation="softmax")


def _initialisers(kernel_stddev: float | None, bias: float) -> dict[str, keras.Initializer]:
    start = {"bias_initializer": keras.initializers.Constant(in_range("bias", bias, -10, 10))}
    if kernel_stddev is not None:
        stddev = in_range("kernel_stddev", kernel_stddev, 0, 10)
        start["kernel_initializer"] = keras.initializers.TruncatedNormal(0.0, stddev)
    return start


def _augmentation(degrees: float, shift: float, zoom: float) -> list[layers.Layer]:
    """Return layers that move training images at random; none if all arguments are zero."""
    degrees, shift = in_range("degrees", degrees, 0, 180), in_range("shift", shift, 0, 27)
    moves = []
    if degrees:
        moves.append(layers.RandomRotation(degrees / 360, fill_mode="constant"))
    if shift:
        moves.append(layers.RandomTranslation(shift / 28, shift / 28, fill_mode="constant"))
    if zoom := in_range("zoom", zoom, 0, 0.9):
        moves.append(layers.RandomZoom(zoom, fill_mode="constant"))
    return moves


def _warm_up_and_decay(
    learning_rate: float, iterations: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Rise from a tenth of the rate to the whole rate in a tenth of the time, then fall to zero."""
    learning_rate = in_range("learning_rate", learning_rate, 0, 1000)
    iterations = in_range("iterations", iterations, 10, 10_000_000, whole=True)
    warm_up = iterations // 10
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10,
        iterations - warm_up,
        warmup_target=learning_rate,
        warmup_steps=warm_up,
    )


def _adam(
    learning_rate: float, beta_1: float, beta_2: float, epsilon: float, weight_decay: float = 0
) -> keras.optimizers.Adam:
    return keras.optimizers.Adam(
        in_range("learning_rate", learning_rate, 0, 1000),
        in_range("beta_1", beta_1, 0, 0.9999),
        in_range("beta_2", beta_2, 0, 0.99999),
        in_range("epsilon", epsilon, 1e-12, 1),
        weight_decay=in_range("weight_decay", weight_decay, 0, 1) or None,
    )


def _compiled(
    stack: list,
    name: str,
    optimizer: keras.optimizers.Optimizer,
    loss: str | keras.losses.Loss,
) -> keras.Model:
    model = keras.Sequential(stack, name=name)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model
