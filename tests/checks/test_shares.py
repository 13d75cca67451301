"""What an answer gets of its points: right is 1, blank is 0, and between them each fault costs."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import mnist_lab as lab
from mnist_lab import notebooks
from mnist_lab.checks import Finding
from mnist_lab.checks.shares import reached
from mnist_lab.course import ANSWERS, DATA, Function, Value, rubric, share

QUESTIONS = [
    question.name
    for path in notebooks.list_solutions()
    for question in notebooks.list_questions(notebooks.read_notebook(path), path)
    if question.check
]


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_has_weights_and_says_what_faults_cost(name):
    asked = rubric(name)
    assert all(weight > 0 for weight in asked.weights.values())
    for costs in asked.costs.values():
        assert costs.keys() <= asked.weights.keys()
        assert all(cost in asked.steps(part) for part, cost in costs.items())
    if answer := ANSWERS.get(name):
        assert answer.weights.keys() <= asked.weights.keys()
        assert answer.weights.keys() <= set(getattr(answer.task, "names", ()))


def findings(asked):
    """Findings of every kind that a rubric knows, and of one that it does not."""
    kinds = [name.partition(": ")[::2] for name in asked.costs]
    known = [Finding(figure or "any", 1, 2, topic=topic) for topic, figure in kinds]
    numbers = [Finding("dropout", found, 2, topic="number") for found in (0, 1, 3)]
    slips = [Finding("slip", topic="slip", parts=(part,), cost=0.5) for part in asked.weights]
    remarks = [Finding("trained", topic="remark")]
    return st.sampled_from([*known, *numbers, *slips, *remarks, Finding("raises")])


@pytest.mark.parametrize("name", QUESTIONS)
@settings(max_examples=settings().max_examples // 4)  # for each of the many questions
@given(st.data())
def test_no_fault_is_a_gain(name, data):
    asked = rubric(name)
    found = data.draw(st.lists(findings(asked), max_size=6))
    weights = data.draw(
        st.fixed_dictionaries(dict.fromkeys(asked.weights, st.integers(0, 9))).filter(
            lambda weights: any(weights.values())
        )
    )
    shares = [share(weights, reached(found[:count], asked)) for count in range(len(found) + 1)]
    assert shares[0] == 1
    assert all(0 <= after <= before for before, after in itertools.pairwise(shares))
    if any(each.figure == "raises" for each in found):
        assert shares[-1] == 0


def start():
    return {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01),
        "bias_initializer": keras.initializers.Constant(0.1),
    }


def mlp(hidden=3, units=1500, activation="relu", end="softmax", start=start, dropout=0):
    made = [keras.Input((784,))]
    for _ in range(hidden):
        made.append(layers.Dense(units, activation, **start()))
        made += [layers.Dropout(dropout)] if dropout else []
    return keras.Sequential([*made, layers.Dense(10, end)])


def with_dropouts(count):
    hidden = [[layers.Dense(1500, "relu", **start()), layers.Dropout(0.5)] for _ in range(3)]
    flat = [layer for place, both in enumerate(hidden) for layer in both[: 1 + (place < count)]]
    return keras.Sequential([keras.Input((784,)), *flat, layers.Dense(10, "softmax")])


def cnn(pooling=2, filters=(32, 64), padding="same"):
    made = [keras.Input((28, 28, 1))]
    for place, number in enumerate(filters):
        made.append(layers.Conv2D(number, 5, padding=padding, activation="relu", **start()))
        made += [layers.MaxPooling2D(padding="same")] if place < pooling else []
    return keras.Sequential([*made, layers.Flatten(), layers.Dense(10, "softmax")])


BUILT = {
    "right": ("mlp", mlp, 5),
    "units": ("mlp", lambda: mlp(units=100), 4),
    "activation": ("mlp", lambda: mlp(activation="tanh"), 4),
    "two activations are one part": ("mlp", lambda: mlp(activation="tanh", end=None), 4),
    "initial values": ("mlp", lambda: mlp(start=dict), 4),
    "units and activation": ("mlp", lambda: mlp(units=100, activation="tanh"), 3),
    "all figures": ("mlp", lambda: mlp(units=9, activation="tanh", start=dict), 2),
    "a layer too many": ("mlp", lambda: mlp(hidden=4), 3),
    "dropout that nobody asked for": ("mlp", lambda: mlp(dropout=0.5), 3),
    "a layer is missing": ("mlp", lambda: mlp(hidden=2), 0),
    "no hidden layer": ("mlp", lambda: mlp(hidden=0), 0),
    "the part before": ("dropout", mlp, 0),
    "one dropout is missing": ("dropout", lambda: with_dropouts(2), 4),
    "another rate": ("dropout", lambda: mlp(dropout=0.2), 5),
    "dropout as it is asked for": ("dropout", lambda: with_dropouts(3), 6),
    "the layers of the MLP": ("cnn", mlp, 0),
    "no second pooling": ("cnn", lambda: cnn(pooling=1), 2),
    "filters": ("cnn", lambda: cnn(filters=(16, 64)), 4),
    "no padding": ("cnn", lambda: cnn(padding="valid"), 4),
    "not built": ("mlp", keras.Sequential, 0),
    "no model": ("mlp", lambda: 7, 0),
}


@pytest.mark.parametrize("case", BUILT)
def test_a_network_counts_by_what_it_has(case):
    part, build, points = BUILT[case]
    result = lab.check(part, build())
    total = sum(result.weights.values())
    assert float(result) * total == pytest.approx(points)
    assert bool(result) == (points == total)
    so_far = f"Right so far: {points} of {total}."
    assert (so_far in str(result)) == (so_far in result._repr_html_()) == (0 < points < total)
    kept = result.as_dict()
    assert share(kept["weights"], kept["parts"]) == float(result)


def compiled(optimizer=None, loss="categorical_crossentropy", metrics=("accuracy",), model=mlp):
    made = model()
    made.compile(optimizer or keras.optimizers.Adam(epsilon=1e-8), loss, metrics=[*metrics])
    return made


COMPILED = {
    "right": (compiled, 4),
    "hyperparameters": (lambda: compiled(keras.optimizers.Adam(0.1)), 3),
    "optimiser": (lambda: compiled("sgd"), 2),
    # Its step size is that of Adam, but nobody chose it.
    "a default that fits": (lambda: compiled("rmsprop"), 2),
    "loss": (lambda: compiled(loss="mse"), 3),
    "metrics": (lambda: compiled(metrics=()), 3),
    "optimiser and loss": (lambda: compiled("sgd", "mse"), 1),
    "all": (lambda: compiled("sgd", "mse", ()), 0),
    "not compiled": (mlp, 0),
    "no loss": (lambda: compiled(loss=None), 3),
    # What was wrong in another question costs little here.
    "another network": (lambda: compiled(model=lambda: mlp(units=100)), 3.5),
    "nothing but the network": (lambda: compiled("rmsprop", "mse", (), model=mlp), 0),
}


@pytest.mark.parametrize("case", COMPILED)
def test_compiling_counts_by_what_was_chosen(case):
    build, points = COMPILED[case]
    result = lab.check("mlp", build(), compiled=True)
    assert float(result) * sum(result.weights.values()) == pytest.approx(points)


def prepared(x=lambda x: x.reshape(-1, 784).astype(np.float32) / 255, y=lambda y: np.eye(10)[y]):
    data = lab.load_mnist()
    return lab.Dataset(x(data.x_train), y(data.y_train), x(data.x_valid), y(data.y_valid))


def test_data_count_by_shape_scale_and_labels():
    assert set(DATA.weights) == {"shape", "scale", "labels"}
    cases = [
        ({}, 3),
        ({"x": lambda x: x.reshape(-1, 784).astype(float)}, 2),
        ({"y": lambda y: np.eye(10)[(y + 1) % 10]}, 2),
        ({"x": lambda x: x.reshape(-1, 784) / 255 / 255}, 1.5),
        ({"x": lambda x: x.reshape(-1, 392) / 255}, 0),
    ]
    for changes, points in cases[:-1]:
        result = lab.check_data(prepared(**changes))
        assert float(result) * 3 == pytest.approx(points), result


def test_counting_counts_half_for_a_usual_slip_and_nothing_for_a_number_from_elsewhere():
    right = lab.PARTS["mlp"].parameters
    shares = {right: 1, right - 4510: 0.5, 2 * right + 2: 0, lab.PARTS["cnn"].parameters: 0, 7: 0}
    for number, wanted in shares.items():
        assert float(lab.check_count("mlp", number)) == wanted, number


def test_of_a_tuple_each_part_counts():
    met, digits = ANSWERS["dropout.masks"].task.right
    cases = [((met, digits), 4), ((met, 7), 2), ((7, digits), 2), ((7, 7), 0), ((met, 4500), 2)]
    cases += [((34 * 600, digits), 3), ((34 * 600, 7), 0), (met, 0), ((met, digits, 7), 0)]
    for answer, points in cases:
        result = lab.check_answer("dropout.masks", answer)
        assert float(result) * 4 == points, result


def test_what_holds_the_numbers_costs_half_where_they_are_right():
    pixels = lab.load_mnist().x_train[0].reshape(784) / 255
    cases = [(pixels, 1), (list(pixels), 0.5), (list(1 - pixels), 0), (list("pixels"), 0)]
    for answer, wanted in cases:
        assert float(lab.check_answer("linear.flat", answer)) == wanted


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, answer in ANSWERS.items()
        if isinstance(answer.task, Function | Value) and not answer.given
    ],
)
def test_what_takes_no_thought_gets_nothing(name):
    task = ANSWERS[name].task
    for answer in (0, 1, None, np.zeros(10), np.ones(784)):
        if isinstance(task, Value):
            attempts = [answer, (answer, answer)]
        else:
            attempts = [lambda *_, answer=answer: answer, lambda first, *_: first]
            attempts += [lambda *given: given[-1], lambda *given: (given[-1],) * len(task.names)]
        for attempt in attempts:
            assert float(lab.check_answer(name, attempt)) == 0


def test_what_crashed_or_is_not_attempted_has_no_points(monkeypatch):
    assert float(lab.check_answer("mlp.relu", ...)) == 0
    assert float(lab.check("mlp", ...)) == 0
    monkeypatch.setattr("mnist_lab.checks.values.np.allclose", None)
    crashed = lab.check_answer("mlp.relu", lambda x: np.minimum(x, 0))
    assert crashed.outcome == "crashed"
    assert float(crashed) == 0


def test_a_grader_gets_a_number_and_a_student_the_reason():
    half = lab.check_answer("mlp.relu", lambda x: np.minimum(x, 0))
    points = half.points(3)
    assert points == 1.5
    shown = points._repr_mimebundle_()
    assert float(shown["text/plain"]) == 1.5
    assert "the sign: it keeps the negative numbers" in shown["text/html"]
    assert lab.check_answer("mlp.relu", lambda x: np.maximum(x, 0)).points(3) == 3
    with pytest.raises(AssertionError, match="raises ZeroDivisionError"):
        lab.check_answer("mlp.relu", lambda x: 1 / 0).points(3)


def test_a_grader_may_weigh_the_parts_otherwise():
    result = lab.check("mlp", mlp(units=100))
    weights = {"layers": 1, "sizes": 2, "activations": 0, "initial values": 0}
    assert result.points(3, weights) == 1
    assert result.points(1, {**weights, "sizes": 0.5}) == 0.6667


def test_a_part_may_be_required_alone():
    result = lab.check("mlp", mlp(units=100))
    result.require("layers")
    with pytest.raises(AssertionError, match="units are 100"):
        result.require("sizes")
    half = lab.check_answer("mlp.relu", lambda x: np.minimum(x, 0))
    half.require("values", 0.5)
    with pytest.raises(AssertionError, match="the sign"):
        half.require("values", 1)
