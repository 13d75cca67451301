"""Classifiers written in all the ways in which students write them, compiled."""

import keras
import numpy as np
from keras import layers

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


def compiled(case):
    build, loss, optimizer = CASES[case]
    model = build()
    model.compile(optimizer(), loss, metrics=["accuracy"])
    return model


def same(run, other):
    return np.array_equal(run.batch_loss, other.batch_loss) and run.history == other.history
