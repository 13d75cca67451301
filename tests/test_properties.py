"""Properties that hold for any arrays, any cells of an author, and any edits of a student.

The examples are few and always the same; `--hypothesis-profile long` tries thousands of others.
"""

import contextlib
import json

import nbformat
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

import mnist_lab as lab
from mnist_lab.notebooks import copies, digest, exercises, read_notebook

# Loading data

IMAGES = st.sampled_from([(0, 28, 28), (1, 28, 28), (3, 28, 28), (3, 784), (3,), (28, 3, 28), ()])
LABELS = st.sampled_from([(0,), (1,), (3,), (3, 10), ()])
KINDS = ["u1", "i1", "<i8", ">i4", "<u8", "<f4", "<f8", "?", "<c8", "S1", "<U2", "<M8[s]"]


def an_array(shapes):
    digits = st.integers(0, 9)
    likely = st.tuples(shapes, digits).map(lambda pair: np.full(*pair, np.uint8))
    any_kind = st.tuples(st.sampled_from(KINDS), shapes).flatmap(
        lambda pair: arrays_of.arrays(*pair, fill=arrays_of.from_dtype(np.dtype(pair[0])))
    )
    return st.one_of(likely, likely, any_kind, any_kind.map(np.asfortranarray))


FOUR = st.fixed_dictionaries(
    {
        "x_train": an_array(IMAGES),
        "y_train": an_array(LABELS),
        "x_test": an_array(IMAGES),
        "y_test": an_array(LABELS),
    }
)


@given(FOUR, st.sampled_from([np.savez, np.savez_compressed]))
def test_arrays_load_as_they_were_stored_or_are_refused(tmp_path, arrays, save):
    path = tmp_path / "it.npz"
    save(path, **arrays)
    try:
        data = lab.load_mnist(path)
    except lab.DataError as problem:
        assert str(problem).startswith(f"{path}")  # noqa: PT017
        assert len(str(problem).splitlines()) == 1  # noqa: PT017
        assert not all_right(arrays)
    else:
        assert all_right(arrays)
        loaded = (data.x_train, data.y_train, data.x_valid, data.y_valid)
        names = ("x_train", "y_train", "x_test", "y_test")
        for array, stored in zip(loaded, map(arrays.get, names), strict=True):
            assert array.dtype == stored.dtype
            assert np.array_equal(array, stored)


def all_right(arrays):
    """Return whether a file is as README asks: images of bytes, and a digit for each."""

    def right(images, labels):
        return (
            images.dtype == np.uint8
            and images.shape[1:] == (28, 28)
            and labels.dtype.kind in "iu"
            and labels.shape == images.shape[:1] != (0,)
            and set(labels.tolist()) <= set(range(10))
        )

    return (
        right(arrays["x_train"], arrays["y_train"])
        and right(arrays["x_test"], arrays["y_test"])
        and np.result_type(arrays["x_train"], arrays["x_test"]) == np.uint8
    )


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00"]),
    st.sampled_from(["load_mnist", "run", "notebook"]),
)
def test_any_bytes_are_refused_in_a_sentence(tmp_path, content, start, kind):
    path = tmp_path / "it"
    path.write_bytes(start + content)
    loaders = {"load_mnist": lab.load_mnist, "run": lab.Run.load, "notebook": read_notebook}
    with pytest.raises(lab.DataError) as refused:
        loaders[kind](path)
    assert str(refused.value).startswith(f"{path}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
CELL = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]), "source": st.text() | JSON},
    optional={"id": st.text() | JSON, "metadata": st.just({}) | JSON, "outputs": JSON},
)
BOOK = st.fixed_dictionaries(
    {"nbformat": st.just(4), "nbformat_minor": st.integers(-1, 6) | JSON},
    optional={"metadata": st.just({}) | JSON, "cells": st.lists(CELL | JSON, max_size=3) | JSON},
)


@given(BOOK, st.booleans())
def test_any_json_is_a_notebook_or_refused(tmp_path, book, repair):
    path = tmp_path / "it.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    with contextlib.suppress(lab.DataError):
        read = read_notebook(path, repair=repair)
        nbformat.write(read, path)
        assert read_notebook(path).cells == read.cells


# The generator

NAMES = st.sampled_from(["model", "data", "run", "x", "build"])
# Letters that occur nowhere else, so that any trace of an answer is found.
LETTERS = "QZJK"
SECRETS = st.text(LETTERS, min_size=6, max_size=12)


def words(size, without=""):
    return st.text(
        st.characters(codec="utf-8", exclude_characters=LETTERS + without), max_size=size
    )


STATEMENTS = st.one_of(
    st.builds("{} = {}".format, NAMES, st.integers(0, 99)),
    st.builds("{}({!r})".format, NAMES, words(8)),
    st.just("%matplotlib inline"),
    st.just("# a comment\x0cwith a page break and \u2028 a line separator"),
    st.just(""),
)
INDENTS = st.sampled_from(["", "    "])


@st.composite
def code_cells(draw):
    """Draw the source of a code cell, its secret parts, and the lines that stay."""
    lines, secrets, kept = [], [], []
    for _ in range(draw(st.integers(0, 3))):
        before = draw(STATEMENTS)
        lines.append(before)
        kept.append(before)
        indent = draw(INDENTS)
        if indent:
            lines.append("def build():")
            kept.append("def build():")
        answers = draw(st.lists(SECRETS, min_size=1, max_size=3))
        secrets += answers
        lines.append(f"{indent}### BEGIN SOLUTION: write it")
        lines += [f"{indent}{secret} = {secret!r}  # {secret}" for secret in answers]
        lines.append(f"{indent}### END SOLUTION")
    after = draw(STATEMENTS)
    return "\n".join([*lines, after]), secrets, [*kept, after]


@st.composite
def markdown_cells(draw):
    plain = words(20, without="#<\r\n")
    before, after, answer = draw(plain), draw(plain), draw(SECRETS)
    space = [
        "<!-- ### BEGIN SOLUTION: your answer -->",
        f"It is {answer}.",
        "<!-- ### END SOLUTION -->",
    ]
    return "\n".join([before, *space, after]), [answer], [before, after]


def solution(folder, written):
    cells = []
    for number, (kind, (source, _, _)) in enumerate(written):
        new = new_code_cell if kind == "code" else new_markdown_cell
        cells.append(new(source, id=f"cell-{number}"))
    nbformat.write(new_notebook(cells=cells), folder / "1_it.ipynb")
    return folder / "1_it.ipynb"


BOOKS = st.lists(
    st.one_of(
        st.tuples(st.just("code"), code_cells()), st.tuples(st.just("markdown"), markdown_cells())
    ),
    min_size=1,
    max_size=4,
)


@given(BOOKS)
def test_an_exercise_has_all_but_the_answers(tmp_path, written):
    path = solution(tmp_path, written)
    made = exercises.make_exercise(path)
    text = nbformat.writes(made)
    for cell, (_, (source, secrets, kept)) in zip(made.cells, written, strict=True):
        assert not any(secret in text for secret in secrets)
        assert "SOLUTION" not in cell.source
        rest = cell.source
        for line in kept:  # in the same order
            assert line in rest
            rest = rest[rest.index(line) + len(line) :]
        if not secrets:
            assert cell.source == source
    assert nbformat.writes(exercises.make_exercise(path)) == text


@given(code_cells().filter(lambda cell: cell[1]), st.data())
def test_markers_out_of_place_are_refused(tmp_path, written, data):
    """Remove or double one marker of a correct cell."""
    lines = written[0].split("\n")
    markers = [number for number, line in enumerate(lines) if "SOLUTION" in line]
    number = data.draw(st.sampled_from(markers))
    lines[number : number + 1] = data.draw(st.sampled_from([[], 2 * [lines[number]]]))
    broken = ("code", ("\n".join(lines), [], []))
    path = solution(tmp_path, [broken])
    with pytest.raises(lab.DataError, match=r"1_it\.ipynb: cell 'cell-0' line"):
        exercises.make_exercise(path)


# The update of a copy

OLD = [("a", "old a"), ("b", "old b"), ("c", "# old c"), ("d", "old d"), ("e", "old e")]
SOURCES = st.sampled_from(["old a", "new a", "old c", "1 + 1", "", "~~~~\nfence"])
EXERCISES = st.lists(
    st.tuples(st.sampled_from("abcdefg"), SOURCES),
    min_size=1,
    unique_by=lambda cell: cell[0],
)


def generated(cells):
    """Return an exercise of these cells, as the generator makes it."""
    made = []
    for name, source in cells:
        new = new_markdown_cell if source.startswith("#") else new_code_cell
        ours = {"mnist_lab": {"id": name, "sha256": digest(source)}}
        made.append(new(source, id=name, metadata=ours))
    ours = {"exercise": "1_it", "cells": [name for name, _ in cells]}
    return new_notebook(cells=made, metadata={"mnist_lab": ours})


def write(cells, index, other):
    cells[index].source += f"\nmine {other}"


def add(cells, index, other):
    cells.insert(index, new_code_cell(f"mine {other}"))


def copy(cells, index, other):
    twin = nbformat.from_dict({**cells[index], "id": f"copy-{len(cells)}-{index}-{other}"})
    cells.insert(other % len(cells), twin)


def move(cells, index, other):
    cells.insert(other % len(cells), cells.pop(index))


def delete(cells, index, _):
    del cells[index]


def execute(cells, index, _):
    if cells[index].cell_type == "code":
        cells[index].outputs = [nbformat.v4.new_output("stream", text="out")]


def retype(cells, index, _):
    old = cells[index]
    cells[index] = new_raw_cell(old.source, id=old.id, metadata=old.metadata)


def give_same_id(cells, index, other):
    cells[index].id = cells[other % len(cells)].id


def lose_metadata(cells, index, _):
    cells[index].metadata = {}


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            [write, add, copy, move, delete, execute, retype, give_same_id, lose_metadata]
        ),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=6,
)


def work(book, edits):
    """Edit the copy as a student would; return the texts that the student wrote."""
    for edit, place, other in edits:
        if book.cells or edit is add:
            edit(book.cells, place % max(1, len(book.cells)), other)
    return [cell.source for cell in book.cells if "mine" in cell.source]


@given(
    versions=st.lists(st.tuples(EXERCISES, EDITS), min_size=1, max_size=3),
    first=EDITS,
    all_lost=st.booleans(),
)
# A cell takes another's text and id, then the other leaves the exercise (1 of 2,000 failed).
@example(
    versions=[([("a", "old a")], [])], first=[(retype, 0, 0), (give_same_id, 0, 1)], all_lost=False
)
# A cell takes only another's id, then the other leaves the exercise.
@example(
    versions=[([("a", "old a")], [(give_same_id, 0, 1)])], first=[(write, 0, 0)], all_lost=False
)
# Several cells have the same source, and two of them are looked for.
@example(
    versions=[
        ([("d", "old a"), ("b", "old a"), ("a", "old a")], []),
        ([("b", "old a"), ("c", "old a")], [(give_same_id, 1, 8)]),
    ],
    first=[],
    all_lost=False,
)
def test_what_a_student_wrote_is_in_the_result(tmp_path, versions, first, all_lost):
    """After any edits of a copy, before and between any versions of the exercise."""
    path = tmp_path / "1_it.ipynb"
    book = generated(OLD)
    for cells, edits in [(OLD, first), *versions]:
        mine = work(book, edits)
        if all_lost:
            book.metadata = {}
        path.write_text(json.dumps(book))  # unchanged, including duplicate ids
        book = read_notebook(path, repair=True)
        exercise = generated(cells)
        copies.merge(book, exercise, "1_it")
        result = [cell.source for cell in book.cells]
        for text in set(mine):
            assert result.count(text) >= mine.count(text), text
        # A second update changes nothing, and the file is a valid notebook.
        nbformat.write(book, path)
        again = read_notebook(path)
        assert again == book
        copies.merge(again, exercise, "1_it")
        assert again == book
