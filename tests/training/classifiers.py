"""Classifiers written in all the ways in which students write them, compiled."""

import keras
import numpy as np
from keras import layers, ops

import mnist_lab as lab

BATCH = 64


def hidden(**options):
    return layers.Dense(12, activation="relu", **options)


def sequential(*stack, shape=(784,)):
    return keras.Sequential([keras.Input(shape), *stack])


def softmax():
    return layers.Dense(10, activation="softmax")


def functional():
    image = keras.Input((28, 28))
    flat = layers.Flatten()(image)
    joined = layers.Concatenate()([hidden()(flat), layers.Dense(5, "tanh")(flat)])
    return keras.Model(image, layers.Dense(10)(joined))


def convolutional():
    return sequential(
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPool2D(4),
        layers.Flatten(),
        softmax(),
        shape=(28, 28, 1),
    )


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.outer = hidden(), layers.Dense(10)

    def call(self, x):
        return self.outer(self.inner(x))


class WithoutConfig(Subclassed):
    def __init__(self, units):
        super().__init__()
        self.outer = layers.Dense(units)

    def get_config(self):
        raise NotImplementedError("no config here")


def sgd():
    return keras.optimizers.SGD(0.1)


def sparse_logits():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


ONE_HOT = "categorical_crossentropy"
SPARSE = "sparse_categorical_crossentropy"
PLAIN = (lambda: sequential(hidden(), softmax()), ONE_HOT)
# What is compared with fit, in which every way of writing a classifier and every kind of
# optimiser occurs: (model, loss, optimiser).
CASES = {
    "sequential, SGD": (*PLAIN, sgd),
    "functional, logits, sparse": (functional, sparse_logits(), sgd),
    "subclassed": (Subclassed, sparse_logits(), sgd),
    "convolutional, Adam": (convolutional, SPARSE, lambda: keras.optimizers.Adam(epsilon=1e-8)),
    "two layers alike, Adam": (
        lambda: sequential(hidden(), hidden(), softmax()),
        ONE_HOT,
        keras.optimizers.Adam,
    ),
    "batch normalisation": (
        lambda: sequential(hidden(), layers.BatchNormalization(), softmax()),
        ONE_HOT,
        sgd,
    ),
    "regularisers": (
        lambda: sequential(
            hidden(kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.ActivityRegularization(l1=1e-4),
            softmax(),
        ),
        ONE_HOT,
        sgd,
    ),
    "clipped loss": (lambda: sequential(softmax()), lab.ClippedCrossentropy(), sgd),
    "mean squared error": (PLAIN[0], "mse", sgd),
    "momentum": (*PLAIN, lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)),
    "RMSprop": (*PLAIN, keras.optimizers.RMSprop),
    "AdamW": (*PLAIN, keras.optimizers.AdamW),
    "Adam, clipped gradients": (*PLAIN, lambda: keras.optimizers.Adam(clipnorm=0.1)),
    "Adam, averaged weights": (*PLAIN, lambda: keras.optimizers.Adam(use_ema=True)),
    "Adam, schedule": (
        *PLAIN,
        lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)),
    ),
    "max pooling, Adam": (
        lambda: sequential(
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPool2D(2, padding="same"),
            layers.Conv2D(4, 3, padding="same"),
            layers.MaxPool2D((2, 7)),
            layers.Flatten(),
            softmax(),
            shape=(28, 28, 1),
        ),
        SPARSE,
        keras.optimizers.Adam,
    ),
    "strides, batch normalisation, warm-up": (
        lambda: lab.build_modern_cnn(filters=(2, 3, 4, 5), dropout=0, degrees=0, shift=0, zoom=0),
        ONE_HOT,
        lambda: keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(1e-4, 9, warmup_target=1e-3, warmup_steps=4)
        ),
    ),
    "a frozen layer": (
        lambda: sequential(layers.Dense(12, trainable=False), softmax()),
        ONE_HOT,
        sgd,
    ),
    "scaling inside": (
        lambda: sequential(layers.Rescaling(1 / 255), layers.Flatten(), softmax(), shape=(28, 28)),
        ONE_HOT,
        sgd,
    ),
}


class OwnLoss(keras.Sequential):
    """What is special about its loss stands in `compute_loss`."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 3 * super().compute_loss(x, y, y_pred, sample_weight, training)


@keras.saving.register_keras_serializable("tests")
class Penalty(layers.Layer):
    """Adds to the loss what passes it."""

    def call(self, x):
        self.add_loss(1e-3 * ops.mean(ops.square(x)))
        return x


def own_loss():
    return OwnLoss([keras.Input((784,)), hidden(), softmax()])


def squares(y_true, y_pred):
    return ops.sum(ops.square(y_true - y_pred), axis=-1)


def between(*stack, **options):
    """A network with these layers behind its hidden layer."""
    return lambda: sequential(hidden(**options), *[layer() for layer in stack], softmax())


def optimizer(name, *figures, **options):
    return lambda: getattr(keras.optimizers, name)(*figures, **options)


def late_frozen():
    model = PLAIN[0]()
    model.layers[0].trainable = False
    return model


def mixed(policy):
    return lambda: sequential(
        hidden(dtype=policy), layers.Dense(10, activation="softmax", dtype="float32")
    )


def rows():
    return sequential(layers.LSTM(8), softmax(), shape=(28, 28))


def separable():
    stack = layers.SeparableConv2D(4, 3), layers.GlobalAveragePooling2D(), softmax()
    return sequential(*stack, shape=(28, 28, 1))


SMOOTHED = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
# The same for rarer settings; the last entry has further arguments of `compile`.
RARE = {
    "averaged weights, overwriting": (
        *PLAIN,
        optimizer("SGD", 0.1, use_ema=True, ema_overwrite_frequency=4),
    ),
    "gradient accumulation": (*PLAIN, optimizer("Adam", gradient_accumulation_steps=3)),
    "global clipnorm": (*PLAIN, optimizer("Adam", global_clipnorm=0.1)),
    "AMSGrad": (*PLAIN, optimizer("Adam", amsgrad=True)),
    "loss scaling": (
        *PLAIN,
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)),
    ),
    "Lion": (*PLAIN, optimizer("Lion")),
    "Nadam": (*PLAIN, optimizer("Nadam")),
    "Ftrl": (*PLAIN, optimizer("Ftrl", 0.01)),
    "Muon": (*PLAIN, optimizer("Muon", 0.01)),
    "Adafactor": (*PLAIN, optimizer("Adafactor")),
    "mixed bfloat16": (mixed("mixed_bfloat16"), ONE_HOT, sgd),
    "mixed float16": (mixed("mixed_float16"), ONE_HOT, sgd),
    "frozen after building": (late_frozen, ONE_HOT, sgd),
    "activity regulariser": (between(activity_regularizer="l2"), ONE_HOT, sgd),
    "constraints": (between(kernel_constraint="max_norm"), ONE_HOT, keras.optimizers.Adam),
    "add_loss": (between(Penalty), ONE_HOT, sgd),
    "a loss of its own": (own_loss, ONE_HOT, sgd),
    "focal loss": (PLAIN[0], keras.losses.CategoricalFocalCrossentropy(), sgd),
    "smoothed labels": (PLAIN[0], SMOOTHED, sgd),
    "binary cross-entropy": (PLAIN[0], "binary_crossentropy", sgd),
    "sum over the batch": (
        PLAIN[0],
        keras.losses.CategoricalCrossentropy(reduction="sum"),
        optimizer("SGD", 0.001),
    ),
    "loss weights": (*PLAIN, sgd, {"loss_weights": [0.5]}),
    "a function as loss": (PLAIN[0], squares, sgd),
    "LSTM over rows": (rows, ONE_HOT, sgd),
    "separable convolution": (separable, ONE_HOT, keras.optimizers.Adam),
    "spectral normalisation": (
        lambda: sequential(layers.SpectralNormalization(hidden()), softmax()),
        ONE_HOT,
        sgd,
    ),
    "unit normalisation": (between(layers.UnitNormalization), ONE_HOT, sgd),
    "layer normalisation": (between(layers.LayerNormalization), ONE_HOT, sgd),
    # Before the ReLU, and in small steps: where the units of a group are nearly alike, rounding
    # grows from step to step, in `fit` as here.
    "group normalisation": (
        lambda: sequential(layers.Dense(12), layers.GroupNormalization(2), softmax()),
        ONE_HOT,
        optimizer("SGD", 0.01),
    ),
    "run eagerly": (*PLAIN, sgd, {"run_eagerly": True}),
    "compiled by XLA": (*PLAIN, sgd, {"jit_compile": True}),
}


def compiled(case):
    build, loss, optimizer, *options = (CASES | RARE)[case]
    model = build()
    model.compile(optimizer(), loss, metrics=["accuracy"], **(options[0] if options else {}))
    return model


def same(run, other):
    return np.array_equal(run.batch_loss, other.batch_loss) and run.history == other.history
