"""Programs with a bug: as they are, mended in several ways, half mended, and broken otherwise."""

import functools
import inspect

import keras
import numpy as np
import pytest
from keras import layers

import mnist_lab as lab
from mnist_lab.course import ANSWERS, Mended

LETTERS = "ABCDE"
# Of which fault the check speaks when the program is handed in as it was.
BROKEN = {
    "A": "x_train: pixels are not scaled, they go up to 255: divide them by 255",
    "B": "softmax twice",
    "C": "labels are not those of the images",
    "D": "x_valid: 1,000 of its images are training images",
    "E": "the network gives nearly all images the same answer",
}


def program(letter, *changes, epochs=10):
    """A program with some of its lines changed; a single epoch, where training does not matter."""
    source = inspect.getsource(lab.PROGRAMS[letter])
    for old, new in (*changes, ("epochs=10", f"epochs={epochs}")):
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    names = {"np": np}
    exec(source, names)
    return names[lab.PROGRAMS[letter].__name__]


def of_its_own(images, labels):
    """Stored pixels, one-hot labels, and a network that scales and flattens by itself."""
    x_train, x_valid = images[500:2_500], np.concatenate([images[:500], images[2_500:]])
    one_hot = np.eye(10)[labels]
    y_train, y_valid = one_hot[500:2_500], np.concatenate([one_hot[:500], one_hot[2_500:]])
    model = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
    model.add(layers.Dense(100))
    model.add(layers.ReLU())
    model.add(layers.Dense(100, activation="relu"))
    model.add(layers.Dense(10))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.002), loss, metrics=["acc"])
    history = model.fit(*(x_train, y_train, 100, 10), verbose=0, validation_data=(x_valid, y_valid))
    return history, [x_train, y_train, x_valid, y_valid]


SOFTMAX = 'Dense(10, activation="softmax")'
SECOND = "probabilities = keras.layers.Softmax()(scores)\n"
ANY_LOSS = "SparseCategoricalCrossentropy()"
IMAGES, LABELS = "x[random.permutation(len(x))]", "labels[random.permutation(len(labels))]"
DRAWN = "x_valid, y_valid = x_train[drawn], y_train[drawn]"
RATE = "learning_rate=2.0"
DELETED = "x_train, y_train = np.delete(x_train, drawn, axis=0), np.delete(y_train, drawn)"
RIGHT = {
    "A": [
        program("A", ('.astype("float32")', " / 255")),
        of_its_own,
        program(
            "A", ("keras.Input((784,)),", "keras.Input((784,)), keras.layers.Rescaling(1/255),")
        ),
    ],
    "B": [
        program("B", (SOFTMAX, "Dense(10)")),
        program("B", (SECOND, "probabilities = scores\n")),
        program(
            "B",
            (SOFTMAX, "Dense(10)"),
            (SECOND, "probabilities = scores\n"),
            (ANY_LOSS, "SparseCategoricalCrossentropy(from_logits=True)"),
        ),
    ],
    "C": [
        program(
            "C", (IMAGES, "x[(order := random.permutation(len(x)))]"), (LABELS, "labels[order]")
        ),
        program(
            "C",
            (IMAGES, "x[np.random.default_rng(7).permutation(len(x))]"),
            (LABELS, "labels[np.random.default_rng(7).permutation(len(labels))]"),
        ),
        program("C", (IMAGES, "x"), (LABELS, "labels")),
    ],
    "D": [
        program("D", (DRAWN, f"{DRAWN}\n    {DELETED}")),
        program(
            "D",
            (DRAWN, "x_valid, y_valid = x_train[:1_000], y_train[:1_000]"),
            (
                "    keras.utils",
                "    x_train, y_train = x_train[1_000:], y_train[1_000:]\n    keras.utils",
            ),
        ),
    ],
    "E": [
        program("E", (RATE, "learning_rate=0.2")),
        program("E", (RATE, "learning_rate=0.05")),
    ],
}
SLOWLY = "learning_rate=0.002"
HALF = {
    "A": [
        (
            program("A", ("x[:-1_000], x[-1_000:]", "x[:-1_000] / 255, x[-1_000:]"), epochs=1),
            "x_valid: pixels are not scaled",
        ),
        (
            program("A", ("x[:-1_000], x[-1_000:]", "x[:-1_000], x[-1_000:] / 255"), epochs=1),
            "x_train: pixels are not scaled",
        ),
        (program("A", ('.astype("float32")', " / 255 / 255"), epochs=1), "pixels are scaled twice"),
        (program("A", (SLOWLY, "learning_rate=0.0001"), epochs=1), "pixels are not scaled"),
        (
            program("A", ('.astype("float32")', " / 255"), epochs=5),
            "fit has epochs=5: the program had 10; mend the bug alone",
        ),
        (
            program(
                "A", ('.astype("float32")', " / 255"), (SLOWLY, "learning_rate=0.001"), epochs=1
            ),
            "learning rate is 0.001, the part asks for 0.002",
        ),
    ],
    "B": [
        (
            program("B", (SOFTMAX, "Dense(10)"), (SECOND, "probabilities = scores\n"), epochs=1),
            "output layer: activation is linear, the part asks for softmax",
        ),
        (
            program("B", (ANY_LOSS, "SparseCategoricalCrossentropy(from_logits=True)"), epochs=1),
            "softmax twice",
        ),
        (program("B", epochs=12), "softmax twice"),
        (
            program("B", (SOFTMAX, "Dense(10)"), ("batch_size=100", "batch_size=32"), epochs=1),
            "an epoch has 63 iterations, with batches of 100 it would have 20",
        ),
    ],
    "C": [
        (program("C", (IMAGES, "x"), epochs=1), "% of the labels are not those of the images"),
        (program("C", (LABELS, "labels"), epochs=1), "images and labels must keep the same order"),
        (
            program(
                "C",
                (IMAGES, "x"),
                (LABELS, "labels"),
                (
                    "x_valid, y_valid = x[:1_000], y[:1_000]",
                    "x_valid, y_valid = x[:1_000], y[1:1_001]",
                ),
                epochs=1,
            ),
            "y_valid: ",
        ),
        (
            program("C", (IMAGES, "x"), (LABELS, "(labels + 1) % 10"), epochs=1),
            "y_train: every label is shifted by 1",
        ),
    ],
    "D": [
        (
            program(
                "D",
                (DRAWN, f"{DRAWN}\n    x_train, y_train = x_train[1_000:], y_train[1_000:]"),
                epochs=1,
            ),
            "of its images are training images",
        ),
        (
            program("D", (DRAWN, f"drawn = drawn[:10]\n    {DRAWN}\n    {DELETED}"), epochs=1),
            "x_train: has 2,990 images, the program had 2,000: mend the bug alone",
        ),
        (
            program("D", (DRAWN, f"{DRAWN}\n    {DELETED}"), ("range(2)", "range(3)"), epochs=1),
            "4 of dense, the part asks for 3",
        ),
    ],
    "E": [
        (program("E", (RATE, "learning_rate=1e-6"), epochs=10), "the network reads only"),
        (
            program("E", ("SGD(learning_rate=2.0, momentum=0.9)", "Adam()"), epochs=1),
            "optimiser is Adam, the part asks for SGD",
        ),
    ],
}


def check(letter, attempt):
    return lab.check_answer(f"bugs.{letter.lower()}-mend", attempt)


def handed_over(change):
    """A program without a bug that returns something else than it should."""

    def attempt(images, labels):
        return change(*program("healthy", epochs=1)(images, labels))

    return attempt


@functools.cache
def of_other_digits():
    """What a program without a bug returns: a history and four arrays."""
    return program("healthy", epochs=1)(*ANSWERS["bugs.a-mend"].task.digits())


def shaped(change):
    """The same of other digits, where the check looks at none of them."""
    return lambda images, labels: change(*of_other_digits())


def unscaled_in_fit(images, labels):
    """The network reads about as many of the arrays that are returned, or just as many."""
    history, (x_train, y_train, x_valid, y_valid) = lab.PROGRAMS["A"](images, labels)
    x_train, x_valid = x_train / 255, x_valid / 255
    read = history.model.evaluate(x_valid, y_valid, verbose=0)[1]
    history.history["val_accuracy"][-1] = read
    return history, (x_train, y_train, x_valid, y_valid)


def inverted_in_fit(images, labels):
    """The arrays that are returned are not those that `fit` was given."""
    mended = program("A", ('.astype("float32")', " / 255"))
    history, (x_train, y_train, x_valid, y_valid) = mended(255 - images, labels)
    return history, (1 - x_train, y_train, 1 - x_valid, y_valid)


OTHERWISE = [
    (shaped(lambda history, arrays: history), "it returns a History: return what fit"),
    (shaped(lambda history, arrays: (history, arrays[:2])), "it returns a tuple"),
    (shaped(lambda history, arrays: (history.history, arrays)), "it returns a tuple"),
    (shaped(lambda history, arrays: None), "it returns nothing"),
    (
        shaped(lambda history, arrays: (history, (arrays[0][:7], *arrays[1:]))),
        "the arrays that it returns do not go together: DataError",
    ),
    (
        handed_over(lambda history, arrays: (history, (1 - arrays[0], *arrays[1:]))),
        "x_train: the images are inverted",
    ),
    (
        handed_over(lambda history, arrays: (history, (np.sqrt(arrays[0]), *arrays[1:]))),
        "x_train: not all of its images are those that the program was given",
    ),
    (inverted_in_fit, "return the arrays that fit was given"),
    (unscaled_in_fit, "the history ends with a validation loss of"),
    (lambda images: None, "it raises TypeError"),
    (lambda images, labels: 1 / 0, "it raises ZeroDivisionError: division by zero"),
    (
        program("A", ("validation_data=validation, ", ""), ('.astype("float32")', " / 255")),
        "validation_data",
    ),
    (lab.PROGRAMS, "this is a dict: give the function itself"),
]


@pytest.mark.anywhere
@pytest.mark.parametrize(("attempt", "words"), OTHERWISE, ids=range(len(OTHERWISE)))
def test_what_a_program_hands_over_is_judged(attempt, words):
    result = check("A", attempt)
    assert result.outcome == "wrong"
    assert words in " ".join(result.differences), result
    assert float(result) == 0


def test_a_stub_is_not_attempted():
    def mended_a(images, labels):
        raise NotImplementedError("copy program A to this place, and mend it")

    assert check("A", mended_a).outcome == check("A", ...).outcome == "not attempted"


def test_each_has_hints_and_a_solution(capsys):
    for letter in LETTERS:
        result = check(letter, lambda images, labels: None)
        result.hint()
        result.solution()
        assert "return history, (x_train, y_train, x_valid, y_valid)" in capsys.readouterr().out


def test_each_program_has_a_check():
    mended = [name for name, answer in ANSWERS.items() if isinstance(answer.task, Mended)]
    assert mended == [f"bugs.{letter.lower()}-mend" for letter in LETTERS]
    assert list(lab.PROGRAMS) == ["healthy", *LETTERS]
    assert list(RIGHT) == list(HALF) == list(BROKEN) == [*LETTERS]


@pytest.mark.parametrize(
    "letter",
    [pytest.param(letter, marks=[pytest.mark.gate] * (letter in "BCD")) for letter in BROKEN],
)
def test_a_program_that_was_not_mended_is_told_its_bug(letter):
    result = check(letter, lab.PROGRAMS[letter])
    assert result.outcome == "wrong"
    assert BROKEN[letter] in " ".join(result.differences)
    assert float(result) == 0


@pytest.mark.parametrize(
    ("letter", "attempt"),
    [
        pytest.param(letter, each, marks=[pytest.mark.gate] * (place > 0), id=f"{letter}{place}")
        for letter in LETTERS
        for place, each in enumerate(RIGHT[letter])
    ],
)
def test_mended_programs_however_they_are_written(letter, attempt):
    result = check(letter, attempt)
    assert result, result
    assert str(result).startswith("Right: ")


# The bug is mended, but something else has changed.
MENDED = {
    "fit has epochs=5: the program had 10; mend the bug alone",
    "learning rate is 0.001, the part asks for 0.002",
    "an epoch has 63 iterations, with batches of 100 it would have 20",
    "x_train: has 2,990 images, the program had 2,000: mend the bug alone",
    "4 of dense, the part asks for 3",
}


@pytest.mark.parametrize(
    ("letter", "attempt", "words"),
    [
        pytest.param(letter, *each, marks=[pytest.mark.gate] * (place > 0), id=f"{letter}{place}")
        for letter in LETTERS
        for place, each in enumerate(HALF[letter])
    ],
)
def test_what_is_half_mended_or_newly_broken_is_named(letter, attempt, words):
    result = check(letter, attempt)
    assert result.outcome == "wrong"
    assert words in " ".join(result.differences), result
    assert float(result) == (0.75 if words in MENDED else 0)
