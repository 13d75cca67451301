"""Equivalent models get the same description; differences between others are put into words."""

import functools

import keras
import pytest
import tensorflow as tf
from keras import layers

import mnist_lab as lab
from mnist_lab.descriptions import differences, in_words, mathematics


def initial(stddev=0.01, bias=0.1):
    return {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=stddev),
        "bias_initializer": keras.initializers.Constant(bias),
    }


def hidden(units=1500, activation="relu", **changes):
    return layers.Dense(units, activation, **{**initial(), **changes})


def compiled(model, **changes):
    adam = keras.optimizers.Adam(0.001, epsilon=1e-8)
    model.compile(**{"optimizer": adam, "loss": "categorical_crossentropy", **changes})
    return model


def functional():
    first = inputs = keras.Input((784,), name="pixels")
    for name in "abc":
        first = layers.Dropout(0.5, name="drop_" + name)(hidden(name=name)(first))
    return compiled(keras.Model(inputs, layers.Dense(10, "softmax")(first)))


def activations_as_layers():
    kinds = [layers.ReLU(), layers.Activation("relu"), layers.Activation(tf.nn.relu)]
    stack = [keras.Input((784,))]
    for kind in kinds:
        stack += [hidden(activation=None), kind, layers.Dropout(0.5)]
    stack += [layers.Dense(10), layers.Activation("linear"), layers.Softmax()]
    return compiled(keras.Sequential(stack))


def operations():
    x = inputs = keras.Input((28, 28))
    x = keras.ops.reshape(x, (-1, 784))
    for _ in range(3):
        x = layers.Dropout(0.5)(keras.ops.relu(hidden(activation="linear")(x)))
    return compiled(keras.Model(inputs, keras.ops.softmax(layers.Dense(10)(x))))


def nested_and_flattened():
    blocks = [keras.Sequential([hidden(), layers.Dropout(0.5)]) for _ in range(3)]
    stack = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dropout(0), *blocks]
    return compiled(keras.Sequential([*stack, layers.Dense(10, "softmax")]))


def nested_with_one_dropout():
    drop = layers.Dropout(0.5)
    stack = keras.Sequential([hidden(), drop, keras.Sequential([hidden(), drop, hidden(), drop])])
    return compiled(keras.Sequential([keras.Input((784,)), stack, layers.Dense(10, "softmax")]))


class OfItsOwnClass(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = layers.Dense(10)
        self.drop = layers.Dropout(0.5)
        self.first = [hidden() for _ in range(3)]

    def call(self, x, training=False):
        for layer in self.first:
            x = self.drop(layer(x), training=training)
        return keras.ops.softmax(self.last(x))


def of_its_own_class():
    return compiled(OfItsOwnClass())


def reshaped():
    inputs = [keras.Input((28, 28)), layers.Reshape((784,))]
    pairs = [layer for _ in range(3) for layer in (hidden(), layers.Dropout(0.5))]
    return compiled(keras.Sequential([*inputs, *pairs, layers.Dense(10, "softmax")]))


@pytest.mark.parametrize(
    "write",
    [
        functional,
        activations_as_layers,
        operations,
        nested_and_flattened,
        nested_with_one_dropout,
        of_its_own_class,
        reshaped,
    ],
)
def test_however_it_is_written(write):
    part = lab.describe(lab.PARTS["dropout"].build())
    assert lab.describe(write(), (784,)) == part


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.CategoricalCrossentropy(from_logits=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        [keras.losses.SparseCategoricalCrossentropy(from_logits=True)],
        functools.partial(keras.losses.categorical_crossentropy, from_logits=True),
    ],
)
def test_logits_are_the_same_mathematics(loss):
    stack = [keras.Input((784,)), hidden(), hidden(), hidden(), layers.Dense(10)]
    written = lab.describe(compiled(keras.Sequential(stack), loss=loss))
    part = lab.describe(lab.PARTS["mlp"].build())
    assert "output layer: activation" in differences(written, part)
    assert mathematics(written) == mathematics(part)


def test_softmax_and_logits_together_are_another_mathematics():
    stack = [keras.Input((784,)), hidden(), hidden(), hidden(), layers.Dense(10, "softmax")]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    written = lab.describe(compiled(keras.Sequential(stack), loss=loss))
    assert mathematics(written) != mathematics(lab.describe(lab.PARTS["mlp"].build()))


def mlp(last=None, **changes):
    three = [hidden(), hidden(**changes), hidden()]
    last = last or layers.Dense(10, "softmax")
    return keras.Sequential([keras.Input((784,)), *three, last])


def shared():
    x = inputs = keras.Input((784,))
    middle = hidden()
    for layer in (hidden(), middle, middle):
        x = layer(x)
    return keras.Model(inputs, layers.Dense(10, "softmax")(x))


def shared_block():
    block = keras.Sequential([hidden()])
    stack = [keras.Input((784,)), hidden(), block, block, layers.Dense(10, "softmax")]
    return keras.Sequential(stack)


def always_dropping():
    x = inputs = keras.Input((784,))
    for _ in range(3):
        x = layers.Dropout(0.5)(hidden()(x), training=True)
    return compiled(keras.Model(inputs, layers.Dense(10, "softmax")(x)))


def frozen():
    model = mlp()
    model.layers[0].trainable = False
    return model


decay = keras.optimizers.schedules.ExponentialDecay(0.001, 600, 0.9)


@pytest.mark.parametrize(
    ("build", "compilation", "difference"),
    [
        (lambda: mlp(activation="tanh"), {}, "hidden layer 2: activation: tanh, relu"),
        (lambda: mlp(units=1400), {}, "hidden layer 2: units: 1400, 1500"),
        (lambda: mlp(use_bias=False), {}, "hidden layer 2: use bias: False, none"),
        (
            lambda: mlp(kernel_initializer="he_normal"),
            {},
            "hidden layer 2: initial weights: he normal, truncated normal, mean 0, sd 0.01",
        ),
        (lambda: mlp(**initial(bias=0)), {}, "hidden layer 2: initial bias: zeros, constant 0.1"),
        (
            lambda: mlp(kernel_regularizer="l2"),
            {},
            "hidden layer 2: kernel regularizer: l2, l2 0.01, none",
        ),
        (
            lambda: mlp(dtype="mixed_bfloat16"),
            {},
            "hidden layer 2: precision: mixed_bfloat16, none",
        ),
        (frozen, {}, "hidden layer 1: trainable: False, none"),
        (shared, {}, "hidden layer 3: shared: True, none"),
        (shared_block, {}, "hidden layer 3: shared: True, none"),
        (lambda: mlp(layers.Dense(10)), {}, "output layer: activation: linear, softmax"),
        (lambda: mlp(layers.Dense(12, "softmax")), {}, "output layer: units: 12, 10"),
        (
            lambda: mlp(keras.Sequential([hidden(), layers.Dense(10, "softmax")])),
            {},
            "layers: dense, dense, dense, dense, dense, dense, dense, dense, dense",
        ),
        (mlp, {"optimizer": "sgd"}, "optimiser: SGD, Adam"),
        (
            mlp,
            {"optimizer": keras.optimizers.Adam(0.01, epsilon=1e-8)},
            "learning rate: 0.01, 0.001",
        ),
        (mlp, {"optimizer": "adam"}, "epsilon: 1e-07, 1e-08"),
        (
            mlp,
            {"optimizer": keras.optimizers.Adam(decay, epsilon=1e-8)},
            "learning rate: exponential decay, initial learning rate 0.001, decay steps 600, "
            "decay rate 0.9, staircase False, 0.001",
        ),
        (mlp, {"loss": "mse"}, "loss: mean squared error, categorical crossentropy"),
        (mlp, {"loss": lab.ClippedCrossentropy()}, "loss: clipped crossentropy, categorical"),
        (
            mlp,
            {"loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1)},
            "loss: label smoothing: 0.1, none",
        ),
        (mlp, {"loss_weights": [2.0]}, "loss: weights: 2.0, none"),
    ],
)
def test_a_difference_is_put_into_words(build, compilation, difference):
    part = lab.describe(lab.PARTS["mlp"].build())
    found = differences(lab.describe(compiled(build(), **compilation)), part)
    key, values = next(iter(found.items()))
    told = f"{key}: {', '.join(map(in_words, values))}"
    assert told.startswith(difference)


def test_dropout_that_is_always_on_is_reported():
    part = lab.describe(lab.PARTS["dropout"].build())
    found = differences(lab.describe(always_dropping()), part)
    assert next(iter(found)) == "dropout: always on"


class Unreadable(keras.Model):
    def call(self, x):
        return 1 / 0


def test_an_unreadable_model_is_reported():
    written = lab.describe(compiled(Unreadable()), (784,))
    assert written["layers"] == "Unreadable, which cannot be read (division by zero)"
    inputs = keras.Input((10,))
    branches = keras.Model(inputs, layers.Add()([layers.Dense(10)(inputs), inputs]))
    assert "it branches" in lab.describe(compiled(branches))["layers"]


def test_convolutions_are_described_in_full():
    told = lab.describe(lab.build_cnn())
    assert told["input"] == "28 × 28 × 1"
    assert told["layers"] == [
        *("convolution", "max pooling") * 2,
        *("flatten", "dense"),
    ]
    assert told["hidden layer 1: kernel size"] == "5 × 5"
    assert told["hidden layer 2: padding"] == "same"
    assert told["max pooling 2: strides"] == "2 × 2"


@pytest.mark.parametrize(
    ("side", "pool", "told"), [(28, 2, "same"), (28, 3, "valid"), (27, 3, "same"), (27, 2, "valid")]
)
def test_pooling_that_fills_the_image_needs_no_padding(side, pool, told):
    def network(padding):
        stack = [keras.Input((side + 4, side + 4, 1)), layers.Conv2D(2, 5)]
        stack += [layers.MaxPooling2D(pool, padding=padding), layers.Flatten(), layers.Dense(10)]
        return compiled(keras.Sequential(stack))

    valid, same = (lab.describe(network(padding)) for padding in ("valid", "same"))
    assert valid["max pooling: padding"] == told
    assert (valid == same) is (told == "same")
