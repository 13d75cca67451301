"""Classes that work by themselves, and some in which students copy.

Each student writes an answer in one of the forms that occur to many, with names of one's own, and
in words of one's own about what there is to say. The random numbers are fixed.
"""

import ast
import copy
import random
import re

from students import blank, cell_of

# By cell: right and wrong ways to answer it, the commonest first. {a}, {b} and {c} are names.
CODE = {
    "flat": [
        (True, "pixels = pixels.reshape(784) / 255"),
        (True, "pixels = pixels.flatten() / 255"),
        (True, "pixels = pixels.reshape(-1) / 255.0"),
        (True, "pixels = np.ravel(pixels) / 255"),
        (True, '{a} = pixels.astype("float32")\npixels = {a}.reshape(28 * 28) / 255'),
        (False, "pixels = pixels.reshape(784)"),
        (False, "pixels = pixels.reshape(784) / 256"),
        (False, "pixels = pixels.reshape(1, 784) / 255"),
    ],
    "onehot": [
        (True, "label[data.y_train[0]] = 1"),
        (True, "{a} = data.y_train[0]\nlabel[{a}] = 1"),
        (True, "label = np.eye(10)[data.y_train[0]]"),
        (True, "for {a} in range(10):\n    if {a} == data.y_train[0]:\n        label[{a}] = 1"),
        (False, "label[data.y_train[0] - 1] = 1"),
        (False, "label[5] = 1.0"),
    ],
    "prepare": [
        (True, "x = images.reshape(-1, 784) / 255\ny = np.eye(10)[labels]"),
        (True, "x = images.reshape(len(images), 784) / 255\ny = np.eye(10)[labels]"),
        (
            True,
            "{a} = len(images)\nx = images.reshape({a}, -1).astype('float32') / 255\n"
            "y = np.zeros(({a}, 10))\ny[np.arange({a}), labels] = 1",
        ),
        (
            True,
            "{a} = images.shape[0]\nx = images.reshape(({a}, 28 * 28)) / 255.0\n"
            "y = np.zeros(({a}, 10))\nfor {b} in range({a}):\n    y[{b}, labels[{b}]] = 1",
        ),
        (True, "x = images.reshape(-1, 784) / 255\ny = keras.utils.to_categorical(labels, 10)"),
        (False, "x = images.reshape(-1, 784)\ny = np.eye(10)[labels]"),
        (False, "x = images.reshape(-1, 784) / 255\ny = labels"),
    ],
    "baseline": [
        (
            True,
            "{a} = np.array([x_train[y_train == {b}].mean(axis=0) for {b} in range(10)])\n"
            "{c} = ((x_new[:, None] - {a}[None]) ** 2).sum(axis=2)\nreturn {c}.argmin(axis=1)",
        ),
        (
            True,
            "{a} = []\nfor {b} in range(10):\n    {c} = x_train[y_train == {b}].mean(axis=0)\n"
            "    {a}.append(np.linalg.norm(x_new - {c}, axis=1))\n"
            "return np.argmin(np.array({a}), axis=0)",
        ),
        (
            True,
            "{a} = np.zeros((10, x_train.shape[1]))\nfor {b} in range(10):\n"
            "    {a}[{b}] = np.mean(x_train[y_train == {b}], axis=0)\n{c} = []\n"
            "for image in x_new:\n    {c}.append(np.argmin(((image - {a}) ** 2).sum(axis=1)))\n"
            "return np.array({c})",
        ),
        (
            False,
            "{a} = []\nfor {b} in range(10):\n    {c} = x_train[y_train == {b}].mean(axis=0)\n"
            "    {a}.append(np.abs(x_new - {c}).sum(axis=1))\nreturn np.argmax({a}, axis=0)",
        ),
        (
            False,
            "{a} = np.array([x_train[y_train == {b}].mean() for {b} in range(10)])\n"
            "return np.abs(x_new.mean(axis=1)[:, None] - {a}).argmin(axis=1)",
        ),
    ],
    "count": [
        (True, "by_hand = 784 * 10 + 10 + 10 * 10 + 10"),
        (True, "by_hand = (784 + 1) * 10 + (10 + 1) * 10"),
        (True, "by_hand = 7850 + 110"),
        (True, "{a} = 784 * 10 + 10\n{b} = 10 * 10 + 10\nby_hand = {a} + {b}"),
        (True, "by_hand = 7960"),
        (False, "by_hand = 784 * 10 + 10 * 10"),
        (False, "by_hand = 784 * 10 + 10 * 10 + 10"),
        (False, "by_hand = 28 * 28 * 10 + 10 + 10 * 10"),
    ],
    "weights": [
        (True, "W = W1 @ W2"),
        (True, "W = np.dot(W1, W2)"),
        (True, "W = np.matmul(W1, W2)"),
        (False, "W = W2.T @ W1.T"),
        (False, "W = W1 * W2"),
    ],
    "confusion": [
        (True, "answers = run.val_probabilities.argmax(axis=1)"),
        (True, "answers = np.argmax(run.val_probabilities, axis=1)"),
        (True, "answers = [np.argmax({a}) for {a} in run.val_probabilities]"),
        (False, "answers = run.val_probabilities.max(axis=1)"),
        (False, "answers = np.argmax(run.val_probabilities, axis=0)"),
    ],
    "step": [
        (
            True,
            "at_scores = (p - y) / x.shape[0]\nat_w2 = hidden.T @ at_scores\n"
            "at_hidden = at_scores @ w2.T\nat_w1 = x.T @ at_hidden",
        ),
        (
            True,
            "{a} = len(x)\nat_scores = (p - y) / {a}\nat_w2 = np.dot(hidden.T, at_scores)\n"
            "at_hidden = np.dot(at_scores, w2.T)\nat_w1 = np.dot(x.T, at_hidden)",
        ),
        (
            False,
            "at_scores = p - y\nat_w2 = hidden.T @ at_scores\nat_hidden = at_scores @ w2.T\n"
            "at_w1 = x.T @ at_hidden",
        ),
        (
            False,
            "at_scores = (y - p) / len(x)\nat_w2 = at_scores.T @ hidden\n"
            "at_hidden = at_scores @ w2\nat_w1 = x.T @ at_hidden",
        ),
    ],
}
NAMES = [
    *(
        "n",
        "k",
        "i",
        "num",
        "size",
        "count",
        "means",
        "centres",
        "d",
        "dist",
    ),
    *(
        "total",
        "tmp",
        "res",
        "out",
        "value",
        "idx",
        "s",
        "vec",
        "item",
    ),
]
# By cell: what there is to say, sentence by sentence. ";" divides a sentence, "|" the ways to say a
# part of it.
WORDS = {
    "see": [
        "The network|It|My model|What I built; learns|has learned|picks up|gets; most of "
        "it|nearly everything|the bulk|what it can; in the first epoch|in epoch "
        "one|during one pass|at once",
        "About 89 %|Nine of ten digits|Roughly 90 %|88 of 100; are right|are read "
        "well|get the right answer|come out correctly; after that|by then|at that "
        "point|from the second epoch on",
        "More epochs|Training longer|Another ten passes|Going on; would not help|brings "
        "little|is a waste of time|changes next to nothing; as far as I see|I would "
        "say|in my run|it seems",
        "The curve|Its accuracy|What is plotted|The line; jumps around|zigzags|is never "
        "calm|goes up and down; a lot|by two or three points|in each epoch|until the very"
        " end",
    ],
    "see-jumps": [
        "I do not agree|No|This is wrong|The sheet is mistaken; because|since|as|and that"
        " is why; there is no gap|both curves stay close|the two lines agree|the "
        "difference is tiny",
        "Training accuracy|The red curve|What it knows by heart|Its own images; falls, "
        "too|drops with the other|gets worse as well|follows the second one; at the same "
        "moments|each time|in parallel|where the other does",
        "The loss|As to the loss, it|The third face: it|Loss; ends higher|creeps up a "
        "little|is no lower in the end|wobbles; but not by much|which is no proof|by a "
        "tenth or so|just slightly",
    ],
    "see-batches": [
        "A hundred images|One batch|So few digits|Such a small sample; cannot be|is "
        "hardly|will never be|is not; a fair picture|like all of them|representative|an "
        "average of everything",
        "Some batches|A few of them|Certain groups|Unlucky ones; are harder|have ugly "
        "digits|contain more sevens|are a mess; than the rest|by accident|now and "
        "then|just by chance",
        "One mistake|A single error|Every wrong digit|Each miss; costs one per cent|moves"
        " the point by 1 %|is a whole step|shows at once; in this plot|on that "
        "axis|here|on the screen",
    ],
    "confusion-q": [
        "The seven|7|Sevens|It is the 7, which; is taken for|looks like|turns into|is "
        "mixed up with; a nine|the 9|nines|its neighbour, 9; most often|in 144 cases|more"
        " than any other|by far",
        "The stroke on top|That upper bar|Their long line|The right half; is in both|they"
        " share|is the same|covers the same pixels; in the weights|when I look at the "
        "pictures|as one can see",
        "The five|5|Also the 5|Second comes five, which; is weak|suffers|is bad|fails "
        "often; since it has many shapes|as people write it in many ways|because its "
        "image is blurred",
    ],
    "cure-q": [
        "Each step|The step|Every update|What it moves; is smaller|is five times "
        "shorter|shrinks|is only a fifth; than before|now|with this rate|of the old one",
        "It cannot|The weights do not|Nothing will|They no longer; overshoot|fly past the"
        " minimum|jump across the valley|miss the lowest point; so easily|any more|each "
        "time|as they did",
    ],
    "lab-rate": [
        "0.7|0.65|I found 0.6, which|0.75; still works|is the last good one|just about "
        "learns|does the job; with the old loss|in the first case|for Keras 2.2|with "
        "clipping",
        "0.3|0.35|Only 0.25|About 0.4; is possible|is where I stopped|survives|can be "
        "used; with today's|in the second case|for the new loss|without clipping",
        "Above that|Beyond|If I go higher|With more; it explodes|everything is nan|it "
        "says 1 always|it is stuck at 11 %; right away|after some batches|in the first "
        "epoch|every time",
    ],
}


def honest(number=30, seed=0):
    """Return the copies of a class in which everybody works alone, of the first notebook."""
    chance = random.Random(seed)
    return {f"student {each:02}": _copy(chance) for each in range(number)}


def copied(book):
    """Return a copy with another's answers, as they are."""
    book, mine = copy.deepcopy(book), blank("1_linear")
    for name in (*CODE, *WORDS):
        cell, its = cell_of(mine, name), cell_of(book, name)
        cell.source, cell.metadata = its.source, its.metadata
    return mine


def disguised(book, seed=0):
    """Return a copy with another's answers: names changed, and every sixth word."""
    chance, mine = random.Random(seed), copied(book)
    for name in CODE:
        cell = cell_of(mine, name)
        chosen = {each.id for each in ast.walk(ast.parse(cell.source)) if _is_free(each)}
        for number, old in enumerate(sorted(chosen)):
            cell.source = re.sub(rf"(?<!\.)\b{old}\b", f"my_{number}", cell.source)
    for name in WORDS:
        words = cell_of(mine, name).source.split(" ")
        for place in range(chance.randrange(6), len(words), 6):
            words[place] = chance.choice(["surely", "indeed", "really", "also", "then"])
        cell_of(mine, name).source = " ".join(words)
    return mine


def _is_free(node):
    return isinstance(node, ast.Name) and node.id in NAMES


def wrong_cells(book):
    """The cells in which a copy's answer is wrong."""
    return [name for name in CODE if cell_of(book, name).metadata.get("wrong")]


def _copy(chance):
    book = blank("1_linear")
    for name, forms in CODE.items():
        weights = [1 / (place + 1) if right else 0.25 for place, (right, _) in enumerate(forms)]
        right, source = chance.choices(forms, weights)[0]
        names = dict(zip("abc", chance.sample(NAMES, 3), strict=True))
        for letter, mine in names.items():
            source = source.replace(f"{{{letter}}}", mine)
        _write(cell_of(book, name), source)
        cell_of(book, name).metadata["wrong"] = not right
    for name, parts in WORDS.items():
        said = [_say(part, chance) for part in chance.sample(parts, len(parts) - 1)]
        _write(cell_of(book, name), " ".join(said))
    return book


def _say(sentence, chance):
    parts = [chance.choice(part.split("|")).strip() for part in sentence.split(";")]
    return " ".join(parts) + "."


def _write(cell, answer):
    """Put an answer in the place of the stub."""
    lines = cell.source.split("\n")
    if cell.cell_type == "markdown":
        cell.source += f"\n\n{answer}"
        return
    (place,) = (number for number, line in enumerate(lines) if "YOUR CODE HERE" in line)
    room = lines[place].partition("#")[0]
    lines[place : place + 2] = [room + line for line in answer.split("\n")]
    cell.source = "\n".join(lines)
