"""A check accepts every right answer, names every classic mistake, and touches nothing."""

import dataclasses
import json
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from samples import example_run

import mnist_lab as lab
from mnist_lab.checks import MIME, arrays, counts, first_fault, hints, network
from mnist_lab.descriptions import mathematics

CATEGORICAL = "categorical_crossentropy"
SPARSE_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
LOGITS = keras.losses.CategoricalCrossentropy(from_logits=True)
SGD = keras.optimizers.SGD
UNITS = 200  # of a hidden layer, where the sheet has 1500: the banks of models are many


@pytest.fixture
def narrow(monkeypatch):
    for part in ("mlp", "dropout"):
        sheet = lab.PARTS[part]
        figures = {**sheet.figures, "hidden_units": UNITS}
        monkeypatch.setitem(lab.PARTS, part, dataclasses.replace(sheet, figures=figures))


def start():
    return {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01),
        "bias_initializer": keras.initializers.Constant(0.1),
    }


def hidden(units=UNITS, activation="relu", **changes):
    return layers.Dense(units, activation, **{**start(), **changes})


def conv(filters, size=5, **changes):
    usual = {"padding": "same", "activation": "relu", **start()}
    return layers.Conv2D(filters, size, **{**usual, **changes})


def pool(size=2, **changes):
    return layers.MaxPooling2D(size, **{"padding": "same", **changes})


def last(activation="softmax", units=10):
    return layers.Dense(units, activation)


def adam(rate=0.001, **changes):
    return keras.optimizers.Adam(rate, **{"epsilon": 1e-8, **changes})


def compiled(model, optimizer=None, loss=CATEGORICAL, metrics=("accuracy",)):
    model.compile(optimizer or adam(), loss, metrics=list(metrics))
    return model


def stack(*parts, shape=(784,), **compilation):
    return compiled(keras.Sequential([keras.Input(shape), *parts]), **compilation)


def linear(first=None, output=None, rate=0.5, **compilation):
    first = first or layers.Dense(10, kernel_initializer="zeros")
    compilation = {"optimizer": SGD(rate), **compilation}
    return stack(first, output or last(), **compilation)


def mlp(second=None, output=None, **compilation):
    return stack(hidden(), second or hidden(), hidden(), output or last(), **compilation)


def dropout(rates=(0.5, 0.5, 0.5), **compilation):
    pairs = [part for rate in rates for part in (hidden(), layers.Dropout(rate))]
    return stack(*pairs, last(), **compilation)


def cnn(*, first=None, second=None, pooling=None, end=None, shape=(28, 28, 1), **compilation):
    parts = [first or conv(32), pool(), second or conv(64), pooling or pool()]
    return stack(*parts, *(end or [layers.Flatten(), last()]), shape=shape, **compilation)


def functional(between=lambda x, place: x, output=None, shape=(784,), activation="relu"):
    x = inputs = keras.Input(shape)
    x = between(x, 0)
    for place in (1, 2, 3):
        x = between(hidden(activation=activation)(x), place)
    return compiled(keras.Model(inputs, (output or last())(x)))


def shared():
    same = hidden()
    return stack(hidden(), same, same, last())


def frozen():
    model = mlp()
    model.layers[0].trainable = False
    return compiled(model)


class Raw(keras.Model):
    """A network in TensorFlow's own words, which cannot be read."""

    def __init__(self, rates=(0, 0, 0), act=tf.nn.relu, scale=1, sd=0.01, end=tf.nn.softmax,
                 at_input=0, at_output=0):  # fmt: skip
        super().__init__()
        normal = keras.initializers.TruncatedNormal(stddev=sd)
        bias = keras.initializers.Constant(0.1)
        self.last = layers.Dense(10)
        self.kernels = [
            self.add_weight(shape=(inputs, UNITS), initializer=normal)
            for inputs in (784, UNITS, UNITS)
        ]
        self.biases = [self.add_weight(shape=(UNITS,), initializer=bias) for _ in range(3)]
        self.rates, self.act, self.scale, self.end = rates, act, scale, end
        self.at_input, self.at_output = at_input, at_output

    def call(self, x, training):
        x = tf.convert_to_tensor(x) / self.scale
        x = self.dropped(x, self.at_input, training)
        for kernel, bias, rate in zip(self.kernels, self.biases, self.rates, strict=True):
            x = self.dropped(self.act(tf.matmul(x, kernel) + bias), rate, training)
        return self.dropped(self.end(self.last(x)), self.at_output, training)

    @staticmethod
    def dropped(x, rate, training):
        return tf.nn.dropout(x, rate) if training and rate else x


def raw(kind=Raw, loss=CATEGORICAL, **changes):
    model = compiled(kind(**changes), loss=loss)
    model(np.zeros((1, 784), np.float32), training=False)
    return model


def lambda_softmax():
    return mlp(output=keras.Sequential([layers.Dense(10), layers.Lambda(tf.nn.softmax)]))


class FailingInTraining(Raw):
    def call(self, x, training):
        return super().call(x, training) if not training else 1 / 0


class RawWithoutTraining(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = [hidden(), hidden(), hidden(), last(None)]
        self.drop = layers.Dropout(0.5)

    def call(self, x):
        for part in self.parts[:-1]:
            x = self.drop(tf.identity(part(x)))
        return tf.nn.softmax(self.parts[-1](x))


class Wrapped(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = hidden()

    def call(self, x):
        return self.inner(x)


class OfItsOwnClass(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = last()
        self.drop = layers.Dropout(0.5)
        self.first = [hidden() for _ in range(3)]

    def call(self, x, training=False):
        for layer in self.first:
            x = self.drop(layer(x), training=training)
        return self.last(x)


def own_initial_weights():
    def drawn(shape, dtype=None):
        return keras.random.truncated_normal(shape, 0, 0.01)

    return mlp(hidden(kernel_initializer=drawn))


def one_dropout_layer():
    drop = layers.Dropout(0.5)
    return stack(hidden(), drop, hidden(), drop, hidden(), drop, last())


RIGHT = {
    "linear, today's loss": ("linear", linear),
    "linear, the loss of 2020": ("linear", lambda: linear(loss=lab.ClippedCrossentropy())),
    "linear, logits": ("linear", lambda: linear(output=last(None), loss=LOGITS)),
    "functional": ("mlp", functional),
    "logits and class numbers": ("mlp", lambda: mlp(output=last(None), loss=SPARSE_LOGITS)),
    "sparse loss": ("mlp", lambda: mlp(loss="sparse_categorical_crossentropy")),
    "optimiser as a string": ("mlp", lambda: mlp(optimizer="adam")),
    "metric in short": ("mlp", lambda: mlp(metrics=["acc"])),
    "metric as an object": ("mlp", lambda: mlp(metrics=[keras.metrics.CategoricalAccuracy()])),
    "metric as a function": ("mlp", lambda: mlp(metrics=[keras.metrics.categorical_accuracy])),
    "activation as a layer": (
        "mlp",
        lambda: stack(*[p for _ in "abc" for p in (hidden(activation=None), layers.ReLU())],
                      last()),
    ),
    "activation as a function": ("mlp", lambda: mlp(hidden(activation=lambda x: tf.nn.relu(x)))),
    "flattened": (
        "mlp",
        lambda: stack(layers.Flatten(), hidden(), hidden(), hidden(), last(), shape=(28, 28, 1)),
    ),
    "nested": ("mlp", lambda: stack(keras.Sequential([hidden(), hidden()]), hidden(), last())),
    "own initial weights": ("mlp", own_initial_weights),
    "custom layer": ("mlp", lambda: mlp(Wrapped())),
    "softmax in a lambda": ("mlp", lambda_softmax),
    "raw operations": ("mlp", raw),
    "raw logits": ("mlp", lambda: raw(end=tf.identity, loss=LOGITS)),
    "dropout": ("dropout", dropout),
    "one dropout layer in three places": ("dropout", one_dropout_layer),
    "a class of its own": ("dropout", lambda: called(OfItsOwnClass())),
    "dropout before relu": (
        "dropout",
        lambda: stack(*[part for _ in "abc" for part in (
            hidden(activation=None), layers.Dropout(0.5), layers.ReLU())], last()),
    ),
    "raw dropout": ("dropout", lambda: raw(rates=(0.5, 0.5, 0.5))),
    "raw without the argument training": ("dropout", lambda: called(RawWithoutTraining())),
    "cnn": ("cnn", cnn),
    "cnn, relu after pooling": (
        "cnn",
        lambda: stack(conv(32, activation=None), pool(), layers.ReLU(), conv(64), pool(),
                      layers.Flatten(), last(), shape=(28, 28, 1)),
    ),
    "cnn, images without a channel": (
        "cnn",
        lambda: stack(layers.Reshape((28, 28, 1)), conv(32), pool(), conv(64), pool(),
                      layers.Flatten(), last(), shape=(28, 28)),
    ),
    "cnn, pooling without padding": (
        "cnn", lambda: stack(conv(32), layers.MaxPooling2D(2), conv(64), layers.MaxPooling2D(),
                             layers.Flatten(), last(), shape=(28, 28, 1))),
    "cnn, reshaped at the end": (
        "cnn", lambda: cnn(end=[layers.Reshape((7 * 7 * 64,)), last()])),
}  # fmt: skip


def called(model):
    compiled(model)
    model(np.zeros((1, 784), np.float32))
    return model


@pytest.mark.anywhere
@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_however_they_are_written(name):
    part, build = RIGHT[name]
    result = lab.check(part, build())
    assert result, result
    assert result.outcome == "right"
    assert repr(result).startswith(f"Right: this is the network that part {part} asks for.")


def test_the_loss_of_today_is_right_for_the_linear_part_with_a_remark():
    words = "lab.ClippedCrossentropy() is the one of 2020"
    for model in (linear(), linear(loss="sparse_categorical_crossentropy")):
        result = lab.check("linear", model)
        assert result
        assert words in " ".join(result.remarks)
    assert words not in repr(lab.check("linear", linear(loss=lab.ClippedCrossentropy())))
    assert words not in repr(lab.check("linear", linear(loss="mse")))
    assert words not in repr(lab.check("mlp", lab.build_mlp()))


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_parts_own_builders_are_right_and_no_other(part):
    model = lab.PARTS[part].build()
    assert repr(lab.check(part, model)).count("\n") == 0
    for other in set(lab.PARTS) - {part}:
        assert not lab.check(other, model)


def rescaled():
    return stack(layers.Rescaling(1 / 255), hidden(), hidden(), hidden(), last())


def divided():
    x = inputs = keras.Input((784,))
    x = x / 255
    for _ in range(3):
        x = hidden()(x)
    return compiled(keras.Model(inputs, last()(x)))


def never_resting():
    return functional(lambda x, place: layers.Dropout(0.5)(x, training=True) if place else x)


def dropout_at(*places):
    def between(x, place):
        return layers.Dropout(0.5)(x) if place in places else x

    return functional(between)


def after_output():
    pairs = [part for _ in range(3) for part in (hidden(), layers.Dropout(0.5))]
    return stack(*pairs, last(), layers.Dropout(0.5))


def plain_cnn():
    plain = {"padding": "valid", "kernel_initializer": "glorot_uniform"}
    first, second = (conv(filters, 3, **plain) for filters in (32, 64))
    parts = [first, layers.MaxPooling2D(), second, layers.MaxPooling2D(), layers.Flatten(), last()]
    return stack(*parts, shape=(28, 28, 1))


class Failing(OfItsOwnClass):
    def call(self, x, training=False):
        if getattr(self, "broken", False):
            raise RuntimeError("a slip of the student")
        return super().call(x)


def failing():
    model = called(Failing())
    model.broken = True
    return model


def branching():
    x = inputs = keras.Input((784,))
    first = hidden()(x)
    x = hidden()(hidden()(first))
    return compiled(keras.Model(inputs, last()(layers.Add()([x, first]))))


WRONG = [
    # The output and the loss
    ("mlp", lambda: mlp(loss=LOGITS), "Softmax twice"),
    ("mlp", lambda: mlp(loss=SPARSE_LOGITS), "Softmax twice"),
    ("mlp", lambda: stack(hidden(), hidden(), hidden(), last(), layers.Softmax()), "Softmax twice"),
    ("mlp", lambda: mlp(output=last(None)), "The softmax is missing"),
    ("linear", lambda: linear(output=last(None), loss=lab.ClippedCrossentropy()),
     "The softmax is missing"),
    ("mlp", lambda: mlp(output=last("sigmoid")), "A sigmoid judges each digit on its own"),
    ("mlp", lambda: mlp(output=last("relu")), "output layer: activation is relu"),
    ("mlp", lambda: mlp(loss="mse"), "loss is mean squared error"),
    ("mlp", lambda: mlp(loss="binary_crossentropy"), "ten yes-or-no questions"),
    ("mlp", lambda: mlp(loss="no such loss"), "compile: ValueError"),
    ("mlp", lambda: mlp(loss=None), "the part asks for categorical crossentropy"),
    ("mlp", lambda: mlp(loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1)),
     "label smoothing is 0.1, the part asks for none"),
    ("mlp", lambda: mlp(output=last(units=9)), "output layer: units are 9, the part asks for 10"),
    ("mlp", lambda: mlp(output=last("sigmoid", 1)), "the output layer has one unit"),
    # Hidden layers
    ("mlp", lambda: mlp(hidden(activation=None)),
     "hidden layer 2: activation is linear, the part asks for relu"),
    ("mlp", lambda: functional(activation=None), "hidden layers 1, 2 and 3: activation is linear"),
    ("mlp", lambda: mlp(hidden(activation="tanh")), "hidden layer 2: activation is tanh"),
    ("mlp", lambda: mlp(hidden(150)), "hidden layer 2: units are 150, the part asks for 200"),
    ("mlp", lambda: stack(hidden(), hidden(), last()),
     "layers: 3 of dense, the part asks for 4"),
    ("mlp", lambda: mlp(output=keras.Sequential([hidden(), last()])), "layers: 5 of dense"),
    ("mlp", lambda: mlp(hidden(use_bias=False)), "use bias is False, the part asks for True"),
    ("mlp", shared, "make a new layer for each place"),
    ("mlp", frozen, "learns nothing"),
    ("mlp", lambda: mlp(hidden(kernel_regularizer="l2")), "kernel regularizer is l2"),
    ("mlp", lambda: stack(hidden(), layers.BatchNormalization(), hidden(), hidden(), last()),
     "layers: 1 of batch normalization, the part asks for none"),
    ("mlp", lambda: stack(layers.Rescaling(1 / 127.5, -1), hidden(), hidden(), hidden(), last()),
     "Rescaling(1/255) as its first layer"),
    ("mlp", divided, "scale them twice"),
    ("mlp", lambda: stack(hidden(), hidden(), hidden(), last(), shape=(28, 28)),
     "input is 28 × 28, the part asks for 784"),
    ("mlp", lambda: stack(hidden(), hidden(), hidden(), last(), shape=(28,)),
     "keras.Input((784,))"),
    ("mlp", dropout, "This part is without dropout."),
    ("linear", lambda: linear(layers.Dense(10, "relu", kernel_initializer="zeros")),
     "without an activation between"),
    ("linear", lambda: stack(last(), optimizer=SGD(0.5)), "layers: 1 of dense"),
    # Initial weights
    ("mlp", lambda: mlp(hidden(kernel_initializer=keras.initializers.RandomNormal(stddev=0.05))),
     "initial weights are random normal, mean 0, sd 0.05"),
    ("mlp", lambda: mlp(hidden(kernel_initializer="glorot_uniform")), "The default is glorot"),
    ("mlp", lambda: mlp(hidden(kernel_initializer="zeros")), "learn the same"),
    ("mlp", lambda: mlp(hidden(bias_initializer="zeros")), "bias_initializer"),
    ("linear", lambda: linear(layers.Dense(10)), 'kernel_initializer="zeros"'),
    # The optimiser and the metrics
    ("linear", lambda: linear(rate=0.05),
     "optimiser: learning rate is 0.05, the part asks for 0.5"),
    ("linear", lambda: linear(optimizer="sgd"), "learning rate is 0.01"),
    ("linear", lambda: linear(optimizer=SGD(0.5, momentum=0.9)), "momentum is 0.9"),
    ("linear", lambda: linear(optimizer=adam()), "optimiser is Adam, the part asks for SGD"),
    ("mlp", lambda: mlp(optimizer=adam(0.01)), "learning rate is 0.01, the part asks for 0.001"),
    ("mlp", lambda: mlp(optimizer="sgd"), "optimiser is SGD, the part asks for Adam"),
    ("mlp", lambda: mlp(optimizer=adam(beta_1=0.99)), "beta 1 is 0.99, the part asks for 0.9"),
    ("mlp", lambda: mlp(metrics=[]), "metrics: none, the part asks for accuracy"),
    ("mlp", lambda: mlp(metrics=["binary_accuracy"]), "metrics: binary_accuracy"),
    ("mlp", lambda: mlp(metrics=[keras.metrics.Accuracy()]), "metrics: Accuracy"),
    ("mlp", lambda: mlp(metrics=[keras.metrics.SparseCategoricalAccuracy()]),
     "for other labels than the loss"),
    # Dropout
    ("dropout", mlp, "layers: no dropout, the part asks for 3"),
    ("dropout", lambda: dropout((0.5, 0.5, 0)), "layers: 2 of dropout, the part asks for 3"),
    ("dropout", lambda: dropout((0.2, 0.2, 0.2)), "rate is 0.2, the part asks for 0.5"),
    ("dropout", after_output, "dropout after the output layer"),
    ("dropout", lambda: dropout_at(0, 1, 2), "dropout before the first layer"),
    ("dropout", never_resting, "training=True drops units at validation"),
    # Convolutions
    ("cnn", lambda: cnn(first=conv(32, padding="valid")), "padding is valid"),
    ("cnn", lambda: cnn(first=conv(32, 3)), "kernel size is 3 × 3, the part asks for 5 × 5"),
    ("cnn", lambda: cnn(first=conv(64), second=conv(32)), "hidden layer 2: filters are 32"),
    ("cnn", lambda: cnn(first=conv(32, strides=2)), "strides are 2 × 2, the part asks for 1 × 1"),
    ("cnn", lambda: cnn(pooling=pool(3)), "pool size is 3 × 3"),
    ("cnn", lambda: cnn(pooling=pool(strides=1)), "max pooling 2: strides are 1 × 1"),
    ("cnn", lambda: cnn(pooling=layers.AveragePooling2D(2, padding="same")), "average pooling"),
    ("cnn", lambda: cnn(end=[last()]), "layers: no flatten"),
    ("cnn", lambda: cnn(end=[layers.GlobalAveragePooling2D(), last()]), "global average pooling"),
    ("cnn", lambda: cnn(end=[layers.Flatten(), hidden(100), last()]), "layers: 2 of dense"),
    ("cnn", plain_cnn, "max pooling 2: padding is valid"),
    ("cnn", plain_cnn, "hidden layers 1 and 2: kernel size is 3 × 3"),
    ("cnn", mlp, "layers: no convolution, the part asks for 2"),
    # Networks that cannot be read
    ("mlp", lambda: raw(act=tf.identity), "it computes something else"),
    ("mlp", lambda: raw(scale=255), "scaled twice"),
    ("mlp", lambda: raw(sd=0.05), "initial weights are random with sd 0.04"),
    ("mlp", lambda: raw(end=tf.identity), "The softmax is missing"),
    ("mlp", lambda: raw(end=tf.sigmoid), "A sigmoid judges each digit on its own"),
    ("mlp", lambda: raw(loss=LOGITS), "Softmax twice"),
    ("mlp", lambda: raw(rates=(0.5, 0, 0)), "dropout: there is some, the part asks for none"),
    ("dropout", lambda: raw(rates=(0.5, 0.2, 0.5)),
     "dropout after hidden layer 2: its rate is 0.2"),
    ("dropout", raw, "dropout after hidden layer 3: its rate is 0.0"),
    ("dropout", lambda: raw(rates=(0.5,) * 3, at_input=0.5), "dropout before the first layer"),
    ("dropout", lambda: raw(rates=(0.5,) * 3, at_output=0.5), "dropout after the output layer"),
    ("linear", raw, "weights have the shapes"),
    ("mlp", lambda: raw(FailingInTraining), "raises ZeroDivisionError"),
    ("mlp", failing, "raises RuntimeError: a slip of the student"),
    ("mlp", branching, "it computes something else"),
]  # fmt: skip


@pytest.mark.anywhere
@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(("part", "build", "words"), WRONG, ids=[line[2][:40] for line in WRONG])
def test_what_is_wrong_with_a_model_is_named(part, build, words):
    result = lab.check(part, build())
    assert result.outcome == "wrong"
    assert words in " ".join(repr(result).split())
    assert 1 <= len(result.differences) <= 8
    assert kept(result)["findings"][0]["words"] == result.differences[0]
    assert max(map(len, repr(result).split("\n"))) <= 100


def kept(result):
    """What a notebook keeps of an answer, read again."""
    return json.loads(json.dumps(result._repr_mimebundle_()[MIME]))


@pytest.mark.usefixtures("narrow")
def test_findings_are_kept_as_data():
    result = lab.check("mlp", mlp(hidden(150), optimizer=adam(epsilon=1e-7)))
    data = kept(result)
    assert data["outcome"] == result.outcome
    assert data["verdict"] == result.verdict
    units, epsilon = data["findings"]
    assert units == {
        **{"place": "hidden layer 2", "figure": "units", "found": 150, "asked": UNITS},
        **{"topic": "layers", "reason": "", "words": result.differences[0]},
    }
    assert (epsilon["topic"], epsilon["words"]) == ("remark", result.remarks[0])
    assert first_fault(data) == (result.differences[0], "")
    assert first_fault(kept(lab.check("mlp", 7)))[0] == lab.check("mlp", 7).verdict


@pytest.mark.anywhere
@pytest.mark.usefixtures("narrow")
def test_a_dropout_layer_short_in_raw_operations_is_measured():
    words = repr(lab.check("dropout", raw(rates=(0, 0.9, 0.5))))
    assert "after hidden layer 1: its rate is 0.0" in words
    assert "after hidden layer 2: its rate is 0.9" in words
    assert "hidden layer 3" not in words


class LikeTorch:
    pass


LikeTorch.__module__ = "torch.nn.modules.container"
FOUR = (np.zeros((1, 784)), [1], np.zeros((1, 784)), [1])
NONSENSE = [
    (keras.Sequential, "the class Sequential itself"),
    (keras.Sequential(), "no weights yet"),
    (keras.Sequential([layers.Dense(10)]), "no weights yet"),
    (OfItsOwnClass(), "no weights yet"),
    (layers.Dense(10), "a layer (Dense), not a model"),
    ([layers.Dense(10), layers.Dense(10)], "a list of layers"),
    (keras.Input((784,)), "keras.Model(inputs, outputs)"),
    (LikeTorch(), "a PyTorch module"),
    (7, "7 (of type int)"),
    ("mlp", "'mlp' (of type str)"),
    ({}, "{} (of type dict)"),
    (np.zeros(3), "an array: give a Keras model"),
    ([], "a list: give a Keras model"),
    ([keras.Input((784,)), layers.Dense(10)], "a list of layers: put it into keras.Sequential(["),
    (FOUR, "a tuple"),
    (lab.Dataset(*FOUR), "a Dataset: give it to lab.check_data"),
    (example_run(), "a Run"),
    (lambda units: units, "needs arguments"),
    (lambda: 1 / 0, "Your function raised an error: ZeroDivisionError: division by zero"),
    (lambda: "mlp", "'mlp' (of type str)"),
    (lambda: keras.Sequential(layers.Dense(1), layers.Dense(2)), "the layers into one list"),
    (
        lambda: keras.Sequential(keras.Input((784,)), layers.Dense(1), layers.Dense(2)),
        "put the layers into one list, keras.Sequential([...]). The error was ValueError",
    ),
    (lambda: keras.Sequential([keras.Input(784)]), "a shape needs a comma, keras.Input((784,))"),
    (lambda: stack(*[hidden()] * 3, last()), "make a new layer for each"),
]


@pytest.mark.anywhere
@pytest.mark.parametrize(("thing", "words"), NONSENSE, ids=[line[1] for line in NONSENSE])
def test_nonsense_is_called_what_it_is(thing, words):
    result = lab.check("mlp", thing)
    assert result.outcome == "wrong"
    assert words in " ".join(repr(result).split())
    assert not result.differences


@pytest.mark.anywhere
@pytest.mark.parametrize("shape", [(3,), (28, 28, 3), (8, 8)])
def test_models_of_another_shape(shape):
    model = compiled(keras.Sequential([keras.Input(shape), layers.Flatten(), last(units=5)]))
    for part in lab.PARTS:
        assert lab.check(part, model).outcome == "wrong"


@pytest.mark.anywhere
def test_two_outputs_are_wrong():
    x = keras.Input((784,))
    result = lab.check("linear", keras.Model(x, [last()(x), last()(x)]))
    assert result.outcome == "wrong"


def not_written_yet():
    raise NotImplementedError


@pytest.mark.parametrize("stub", [..., not_written_yet, lambda: ...])
def test_not_attempted(stub):
    results = lab.check("mlp", stub), lab.check_data(stub), lab.check_count("mlp", stub)
    assert [result.outcome for result in results] == ["not attempted"] * 3
    assert not any(results)


def test_what_returns_nothing_is_named():
    def build():
        lab.build_mlp()

    for result in (lab.check("mlp", build), lab.check_data(build), lab.check_count("mlp", build)):
        assert result.outcome == "wrong"
        assert "Your function build returns nothing" in result.verdict
    compiled_twice = lab.build_mlp().compile("adam", CATEGORICAL)
    result = lab.check("mlp", compiled_twice)
    assert result.outcome == "wrong"
    assert "without model = in front" in result.verdict
    for result in (lab.check_data(None), lab.check_count("mlp", None)):
        assert result.outcome == "wrong"
        assert "This is None" in result.verdict


def test_an_unknown_part_is_refused():
    for call in (lab.check, lab.check_count):
        with pytest.raises(ValueError, match="'linear', 'mlp', 'dropout', 'cnn'"):
            call("rnn", None)


def test_a_crash_of_the_check_is_the_labs_own(monkeypatch, capsys):
    def crash(*_):
        raise KeyError("a slip of ours")

    monkeypatch.setattr(network, "compare", crash)
    result = lab.check("linear", linear())
    assert result.outcome == "crashed"
    assert not result
    assert "not your fault" in result.verdict
    assert "KeyError: 'a slip of ours'" in result.verdict
    result.traceback()
    printed = capsys.readouterr().out
    assert printed.startswith("Traceback")
    assert 'raise KeyError("a slip of ours")' in printed
    lab.check_count("linear", 7960).traceback()
    assert capsys.readouterr().out == "The check did not crash.\n"


def test_before_compile_only_the_layers_are_judged():
    model = linear_layers(last())
    result = lab.check("linear", model)
    assert result
    assert "not compiled yet" in result.remarks[0]
    assert lab.check("mlp", model).outcome == "wrong"


def linear_layers(output):
    first = layers.Dense(10, kernel_initializer="zeros")
    return keras.Sequential([keras.Input((784,)), first, output])


def test_logits_are_not_right_before_compile():
    result = lab.check("linear", linear_layers(last(None)))
    assert result.outcome == "wrong"
    assert 'The softmax is missing: add activation="softmax"' in repr(result)


@pytest.mark.usefixtures("narrow")
def test_raw_logits_are_not_right_before_compile():
    model = Raw(end=tf.identity)
    model(np.zeros((1, 784), np.float32), training=False)
    assert "The softmax is missing" in repr(lab.check("mlp", model))


def test_where_compile_is_asked_for_it_must_have_been_called():
    result = lab.check("linear", linear_layers(last()), compiled=True)
    assert result.outcome == "not attempted"
    assert result.verdict.startswith("Not compiled yet: model.compile(optimizer=..., loss=...,")
    assert lab.check("linear", linear_layers(last("relu")), compiled=True).outcome == "wrong"
    assert lab.check("linear", linear(), compiled=True)
    assert lab.check("linear", linear(rate=0.1), compiled=True).outcome == "wrong"


def test_hints_are_about_what_is_wrong(capsys):
    cases = [
        (lab.check("linear", linear_layers(last()), compiled=True), ["model.compile"]),
        (lab.check("linear", ...), ["Two layers"]),
        (lab.check("linear", linear_layers(last("relu"))), ["Two layers"]),
        (lab.check("linear", linear(rate=0.1)), ["model.compile"]),
        (lab.check("linear", linear(last(), rate=0.1)), ["Two layers", "model.compile"]),
    ]
    for result, begins in cases:
        hints.forget_all()
        while "That was the last hint" not in (out := capsys.readouterr().out):
            for words in ("Two layers", "model.compile"):
                assert words not in out or words in begins
            begins = [words for words in begins if words not in out]
            result.hint()
        assert not begins


@pytest.mark.anywhere
def test_a_class_without_parentheses_is_named():
    for changes in (
        {"loss": lab.ClippedCrossentropy},
        {"metrics": [keras.metrics.CategoricalAccuracy]},
    ):
        result = lab.check("linear", linear(**changes))
        assert result.outcome == "wrong"
        assert "is a class: make an object of it with parentheses" in " ".join(repr(result).split())
        assert not result.remarks


@pytest.mark.anywhere
def test_arguments_of_compile_in_the_wrong_place_are_named():
    model = lab.build_mlp(hidden_units=10)
    model.compile(adam(), CATEGORICAL, ["accuracy"])
    assert "The third argument of compile is loss_weights" in repr(lab.check("mlp", model))


ANEW = "no recorded run fits, and lab.train would train it anew"


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_found_among_the_records_or_the_check_says_that_it_is_not(name):
    part, build = RIGHT[name]
    model = build()
    own, of_part = (
        mathematics(lab.describe(each, (784,) if part != "cnn" else (28, 28, 1)))
        for each in (model, lab.PARTS[part].build(loss=CATEGORICAL))
    )
    for each in (own, of_part):
        if each["loss"] == "clipped crossentropy":  # of part linear there are records of both
            each["loss"] = "categorical crossentropy"
            each.pop("loss: epsilon", None)
    words = " ".join(" ".join(lab.check(part, model).remarks).split())
    assert (ANEW in words) is (own != of_part)


@pytest.mark.anywhere
def test_functions_are_called():
    assert lab.check("linear", lab.build_linear)
    assert "learning rate is 0.1" in repr(lab.check("linear", lambda: linear(rate=0.1)))


@pytest.mark.anywhere
def test_a_trained_model_is_right_with_a_remark(small):
    model = linear()
    lab.train(model, small, epochs=1, batch_size=33)
    assert "trained already for 10 iterations" in repr(lab.check("linear", model))
    compiled(model, SGD(0.5))
    result = lab.check("linear", model)
    assert result
    assert "build it anew" in repr(result)


def state(model):
    values = [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]
    return [value.tobytes() for value in values], str(model.get_compile_config())


def seed_all(seed):
    keras.utils.clear_session()  # before Keras 3.13 its own generator is not seeded anew
    keras.utils.set_random_seed(seed)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    "build", [dropout, lambda: raw(rates=(0.5, 0.5, 0.5)), lambda: mlp(Wrapped())]
)
def test_a_check_changes_nothing(build):
    seed_all(3)
    model = build()
    model.optimizer.build(model.trainable_variables)
    before = state(model), random.getstate(), np.random.get_state()[1].tobytes()
    without = keras.random.normal((3,)).numpy(), layers.Dense(3)
    without[1].build((2,))
    seed_all(3)
    again = build()
    for part in ("mlp", "dropout"):
        lab.check(part, model)
        lab.check(part, again)
    assert (state(model), random.getstate(), np.random.get_state()[1].tobytes()) == before
    anew = keras.random.normal((3,)).numpy(), layers.Dense(3)
    anew[1].build((2,))
    np.testing.assert_array_equal(anew[0], without[0])
    np.testing.assert_array_equal(anew[1].get_weights()[0], without[1].get_weights()[0])


def test_counting_draws_nothing():
    counts._layers.cache_clear()  # the parts are built only once
    before = random.getstate()
    for part in lab.PARTS:
        lab.check_count(part, 5)
    assert random.getstate() == before


def flat(x):
    return x.reshape(-1, 784).astype("float32") / 255


def one_hot(y, width=10):
    return np.eye(width, dtype="float32")[y]


def prepared(data, image=flat, label=one_hot, **changes):
    arrays = (image(data.x_train), label(data.y_train), image(data.x_valid), label(data.y_valid))
    names = ("x_train", "y_train", "x_valid", "y_valid")
    return lab.Dataset(**{**dict(zip(names, arrays, strict=True)), **changes})


@pytest.mark.anywhere
def test_the_whole_of_mnist_is_right(data):
    assert lab.check_data(data)


def test_prepared_arrays_are_right_however_they_are_prepared(little):
    data = little
    right = [
        data,
        prepared(data),
        lambda: prepared(data, label=lambda y: y),
        prepared(data, label=lambda y: y.reshape(-1, 1)),
        prepared(data, lambda x: x.astype("float32") / 255, lambda y: one_hot(y).astype(bool)),
        prepared(data, lambda x: x[..., None] / np.float16(255), lambda y: one_hot(y).astype(int)),
    ]
    for dataset in right:
        assert lab.check_data(dataset), lab.check_data(dataset)
    order = np.random.default_rng(0).permutation(330)
    shuffled = prepared(
        data, x_train=flat(data.x_train)[order], y_train=one_hot(data.y_train)[order]
    )
    assert "another order" in repr(lab.check_data(shuffled))
    assert lab.check_data(shuffled)


def shuffled(y):
    return one_hot(np.random.default_rng(0).permutation(y))


WRONG_DATA = {
    "not scaled": (lambda x: x.reshape(-1, 784).astype("float32"), one_hot),
    "they go up to 255": (lambda x: x.reshape(-1, 784), one_hot),
    "scaled twice": (lambda x: flat(x) / 255, one_hot),
    "divided by 256, not by 255": (lambda x: flat(x) * 255 / 256, one_hot),
    "pixels are standardised": (lambda x: (flat(x) - flat(x).mean()) / flat(x).std(), one_hot),
    "has a scale of its own": (lambda x: flat(x / x.max((1, 2), keepdims=True) * 255), one_hot),
    "as keras.utils.normalize": (lambda x: keras.utils.normalize(x, axis=1), one_hot),
    "holds pixels of many images": (lambda x: x.reshape(784, -1).T / 255, one_hot),
    "divide with / rather": (lambda x: x.reshape(-1, 784) // 255, one_hot),
    "from -0.5 to 0.5": (lambda x: flat(x) - 0.5, one_hot),
    "transposed": (lambda x: flat(x.transpose(0, 2, 1)), one_hot),
    "inverted": (lambda x: 1 - flat(x), one_hot),
    "upside down": (lambda x: flat(x[:, ::-1]), one_hot),
    "not (all) images of MNIST": (lambda x: flat(np.roll(x, 1, axis=2)), one_hot),
    "holds NaN": (lambda x: np.where(flat(x) > 0.99, np.nan, flat(x)), one_hot),
    "an image is 784 numbers in a row": (lambda x: flat(x).reshape(-1, 28, 28, 1, 1), one_hot),
    "an image is made of numbers": (lambda x: x[:, :28, :1].reshape(-1, 28).astype(str), one_hot),
    "has 11 columns": (flat, lambda y: one_hot(y, 11)),
    "a label is a number": (flat, lambda y: y.astype(str)),
    "made one-hot twice": (flat, lambda y: one_hot(one_hot(y).astype(int))),
    "shifted by 1": (flat, lambda y: one_hot((y + 1) % 10)),
    "shifted by 1; a 0": (flat, lambda y: y + 1),
    "here they are floats": (flat, lambda y: y.astype("float32")),
    "a one-hot row holds one 1": (flat, lambda y: one_hot(y) / 255),
    "of the labels are not those": (flat, shuffled),
}


@pytest.fixture
def little(small, monkeypatch):
    """A small MNIST, to compare with a small one."""
    monkeypatch.setattr(arrays, "load_mnist", lambda: small)
    monkeypatch.setattr(arrays, "_mnist", arrays._mnist.__wrapped__)  # which keeps no other MNIST
    return small


@pytest.mark.anywhere
@pytest.mark.parametrize("words", WRONG_DATA)
def test_what_is_wrong_with_arrays_is_named(little, words):
    result = lab.check_data(prepared(little, *WRONG_DATA[words]))
    assert result.outcome == kept(result)["outcome"] == "wrong"
    assert words in " ".join(repr(result).split())
    assert max(map(len, repr(result).split("\n"))) <= 100


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (lambda x: 255 * x, "x_valid: pixels are not scaled"),
        (lambda x: x / 255, "x_valid: pixels are scaled twice"),
        (lambda x: (x - x.mean()) / x.std(), "x_valid: pixels are standardised"),
    ],
)
def test_validation_images_are_prepared_like_the_others(little, scale, words):
    data = prepared(little, x_valid=scale(flat(little.x_valid)))
    for result in (lab.check_data(data), lab.check("linear", linear(), data)):
        assert result.differences[0].startswith(words)
        assert len(result.differences) == 1


def test_images_of_the_wrong_side_are_found(little):
    whole = prepared(little)
    x_train, y_train, x_valid, y_valid = whole.x_train, whole.y_train, whole.x_valid, whole.y_valid
    swapped = lab.check_data(lab.Dataset(x_valid, y_valid, x_train, y_train))
    assert "swapped" in repr(swapped)
    same = lab.check_data(lab.Dataset(x_train, y_train, x_train, y_train))
    assert "x_valid: 330 of its images are training images" in repr(same)
    few = lab.check_data(lab.Dataset(x_train[:100], y_train[:100], x_valid, y_valid))
    assert "has 100 images" in repr(few)
    assert "a tuple" in repr(lab.check_data((x_train, y_train, x_valid, y_valid)))
    assert "give it to lab.check" in repr(lab.check_data(linear()))


@pytest.mark.anywhere
@pytest.mark.usefixtures("narrow")
def test_a_network_that_scales_by_itself_is_right_for_images_as_they_are_stored(small, capsys):
    for data in (None, small):
        result = lab.check("mlp", rescaled(), data)
        assert result
        assert "lab.train then leaves unscaled" in " ".join(repr(result).split())
    images = [x.reshape(-1, 784).astype(np.float32) for x in (small.x_train, small.x_valid)]
    one_hot = [np.eye(10)[y] for y in (small.y_train, small.y_valid)]
    unscaled = lab.Dataset(images[0], one_hot[0], images[1], one_hot[1])
    assert lab.check("mlp", rescaled(), unscaled)
    scaled = lab.Dataset(images[0] / 255, one_hot[0], images[1] / 255, one_hot[1])
    result = lab.check("mlp", rescaled(), scaled)
    assert not result
    assert "pixels are scaled twice, here and in the network" in " ".join(repr(result).split())
    assert not lab.check("mlp", mlp(), unscaled)


def test_a_network_that_scales_by_itself_has_the_same_record(data, capsys):
    plain = lab.build_linear()
    model = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
    for layer in plain.layers:
        model.add(layer)
    model.compile(SGD(0.5), lab.ClippedCrossentropy(), metrics=["accuracy"])
    lab.train(model, data, epochs=17, seed=0, recorded=True)
    assert capsys.readouterr().out.startswith("Recorded: linear")


@pytest.mark.usefixtures("narrow")
def test_layers_that_share_an_initialiser_are_named():
    drawn = keras.initializers.TruncatedNormal(0.0, 0.01)
    model = stack(*(hidden(kernel_initializer=drawn) for _ in range(3)), last())
    words = " ".join(repr(lab.check("mlp", model)).split())
    copies = np.array_equal(*(layer.get_weights()[0] for layer in model.layers[1:3]))
    # Whether one object draws the same numbers twice is Keras' choice.
    assert ("make a new one for each layer" in words) is copies
    assert "seed" not in words


@pytest.mark.anywhere
@pytest.mark.usefixtures("narrow")
def test_layers_that_start_as_copies_are_named():
    drawn = keras.initializers.TruncatedNormal(0.0, 0.01, seed=1)
    same = lab.check("mlp", lambda: mlp(hidden(kernel_initializer=drawn)))
    model = stack(*(hidden(kernel_initializer=drawn) for _ in range(3)), last())
    result = lab.check("mlp", model)
    assert "start as copies of each other" in " ".join(repr(result).split())
    assert "start as copies" not in repr(same)


@pytest.mark.anywhere
def test_data_are_judged_with_the_model(data, small):
    assert lab.check("linear", linear(), small)
    assert lab.check("linear", linear(), prepared(small))
    against_sparse = linear(loss="sparse_categorical_crossentropy")
    assert lab.check("linear", against_sparse, small)
    assert "labels are one-hot" in repr(lab.check("linear", against_sparse, prepared(small)))
    numbers = lab.check("linear", linear(), prepared(small, label=lambda y: y))
    assert "model.fit would refuse" in repr(numbers)
    square = prepared(small, lambda x: x.astype("float32") / 255)
    assert "the network takes (784,)" in repr(lab.check("linear", linear(), square))
    raw_pixels = prepared(small, lambda x: x.reshape(-1, 784))
    assert "pixels are not scaled" in repr(lab.check("linear", linear(), raw_pixels))
    assert "lab.Dataset" in repr(lab.check("linear", linear(), (1, 2)))
    assert "compile: ValueError" in repr(lab.check("linear", linear(loss="no such"), small))


COUNTS = [
    ("linear", 784 * 10 + 10 * 10, "the biases are forgotten"),
    ("linear", 784 * 10 + 10, "the output layer is forgotten"),
    ("linear", 28 * 10 + 10 + 110, "784 pixels, not 28"),
    ("linear", 784 * 10, "the biases are forgotten; and the output layer is forgotten"),
    ("linear", 7962, "the optimiser's own numbers"),
    ("mlp", 784 * 1500 + 1500 + 1500 * 1500 + 1500 + 15010, "hidden layer 2 is forgotten"),
    ("mlp", 83_466, "this is the number of part cnn"),
    ("mlp", 3 * 5_695_510 + 2, "the optimiser's own numbers"),
    ("mlp", 15_010, "this is the output layer alone"),
    ("dropout", 784 * 1500 + 1500 + 2 * (750 * 1500 + 1500) + 7510, "takes no parameters away"),
    ("dropout", 784 * 750 + 750 + 2 * (750 * 750 + 750) + 7510, "takes no parameters away"),
    ("cnn", 832 + 25 * 64 + 64 + 31_370, "the input channels are forgotten"),
    ("cnn", 800 * 784 + 32 + 25 * 32 * 64 * 196 + 64 + 31_370, "not counted for each pixel"),
    ("cnn", 832 * 784 + 51_264 * 196 + 31_370, "not counted for each pixel"),
    ("cnn", 832 + 51_264 + 28 * 28 * 64 * 10 + 10, "pooling is forgotten"),
    ("cnn", 832 + 51_264 + 14 * 14 * 64 * 10 + 10, "the second pooling is forgotten"),
    ("cnn", 52_096, "the output layer is forgotten"),
    ("cnn", 832 + 51_264 + 64 * 10 + 10, "more than one number of each map"),
    (
        "cnn",
        801 + 51_201 + 31_361,
        "there is only one bias for each layer: each unit and each",
    ),
    ("cnn", 12, "5 · 5 · channels · filters + biases, Dense inputs · units + biases"),
    ("mlp", 12, "count layer by layer: inputs · units + biases"),
    ("mlp", "5695510", "'5695510' (of type str)"),
    ("mlp", True, "True (of type bool)"),
]


@pytest.mark.anywhere
@pytest.mark.parametrize(("part", "number", "words"), COUNTS)
def test_the_slip_in_a_wrong_count_is_named(part, number, words):
    result = lab.check_count(part, number)
    assert result.outcome == "wrong"
    assert words in " ".join(repr(result).split())


@pytest.mark.parametrize("part", lab.PARTS)
def test_right_counts(part, capsys):
    number = lab.PARTS[part].parameters
    for same in (number, np.int64(number), float(number), lambda: number):
        assert lab.check_count(part, same)
    lab.check_count(part, 3).solution()
    assert f"together: {number:,}" in capsys.readouterr().out


@pytest.mark.parametrize("part", lab.PARTS)
def test_the_solution_is_right_and_no_hint_gives_it_away(part, capsys):
    result = lab.check(part, lab.build_linear(hidden_units=3))
    for _ in range(9):
        result.hint()
    printed = capsys.readouterr().out
    assert printed.count("Hint ") >= 4
    assert "That was the last hint" in printed
    result.solution()
    code = capsys.readouterr().out
    scope = {}
    exec(code, scope)
    assert lab.check(part, scope["model"])
    for line in code.splitlines():
        assert line.strip(" ,()[]") not in printed or len(line.strip()) < 20


def test_hints_come_one_at_a_time_and_none_for_a_right_answer(capsys):
    result = lab.check("mlp", lab.build_linear())
    result.hint()
    first = capsys.readouterr().out
    result.hint()
    second = capsys.readouterr().out
    assert first.startswith("Hint 1 of")
    assert second.startswith("Hint 2 of")
    assert second != first
    lab.check("linear", lab.build_linear()).hint()
    assert capsys.readouterr().out == "It is right; no hint needed.\n"


def test_the_solution_of_check_data_is_right(capsys):
    lab.check_data(None).solution()
    scope = {}
    exec(capsys.readouterr().out, scope)
    assert lab.check_data(scope["dataset"])


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("part", lab.PARTS)
def test_new_models_are_never_taken_for_trained_ones(part):
    sheet = lab.PARTS[part]
    for _ in range(5):
        assert not lab.check(part, sheet.build()).remarks


@pytest.mark.parametrize("write", [lambda forged: forged, lambda forged: lambda: forged])
def test_a_verdict_of_ones_own_is_no_answer(write):
    assert not lab.check_count("linear", write(lab.CheckResult("right", "Right: of course.")))
