"""Looks for answers of a class that are alike where answers seldom are.

Answers to one question are alike by nature. So what stands in the exercise and in the solution is
left out, and what two answers have left is compared with what all others have left: what many
share says nothing. Names that a student may choose do not count, nor does layout.
"""

import ast
import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from ..notebooks import Exercise
from .grades import GradedNotebook
from .looking import parsed
from .pages import render

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d]\w*|\d+(?:\.\d+)?|[^\w\s]")
_WINDOW = 4  # tokens in a row that were taken from the exercise or the solution
_FEWEST = 3  # tokens that an answer needs to have left to be compared
_SHARE = 0.6  # of what both have left is the same in answers that are alike
_AS_ALIKE = 0.9  # of the likeness of two answers makes a third one as alike
_SEVERAL = 4  # students whose answers are that alike before it is common, or one in eight
_LEAST = 4  # times as much evidence in a notebook as two answers that no other resembles
_TOKENS, _MOST = 20, 4  # so many more tokens are as much evidence again, up to four times
_WRONG = 2  # an answer that is wrong in both is that much more evidence
_CHOSEN = "·"  # stands for each name that a student may choose


@dataclasses.dataclass(frozen=True)
class _Answer:
    """A student's answer to a question."""

    student: str
    wrong: bool
    text: str
    tokens: Sequence[str]
    places: Sequence[tuple[int, int]]  # of the tokens in the text
    own: Sequence[int]  # the numbers of those tokens that are the student's own

    @property
    def own_tokens(self) -> list[str]:
        """The tokens that are the student's own."""
        return [self.tokens[number] for number in self.own]


@dataclasses.dataclass(frozen=True)
class Likeness:
    """What two answers have in common.

    Attributes
    ----------
    question : str
        The question, by the id of its cell.
    wrong : bool
        Whether both answers are wrong.
    share : float
        How much is the same of what is their own, 0 to 1.
    group : int
        How many students have answers that are as alike, these two included.
    answers : int
        How many answers to the question there are.
    evidence : float
        How rare that is, in bits, and how much text it is.
    texts : tuple of list of (str, bool)
        The two answers in pieces, and whether each is in common.
    """

    question: str
    wrong: bool
    share: float
    group: int
    answers: int
    evidence: float
    texts: tuple[Sequence[tuple[str, bool]], Sequence[tuple[str, bool]]]


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two students whose answers in a notebook are alike, and these answers, wrong ones first."""

    students: tuple[str, str]
    notebook: str
    found: Sequence[Likeness]

    @property
    def evidence(self) -> float:
        """The evidence of all answers."""
        return sum(each.evidence for each in self.found)


def find_alike(rows: Sequence[GradedNotebook], exercises: Mapping[str, Exercise]) -> list[Pair]:
    """Return the pairs of students who have rare things in common, those with most first."""
    made = []
    for name, exercise in exercises.items():
        graded = [row for row in rows if row.name == name and row.answers]
        usual = _windows_of(exercise)
        pairs: dict[tuple[str, str], list[Likeness]] = {}
        for question in exercise.questions:
            for students, found in _compare(question.cell, _answers(graded, question.cell, usual)):
                pairs.setdefault(students, []).append(found)
        found = [
            Pair(students, name, sorted(found, key=lambda each: (-each.wrong, -each.evidence)))
            for students, found in pairs.items()
        ]
        made += [pair for pair in found if pair.evidence >= _LEAST * math.log2(len(graded))]
    return sorted(made, key=lambda pair: -pair.evidence)


def alike_page(pairs: Sequence[Pair]) -> str:
    """Return what was found as a page."""
    return render("alike.html", pairs=pairs)


def _windows_of(exercise: Exercise) -> set[tuple[str, ...]]:
    sources = [cell.source for cell in exercise.cells.values()]
    texts = [*sources, *exercise.solutions.values(), *exercise.checks.values()]
    return {window for text in texts for window in _windows(_tokens(text)[0])}


def _answers(
    rows: Iterable[GradedNotebook], cell: str, usual: set[tuple[str, ...]]
) -> list[_Answer]:
    """Return the answers to a question, with what is only the student's own in each."""
    read = []
    for row in rows:
        outcomes = {answer.question.cell: answer.outcome for answer in row.answers}
        if row.submission.answered[cell]:
            text = row.submission.texts[cell]
            read.append((_name(row), outcomes[cell] == "wrong", text, *_tokens(text)))
    return [_Answer(*each, _own(each[3], usual)) for each in read]


def _name(row: GradedNotebook) -> str:
    return f"{row.student} ({row.owner.user})" if row.owner.user else row.student


def _tokens(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the words and signs of a text, as they are compared, and their places in it."""
    chosen = _chosen(text)
    tokens, places = [], []
    for found in _TOKEN.finditer(text):
        word = found[0]
        attribute = text[: found.start()].endswith(".")
        plain = '"' if word == "'" else word.casefold()
        tokens.append(_CHOSEN if word in chosen and not attribute else plain)
        places.append(found.span())
    return tokens, places


def _chosen(text: str) -> set[str]:
    """The names that code gives to values, functions and arguments; none in words."""
    nodes = list(ast.walk(parsed(text)))
    names = {
        each.id for each in nodes if isinstance(each, ast.Name) and type(each.ctx) is ast.Store
    }
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return names | {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _windows(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[start:] for start in range(_WINDOW)), strict=False)


def _own(tokens: Sequence[str], usual: set[tuple[str, ...]]) -> list[int]:
    taken = set()
    for start, window in enumerate(_windows(tokens)):
        if window in usual:
            taken.update(range(start, start + _WINDOW))
    return [number for number in range(len(tokens)) if number not in taken]


def _compare(
    question: str, answers: Sequence[_Answer]
) -> Iterator[tuple[tuple[str, str], Likeness]]:
    """Yield the pairs of students whose answers are alike, if those of few others are."""
    number = len(answers)
    answers = [each for each in answers if len(each.own) >= _FEWEST]
    if not answers:
        return
    owns = [each.own_tokens for each in answers]
    shares = process.cdist(owns, owns, scorer=Indel.normalized_similarity)
    most = max(_SEVERAL, number // 8)
    for one, other in zip(*np.nonzero(np.triu(shares >= _SHARE, 1)), strict=True):
        share, both = float(shares[one, other]), (answers[one], answers[other])
        nearest = np.maximum(shares[one], shares[other])
        group = int((nearest >= _AS_ALIKE * share).sum())
        students = both[0].student, both[1].student
        if group <= most and students[0] != students[1]:
            yield students, _likeness(question, both, share, group, number)


def _likeness(
    question: str, both: tuple[_Answer, _Answer], share: float, group: int, answers: int
) -> Likeness:
    one, other = both
    same = _same(one.own_tokens, other.own_tokens)
    wrong = one.wrong and other.wrong
    evidence = math.log2(answers / group) * min(1 + len(same) / _TOKENS, _MOST)
    texts = _marked(one, [mine for mine, _ in same]), _marked(other, [its for _, its in same])
    evidence *= _WRONG if wrong else 1
    return Likeness(question, wrong, share, group, answers, evidence, texts)


def _same(mine: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places, in both sequences, of what is the same and in the same order."""
    return [
        (code.src_start + step, code.dest_start + step)
        for code in Indel.opcodes(mine, theirs)
        if code.tag == "equal"
        for step in range(code.src_end - code.src_start)
    ]


def _marked(answer: _Answer, same: Sequence[int]) -> list[tuple[str, bool]]:
    """Cut an answer into pieces: those that are the same, and what stands between."""
    pieces, end, before = [], 0, None
    for number in (answer.own[place] for place in same):
        start, stop = answer.places[number]
        if number - 1 == before:  # with what stands between the two tokens
            pieces[-1] = (pieces[-1][0] + answer.text[end:stop], True)
        else:
            pieces += [(answer.text[end:start], False), (answer.text[start:stop], True)]
        end, before = stop, number
    return [*pieces, (answer.text[end:], False)]
