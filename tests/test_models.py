"""The models have the sheet's values, and refuse values out of range."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mnist_lab as lab

BIAS = {"class_name": "Constant", "value": 0.1}
NORMAL = {"class_name": "TruncatedNormal", "mean": 0.0, "stddev": 0.01}
ZEROS = {"class_name": "Zeros"}
DEFAULT = {"class_name": "GlorotUniform"}


def initialiser(layer, which):
    value = keras.initializers.serialize(getattr(layer, f"{which}_initializer"))
    figures = {key: figure for key, figure in value["config"].items() if figure is not None}
    return {"class_name": value["class_name"], **figures}


def outline(model):
    """Return each layer in plain terms."""
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            kernel, bias = initialiser(layer, "kernel"), initialiser(layer, "bias")
            yield kind, layer.units, layer.activation.__name__, kernel, bias
        elif kind == "Conv2D":
            kernel, bias = initialiser(layer, "kernel"), initialiser(layer, "bias")
            shape = (layer.filters, layer.kernel_size, layer.strides, layer.padding)
            yield kind, *shape, layer.activation.__name__, kernel, bias
        elif kind == "MaxPooling2D":
            yield kind, layer.pool_size, layer.strides, layer.padding
        elif kind == "Dropout":
            yield kind, layer.rate
        else:
            yield (kind,)


HIDDEN = ("Dense", 1500, "relu", NORMAL, BIAS)
OUTPUT = ("Dense", 10, "softmax", DEFAULT, ZEROS)
POOL = ("MaxPooling2D", (2, 2), (2, 2), "same")
SHEET = {
    "linear": [("Dense", 10, "linear", ZEROS, ZEROS), OUTPUT],
    "mlp": [HIDDEN, HIDDEN, HIDDEN, OUTPUT],
    "dropout": [*[HIDDEN, ("Dropout", 0.5)] * 3, OUTPUT],
    "cnn": [
        ("Conv2D", 32, (5, 5), (1, 1), "same", "relu", NORMAL, BIAS),
        POOL,
        ("Conv2D", 64, (5, 5), (1, 1), "same", "relu", NORMAL, BIAS),
        POOL,
        ("Flatten",),
        OUTPUT,
    ],
}
PARAMETERS = {"linear": 7_960, "mlp": 5_695_510, "dropout": 5_695_510, "cnn": 83_466}


@pytest.mark.parametrize("key", SHEET)
def test_part_is_as_the_sheet_says(key):
    part = lab.PARTS[key]
    model = part.build()
    assert list(outline(model)) == SHEET[key]
    assert model.count_params() == part.parameters == PARAMETERS[key]
    assert model.name == key
    assert model.output_shape == (None, 10)
    optimizer = model.optimizer
    if key == "linear":
        assert type(optimizer) is keras.optimizers.SGD
        assert float(optimizer.learning_rate) == pytest.approx(0.5)
        assert (optimizer.momentum, part.epochs) == (0, 17)
        assert isinstance(model.loss, lab.ClippedCrossentropy)
    else:
        assert type(optimizer) is keras.optimizers.Adam
        assert float(optimizer.learning_rate) == pytest.approx(0.001)
        figures = (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon)
        assert figures == (0.9, 0.999, 1e-8)
        assert (model.loss, part.epochs) == ("categorical_crossentropy", 34)


def test_initial_weights_are_the_sheets():
    first, second = lab.build_mlp().layers[:2]
    for layer in (first, second):
        kernel, bias = layer.get_weights()
        # Truncating a normal distribution at two standard deviations leaves 0.880 of its deviation.
        assert np.std(kernel) == pytest.approx(0.0088, rel=0.01)
        assert np.abs(kernel).max() <= 0.02
        assert np.all(bias == np.float32(0.1))


@pytest.mark.parametrize(
    ("build", "figures", "message"),
    [
        ("build_mlp", {"dropout": 1.2}, "dropout=1.2: it must be a number from 0 to 0.99"),
        ("build_mlp", {"dropout": "half"}, "dropout='half': it must be a number"),
        ("build_mlp", {"dropout": float("nan")}, "dropout=nan"),
        ("build_mlp", {"hidden_layers": 0}, "hidden_layers=0: it must be a whole number from 1"),
        ("build_mlp", {"hidden_units": 2.5}, "hidden_units=2.5: it must be a whole number"),
        ("build_mlp", {"hidden_units": True}, "hidden_units=True"),
        ("build_mlp", {"learning_rate": -1}, "learning_rate=-1: it must be a number from 0"),
        ("build_mlp", {"beta_1": 1}, "beta_1=1"),
        ("build_mlp", {"beta_2": 1.5}, "beta_2=1.5"),
        ("build_mlp", {"epsilon": 0}, "epsilon=0"),
        ("build_mlp", {"kernel_stddev": -0.1}, "kernel_stddev=-0.1"),
        ("build_mlp", {"bias": 11}, "bias=11"),
        ("build_linear", {"learning_rate": 1e6}, "learning_rate=1000000.0"),
        ("build_linear", {"hidden_units": 0}, "hidden_units=0"),
        ("build_cnn", {"filters": ()}, r"filters=\(\): it must be a tuple of one to four"),
        ("build_cnn", {"filters": 32}, "filters=32"),
        ("build_cnn", {"filters": (32, 0)}, r"filters\[1\]=0"),
        ("build_cnn", {"kernel_size": 29}, "kernel_size=29"),
        ("build_cnn", {"pool_size": 0}, "pool_size=0"),
        ("build_modern_cnn", {"filters": (8, 8)}, r"filters=\(8, 8\): it must be a tuple of four"),
        ("build_modern_cnn", {"filters": (8, 8, 0, 8)}, r"filters\[2\]=0"),
        ("build_modern_cnn", {"dropout": 1}, "dropout=1"),
        ("build_modern_cnn", {"degrees": 181}, "degrees=181"),
        ("build_modern_cnn", {"shift": 28}, "shift=28"),
        ("build_modern_cnn", {"zoom": -0.1}, "zoom=-0.1: it must be a number from 0 to 0.9"),
        ("build_modern_cnn", {"learning_rate": -1}, "learning_rate=-1"),
        ("build_modern_cnn", {"iterations": 9}, "iterations=9: it must be a whole number from 10"),
    ],
)
def test_figures_out_of_range_are_refused(build, figures, message):
    with pytest.raises(ValueError, match=message):
        getattr(lab, build)(**figures)


def test_figures_can_be_changed():
    model = lab.build_mlp(hidden_layers=1, hidden_units=np.int64(20), dropout=0.25, bias=0)
    assert model.count_params() == 785 * 20 + 21 * 10
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.25]
    model = lab.build_cnn(filters=(8,), kernel_size=3, pool_size=4, learning_rate=0.01)
    assert model.count_params() == 8 * 10 + (7 * 7 * 8 + 1) * 10


def test_the_modern_network_moves_images_in_training_alone():
    images = lab.load_mnist().x_train[:20].reshape(-1, 28, 28, 1) / np.float32(255)
    keras.utils.set_random_seed(0)  # some shifts are too small to change all 20 images
    model = lab.build_modern_cnn()
    moves = keras.Sequential(model.layers[:3])
    assert np.array_equal(moves(images, training=False), images)
    moved = moves(images, training=True)
    assert moved.shape == images.shape
    assert np.abs(moved - images).reshape(20, -1).max(axis=1).min() > 0.5
    still = lab.build_modern_cnn(degrees=0, shift=0, zoom=0)
    assert [type(layer).__name__ for layer in still.layers[:3]] == [
        *("Conv2D", "BatchNormalization", "ReLU"),
    ]


def test_the_modern_networks_learning_rate_warms_up_and_falls_to_zero():
    rate = lab.build_modern_cnn(learning_rate=0.01, iterations=1000).optimizer._learning_rate
    told = [float(rate(iteration)) for iteration in (0, 50, 100, 550, 1000, 2000)]
    assert told == pytest.approx([0.001, 0.0055, 0.01, 0.005, 0, 0], abs=1e-9)
    assert max(float(rate(iteration)) for iteration in range(0, 1000, 7)) <= 0.01


def test_clipped_crossentropy_is_the_formula_of_keras_2_2_4():
    output = np.array([[0.7, 0.2, 0.1], [1e-12, 0.5, 0.5], [2.0, 1.0, 1.0]], np.float32)
    labels = np.eye(3, dtype=np.float32)[[0, 0, 0]]
    scaled = output / output.sum(axis=1, keepdims=True)
    expected = -np.log(np.clip(scaled, 1e-7, 1 - 1e-7)[:, 0])
    assert np.allclose(lab.ClippedCrossentropy().call(labels, output), expected, rtol=1e-6)
    assert float(lab.ClippedCrossentropy()(labels, output)) == pytest.approx(expected.mean())


def test_a_clipped_image_has_no_gradient():
    labels = tf.constant([[1.0, 0.0]])
    gradients = {}
    for loss in (lab.ClippedCrossentropy(), keras.losses.CategoricalCrossentropy()):

        @tf.function
        def gradient(logits, loss=loss):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                value = loss(labels, tf.nn.softmax(logits))
            return tape.gradient(value, logits)

        gradients[loss.name] = gradient(tf.constant([[-30.0, 30.0]])).numpy().ravel()
        mild = gradient(tf.constant([[-1.0, 1.0]])).numpy().ravel()
        assert mild == pytest.approx([-0.8808, 0.8808], abs=1e-4)
    assert gradients["clipped_crossentropy"].tolist() == [0, 0]
    assert gradients["categorical_crossentropy"] == pytest.approx([-1, 1])


def test_clipped_crossentropy_survives_saving(tmp_path):
    model = lab.build_linear(loss=lab.ClippedCrossentropy(epsilon=1e-5))
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").loss.epsilon == 1e-5
