"""Exercises from solutions, compared with golden files; what authors and students do wrong.

Where the generator was changed on purpose, write the golden files anew, as `make_golden` does.
"""

import json
import shutil
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from mnist_lab import notebooks, places
from mnist_lab.__main__ import main
from mnist_lab.notebooks import exercises
from mnist_lab.support import DataError

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
ADDRESSES = {"exercises": None, "buttons": "someone/mnist_lab"}
BEGIN, END = "### BEGIN SOLUTION: write it", "### END SOLUTION"
HIDE, SHOW = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
ASK, ASKED = "<!-- ### BEGIN SOLUTION: your answer -->", "<!-- ### END SOLUTION -->"


def make_golden(folder):
    made = exercises.make_exercise(GOLDEN / "solutions" / "9_sample.ipynb", ADDRESSES[folder])
    return nbformat.writes(made) + "\n"


def put(folder, *cells, name="1_sample"):
    """Write a solution notebook of these cells."""
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def edit(path, change):
    """Change a notebook on file as a student would."""
    book = nbformat.read(path, as_version=4)
    change({cell.id: cell for cell in book.cells}, book)
    nbformat.write(book, path)


@pytest.mark.parametrize("folder", ADDRESSES)
def test_exercise_is_the_golden_one(folder, house):
    assert make_golden(folder) == (GOLDEN / folder / "9_sample.ipynb").read_text()
    nbformat.validate(nbformat.reads(make_golden(folder), as_version=4))


def test_exercises_on_file_are_what_the_generator_makes(capsys):
    assert main(["exercises", "--check"]) == 0, capsys.readouterr().err


def test_exercise_has_nothing_of_the_answers_left():
    text = (GOLDEN / "exercises" / "9_sample.ipynb").read_text()
    solution = nbformat.read(GOLDEN / "solutions" / "9_sample.ipynb", as_version=4)
    book = nbformat.reads(text, as_version=4)
    ids = [cell.id for cell in solution.cells if cell.id != "discussion"]
    assert [cell.id for cell in book.cells] == ids
    assert not any(word in text for word in ("SOLUTION", "doubled", "twelve", "widget-"))
    for cell in book.cells:
        ours = {"id": cell.id, "sha256": notebooks.digest(cell.source)}
        tags = {"tags": ["nbval-check"]} if cell.id == "build" else {}
        assert cell.metadata == {"mnist_lab": ours} | tags
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_pictures_of_an_answer_go_with_it(tmp_path):
    """Pasted ones, which lie in the cell; Jupyter writes their names as in an address."""
    pictures = {name: {"image/png": "AAAA"} for name in ("the task.png", "answer.png", "unused")}
    text = f"![](attachment:the%20task.png)\n{ASK}\n![](attachment:answer.png)\n{ASKED}"
    path = put(tmp_path, new_markdown_cell(text, id="a", attachments=pictures))
    assert list(exercises.make_exercise(path).cells[0].attachments) == ["the task.png"]
    path = put(tmp_path, new_markdown_cell(f"{ASK}\nIt is.\n{ASKED}", attachments=pictures))
    assert "attachments" not in exercises.make_exercise(path).cells[0]


def test_metadata_of_other_tools_stays_and_what_a_front_end_noted_does_not(tmp_path):
    kept = {"tags": ["hard"], "slideshow": {"slide_type": "slide"}, "nbgrader": {"points": 2}}
    noted = {"collapsed": True, "execution": {"shell.execute_reply": "2026"}, "scrolled": True}
    cell = new_code_cell("1", id="here", metadata=kept | noted)
    path = put(tmp_path, cell)
    edit(path, lambda _, book: book.metadata.update(rise={"theme": "sky"}, widgets={"state": {}}))
    made = exercises.make_exercise(path)
    assert made.metadata["rise"] == {"theme": "sky"}
    assert "widgets" not in made.metadata
    assert notebooks.our_part(made.cells[0])["id"] == "here"
    assert {name: made.cells[0].metadata[name] for name in kept} == kept
    assert not noted.keys() & made.cells[0].metadata


def code(source):
    return new_code_cell(source, id="here")


def answer(source):
    return new_markdown_cell(source, id="here")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (code(f"{BEGIN}\nx = 1"), "line 1: BEGIN SOLUTION without END SOLUTION"),
        (code(f"x = 1\n{END}"), "line 2: END SOLUTION without BEGIN SOLUTION"),
        (code(f"{BEGIN}\nx = 1\n{BEGIN}\ny = 2\n{END}\n{END}"), "line 3: BEGIN SOLUTION within a"),
        (code(f"x = 1  {BEGIN}\nx\n{END}"), "line 1: misplaced marker; write it on a line of its"),
        (code("## begin solution: a\nx = 1\n### END SOLUTION"), "line 1: misplaced marker"),
        (code(f"{BEGIN}\nx = 1\n### END SOLUTIONS"), "line 3: misplaced marker"),
        (code(f"{ASK}\nx = 1\n{ASKED}"), "line 1: misplaced marker"),
        (answer(f"{BEGIN}\nyes\n{END}"), "as in `<!-- ### BEGIN SOLUTION: your answer -->`"),
        (new_raw_cell(f"{BEGIN}\nyes\n{END}", id="here"), "only code and Markdown cells"),
        (code(f"{HIDE}\nassert x"), "has BEGIN HIDDEN TESTS without END HIDDEN TESTS"),
        (code(f"{HIDE}\n{HIDE}\n{SHOW}"), "line 2: misplaced marker; put hidden tests between"),
        (code(f"x = 1\n{SHOW}"), "line 2: misplaced marker"),
        (code("# begin hidden tests\nassert x\n# end hidden tests"), "line 1: misplaced marker"),
        (code(f"{BEGIN}\n\n{END}"), "line 3: empty solution"),
        (code(f"{BEGIN}\n# to do\n{END}"), "lines 2 to 2: empty solution; a comment alone"),
        (answer(f"{ASK}\n\n{ASKED}"), "line 3: empty solution"),
        (code(f"x = [\n{BEGIN}\n1,\n{END}\n]"), "is not valid Python without its solution"),
        (code(f"f(\n{BEGIN}\na=1, b=[2,\n{END}\n])"), "lines 3 to 3: not whole statements"),
        (code(f"if x:\n    y\n{BEGIN}\nelse:\n    z\n{END}"), "lines 4 to 5: not whole statements"),
        (
            code(f"{BEGIN}\nfor x in y:\n    x\n{END}\n    z()"),
            "is not valid Python without its solution",
        ),
        (code(f"{BEGIN}\n%timeit f()\n{END}"), "lines 2 to 2: a line for IPython (%, ! or ?)"),
        (code(f"{BEGIN}\nx = 1\n!ls\n{END}"), "a line for IPython"),
        (code(f"{BEGIN}\nfiles = !ls\n{END}"), "a line for IPython"),
        (code(f"{BEGIN}\nlen?\n{END}"), "a line for IPython"),
    ],
)
def test_marker_out_of_place_is_refused(tmp_path, cell, message):
    path = put(tmp_path, new_markdown_cell("# 1. A", id="title"), cell)
    with pytest.raises(DataError) as refused:
        exercises.make_exercise(path)
    assert str(refused.value).startswith(f"{path}: cell 'here' ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "stub"),
    [
        (
            code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"),
            '# YOUR CODE HERE\nraise NotImplementedError("your code")',
        ),
        (
            answer(f"<!-- ### BEGIN SOLUTION: -->\nyes\n{ASKED}"),
            "*YOUR ANSWER HERE: double-click and write your answer. Then compare it with another: "
            '`lab.model_answer("sample.here")` in a cell of its own.*',
        ),
    ],
)
def test_markers_of_nbgrader_have_no_prompt(tmp_path, cell, stub):
    assert exercises.make_exercise(put(tmp_path, cell)).cells[0].source == stub


def test_hidden_tests_are_left_out(tmp_path):
    source = f"lab.check(1)\n\n{HIDE}\nassert x == 1\n{SHOW}"
    text = new_markdown_cell(f"Write `{HIDE}` in a cell.", id="text")
    book = exercises.make_exercise(put(tmp_path, code(source), text))
    assert [cell.source for cell in book.cells] == ["lab.check(1)", text.source]


@pytest.mark.parametrize(
    ("heading", "solution"),
    [
        ("# Intro\n\n## Add Dropout(0.5)", code(f"{BEGIN}\nlayers.Dropout(0.5)\n{END}")),
        ("### A `Dropout` of .50, or 0.50", code(f"{BEGIN}\nx = Dropout(rate=0.5)\n{END}")),
        ("## Dense with relu", code(f"{BEGIN}\nDense(n, activation='relu')\n{END}")),
        ("## A dense layer of 10.", code(f"{BEGIN}\nmodel = [Input(n), Dense(10)]\n{END}")),
        ("## Overfitting: it is noise", answer(f"{ASK}\nIt is **overfitting**.\n{ASKED}")),
        ("## Why it learns Noise By Heart", answer(f"{ASK}\n**noise** or __by heart__\n{ASKED}")),
    ],
)
def test_heading_that_gives_the_answer_away_is_refused(tmp_path, heading, solution):
    path = put(tmp_path, new_markdown_cell(heading, id="h"), new_code_cell("1", id="1"), solution)
    with pytest.raises(DataError, match=r"cell 'here' line 1: the heading .* gives"):
        exercises.make_exercise(path)


@pytest.mark.parametrize(
    ("heading", "solution"),
    [
        ("# 2. Dropout", code(f"{BEGIN}\nDropout(2)\n{END}")),
        ("## Dropout in 50 epochs", code(f"{BEGIN}\nDropout(0.5)\n{END}")),
        ("```\n# Dropout 0.5\n```", code(f"{BEGIN}\nDropout(0.5)\n{END}")),
        ("We add Dropout(0.5).", code(f"{BEGIN}\nDropout(0.5)\n{END}")),
        ("## What fits?", answer(f"{ASK}\nIt **overfits**, what else.\n{ASKED}")),
        ("## Sum up", code(f"{BEGIN}\nsum(values, start=True)\n{END}")),
    ],
)
def test_heading_that_only_says_what_it_is_about_is_allowed(tmp_path, heading, solution):
    exercises.make_exercise(put(tmp_path, new_markdown_cell(heading, id="h"), solution))


def test_heading_below_the_answer_or_dropped_with_it_is_allowed(tmp_path):
    dropped = new_markdown_cell("## Dropout(0.5)", id="d", metadata={"tags": ["solution-only"]})
    below = new_markdown_cell("## Why Dropout(0.5)?", id="below")
    solution = code(f"{BEGIN}\nDropout(0.5)\n{END}")
    book = exercises.make_exercise(put(tmp_path, dropped, solution, below))
    assert [cell.id for cell in book.cells] == ["here", "below"]


def test_two_cells_of_one_id_are_refused(tmp_path):
    path = put(tmp_path, new_code_cell("1", id="a"), new_code_cell("2", id="b"))
    path.write_text(path.read_text().replace('"id": "b"', '"id": "a"'))
    with pytest.raises(DataError, match="cell 'a' appears twice"):
        exercises.make_exercise(path)


def test_magics_outside_a_solution_are_allowed(tmp_path):
    source = f"%%time\n%matplotlib inline\nfiles = !ls\n{BEGIN}\nx = (7\n  % 2)\n{END}\nlen?"
    made = exercises.make_exercise(put(tmp_path, code(source))).cells[0].source
    assert made.startswith("%%time\n%matplotlib inline\nfiles = !ls\n# YOUR CODE HERE\nraise Not")


def test_refused_solution_leaves_everything_as_it_was(house, capsys):
    main(["exercises"])
    before = (house.exercises / "9_sample.ipynb").read_bytes()
    put(house.solutions, code(f"{BEGIN}\nx = 1"))
    edit(house.solutions / "9_sample.ipynb", lambda cells, _: cells["start"].update(source="2"))
    assert main(["exercises"]) == 1
    assert "1_sample.ipynb: cell 'here' line 1: BEGIN" in capsys.readouterr().err
    assert [path.name for path in house.exercises.iterdir()] == ["9_sample.ipynb"]
    assert (house.exercises / "9_sample.ipynb").read_bytes() == before


def test_command_writes_the_same_twice(house, capsys):
    target = house.exercises / "9_sample.ipynb"
    assert main(["exercises"]) == 0
    first, when = target.read_bytes(), target.stat().st_mtime_ns
    assert first == (GOLDEN / "exercises" / "9_sample.ipynb").read_bytes()
    assert main(["exercises"]) == 0
    assert target.read_bytes() == first
    assert target.stat().st_mtime_ns == when
    assert capsys.readouterr().out.splitlines() == [str(target)] * 2


def test_check_writes_nothing_and_names_what_differs(house, capsys):
    assert main(["exercises", "--check"]) == 1
    assert "9_sample.ipynb is missing" in capsys.readouterr().err
    assert not house.exercises.exists()
    main(["exercises"])
    assert main(["exercises", "--check"]) == 0
    edit(house.solutions / "9_sample.ipynb", lambda cells, _: cells["start"].update(source="2"))
    shutil.copy(house.exercises / "9_sample.ipynb", house.exercises / "8_old.ipynb")
    put(house.exercises, new_code_cell("1"), name="of-a-student")
    capsys.readouterr()
    assert main(["exercises", "--check"]) == 1
    said = capsys.readouterr().err
    assert "9_sample.ipynb is not what the solution makes" in said
    assert "8_old.ipynb has no solution notebook of this name" in said
    assert "of-a-student" not in said


def test_stale_file_is_named_when_others_are_written(house, capsys):
    main(["exercises"])
    (house.exercises / "9_sample.ipynb").rename(house.exercises / "8_old.ipynb")
    assert main(["exercises"]) == 0
    assert "8_old.ipynb has no solution notebook" in capsys.readouterr().err


def swap(cells, book):
    book.cells[1:3] = reversed(book.cells[1:3])


def execute(cells, book):
    cells["start"].outputs = [nbformat.v4.new_output("stream", text="3")]


WORK = {
    "cell 'build' was changed": lambda cells, _: cells["build"].update(source="total = 6"),
    "cell 'question' was changed": lambda cells, _: cells["question"].update(source="Since."),
    "cell 'mine' was added": lambda _, book: book.cells.append(new_code_cell("1", id="mine")),
    "cell 'call' was deleted": lambda cells, book: book.cells.remove(cells["call"]),
    "the cells were put into another order": swap,
    "cell 'start' was executed": execute,
    "cell 'raw' was changed": lambda cells, _: cells["raw"].update(metadata={}),
}


@pytest.mark.parametrize("said", WORK)
def test_answers_of_a_student_are_never_overwritten(house, capsys, said):
    put(house.solutions, new_code_cell("1", id="one"), name="1_other")
    main(["exercises"])
    target = house.exercises / "9_sample.ipynb"
    edit(target, WORK[said])
    answered = target.read_bytes()
    edit(house.solutions / "1_other.ipynb", lambda cells, _: cells["one"].update(source="2"))
    assert main(["exercises"]) == 1
    told = capsys.readouterr().err
    assert f"{target}: {said}\n" in told
    assert "mnist-lab update" in told
    assert target.read_bytes() == answered
    assert "2" in (house.exercises / "1_other.ipynb").read_text()  # the other one was written
    assert main(["exercises", "--force"]) == 0
    assert target.read_bytes() == (GOLDEN / "exercises" / "9_sample.ipynb").read_bytes()


def test_opening_and_saving_is_no_work(house):
    main(["exercises"])

    def save(cells, book):
        book.metadata["language_info"] = {"name": "python", "version": "3.11.2"}
        cells["start"].metadata["collapsed"] = True

    edit(house.exercises / "9_sample.ipynb", save)
    assert main(["exercises"]) == 0


def test_address_of_the_repository_turns_buttons_on(house, capsys):
    main(["exercises"])
    assert house.readme.read_text() == "A\n<!-- badges -->\n<!-- end of badges -->\nB\n"
    project = house.pyproject.read_text()
    for ending in ("", "/", ".git"):
        address = f"https://github.com/someone/mnist_lab{ending}"
        house.pyproject.write_text(f'{project}[project.urls]\nRepository = "{address}"')
        assert main(["exercises"]) == 0
        made = (house.exercises / "9_sample.ipynb").read_text()
        assert made == (GOLDEN / "buttons" / "9_sample.ipynb").read_text()
    readme = house.readme.read_text()
    assert "https://mybinder.org/v2/gh/someone/mnist_lab/HEAD?urlpath=lab/tree/notebooks/" in readme
    page = "[**The laboratory without the notebooks**](https://someone.github.io/mnist_lab/)"
    assert readme.startswith(f"A\n<!-- badges -->\n{page}")
    house.pyproject.write_text(f'{project}[project.urls]\nRepository = "https://example.org/a/b"')
    capsys.readouterr()
    assert main(["exercises", "--check"]) == 1
    assert "README.md: the buttons are not those" in capsys.readouterr().err
    assert main(["exercises"]) == 0
    assert "binder" not in house.readme.read_text()


# What Colab lacks, in the ranges of the project.
PYPROJECT = tomllib.loads((GOLDEN.parents[1] / "pyproject.toml").read_text())
REQUIRED = sorted(PYPROJECT["project"]["dependencies"])


def test_cell_for_colab_installs_only_there(monkeypatch):
    book = nbformat.read(GOLDEN / "buttons" / "9_sample.ipynb", as_version=4)
    title, colab = book.cells[:2]
    assert title.source.splitlines()[-1].startswith("[![Open in Binder]")
    assert colab.id == "colab"
    calls = []
    monkeypatch.setattr("subprocess.run", lambda *words, **how: calls.append((words[0], how)))
    exec(colab.source, {})
    assert calls == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    exec(colab.source, {})
    ((command, how),) = calls
    assert command[1:] == [
        *("-m", "pip", "install", "--quiet", "--no-deps"),
        "git+https://github.com/someone/mnist_lab",
        *(line for line in REQUIRED if line.startswith(("anywidget", "lazy-loader"))),
    ]
    assert how == {"check": True}


def test_without_solutions_nothing_can_be_generated(house, capsys):
    shutil.rmtree(house.solutions)
    assert main(["exercises"]) == 1
    assert "has no notebooks; run this in a clone" in capsys.readouterr().err


def test_exercises_are_readable_by_nbformat_of_today():
    for path in sorted(places.here.exercises.glob("*.ipynb")):
        book = notebooks.read_notebook(path)
        assert notebooks.our_part(book)["exercise"] == path.stem
        assert json.loads(path.read_text())["nbformat_minor"] == 5
