"""The small answers: right ones written differently, and wrong ones in the usual ways."""

import dataclasses
import functools
import itertools
import json
import math
import statistics

import keras
import numpy as np
import pytest
import tensorflow as tf

import mnist_lab as lab
from mnist_lab import notebooks
from mnist_lab.course import ANSWERS, Built, Function, Layer, Layers, Mended, Program, Schedule


@functools.cache
def mnist():
    return lab.load_mnist()


@functools.cache
def records(part):
    return lab.load_records(part)


@functools.cache
def network(part):
    """A network with the weights of a record, so that its first layer looks like something."""
    model = lab.PARTS[part].build()
    model.set_weights(records(part)[0].weights)
    return model


def given(name):
    """What the notebook gives to the check besides the answer."""
    made = {
        "linear.weights": {"model": lambda: network("linear")},
        "linear.confusion": {"run": lambda: records("linear")[0]},
        "mlp.sure": {"run": lambda: records("mlp")[0]},
        "dropout.fair-words": {"run": lambda: records("dropout")[0]},
        "cnn.filters": {"model": lambda: network("cnn")},
        "cnn.second": {"run": lambda: records("cnn")[0]},
        "comparison.finals": {"runs": all_runs},
        "comparison.pairs": {"runs": all_runs},
        "test.choose": {"runs": by_rate},
        "test.test": {"model": lambda: network("linear")},
    }
    return {key: make() for key, make in made.get(name, {}).items()}


def all_runs():
    return {part: records(part) for part in lab.PARTS}


def by_rate():
    rates = {0.5: "fast", 0.1: "medium", 0.02: "slow"}
    return {rate: records(f"linear_{name}")[0] for rate, name in rates.items()}


def accuracies(run):
    return run.history["val_accuracy"]


def five(run):
    """Means of the accuracy over five epochs in a row."""
    return [sum(accuracies(run)[place : place + 5]) / 5 for place in range(run.epochs - 4)]


def by_hand(wrong, writers, draws):
    people = list(np.unique(writers))
    mistakes = np.array([wrong[writers == each].sum() for each in people])
    images = np.array([(writers == each).sum() for each in people])
    return np.array([100 * mistakes[row].sum() / images[row].sum() for row in draws])


def flipped_by_hand(differences, writers, signs):
    totals = np.array([differences[writers == each].sum() for each in np.unique(writers)])
    far = [abs((row * totals).sum()) >= abs(totals.sum()) for row in signs]
    return sum(far) / len(far)


def relabelled(labels, reviews):
    labels, kept = labels.copy(), np.full(len(labels), True)
    agreed = reviews[reviews["says_guess"] > 2]
    labels[agreed["index"]] = agreed["guess"]
    nobody = (reviews["says_guess"] < 3) & (reviews["says_label"] < 3)
    kept[reviews["index"][nobody]] = False
    return labels, kept


def changes_labels(labels, reviews):
    for review in reviews:
        if review["says_guess"] > 2:
            labels[review["index"]] = review["guess"]
    return labels, relabelled(labels, reviews)[1]


def losses(run):
    return run.history["val_loss"]


def ends(runs):
    return 100 * np.array([run.val_accuracy for run in runs])


def on_test_part():
    """Of the recorded linear network, on the test part of a split, in percent."""
    said = network("linear").predict(mnist().x_valid.reshape(-1, 784) / 255, verbose=0)
    return 100 * np.mean(said.argmax(axis=1) == mnist().y_valid)


def calibration_error(said, truth, distance=abs):
    sure, right = said.max(axis=1), said.argmax(axis=1) == truth
    places = np.digitize(sure, np.arange(1, 10) / 10)
    bins = [places == place for place in range(10) if (places == place).any()]
    return 100 * sum(
        distance(np.mean(right[own]) - np.mean(sure[own])) * np.mean(own) for own in bins
    )


def best_of(right, order):
    """Of the best by the first half of the images: points above the mean, by each half."""
    shuffled = np.asarray(right)[:, order]
    first, second = np.hsplit(shuffled, 2)
    best = max(range(len(right)), key=lambda network: first[network].sum())
    return tuple(100 * (half[best].mean() - half.mean()) for half in (first, second))


def stopped(watched, judged, criterion):
    values = {"loss": losses, "accuracy": accuracies}[criterion](watched)
    place = values.index({"loss": min, "accuracy": max}[criterion](values))
    return place, 100 * accuracies(judged)[place], losses(judged)[place]


def by_flipping(differences):
    """An exact p-value for pairs, one way to choose the signs after the other."""
    ways = list(itertools.product((-1, 1), repeat=len(differences)))
    sums = [abs(np.dot(way, differences)) for way in ways]
    return sum(each >= abs(sum(differences)) - 1e-9 for each in sums) / len(ways)


def first():
    return mnist().x_train[0]


def nearest_in_a_loop(x_train, y_train, x_new):
    means = [x_train[y_train == digit].mean(axis=0) for digit in range(10)]
    distances = [[np.linalg.norm(image - mean) for mean in means] for image in x_new]
    return np.array(distances).argmin(axis=1)


def nearest_by_products(x_train, y_train, x_new):
    """By the largest score of a linear network, which the nearest mean is, too."""
    means = np.eye(10)[y_train].T @ x_train / np.bincount(y_train)[:, None]
    return (2 * x_new @ means.T - (means**2).sum(axis=1)).argmax(axis=1)


def gradients(x, y, w1, b1, w2, b2):
    """Of the mean loss of two linear layers, as Keras and TensorFlow have them."""
    inputs = keras.ops.convert_to_tensor(x, "float32")
    arrays = [keras.Variable(each, dtype="float32") for each in (w1, b1, w2, b2)]
    with tf.GradientTape() as tape:
        scores = (inputs @ arrays[0] + arrays[1]) @ arrays[2] + arrays[3]
        losses = tf.reduce_logsumexp(scores, axis=1) - tf.reduce_sum(scores * y, axis=1)
        loss = tf.reduce_mean(losses)
    return tuple(np.asarray(each) for each in tape.gradient(loss, [v.value for v in arrays]))


def own_in_a_loop(means):
    values, before = [], 0
    for k, mean in enumerate(means):
        values.append((k + 1) * mean - k * before)
        before = mean
    return np.array(values)


def merged():
    one, _, two, _ = network("linear").get_weights()
    return one @ two


def said(part):
    return records(part)[0].val_probabilities.astype(float)


def wrong(part):
    return said(part).argmax(axis=1) != mnist().y_valid


def dense(units=1500, activation="relu", sd=0.01, bias=0.1):
    return keras.layers.Dense(
        units,
        activation,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=sd),
        bias_initializer=keras.initializers.Constant(bias),
    )


def conv(filters, size=5, **changes):
    figures = {
        "padding": "same",
        "activation": "relu",
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01),
        "bias_initializer": keras.initializers.Constant(0.1),
    }
    return keras.layers.Conv2D(filters, size, **{**figures, **changes})


SAME = dense()


def gaps():
    history = records("dropout")[0].history
    pair = [history["accuracy"][-1], history["fit_accuracy"][-1]]
    return tuple(100 * (one - history["val_accuracy"][-1]) for one in pair)


def windows(image):
    return np.lib.stride_tricks.sliding_window_view(np.pad(image, 2), (5, 5))


def slide_by_loops(image, kernel):
    padded, out = np.pad(image, 2), np.empty(image.shape)
    for row, column in itertools.product(range(28), range(28)):
        out[row, column] = np.sum(padded[row : row + 5, column : column + 5] * kernel)
    return out


def squares(image):
    return image.reshape(14, 2, 14, 2)


def kernels():
    return network("cnn").layers[0].get_weights()[0]


def rate(iteration, highest, iterations, wave=lambda x: (1 + np.cos(np.pi * x)) / 2):
    warm_up = iterations // 10
    if iteration < warm_up:
        return highest * (0.1 + 0.9 * iteration / warm_up)
    return highest * wave((iteration - warm_up) / (iterations - warm_up))


def unnoticed(said, truth, share):
    order = said.max(axis=1).argsort()[round(share * len(truth)) :]
    return 100 * (said.argmax(axis=1) != truth)[order].sum() / len(truth)


def wilson(right):
    n, p, z = len(right), np.mean(right), 1.96
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return 100 * p, 100 * (centre - half), 100 * (centre + half)


def by_its_definition(right):
    """The shares p whose distance from the found one is 1.96 of their own standard errors."""
    n, found, square = len(right), sum(right) / len(right), 1.96**2
    ends = np.roots([1 + square / n, -2 * found - square / n, found**2]).real
    return [100 * found, 100 * min(ends), 100 * max(ends)]


def centred(image):
    rows, columns = np.indices(image.shape)
    down, right = (round(14 - np.average(each, weights=image)) for each in (rows, columns))
    return np.roll(image, (down, right), axis=(0, 1))


def centred_by_slices(image):
    """Shift within a frame of zeros."""
    ink = image.astype(float)
    row = int(np.rint((np.arange(28) * ink.sum(axis=1)).sum() / ink.sum()))
    column = int(np.rint((np.arange(28) * ink.sum(axis=0)).sum() / ink.sum()))
    return np.pad(image, 28)[row + 14 : row + 42, column + 14 : column + 42]


def flipped(first, second, writers, signs):
    gains = [
        second[writers == each].sum() - first[writers == each].sum() for each in np.unique(writers)
    ]
    return np.mean(abs(signs @ np.array(gains)) >= abs(sum(gains)))


def flipped_in_a_loop(first, second, writers, signs):
    gains = {}
    for one, other, writer in zip(first, second, writers, strict=True):
        gains[writer] = gains.get(writer, 0) + int(other) - int(one)
    gains = [gains[writer] for writer in sorted(gains)]
    sums = [abs(sum(sign * gain for sign, gain in zip(row, gains, strict=True))) for row in signs]
    return sum(each >= abs(sum(gains)) for each in sums) / len(sums)


def moves(turn=10 / 360, shift=2 / 28, fill_mode="constant", **more):
    figures = {"fill_mode": fill_mode, **more}
    return [
        keras.layers.RandomRotation(turn, **figures),
        keras.layers.RandomTranslation(height_factor=shift, width_factor=shift, **figures),
        keras.layers.RandomZoom(0.1, **figures),
    ]


def by_keras():
    """What Keras' own layer computes in training."""

    def normalised(x, gamma, beta):
        layer = keras.layers.BatchNormalization(dtype="float64")
        layer.build(x.shape)
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)
        return layer(x, training=True)

    return normalised


def block(filters, size, strides=1, padding="valid", *, relu=keras.layers.ReLU, **changes):
    figures = {"use_bias": False, **changes}
    convolution = keras.layers.Conv2D(filters, size, strides=strides, padding=padding, **figures)
    return [convolution, keras.layers.BatchNormalization(), relu()]


def cosine(highest=0.003, iterations=15_000, start=0.1, **changes):
    warm_up = iterations // 10
    figures = {"warmup_target": highest, "warmup_steps": warm_up, **changes}
    length = figures.pop("decay_steps", iterations - warm_up)
    return keras.optimizers.schedules.CosineDecay(start * highest, length, **figures)


def own_schedule(highest, iterations):
    class Own(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate(int(step), highest, iterations)

    return Own()


def modern(
    *,
    moved=moves,
    blocks=((32, 5, 2, "same"), (48, 3), (64, 3, 2, "same"), (96, 3)),
    dropout=0.4,
    end="softmax",
    learning_rate=None,
    loss="categorical_crossentropy",
    metrics=("accuracy",),
):
    layers = [keras.Input((28, 28, 1)), *moved()]
    for figures in blocks:
        layers += block(*figures)
    layers += [keras.layers.Flatten(), keras.layers.Dropout(dropout)]
    model = keras.Sequential([*layers, keras.layers.Dense(10, activation=end)])
    if loss:
        model.compile(keras.optimizers.Adam(learning_rate or cosine()), loss, metrics=[*metrics])
    return model


def functional():
    inputs = outputs = keras.Input((28, 28, 1))
    for layer in modern().layers:
        outputs = layer.from_config(layer.get_config())(outputs)
    model = keras.Model(inputs, outputs)
    adam = keras.optimizers.Adam(cosine())
    model.compile(adam, "categorical_crossentropy", metrics=["accuracy"])
    return model


def read(runs):
    return np.array([run.val_probabilities.argmax(axis=1) for run in runs])


def moved_accuracy(answer=lambda said: said.argmax(axis=1)):
    def accuracy(network, pixels_moved):
        data = mnist()
        images = np.roll(data.x_valid[::10], pixels_moved, axis=2) / 255
        images = images.reshape(-1, *network.input_shape[1:])
        answers = answer(network.predict(images, batch_size=500, verbose=0))
        return 100 * np.mean(answers == data.y_valid[::10])

    return accuracy


def unshaped(network, pixels_moved):
    return network.predict(mnist().x_valid[::10].reshape(-1, 784) / 255, verbose=0)


def second_right():
    order = said("cnn").argsort(axis=1)
    return order[:, -2] == mnist().y_valid


def finals(part, what, made=np.array):
    return made([100 * run.history[what][-1] for run in records(part)])


def only(part, other):
    return int((~wrong(part) & wrong(other)).sum())


def p_value(only_first, only_second):
    n, fewer = only_first + only_second, min(only_first, only_second)
    return 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n


def by_counting(first, second, counts=lambda found, seen: found >= seen - 1e-9):
    numbers = [*first, *second]
    seen = abs(statistics.fmean(first) - statistics.fmean(second))
    ways = list(itertools.combinations(range(len(numbers)), len(first)))
    found = [
        abs(
            statistics.fmean(numbers[i] for i in way)
            - statistics.fmean(numbers[i] for i in range(len(numbers)) if i not in way)
        )
        for way in ways
    ]
    return sum(counts(each, seen) for each in found) / len(ways)


def changed(part, name=None, **settings):
    run = records(part)[0]
    settings = dataclasses.replace(run.settings, **settings)
    return dataclasses.replace(run, name=name or run.name, settings=settings)


def relu_in_place(x):
    x[x < 0] = 0
    return x


def bent(x):
    return keras.ops.maximum(x, 0)


def forgetful():
    def missed(runs, truth):
        wrong = (read(runs) != truth).all(axis=0)
        runs.clear()
        return np.flatnonzero(wrong)

    return missed


def stub(*_):
    raise NotImplementedError("say it")


MLP, CNN = lab.PARTS["mlp"].parameters, lab.PARTS["cnn"].parameters
RIGHT = {
    "linear.flat": [
        lambda: first().reshape(-1) / 255,
        lambda: first().flatten().astype("float32") / 255,
        lambda: np.ravel(first()) * (1 / 255),
    ],
    "linear.onehot": [lambda: np.eye(10)[5], lambda: (np.arange(10) == 5).astype(int)],
    "linear.baseline": [lambda: nearest_in_a_loop, lambda: nearest_by_products],
    "linear.step": [
        lambda: gradients,
        lambda: lambda *all: [np.asarray(each) for each in gradients(*all)],
    ],
    "linear.weights": [merged, lambda: np.matmul(*network("linear").get_weights()[::2])],
    "linear.confusion": [
        lambda: said("linear").argmax(axis=1),
        lambda: keras.ops.argmax(said("linear"), axis=-1),
    ],
    "linear.own": [
        lambda: lambda means: np.diff(means * np.arange(1, len(means) + 1), prepend=0),
        lambda: own_in_a_loop,
    ],
    "mlp.relu": [lambda: lambda x: np.where(x > 0, x, 0), lambda: lambda x: x * (x > 0)],
    "mlp.hidden": [
        lambda: dense,
        lambda: lambda: keras.layers.Dense(
            units=1500,
            activation=keras.activations.relu,
            kernel_initializer=keras.initializers.TruncatedNormal(0, 0.01),
            bias_initializer=keras.initializers.Constant(0.1),
        ),
    ],
    "mlp.adam": [
        lambda: lambda g, rate=0.001, epsilon=1e-8: -rate * g / (np.sqrt(g**2) + epsilon),
        lambda: lambda g, a=1e-3, e=1e-8: a * -g / (np.abs(g) + e),
    ],
    "mlp.memory": [
        lambda: lambda beta, batches: (1 - beta) * beta**batches,
        lambda: lambda beta, batches: beta**batches - beta ** (batches + 1),
    ],
    "mlp.train": [lambda: records("mlp")[0], lambda: changed("mlp", name="my own")],
    "mlp.sure": [
        lambda: (wrong("mlp") & (said("mlp").max(axis=1) > 0.99)).sum(),
        lambda: sum(max(row) > 0.99 for row in said("mlp")[wrong("mlp")]),
    ],
    "dropout.masks": [
        lambda: (2_040_000, 1355),
        lambda: [34 * 600 * 100, math.floor(4500 * math.log10(2)) + 1],
    ],
    "dropout.layer-mean": [
        lambda: np.mean(keras.layers.Dropout(0.5)(np.ones((1000, 1000)), training=True)),
        lambda: keras.ops.mean(keras.layers.Dropout(0.5, seed=3)(np.ones(10**6), training=True)),
    ],
    "dropout.train": [lambda: records("dropout")[0], lambda: changed("dropout", name="x")],
    "dropout.fair-words": [gaps, lambda: np.array(gaps())],
    "cnn.slide": [
        lambda: slide_by_loops,
        lambda: lambda image, kernel: np.tensordot(windows(image), kernel, 2),
    ],
    "cnn.pool": [
        lambda: lambda image: squares(image).max(axis=3).max(axis=1),
        lambda: lambda image: np.maximum.reduce(
            [image[i::2, j::2] for i, j in itertools.product((0, 1), (0, 1))]
        ),
    ],
    "cnn.convolution": [
        lambda: conv,
        lambda: lambda filters: conv(filters, (5, 5), strides=1, activation=keras.activations.relu),
    ],
    "cnn.train": [lambda: records("cnn")[0], lambda: changed("cnn", name="x")],
    "cnn.filters": [
        lambda: kernels()[:, :, 0, :].transpose(2, 0, 1),
        lambda: np.moveaxis(kernels().squeeze(), -1, 0),
        lambda: np.array([kernels()[:, :, 0, number] for number in range(32)]),
    ],
    "cnn.shift": [
        moved_accuracy,
        lambda: moved_accuracy(answer=lambda said: np.argsort(said, axis=1)[:, -1]),
    ],
    "cnn.second": [
        lambda: (wrong("cnn") & second_right()).sum(),
        lambda: int(second_right().sum()),  # a second guess is right only where the first is not
    ],
    "comparison.finals": [
        lambda: finals,
        lambda: lambda part, what: 100 * np.stack([r.history[what] for r in records(part)])[:, -1],
    ],
    "comparison.pairs": [
        lambda: (only("mlp", "dropout"), only("dropout", "mlp")),
        lambda: (np.int64(only("mlp", "dropout")), float(only("dropout", "mlp"))),
    ],
    "comparison.mcnemar": [
        lambda: lambda b, c: min(1, p_value(b, c)),
        lambda: lambda b, c: min(
            sum(math.comb(b + c, k) / 2 ** (b + c) for k in range(b + c + 1)
                if abs(2 * k - b - c) >= abs(b - c)), 1),
    ],
    "comparison.needed": [
        lambda: lambda spread, difference: math.ceil((4 * spread / difference) ** 2),
        lambda: lambda spread, difference: -int(-16 * spread**2 // difference**2),
    ],
    "comparison.permutation": [
        lambda: by_counting,
        lambda: lambda *pair: by_counting(
            *pair, counts=lambda found, seen: found > seen or math.isclose(found, seen)
        ),
    ],
    "comparison.faces": [
        lambda: lambda run: (
            100 * (run.history["fit_accuracy"][-1] - run.val_accuracy),
            100 * (max(five(run)) - five(run)[-1]),
            run.history["val_loss"][-1] / min(run.history["val_loss"]),
        ),
        lambda: lambda run: np.array(
            [
                100 * run.history["fit_accuracy"][-1] - 100 * run.val_accuracy,
                max(100 * (mean - five(run)[-1]) for mean in five(run)),
                max(run.history["val_loss"][-1] / np.array(run.history["val_loss"])),
            ]
        ),
    ],
    "comparison.claim6-numbers": [
        lambda: (MLP / CNN, np.sqrt([MLP, CNN])),
        lambda: (MLP / CNN, [MLP**0.5, CNN**0.5]),
    ],
    "test.flattery": [
        lambda: lambda one, other: 100 * other[one.index(max(one))] - 100 * other[-1],
        lambda: lambda one, other: float(np.subtract(other, other[-1])[np.argmax(one)] * 100),
    ],
    "test.halves": [
        lambda: best_of,
        lambda: lambda right, order: np.array(best_of(right, order)),
    ],
    "test.error": [
        lambda: lambda p, n: (p * (100 - p) / n) ** 0.5,
        lambda: lambda p, n: np.sqrt(p * (100 - p)) / np.sqrt(n),
    ],
    "test.choose": [lambda: (0.1, 15), lambda: [0.1, np.int64(15)]],
    "test.test": [lambda: on_test_part(), lambda: np.float32(on_test_part())],
    "test.seen": [
        lambda: lambda images: 300_000 / images,
        lambda: lambda images: np.float32(3_000 / (images / 100)),
    ],
    "test.gains": [
        lambda: lambda without, having: ends(having) - ends(without),
        lambda: lambda *runs: np.diff([ends(each) for each in runs], axis=0)[0],
    ],
    "test.remains": [
        lambda: lambda n, rate, decay: (1 - rate * decay) ** n,
        lambda: lambda n, rate, decay: np.exp(n * np.log1p(-rate * decay)),
    ],
    "test.stopped": [
        lambda: stopped,
        lambda: lambda *given: list(stopped(*given)),
    ],
    "test.signs": [
        lambda: by_flipping,
        lambda: lambda differences: np.float64(by_flipping(differences)),
    ],
    "sure.ece": [
        lambda: calibration_error,
        lambda: lambda *said: np.float64(calibration_error(*said, distance=np.abs)),
    ],
    "sure.cool": [
        lambda: lambda p, t: np.exp(np.log(p) / t) / np.exp(np.log(p) / t).sum(axis=1)[:, None],
        lambda: lambda p, t: keras.ops.softmax(np.log(p) / t, axis=1),
    ],
    "sure.review": [
        lambda: unnoticed,
        lambda: lambda said, y, share: 100 * np.mean(
            (said.argmax(axis=1) != y)
            & (said.max(axis=1).argsort().argsort() >= round(share * len(y)))
        ),
    ],
    "best.augment": [
        lambda: moves,
        lambda: lambda: keras.Sequential(moves((-1 / 36, 1 / 36), 1 / 14)),
        lambda: lambda: tuple(moves(fill_value=0.0)),
    ],
    "best.normalise": [
        lambda: lambda x, g, b: g * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.001) + b,
        lambda: lambda x, g, b: b + g * (x - np.mean(x, 0)) * (np.var(x, 0) + 1e-3) ** -0.5,
        by_keras,
    ],
    "best.block": [
        lambda: block,
        lambda: functools.partial(block, relu=lambda: keras.layers.Activation("relu")),
        lambda: lambda *figures: keras.Sequential(block(*figures)),
    ],
    "best.rate": [
        lambda: rate,
        lambda: functools.partial(rate, wave=lambda x: np.cos(np.pi * x / 2) ** 2),
    ],
    "best.schedule": [
        lambda: cosine,
        lambda: lambda highest, iterations: keras.optimizers.schedules.CosineDecay(
            highest / 10, iterations - iterations // 10, 0.0, "mine", highest, iterations // 10
        ),
        lambda: own_schedule,
    ],
    "best.network": [
        lambda: modern,
        lambda: modern(),
        lambda: functional,
        lambda: lambda: modern(loss=keras.losses.CategoricalCrossentropy()),
        lambda: lambda: modern(loss="sparse_categorical_crossentropy"),
    ],
    "best.missed": [
        lambda: lambda runs, y: np.array(
            [place for place, said in enumerate(read(runs).T) if y[place] not in said]
        ),
        lambda: lambda runs, truth: np.where((read(runs) != truth).all(axis=0))[0],
    ],
    "writers.blocks": [
        lambda: lambda wrong, size: np.array(
            [100 * sum(wrong[k : k + size]) / size for k in range(0, len(wrong) - size + 1, size)]
        ),
        lambda: lambda wrong, size: np.stack(
            np.split(100.0 * wrong[: len(wrong) - len(wrong) % size], len(wrong) // size)
        ).mean(axis=1),
    ],
    "writers.groups": [
        lambda: lambda wrong, who: tuple(
            100 * np.average(wrong, weights=own) for own in (who > 1999, who < 2000)
        ),
        lambda: lambda wrong, who: [
            100 * wrong[who > 2000].sum() / (who > 2000).sum(),
            100 * wrong[who < 2000].sum() / (who < 2000).sum(),
        ],
    ],
    "writers.resampled": [
        lambda: by_hand,
        lambda: lambda wrong, who, draws: np.float32(by_hand(wrong, who, draws)),
    ],
    "writers.signs": [
        lambda: flipped_by_hand,
        lambda: lambda *given: np.float64(flipped_by_hand(*given)),
    ],
    "writers.shared": [
        lambda: lambda split: len(set(split.writer_train) & set(split.writer_valid)),
        lambda: lambda split: np.isin(
            np.unique(split.writer_train), np.unique(split.writer_valid)
        ).sum(),
    ],
    "writers.corrected": [
        lambda: relabelled,
        lambda: lambda labels, reviews: list(relabelled(labels.astype(int), reviews)),
    ],
    "spoilt.brighter": [
        lambda: lambda x, more: np.clip(x.astype("float32") + more, 0, 255).astype("uint8"),
        lambda: lambda x, more: np.where(x > 255 - more, 255, x + np.uint8(more)).astype("uint8"),
    ],
    "spoilt.mce": [
        lambda: lambda errors, base: statistics.mean(
            errors[kind] / base[kind] for kind in errors.keys() - {"clean"}
        ),
        lambda: lambda errors, base: np.mean(
            np.array(list(errors.values())[1:]) / np.array(list(base.values())[1:])
        ),
    ],
    "spoilt.mixed": [
        lambda: lambda x, y, kind: (np.vstack([x, lab.corrupt(x, kind)]), np.tile(y, 2)),
        lambda: lambda x, y, kind: [np.append(x, lab.corrupt(x, kind), axis=0), np.append(y, y)],
    ],
    "bugs.b-floor": [
        lambda: np.log(np.e + 9) - 1,
        lambda: -math.log(1 / (1 + 9 / math.e)),
    ],
    "yours.interval": [lambda: wilson, lambda: by_its_definition],
    "yours.people": [
        lambda: lambda wrong, writers: np.array(
            [100 * wrong[writers == each].mean() for each in np.unique(writers)]
        ),
        lambda: lambda wrong, writers: 100 * np.array(
            [sum(wrong[writers == each]) / sum(writers == each) for each in sorted(set(writers))]
        ),
    ],
    "yours.centre": [lambda: centred, lambda: centred_by_slices],
    "yours.paired": [lambda: flipped, lambda: flipped_in_a_loop],
}  # fmt: skip
WRONG = {
    "linear.flat": [
        (lambda: list(first().reshape(784) / 255), "it is a list: make an array of it"),
        (lambda: first()[:27] / 255, "its shape is (27, 28), it must be (784,)"),
        (lambda: 1 - first().reshape(784) / 255, "784 numbers are not right"),
        (lambda: "flat", "it is a str, not an array"),
    ],
    "linear.onehot": [
        (lambda: np.eye(11)[5], "its shape is (11,), it must be (10,)"),
        (lambda: 5, "its shape is ()"),
    ],
    "linear.baseline": [
        (lambda: lambda x, y, new: nearest_by_products(x, y, new)[:, None], "its shape is (60, 1)"),
        (lambda: lambda x, y, new: nearest_in_a_loop(x, y, new)[0], "it must be (60,)"),
        (lambda: lambda x, y, new: y[: len(new)], "of its 60 numbers are not right"),
    ],
    "linear.step": [
        (lambda: lambda x, y, *weights: x @ y, "it raises ValueError"),
        (lambda: lambda *all: gradients(*all)[:3], "it is a tuple of 3, not 4 numbers"),
        (lambda: lambda *all: None, "it returns nothing: is return missing?"),
        (
            lambda: lambda x, y, w1, *all: (w1.T @ w1, *gradients(x, y, w1, *all)[1:]),
            "the gradient of w1: its shape is (4, 4), it must be (6, 4)",
        ),
        (
            lambda: lambda *all: (*gradients(*all)[:2], gradients(*all)[2] + 1, gradients(*all)[3]),
            "that of w2: 12 of its 12 numbers are not right",
        ),
        (lambda: lambda *all: (*gradients(*all)[:3], 0), "that of b2: its shape is ()"),
    ],
    "linear.weights": [
        (lambda: 2 * merged(), "every number is 2 times what it must be"),
        (lambda: merged().round(3), "it is rounded"),
        (lambda: merged() + 1, "7,840 of its 7,840 numbers are not right"),
    ],
    "linear.confusion": [
        (lambda: mnist().y_valid, "numbers are not right"),
        (lambda: np.sort(said("linear").argmax(axis=1))[::-1], "right, but in another order"),
    ],
    "mlp.relu": [
        (lambda: lambda x: np.clip(x, 0, 6), "of its 12 numbers are not right"),
        (lambda: lambda x: np.maximum(x, 0) + 1, "for [-3 -0.5 0 0.5 2]: it is [1 1 1 1.5 3]"),
        (lambda: lambda x: max(x, 0), "it raises ValueError"),
        (
            lambda: lambda x: np.maximum(x, 0).tolist(),
            "for [-3 -0.5 0 0.5 2]: it is a list: make an array of it",
        ),
        (
            lambda: lambda x: np.array([n if n > 0 else 0 for n in x]),
            "for [[-1 4] [0.25 -7]]: it raises ValueError",
        ),
        (lambda: relu_in_place, "the values are right, but it changes x itself: make a new array"),
        (lambda: np.zeros(7), "without brackets"),
        (lambda: lambda x: None, "it returns nothing: is return missing?"),
    ],
    "mlp.hidden": [
        (lambda: functools.partial(dense, 150), "units are 150"),
        (lambda: functools.partial(dense, activation=None), "activation is linear"),
        (lambda: functools.partial(dense, sd=0.1), "initial weights are truncated normal"),
        (lambda: functools.partial(dense, bias=0), "initial bias is"),
        (lambda: lambda: SAME, "the same layer each time"),
        (lambda: lambda: keras.Sequential([dense()]).get_config(), "a dict, not a layer"),
        (lambda: lambda units: dense(units), "it raises TypeError"),
        (lambda: lambda: None, "it returns nothing: is return missing?"),
        (
            lambda: functools.partial(dense, activation=bent),
            "activation is function bent",
        ),
    ],
    "mlp.adam": [
        (lambda: lambda g, *_: -0.002 * np.sign(g), "for [100 1 0.001 -0.001 -5]: it is"),
        (lambda: lambda g: -0.001 * np.sign(g), "for [100 1 0.001 -0.001 -5], 0.02: it raises"),
    ],
    "mlp.train": [
        (lambda: changed("mlp", epochs=3), "epochs is 3, the notebook asks for epochs=34"),
        (lambda: changed("mlp", batch_size=128), "batch_size is 128"),
        (lambda: changed("mlp", seed=None), "seed is None"),
        (lambda: records("dropout")[0], "dropout"),
        (lambda: records("linear")[0], "the part asks for"),
        (lambda: dataclasses.replace(records("mlp")[0], interrupted=True), "stopped after 34"),
        (lambda: dataclasses.replace(records("mlp")[0], diverged=True), "diverged"),
        (lambda: records("mlp")[0].history, "a dict: give the Run"),
    ],
    "mlp.sure": [
        (lambda: 20_000, "20,000 is too large"),
        (
            lambda: wrong("mlp") & (said("mlp").max(axis=1) > 0.99),
            "it is True or False for each of 10,000: one number is asked for; .sum() counts",
        ),
        (lambda: np.array([3, 4]), "it is an array of shape (2,): one number is asked for"),
        (lambda: math.nan, "it is nan: somewhere is a division by 0"),
    ],
    "dropout.masks": [
        (lambda: 2_040_000, "it is an int, not 2 numbers"),
        (lambda: (2_040_000, 2**4500), "that is the number itself: how many digits has it?"),
        (lambda: (2_040_000, 2**1500), "that is the number itself"),
        (lambda: (2_040_000, None), "digits: it is None, not a number"),
        (lambda: (1.0, 1355), "met: 1 is too small"),
        (lambda: (1, [2, 3]), "met: 1 is too small"),
    ],
    "dropout.layer-mean": [
        (
            lambda: 1.3,
            "1.3 is too far from what comes out in the long run: take the mean",
        ),
        (lambda: 0.8, "0.8 is too far from what comes out in the long run"),
        (lambda: np.ones(10), "not one number"),
    ],
    "dropout.train": [
        (lambda: records("mlp")[0], "dropout"),
        (lambda: changed("dropout", epochs=1), "epochs is 1"),
        (lambda: 98.4, "a float: give the Run"),
    ],
    "dropout.fair-words": [
        (lambda: (97.0, 99.0), "gap_reported: 97 is too large"),
        (lambda: tuple(round(gap, 1) for gap in gaps()), "gap_reported: it is rounded: give it as"),
        (lambda: (gaps()[0], round(gaps()[1], 1)), "gap_fair: it is rounded"),
        (lambda: 1.3, "it is a float, not 2 numbers"),
    ],
    "cnn.slide": [
        (lambda: lambda image, kernel: (windows(image) * kernel).sum(axis=2), "its shape is"),
        (lambda: lambda image, kernel: windows(image) @ kernel, "its shape is"),
    ],
    "cnn.pool": [
        (lambda: lambda image: squares(image).max(axis=(1, 2)), "its shape is (14, 2)"),
        (lambda: lambda image: image[:14, :14], "of its 196 numbers are not right"),
    ],
    "cnn.convolution": [
        (
            lambda: lambda filters: conv(32),
            "for 64: it makes the same layer as for 32: use the argument of the function",
        ),
        (lambda: lambda filters: conv(2 * filters), "filters are 64, the part asks for 32"),
        (lambda: lambda filters: conv(filters, 3), "kernel size is 3 × 3"),
        (lambda: lambda filters: conv(filters, padding="valid"), "padding is valid"),
        (lambda: lambda filters: conv(filters, activation=None), "activation is linear"),
        (lambda: lambda filters: dense(filters), "dense"),
    ],
    "cnn.train": [
        (lambda: records("mlp")[0], "the part asks for"),
        (lambda: changed("cnn", epochs=2), "epochs is 2"),
        (lambda: changed("cnn", seed=1), "seed is 1"),
    ],
    "cnn.filters": [
        (lambda: kernels(), "its shape is (5, 5, 1, 32), it must be (32, 5, 5)"),
    ],
    "cnn.shift": [
        (lambda: moved_accuracy(answer=lambda said: said.argmin(axis=1)), "it must be"),
        (lambda: unshaped, "for a network that takes (28, 28, 1), 3: it raises ValueError"),
        (lambda: lambda network, pixels_moved: None, "it returns nothing: is return missing?"),
    ],
    "comparison.finals": [
        (lambda: functools.partial(finals, made=list), "a list: make an array of it"),
    ],
    "comparison.pairs": [
        (lambda: (only("mlp", "dropout"), 3), "only_dropout: 3 is too small"),
    ],
    "comparison.mcnemar": [
        (lambda: lambda b, c: b / (b + c), "for 3, 11: it is 0.214286, it must be 0.0573"),
    ],
    "comparison.permutation": [
        (lambda: lambda *pair: 0.0, "for [1 2 3], [4 5 6]: it is 0, it must be 0.1"),
    ],
    "comparison.faces": [
        (lambda: lambda run: (1, 0, 1), "gap: "),
        (lambda: lambda run: None, "it returns nothing: is return missing?"),
    ],
    "comparison.claim6-numbers": [
        (lambda: (MLP - CNN, np.sqrt([MLP, CNN])), "ratio: "),
        (lambda: (MLP / CNN, (MLP**0.5, 3)), "roots: the second one: 3 is too small"),
    ],
    "test.error": [
        (lambda: lambda p, n: p, "for 50, 100: it is 50, it must be 5"),
        (lambda: lambda p, n: np.sqrt(p * (1 - p) / n), "that is the root of a negative number"),
        (lambda: lambda p, n: (p * (1 - p) / n) ** 0.5, "that is the root of a negative number"),
        (lambda: lambda p, n: math.sqrt(p * (1 - p) / n), "for 50, 100: it raises ValueError"),
    ],
    "test.choose": [
        (lambda: (0.5, 8), "best_rate: 0.5 is too large"),
        (lambda: 0.1, "it"),
    ],
    "test.flattery": [
        (lambda: lambda one, other: np.argmax(one), "it is 1, it must be 10"),
        (lambda: lambda one, other: None, "it returns nothing: is return missing?"),
    ],
    "comparison.needed": [
        (lambda: lambda spread, difference: 5, "it is 5"),
        (lambda: lambda spread: 5, "it raises TypeError"),
    ],
    "test.halves": [
        (lambda: lambda right, order: best_of(right, order)[0], "it"),
        (lambda: lambda right, order: (0.0, 0.0), "claimed: 0 is too small"),
    ],
    "test.stopped": [
        (lambda: lambda watched, judged, criterion: stopped(watched, judged, "loss")[1], "it"),
        (lambda: lambda watched, judged: 0, "it raises TypeError"),
    ],
    "test.signs": [
        (lambda: lambda differences: 1.0, "for [1 2 3]: it is 1, it must be 0.25"),
        (lambda: lambda differences: abs(differences) > 0, "one number is asked for"),
    ],
    "test.gains": [
        (
            lambda: lambda without, having: list(ends(having) - ends(without)),
            "for 5 runs of mlp, 5 runs of dropout: it is a list: make an array of it",
        ),
    ],
    "writers.blocks": [
        (lambda: lambda wrong, size: wrong.mean(), "its shape is ()"),
        (lambda: lambda wrong, size: wrong.reshape(-1, size).mean(axis=1), "it raises ValueError"),
    ],
    "writers.groups": [
        (lambda: lambda wrong, who: 100 * wrong[who > 2000].mean(), "it"),
        (lambda: lambda wrong, who: (0.0, 0.0), "the students' error: 0 is too small"),
    ],
    "writers.resampled": [
        (lambda: lambda wrong, who, draws: draws, "its shape is (50, 18), it must be (50,)"),
        (lambda: lambda wrong, who: 0, "it raises TypeError"),
    ],
    "writers.signs": [
        (lambda: lambda differences, who, signs: -1.0, "it is -1"),
        (lambda: lambda differences, who, signs: abs(differences) > 0, "one number is asked for"),
    ],
    "writers.shared": [
        (lambda: lambda split: set(split.writer_train) & set(split.writer_valid), "it"),
    ],
    "writers.corrected": [
        (lambda: lambda labels, reviews: labels, "it"),
        (lambda: changes_labels, "it changes labels itself"),
        (lambda: lambda labels, reviews: (labels.copy(), labels < 5), "numbers are not right"),
    ],
    "spoilt.brighter": [
        (lambda: lambda x, more: x.astype(int) + more, "it"),
        (lambda: lambda x, more: np.minimum(x + np.uint8(more), 255), "sums beyond 255 go round"),
    ],
    "spoilt.mce": [
        (lambda: lambda errors, base: errors, "it is a dict, not a number"),
    ],
    "spoilt.mixed": [
        (lambda: lambda x, y, kind: x, "it"),
        (
            lambda: (
                lambda x, y, kind: (
                    np.concatenate([x, lab.corrupt(x, kind)]),
                    np.concatenate([y, y[::-1]]),
                )
            ),
            "the labels",
        ),
    ],
    "sure.cool": [
        (lambda: lambda p, t: p**1 / t, "** comes before /, so the power is ** (1 / temperature)"),
        (
            lambda: lambda p, t: (p**1 / t) / (p**1 / t).sum(axis=1, keepdims=True),
            "the temperature changes nothing: ** comes before /",
        ),
    ],
    "sure.review": [
        (lambda: lambda said, y, share: said.max(axis=1).argsort(), "one number is asked for"),
        (lambda: lambda said, y, share: None, "it returns nothing: is return missing?"),
    ],
    "best.augment": [
        (lambda: moves()[0], "this is a RandomRotation: give the function"),
        (lambda: lambda: moves()[0], "it returns one layer: return a list of layers, [...]"),
        (lambda: lambda: moves(turn=10), "it raises ValueError"),
        (lambda: lambda: moves(shift=2 / 784), "random translation: height factor"),
        (lambda: lambda: moves()[:2], "layers: no random zoom, the part asks for 1"),
        (lambda: lambda: [*moves(), keras.layers.Dropout(0.5)], "1 of dropout"),
        (lambda: lambda: [keras.layers.RandomRotation], "RandomRotation, which is no layer: call"),
        (lambda: lambda: [], "layers: no random rotation"),
        (lambda: lambda: print(), "it returns nothing: end it with return"),
        (lambda: lambda: {"turn": moves()}, "it returns a dict: return a list of layers"),
        (lambda: functools.partial(list, moves()), "it returns the same layers each time"),
        (lambda: lambda size: moves(), "it raises TypeError"),
    ],
    "best.normalise": [
        (lambda: lambda x, g, b: x - x.mean(axis=0), "for an array of shape (4, 3), [1 1 1]"),
        (lambda: lambda x, g, b: x.mean(axis=0), "its shape is (3,), it must be (4, 3)"),
    ],
    "best.block": [
        (lambda: lambda *given: block(32, *given[1:]), "convolution: filters are 32"),
        (lambda: lambda f, size, *more: block(f, 3, *more), "kernel size is 3 × 3"),
        (
            lambda: lambda f, size, strides=1, _="": block(f, size, strides),
            "its shape is (12, 12, 32",
        ),
        (lambda: lambda f, *more: [keras.layers.Dense(f), *block(f, *more)[1:]], "no convolution"),
        (lambda: functools.partial(block, relu=keras.layers.Softmax), "activation is softmax"),
        (lambda: lambda filters: block(filters, 3), "it raises TypeError"),
    ],
    "best.schedule": [
        (lambda: rate, "it raises TypeError"),
        (lambda: lambda highest, iterations: highest, "it returns a float: return a schedule"),
        (lambda: functools.partial(cosine, alpha=0.1), "in iteration 4,500 of 15,000: it is"),
        (lambda: lambda *_: keras.optimizers.schedules.ExponentialDecay(0.003, 10, 0.9), "it is"),
        (lambda: cosine(), "this is a CosineDecay: give the function itself"),
    ],
    "best.network": [
        (lambda: functools.partial(modern, loss=None), "not compiled: model.compile(...)"),
        (lambda: functools.partial(modern, moved=list), "layers: no random rotation"),
        (lambda: functools.partial(modern, dropout=0.5), "dropout: rate is 0.5, the part asks for"),
        (lambda: functools.partial(modern, dropout=0), "layers: no dropout, the part asks for 1"),
        (lambda: functools.partial(modern, end=None), "output layer: activation is linear"),
        (lambda: functools.partial(modern, learning_rate=0.003), "learning rate is 0.003"),
        (lambda: functools.partial(modern, loss="mse"), "loss is mean squared error"),
        (lambda: functools.partial(modern, metrics=["mse"]), "metrics"),
        (lambda: functools.partial(modern, blocks=[(32, 5, 2, "same")]), "1 of convolution"),
        (lambda: lab.build_cnn, "layers: no random rotation"),
        (lambda: lab.build_linear, "it does not take images of shape (28, 28, 1)"),
        (lambda: 113_898, "this is an int"),
        (lambda: lambda: modern().fit, "it returns"),
    ],
    "best.rate": [
        (lambda: functools.partial(rate, wave=lambda x: x), "it is"),
    ],
    "best.missed": [
        (
            lambda: lambda runs, y: np.where((read(runs) != y).all(axis=0)),
            "it is a tuple with one array in it, as np.where gives it: take its [0]",
        ),
        (
            lambda: lambda runs, y: np.flatnonzero((read(runs) != y).all(axis=0))[::-1],
            "the numbers are right, but in another order: sort them",
        ),
        (forgetful, "it changes runs itself"),
    ],
    "yours.interval": [
        (lambda: lambda right: wilson(right)[1:], "it is a tuple of 2, not 3 numbers"),
        (lambda: lambda right: 100 * right.mean(), "it is a float64, not 3 numbers"),
        (lambda: lambda right: wilson(right)[::-1], "the accuracy"),
    ],
    "yours.people": [
        (
            lambda: (
                lambda wrong, writers: [
                    100 * wrong[writers == each].mean() for each in np.unique(writers)
                ]
            ),
            "it is a list: make an array of it",
        ),
        (
            lambda: (
                lambda wrong, writers: np.array(
                    [100 * wrong[writers == each].mean() for each in range(7)]
                )
            ),
            "its shape is (7,), it must be (6,)",
        ),
        (lambda: lambda wrong, writers: print(), "it returns nothing: is return missing?"),
    ],
    "yours.centre": [
        (lambda: lambda image: centred(image)[1:], "its shape is (27, 28), it must be (28, 28)"),
        (lambda: lambda image: np.roll(image, (3, 3)), "numbers are not right"),
        (lambda: lambda image: np.roll(image, "down"), "it raises"),
    ],
    "yours.paired": [
        (lambda: lambda *given: flipped(*given) > 0.05, "it must be"),
        (
            lambda: lambda first, second, writers, signs: flipped(first, second, writers),
            "TypeError",
        ),
        (lambda: lambda *given: given[3] @ np.ones(6), "one number is asked for"),
    ],
}
FUNCTIONS = [
    name
    for name in RIGHT
    if isinstance(ANSWERS[name].task, Function | Layer | Layers | Schedule | Built)
]


@pytest.mark.anywhere
@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_however_they_are_written(name):
    for make in RIGHT[name]:
        result = lab.check_answer(name, make(), **given(name))
        assert result, result
        assert float(result) == 1
        assert result.verdict == f"Right: {ANSWERS[name].right}."
        assert result.require() is None
    assert len(RIGHT[name]) >= 2


def known_slips():
    for name, answer in ANSWERS.items():
        for slip in getattr(answer.task, "slips", ()):
            yield pytest.param(name, slip, id=f"{name}: {slip.what}")


@pytest.mark.anywhere
@pytest.mark.parametrize(("name", "slip"), [*known_slips()])
def test_a_slip_that_the_course_knows_is_named(name, slip):
    things, attempt = given(name), slip.answer
    if name == "test.choose":  # the best of the runs in the notebook is the best at its end, too
        things = {"runs": dict(zip((0.5, 0.1, 0.02), records("linear"), strict=False))}
    if isinstance(ANSWERS[name].task, Schedule):
        attempt = functools.partial(slipping, slip)
    elif isinstance(ANSWERS[name].task, Function | Layers):
        attempt = functools.partial(attempt, **things)
    elif callable(attempt):
        attempt = attempt(**things)
    result = lab.check_answer(name, attempt, **things)
    assert result.outcome == "wrong"
    assert result.differences == [slip.words]
    # A slip that takes no thought gets nothing; another half of what it makes wrong.
    parts = getattr(ANSWERS[name].task, "names", ())
    assert (float(result) > 0) == (not slip.free) or (slip.free and parts)
    assert float(result) < 1


def slipping(slip, *arguments):
    """A schedule of Keras with a slip."""

    class Slipped(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return slip.answer(step, *arguments)

    return Slipped()


TRIED = [name for name, answer in ANSWERS.items() if isinstance(answer.task, Function)]
OF_RECORDS = {  # whose probes are recorded runs, not numbers that can be drawn
    *("cnn.shift", "comparison.finals", "comparison.faces"),
    *("test.gains", "test.stopped", "best.missed"),
}


def probes_of(name):
    probes = ANSWERS[name].task.probes
    return list(probes() if callable(probes) else probes)


@pytest.mark.parametrize("name", TRIED)
def test_a_function_that_passes_over_an_argument_is_wrong(name):
    things, task, probes = given(name), ANSWERS[name].task, probes_of(name)
    for place in range(max(map(len, probes))):
        fixed = next(probe[place] for probe in probes if len(probe) > place)

        def passes_over(*arguments, place=place, fixed=fixed):
            arguments = [*arguments]
            arguments[place : place + 1] = [fixed]
            return task.right(*arguments, **things)

        assert lab.check_answer(name, passes_over, **things).outcome == "wrong", place


@pytest.mark.parametrize("name", sorted({*TRIED} - OF_RECORDS))
def test_probes_are_drawn_anew_and_a_right_function_passes_them_all(name):
    assert str(probes_of(name)) != str(probes_of(name))
    for _ in range(20):
        assert lab.check_answer(name, RIGHT[name][0](), **given(name))


@pytest.mark.anywhere
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_other_answers_is_named(name):
    for make, words in WRONG[name]:
        result = lab.check_answer(name, make(), **given(name))
        assert result.outcome == "wrong", (result, words)
        assert words in " ".join(result.differences), (result, words)
        assert json.loads(json.dumps(result.as_dict()))["outcome"] == "wrong"
        assert 0 <= float(result) < 1
        with pytest.raises(AssertionError, match=r"Not yet: [\w.-]+ is not right"):
            result.require()


def test_every_answer_is_in_the_banks_and_in_a_notebook():
    # What whole programs may do has banks to itself, in test_programs and test_bugs.
    small = [name for name, each in ANSWERS.items() if not isinstance(each.task, Program | Mended)]
    assert list(RIGHT) == small
    # A layer and a run have no list of slips: their figures are compared one by one.
    for name, answer in ((name, ANSWERS[name]) for name in RIGHT):
        assert len(getattr(answer.task, "slips", ())) + len(WRONG.get(name, ())) >= 3, name
    sources, asked = [], set()
    for path in notebooks.list_solutions():
        book = notebooks.read_notebook(path)
        sources += [cell.source for cell in book.cells]
        asked |= {question.name for question in notebooks.list_questions(book, path)}
    assert set(ANSWERS) <= asked
    for name in ANSWERS:
        assert sum(f'lab.check_answer("{name}"' in source for source in sources) == 1


def test_every_answer_in_code_has_a_check_of_its_own_behind_it():
    for path in notebooks.list_solutions():
        book = notebooks.read_notebook(path)
        kinds = {cell.id: cell.cell_type for cell in book.cells}
        found = notebooks.list_questions(book, path)
        for question in found:
            assert bool(question.check) is (kinds[question.cell] == "code"), question
        checks = [question.check for question in found if question.check]
        assert len(checks) == len(set(checks))


@pytest.mark.parametrize("name", RIGHT)
def test_not_attempted(name, capsys):
    attempts = [..., (..., ...)]
    if name in FUNCTIONS:
        attempts[1] = stub
    if name == "linear.flat":
        attempts.append(first())
    if name == "linear.onehot":
        attempts.append(np.zeros(10))
    if name == "dropout.layer-mean" or "train" in name:
        attempts = [...]
    for attempt in attempts:
        result = lab.check_answer(name, attempt, **given(name))
        assert result.outcome == "not attempted", attempt
        with pytest.raises(AssertionError, match="Not attempted yet"):
            result.require()
    result.hint()
    assert capsys.readouterr().out.startswith("Hint 1 of ")


@pytest.mark.anywhere
def test_none_is_an_attempt_that_went_wrong():
    result = lab.check_answer("linear.flat", np.zeros((28, 28)).resize(784))
    assert result.outcome == "wrong"
    assert "resize and sort, return nothing" in result.verdict


# Written as in a notebook: each call makes a new result.
HINTED = {
    "linear.flat": lambda: lab.check_answer("linear.flat", first() / 255),
    "mlp.sure": lambda: lab.check_answer("mlp.sure", 3, run=records("mlp")[0]),
    "check": lambda: lab.check("linear", keras.Sequential([keras.Input((784,)), dense(10)])),
    "check, compiled": lambda: lab.check("linear", uncompiled(), compiled=True),
    "count": lambda: lab.check_count("cnn", 3),
    "data": lambda: lab.check_data(7),
}


def uncompiled():
    zeros = keras.layers.Dense(10, kernel_initializer="zeros")
    output = keras.layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.Input((784,)), zeros, output])


@pytest.mark.parametrize("name", HINTED)
def test_hints_advance_from_call_to_call(name, capsys):
    hints = []
    for _ in range(9):
        HINTED[name]().hint()
        hints.append(capsys.readouterr().out)
    last = next(place for place, hint in enumerate(hints) if hint.startswith("That was the last"))
    assert hints[last + 1] == hints[0]
    assert last >= 2
    assert len(set(hints[:last])) == last
    for number, hint in enumerate(hints[:last], 1):
        assert hint.startswith(f"Hint {number} of {last}: ")


def test_a_function_that_changes_what_two_calls_share_is_judged_by_its_values():
    def step(gradient, learning_rate=0.001, epsilon=1e-8):
        size = np.abs(gradient) + epsilon
        gradient *= -learning_rate
        gradient /= size
        return gradient

    words = lab.check_answer("mlp.adam", step).differences
    assert words == [
        "the values are right, but it changes gradient itself: make a new array, and leave "
        "gradient as it is"
    ]


def test_each_question_counts_its_own_hints(capsys):
    HINTED["count"]().hint()
    HINTED["check"]().hint()
    assert capsys.readouterr().out.count("Hint 1 of ") == 2
    lab.check_count("mlp", 3).hint()
    assert capsys.readouterr().out.startswith("Hint 1 of 2")


def test_after_another_mistake_the_hints_for_it_begin(capsys):
    lab.check("linear", lab.build_linear(hidden_units=3)).hint()
    assert capsys.readouterr().out.startswith("Hint 1 of 3: Two layers")
    lab.check("linear", lab.build_linear(learning_rate=0.1)).hint()
    assert "model.compile" in capsys.readouterr().out


@pytest.mark.parametrize("name", RIGHT)
def test_no_hint_is_the_solution(name, capsys):
    lab.check_answer(name, None, **given(name)).solution()
    code = capsys.readouterr().out.strip()
    assert code
    assert "SOLUTION" not in code
    assert not any(code in hint for hint in ANSWERS[name].hints)


@functools.cache
def unfinished(**how):
    run = records("mlp")[0]
    history = {key: [] for key in run.history}
    return dataclasses.replace(run, history=history, val_probabilities=np.empty((0, 0)), **how)


STOPPED = "run was stopped in its first epoch"
FEW = "run does not say what it read of MNIST's 10,000 validation images"


def untrained_linear():
    """With initial weights of a student's own; its biases are 0, as before any training."""
    layers = [keras.layers.Dense(10), keras.layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.layers.Input((784,)), *layers])


def cut():
    return dataclasses.replace(
        records("mlp")[0], val_probabilities=records("mlp")[0].val_probabilities[:120]
    )


GIVEN = [
    ("linear.confusion", {"run": {}}, "run is a dict: give the Run that lab.train returned"),
    ("linear.confusion", {}, "The answer is computed from run: check it as in lab.check_answer"),
    ("linear.flat", {"run": 1}, "The answer needs no run"),
    ("linear.confusion", {"run": lambda: unfinished(diverged=True)}, "run diverged in its first"),
    ("mlp.sure", {"run": lambda: unfinished(interrupted=True)}, STOPPED),
    ("mlp.sure", {"run": cut}, FEW),
    ("cnn.second", {"run": cut}, FEW),
    ("dropout.fair-words", {"run": lambda: unfinished(interrupted=True)}, STOPPED),
    ("cnn.filters", {"model": lambda: network("linear")}, "model is not the network of part cnn"),
    ("cnn.filters", {"model": 7}, "model is an int: give the Keras model"),
    (
        "linear.weights",
        {"model": lambda: network("cnn")},
        "model is not the network of part linear",
    ),
    ("linear.weights", {"model": lambda: lab.build_linear()}, "model has not been trained"),
    ("linear.weights", {"model": lambda: untrained_linear()}, "model has not been trained"),
    ("cnn.filters", {"model": lambda: lab.build_cnn()}, "model has not been trained"),
    ("comparison.finals", {"runs": []}, "runs is a list: give the runs as the notebook has them"),
    ("comparison.finals", {"runs": {}}, "runs has no 'linear'"),
    ("comparison.pairs", {"runs": lambda: {"mlp": records("mlp")}}, "runs has no 'dropout'"),
    (
        "comparison.pairs",
        {"runs": lambda: {"mlp": records("mlp")[0], "dropout": []}},
        "runs has no list of runs for 'mlp'",
    ),
    (
        "comparison.finals",
        {"runs": lambda: all_runs() | {"cnn": [unfinished(interrupted=True)]}},
        "runs has for 'cnn' one that was stopped in its first epoch",
    ),
    ("test.choose", {"runs": {}}, "runs is empty"),
    (
        "test.choose",
        {"runs": lambda: {0.5: unfinished(diverged=True)}},
        "runs has for 0.5 one that diverged in its first epoch",
    ),
    ("test.choose", {"runs": {0.5: None}}, "runs has for 0.5 one that is None"),
    ("test.test", {"model": "mlp"}, "model is a str: give the Keras model"),
]


@pytest.mark.anywhere
@pytest.mark.parametrize(("name", "things", "words"), GIVEN)
def test_what_a_check_is_given_is_judged_before_the_answer(name, things, words):
    things = {key: each() if callable(each) else each for key, each in things.items()}
    result = lab.check_answer(name, np.zeros(10), **things)
    assert result.outcome == "wrong"
    assert result.verdict.startswith(words)


def test_what_an_answer_was_computed_from_comes_first():
    result = lab.check_answer("linear.confusion", np.zeros(10_000), run=...)
    assert str(result) == "Not attempted yet: run comes first."


def test_unknown_answers_are_refused():
    with pytest.raises(ValueError, match=r"it must be one of 'linear\.flat'"):
        lab.check_answer("linear", 1)
    with pytest.raises(ValueError, match=r"it must be one of 'linear\.see'"):
        lab.model_answer("linear.flat")


@pytest.mark.anywhere
def test_a_function_cannot_change_the_probes():
    def spoil(x):
        x[:] = 0
        return x

    assert not lab.check_answer("mlp.relu", spoil)
    assert lab.check_answer("mlp.relu", lambda x: np.maximum(x, 0))


def test_model_answers_say_what_a_good_answer_mentions():
    asked = 0
    for path in notebooks.list_solutions():
        for question in notebooks.list_questions(notebooks.read_notebook(path), path):
            if question.check:
                continue
            words = lab.model_answer(question.name)
            answer, mentions = words.split("*A good answer mentions:*\n")
            assert len(answer) > 40, question
            most = 5 if question.name == "yours.report" else 3  # that one is a page
            assert 2 <= mentions.count("- ") <= most, question
            assert words._repr_markdown_() == str(words) == repr(words)
            asked += 1
    assert asked == 58


def test_a_card_shows_the_verdict_and_interprets_nothing():
    def failing(x):
        raise KeyError("<b>x</b>")

    result = lab.check_answer("mlp.relu", failing)
    card = result._repr_html_()
    assert "✗ Not yet: failing is not right." in card
    assert "<b>x" not in card
    assert "&lt;b&gt;x" in card
    assert ".hint()" in card
    right = lab.check_count("linear", 7960)._repr_html_()
    assert "✓ Right" in right
    assert ".hint()" not in right
    assert "○ Not attempted" in lab.check_count("linear", ...)._repr_html_()
