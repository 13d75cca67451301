"""Notebook 9: who wrote the test?"""

import functools

import numpy as np

from ..data import Dataset
from .measures import drawn, mnist, p_by_people, p_value
from .tasks import Answer, Function, Notebook, Slip

EMPLOYEES = 2000  # NIST's numbers of the Census employees are below, those of the students above


def _in_blocks(wrong: np.ndarray, size: int) -> np.ndarray:
    whole = len(wrong) // size * size
    return 100 * wrong[:whole].reshape(-1, size).mean(axis=1)


def _by_group(wrong: np.ndarray, writers: np.ndarray) -> tuple[float, float]:
    employee = writers < EMPLOYEES
    return 100 * wrong[~employee].mean(), 100 * wrong[employee].mean()


def _mean_of_writers(wrong: np.ndarray, writers: np.ndarray) -> tuple[float, ...]:
    """The groups' means over writers, each of whom counts once, however many images there are."""
    groups = writers >= EMPLOYEES, writers < EMPLOYEES
    return tuple(
        100 * np.mean([wrong[writers == each].mean() for each in np.unique(writers[group])])
        for group in groups
    )


def _some_answers(seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Which of some hundred images are wrong, and who wrote them, in no order."""
    random = np.random.default_rng(seed)
    people = np.concatenate([random.choice(300, 9, False), random.choice(400, 9, False) + 2100])
    writers = random.permutation(np.repeat(people, random.integers(5, 40, 18))).astype(np.uint16)
    hard = random.uniform(0, 0.5, 3000)
    return random.random(len(writers)) < hard[writers], writers


def _with_draws(seed: int | None = 0) -> tuple[np.ndarray, ...]:
    wrong, writers = _some_answers(seed)
    people = len(np.unique(writers))
    return wrong, writers, np.random.default_rng(seed).integers(0, people, (50, people))


def _resampled(
    wrong: np.ndarray, writers: np.ndarray, draws: np.ndarray, *, each: str = "image"
) -> np.ndarray:
    _, whose = np.unique(writers, return_inverse=True)
    mistakes, images = np.bincount(whose, wrong), np.bincount(whose)
    if each == "writer":
        return 100 * (mistakes / images)[draws].mean(axis=1)
    if each == "all":
        return 100 * mistakes[draws].sum(axis=1) / len(wrong)
    return 100 * mistakes[draws].sum(axis=1) / images[draws].sum(axis=1)


def _with_signs(seed: int | None = 0) -> tuple[np.ndarray, ...]:
    wrong, writers = _some_answers(seed)
    random = np.random.default_rng(seed)
    other = np.where(random.random(len(wrong)) < 0.9, wrong, ~wrong)
    signs = random.choice((-1, 1), (200, len(np.unique(writers))))
    return wrong.astype(int) - other, writers, signs


def _turned(differences: np.ndarray, *more: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same, of two networks the other way round: the total has the other sign."""
    return -differences, *more


def _p_of_means(differences: np.ndarray, writers: np.ndarray, signs: np.ndarray) -> np.floating:
    _, whose, images = np.unique(writers, return_inverse=True, return_counts=True)
    means = np.bincount(whose, differences) / images
    return p_value(signs @ means, means.sum())


def _shared(split: Dataset) -> int:
    return len(np.intersect1d(split.writer_train, split.writer_valid))


def _splits() -> list[tuple[Dataset]]:
    """Splits of a thousand images, in which few, no, or nearly all writers are shared."""
    data, random = mnist(), np.random.default_rng()
    images = np.zeros((1000, 28, 28), np.uint8)
    made = []
    for people in (3, 40, 400):
        writers = random.integers(0, people, 1000).astype(np.uint16)
        known = Dataset(images, images[:, 0, 0], data.x_valid, data.y_valid, writer_train=writers)
        known = Dataset(**{**vars(known), "writer_valid": data.writer_valid})
        made += [(known.split(drawn(50, 300), by=by, seed=people),) for by in ("image", "writer")]
    return made


def _corrected(
    labels: np.ndarray, reviews: np.ndarray, *, fewest: int = 3, drop: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    labels, kept = labels.copy(), np.ones(len(labels), bool)
    for review in reviews:
        if review["says_guess"] >= fewest:
            labels[review["index"]] = review["guess"]
        elif drop and review["says_label"] < fewest:
            kept[review["index"]] = False
    return labels, kept


def _some_reviews() -> list[tuple[np.ndarray, np.ndarray]]:
    """Labels of 300 images and made-up reviews of 60 of them; five people looked at each."""
    made = []
    for seed in (0, None):
        random = np.random.default_rng(seed)
        labels = random.integers(0, 10, 300).astype(np.uint8)
        votes = random.multinomial(5, random.dirichlet((1.5, 1, 0.4, 0.3), 60))
        names = ("says_label", "says_guess", "says_neither", "says_both")
        index = random.choice(300, 60, False)
        columns = {"index": index, "label": labels[index], "guess": (labels[index] + 3) % 10}
        columns |= dict(zip(names, votes.T, strict=True))
        reviews = np.zeros(60, [(name, np.int64) for name in columns])
        for name, column in columns.items():
            reviews[name] = column
        made.append((labels, reviews))
    return made


_ANSWERS = {
    "blocks": Answer(
        "this is the share of wrong answers in each block",
        Function(
            _in_blocks,
            (
                Slip(lambda *given: _in_blocks(*given) / 100, "these are shares; multiply by 100"),
                Slip(
                    lambda wrong, size: _in_blocks(~wrong, size),
                    "these are the right answers",
                    "the wrong ones, please",
                ),
                Slip(
                    lambda wrong, size: _in_blocks(wrong, size) * size / 100,
                    "these are numbers of images",
                    "divide by the size of a block, and multiply by 100",
                ),
                Slip(
                    lambda wrong, size: (
                        100 * wrong[: len(wrong) // size * size].reshape(size, -1).mean(axis=0)
                    ),
                    "a block holds every so manieth image",
                    "it holds images that follow one another: reshape(-1, size)",
                ),
            ),
            lambda: [
                (_some_answers(seed)[0][:length], size)
                for seed, length, size in ((0, 200, 20), (1, 190, 50), (None, 170, drawn(5, 30)))
            ],
        ),
        (
            "len(wrong) // size is how many whole blocks there are.",
            "wrong[: blocks * size].reshape(blocks, size) has one block in each row.",
        ),
    ),
    "groups": Answer(
        "these are the errors of the two groups",
        Function(
            _by_group,
            (
                Slip(lambda *given: _by_group(*given)[::-1], "the students come first"),
                Slip(
                    lambda *given: tuple(each / 100 for each in _by_group(*given)),
                    "these are shares",
                    "multiply by 100",
                ),
                Slip(
                    lambda wrong, writers: _by_group(~wrong, writers),
                    "these are the right answers",
                    "the wrong ones, please",
                ),
                Slip(
                    _mean_of_writers,
                    "each writer counts as one",
                    "each image counts as one: some people wrote more than others",
                ),
                Slip(
                    lambda wrong, writers: (
                        100 * (wrong & (writers >= EMPLOYEES)).mean(),
                        100 * (wrong & (writers < EMPLOYEES)).mean(),
                    ),
                    "these are shares of all images",
                    "divide by the number of the group's own images",
                ),
            ),
            lambda: [_some_answers(0), _some_answers(1), _some_answers(None)],
            names=("the students' error", "the employees' error"),
        ),
        (
            "writers < 2000 says which images are by employees.",
            "wrong[employee].mean() is the share of wrong answers among these.",
        ),
    ),
    "resampled": Answer(
        "this is the error of each class of writers that was drawn",
        Function(
            _resampled,
            (
                Slip(
                    functools.partial(_resampled, each="writer"),
                    "that is a mean over writers",
                    "divide all mistakes by all images of those who were drawn",
                ),
                Slip(
                    functools.partial(_resampled, each="all"),
                    "that is divided by the number of all images",
                    "those who were drawn have written more or fewer",
                ),
                Slip(lambda *given: _resampled(*given) / 100, "these are shares; multiply by 100"),
                Slip(
                    lambda *given: _resampled(*given).std(),
                    "that is the spread already",
                    "return the error of each draw, all of them",
                ),
            ),
            lambda: [_with_draws(0), _with_draws(1), _with_draws(None)],
        ),
        (
            "np.bincount(whose, wrong) adds up each writer's mistakes; np.bincount(whose) counts "
            "each writer's images.",
            "mistakes[draws] has the shape of draws; sum it along axis 1, and the images, too.",
        ),
    ),
    "signs": Answer(
        "this is the p-value of writers whose signs are flipped",
        Function(
            p_by_people,
            (
                Slip(
                    functools.partial(p_by_people, sides=1),
                    "that is one side only",
                    "a total as far below zero counts, too: abs(...)",
                ),
                Slip(
                    _p_of_means,
                    "each writer's mean is flipped",
                    "take each writer's total, so that an image counts as an image",
                ),
                Slip(
                    lambda differences, writers, signs: (
                        len(signs) * p_by_people(differences, writers, signs)
                    ),
                    "that is how many draws they are",
                    "their share, np.mean(...)",
                ),
            ),
            lambda: [_with_signs(0), _turned(*_with_signs(1)), _with_signs(None)],
        ),
        (
            "np.bincount(whose, differences) is each writer's total.",
            "signs @ totals is the sum for each draw of signs; compare its abs with that of the "
            "sum as it is.",
        ),
    ),
    "shared": Answer(
        "so many writers are in both parts",
        Function(
            _shared,
            (
                Slip(
                    lambda split: len(np.union1d(split.writer_train, split.writer_valid)),
                    "these are the writers of either part",
                    "np.intersect1d finds those of both",
                ),
                Slip(
                    lambda split: int(np.isin(split.writer_valid, split.writer_train).sum()),
                    "these are images",
                    "count each writer once",
                ),
                Slip(
                    lambda split: len(np.intersect1d(split.writer_train, split.writer_test)),
                    "these are writers of test images",
                    "compare with split.writer_valid",
                ),
                Slip(
                    lambda split: len(np.unique(split.writer_valid)),
                    "these are all who validate",
                    free=True,
                ),
            ),
            _splits,
        ),
        ("np.intersect1d(a, b) has what is in both, each once.", "len(...) counts it."),
    ),
    "corrected": Answer(
        "these are the labels that people agree on",
        Function(
            _corrected,
            (
                Slip(
                    functools.partial(_corrected, drop=False),
                    "images without any agreement are kept",
                    "where neither the label nor the guess has three votes, kept is False",
                ),
                Slip(
                    functools.partial(_corrected, fewest=1),
                    "one vote is enough there",
                    "three people have to agree",
                ),
                Slip(
                    functools.partial(_corrected, fewest=4),
                    "four or more votes are asked for",
                    "three people are enough",
                ),
                Slip(
                    lambda *given: (_corrected(*given)[0], ~_corrected(*given)[1]),
                    "kept is True for those that are left out",
                    "the other way round",
                ),
            ),
            _some_reviews,
            names=("the labels", "kept"),
        ),
        (
            'Go through the reviews one by one; review["index"] is the image.',
            "Three votes for the guess change the label. If neither has three, the image goes.",
        ),
    ),
}
NOTEBOOK = Notebook("writers", answers=_ANSWERS)
