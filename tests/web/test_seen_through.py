"""Seeing through a network in the page without Python: its kernel sends what Python's sends.

Both are held against the same file, which `PYTHONPATH=data python tests/web/test_seen_through.py`
writes anew. The networks' weights are sines, which both compute.
"""

import base64
import json
from pathlib import Path

import keras
import numpy as np

import mnist_lab as lab
from mnist_lab.laboratory.answering import of_model
from mnist_lab.laboratory.through import Through
from mnist_lab.laboratory.validation import Digits, scaled
from mnist_lab.layers import Layers

SHARED = Path(__file__).parents[1] / "front" / "through.json"
NETWORKS = {
    "linear": lambda: lab.build_linear(),
    "mlp": lambda: lab.build_mlp(hidden_layers=2, hidden_units=15),
    "dropout": lambda: lab.build_mlp(hidden_layers=2, hidden_units=15, dropout=0.4),
    "cnn": lambda: lab.build_cnn(filters=(3, 5)),
    "modern": lambda: lab.build_modern_cnn(filters=(2, 3, 4, 5)),
}
RATES = {"dropout": 0.4, "modern": 0.4}
IMAGES, INDEX = 8, 3


def sines(shape, number, scale, offset):
    """The weights of one array; `number` is its place in Keras' order."""
    values = offset + scale * np.sin((number + 1.3) * np.arange(np.prod(shape)))
    return values.astype(np.float32).reshape(shape)


def described(model):
    """Say of which sines a model's weights are made; variances are positive."""
    for variable in model.weights:
        inputs = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 4
        offset = {"moving_variance": 1.0, "gamma": 1.0}.get(variable.name, 0.05)
        yield {"shape": list(variable.shape), "scale": float(inputs**-0.5), "offset": offset}


def plain(value):
    """Write arrays as their bytes in base64."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(value.tobytes()).decode()
        return {"dtype": value.dtype.name, "shape": list(value.shape), "base64": data}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "name"}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def places(layers):
    """A place in the middle of each layer that shows values, and the corner of each map."""
    for number, layer in enumerate(layers):
        shape = layer.get("shape", ())
        if shape:
            yield [number, [each // 2 for each in shape]]
        if len(shape) == 3:
            yield [number, [0, 0, 0]]


def case(part, digits):
    """What Python shows of one network, and from what a value in each layer is computed."""
    model = NETWORKS[part]()
    about = list(described(model))
    model.set_weights([sines(number=i, **each) for i, each in enumerate(about)])
    sent = []
    at_hand = {part: of_model(model, model.input_shape[1:], 1)}
    through = Through(sent.append, digits, lambda: at_hand)
    through.want({"drawn": False})
    shown = sent[-1]["through"]
    sums = []
    for at in places(shown["layers"]):
        through.want({"drawn": False, "at": at})
        sums.append(sent[-1]["through"]["sum"])
    told = {"part": part, "dropout": RATES.get(part, 0), "weights": about}
    return told | {"through": plain(shown), "sums": plain(sums)}


def dropped(digits):
    """What a network computes while its dropout drops units."""
    keras.utils.set_random_seed(0)
    model = NETWORKS["dropout"]()
    model.set_weights([sines(number=i, **each) for i, each in enumerate(described(model))])
    opened = Layers(model, (784,), masks=True)
    seen = opened.look(scaled(digits.pixels[INDEX], digits.white))
    off = int(np.flatnonzero(seen.masks[1][0] == 0)[0])
    sums = [{"at": at} | opened.sum_at(seen, *at)._asdict() for at in ([1, (off,)], [2, (off,)])]
    masks = {str(number): mask[0] for number, mask in seen.masks.items()}
    return plain({"masks": masks, "probabilities": seen.probabilities[0], "sums": sums})


def shared():
    data = lab.load_mnist()
    few = lab.Dataset(
        *(data.x_train[:100], data.y_train[:100], data.x_valid[:IMAGES], data.y_valid[:IMAGES])
    )
    digits = Digits(few)
    digits.look_at(INDEX)
    return {
        "pixels": plain(digits.pixels),
        "labels": digits.labels.tolist(),
        "index": INDEX,
        "cases": [case(part, digits) for part in NETWORKS],
        "dropped": dropped(digits),
    }


def assert_close(value, filed, path=""):
    """Compare what is computed with what is on file, whose floats another processor rounded."""
    if isinstance(filed, dict) and "base64" in filed:
        one, other = (
            np.frombuffer(base64.b64decode(each["base64"]), each["dtype"]).astype(float)
            for each in (value, filed)
        )
        assert value["shape"] == filed["shape"], path
        within = 1 if filed["dtype"] == "int8" else 1e-5
        assert np.allclose(one, other, rtol=1e-4, atol=within), path
    elif isinstance(filed, dict):
        assert value.keys() == filed.keys(), path
        for key in filed:
            assert_close(value[key], filed[key], f"{path}/{key}")
    elif isinstance(filed, list):
        assert len(value) == len(filed), path
        for i, pair in enumerate(zip(value, filed, strict=True)):
            assert_close(*pair, f"{path}/{i}")
    elif isinstance(filed, float):
        assert np.isclose(value, filed, rtol=1e-4, atol=1e-5), path
    else:
        assert value == filed, path


def test_the_shared_file_is_what_python_shows():
    assert_close(json.loads(json.dumps(shared())), json.loads(SHARED.read_text()))


if __name__ == "__main__":
    SHARED.write_text(json.dumps(shared()) + "\n")
