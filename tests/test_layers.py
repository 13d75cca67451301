"""Every layer's values, against Keras' own, and what single values are computed from."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

import mnist_lab as lab
from mnist_lab.layers import Layers, idle

sys.path.insert(0, str(Path(__file__).parent / "training"))
from classifiers import CASES, RARE, Subclassed, hidden, sequential, softmax

BENDS = {
    "linear": lambda before: before,
    "relu": lambda before: max(before, 0.0),
    "tanh": np.tanh,
    "sigmoid": lambda before: 1 / (1 + np.exp(-before)),
}


def nested():
    image = keras.Input((28, 28, 1))
    inner = sequential(layers.Conv2D(3, 3, 2, activation="relu"), shape=(28, 28, 1))
    twice = keras.Model(image, layers.Rescaling(2.0, 1.0)(inner(image)))
    return keras.Sequential([image, twice, layers.Flatten(), Tanh(), softmax()])


class Tanh(keras.Model):
    """A nested model of a class of its own, which calls an operation."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(6, name="inner")

    def call(self, x):
        return ops.tanh(self.inner(x))


def shared():
    image = keras.Input((784,))
    inner = layers.Dense(784, "sigmoid")
    return keras.Model(image, layers.Dense(10)(inner(inner(image))))


def every_window():
    return sequential(
        layers.Conv2D(3, (3, 5), (2, 1), padding="same", activation="tanh"),
        layers.AveragePooling2D(3, 2, padding="same"),
        layers.Conv2D(4, 3, dilation_rate=2, use_bias=False),
        layers.MaxPooling2D(3, 2, padding="same"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
        layers.Softmax(),
        shape=(28, 28, 1),
    )


def random_weights(model):
    """Give a model other weights than zeros and ones, which hide mistakes."""
    chance = np.random.default_rng(0)
    model.set_weights(
        [each + chance.uniform(0.01, 0.1, each.shape) for each in model.get_weights()]
    )
    return model


MODELS = {
    **{name: case[0] for name, case in (CASES | RARE).items() if name != "run eagerly"},
    "linear": lab.build_linear,
    "mlp": lambda: lab.build_mlp(hidden_units=30),
    "dropout": lambda: lab.build_mlp(hidden_units=30, dropout=0.5),
    "mlp, normalised": lambda: lab.build_mlp(hidden_units=30, batch_normalization=True),
    "mlp, moved": lambda: lab.build_mlp(hidden_units=30, degrees=10, shift=2),
    "cnn": lambda: lab.build_cnn(filters=(3, 5)),
    "notebook 8": lambda: lab.build_modern_cnn(filters=(2, 3, 4, 5)),
    "nested": nested,
    "shared": shared,
    "every window": every_window,
}
BRIEF = ["functional, logits, sparse", "subclassed", "cnn", "notebook 8", "nested", "every window"]


def seen(name, digits):
    model = MODELS[name]()
    shape = (784,) if isinstance(model, Subclassed) else model.input_shape[1:]
    images = digits.reshape(-1, *shape)
    model(images)
    random_weights(model)
    opened = Layers(model, shape)
    return model, opened, images, opened.look(images)


@pytest.fixture(scope="module")
def digits(data):
    return data.x_valid[:3] / np.float32(255)


def in_the_open(name):
    return pytest.param(name, marks=() if name in BRIEF else pytest.mark.gate)


@pytest.mark.parametrize("name", [*map(in_the_open, MODELS)])
def test_the_values_are_keras_own(digits, name):
    model, opened, images, looked = seen(name, digits)
    within = 0.02 if "float16" in name else 1e-5
    output = model(images, training=False).numpy()
    assert np.allclose(looked.values[len(opened.steps) - 1], output, atol=within)
    assert np.allclose(looked.probabilities.sum(axis=1), 1, atol=0.01)
    # Each layer by itself, of what it was given.
    for (layer, taken), value in zip(opened.steps, looked.values, strict=False):
        given = [images if each < 0 else looked.values[each] for each in taken]
        if len(given) > 1:
            assert np.allclose(layer(given), value, atol=within, rtol=within)
        elif not type(layer).__name__.startswith("Random"):  # else random if called so
            assert np.allclose(layer(given[0]), value, atol=within, rtol=within), layer.name
    if isinstance(model, keras.Sequential) and name != "nested":
        whole = keras.Model(model.inputs, [each.output for each in model.layers])
        told = whole([images], training=False)
        for own, value in zip(keras.tree.flatten(told), looked.values, strict=False):
            assert np.allclose(own, value, atol=within, rtol=within)


@pytest.mark.parametrize("name", [*map(in_the_open, MODELS)])
def test_the_numbers_add_up(digits, name):
    _, opened, images, _ = seen(name, digits)
    looked, chance, told = opened.look(images[:1]), np.random.default_rng(1), 0
    for number, (layer, _) in enumerate(opened.steps):
        value = looked.values[number][0]
        corners = [(0,) * value.ndim, tuple(n - 1 for n in value.shape)]
        for place in [*corners, *(tuple(map(chance.integers, value.shape)) for _ in range(3))]:
            try:
                about = opened.sum_at(looked, number, place)
            except ValueError as problem:
                assert "taken apart" in str(problem) or "layers" in str(problem)  # noqa: PT017
                continue
            told += 1
            products = about.inputs * about.weights
            assert np.isclose(products.sum() + about.rest + about.bias, about.before, atol=1e-9)
            assert len(products) <= min(about.count, 10)
            assert products.all()
            assert (np.diff(np.abs(products)) <= 1e-12).all()
            within = 0.05 if "float16" in name else 1e-4
            if bend := BENDS.get(about.activation):
                assert np.isclose(bend(about.before), about.value, atol=within), layer.name
    assert told or name in ("LSTM over rows",)


def test_a_window_at_the_edge_has_no_more_than_the_image(digits):
    opened = Layers(lab.build_cnn(filters=(2, 3)), (28, 28, 1))
    looked = opened.look(digits[:1].reshape(1, 28, 28, 1))
    corner, middle = (opened.sum_at(looked, 0, place) for place in [(0, 0, 1), (14, 14, 1)])
    assert (corner.count, middle.count) == (9, 25)
    assert (corner.patch.shape, middle.patch.shape) == ((3, 3), (5, 5))
    assert np.array_equal(middle.patch, digits[0, 12:17, 12:17])


def test_which_pixels_speak_is_exact_for_a_linear_network(digits):
    model = random_weights(lab.build_linear())
    images = digits.reshape(-1, 784)
    opened = Layers(model, (784,))
    assert opened.linear
    looked, speaking = opened.look(images), opened.speaking(images)
    best = looked.scores.argmax(axis=1)
    nothing = opened.look(np.zeros_like(images)).scores[np.arange(3), best]  # the biases alone
    assert np.allclose(speaking.sum(axis=1) + nothing, looked.scores.max(axis=1), atol=1e-4)
    assert not Layers(lab.build_mlp(hidden_units=5), (784,)).linear
    bent = sequential(hidden(), layers.Dense(10))
    assert not Layers(bent, (784,)).linear


def test_it_follows_the_weights_as_they_change(digits):
    model, images = lab.build_linear(), digits.reshape(-1, 784)
    opened = Layers(model, (784,))
    before = opened.look(images).scores
    random_weights(model)
    assert not np.allclose(opened.look(images).scores, before)


def test_masks_are_of_one_pass_and_leave_the_model_s_random_numbers_alone(digits):
    model, images = lab.build_mlp(hidden_units=400, dropout=0.5), digits.reshape(-1, 784)
    variables = model.non_trainable_variables
    state = [each.numpy() for each in variables]
    opened = Layers(model, (784,), masks=True)
    first, second = opened.look(images), opened.look(images)
    (number, *_) = first.masks
    mask = first.masks[number]
    assert set(np.unique(mask)) == {0, 2}
    assert 0.4 < (mask == 0).mean() < 0.6
    assert not np.array_equal(mask, second.masks[number])
    assert np.array_equal(first.values[number], first.values[number - 1] * mask)
    place = (int(np.flatnonzero(mask[0] == 0)[0]),)
    assert opened.sum_at(first, number, place).value == 0
    after = [each.numpy() for each in variables]
    assert all(map(np.array_equal, state, after))
    assert not Layers(model, (784,)).look(images).masks


def test_dead_and_saturated_units_are_marked(digits):
    model = sequential(hidden(), layers.Dense(3, "tanh"), layers.Dense(2, "sigmoid"), softmax())
    model.layers[0].bias.assign([-1e3] + 11 * [1e3])
    model.layers[1].bias.assign([1e6, -1e6, 0])
    model.layers[1].kernel.assign(np.zeros((12, 3)))
    model.layers[2].bias.assign([-100, 0])
    opened = Layers(model, (784,))
    marks = list(idle(opened.steps, opened.look(digits.reshape(-1, 784))))
    assert [each.tolist() for each in marks] == [[1] + 11 * [0], [2, 2, 0], [2, 0], []]


class Opaque(keras.Model):
    def call(self, x):
        return x.numpy()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: Opaque(), "Opaque cannot be followed: "),
        (lambda: keras.Sequential([softmax()]), ""),
        (lambda: sequential(layers.Reshape((2, 392)), layers.Flatten(), softmax()), ""),
    ],
)
def test_what_cannot_be_followed_says_why(model, words):
    if words:
        with pytest.raises(ValueError, match=words):
            Layers(model(), (784,))
    else:
        assert Layers(model(), (784,)).steps


def test_what_cannot_be_taken_apart_says_why(digits):
    _, opened, images, _ = seen("functional, logits, sparse", digits)
    looked = opened.look(images[:1])
    with pytest.raises(ValueError, match="from 2 layers"):
        opened.sum_at(looked, 3, (0,))
    grouped = sequential(layers.Conv2D(4, 3), layers.Conv2D(4, 3, groups=2), shape=(28, 28, 1))
    opened = Layers(grouped, (28, 28, 1))
    with pytest.raises(ValueError, match="groups"):
        opened.sum_at(opened.look(digits[:1].reshape(1, 28, 28, 1)), 1, (0, 0, 0))
