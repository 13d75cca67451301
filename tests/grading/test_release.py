"""Releases to graders: their formats, the table of points, and what instructors do wrong."""

import ast
import csv

import nbformat
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from samples import fault

from mnist_lab import notebooks
from mnist_lab.__main__ import main
from mnist_lab.checks import judging, verdicts
from mnist_lab.course import NOTEBOOKS, Notebook
from mnist_lab.grading import formats
from mnist_lab.grading.points import usual_points

HIDDEN = "### BEGIN HIDDEN TESTS\nassert twice(3) == 6\n### END HIDDEN TESTS"
TWICE = """\
def twice(x):
    ### BEGIN SOLUTION: return "twice" x
    text = '''
not indented'''
    return 2 * x
    ### END SOLUTION"""
WORDS = """\
**Why?** See ![](attachment:task.png)

<!-- ### BEGIN SOLUTION: your answer -->

It is **so**. ![](attachment:answer.png)

<!-- ### END SOLUTION -->"""
CELLS = [
    new_markdown_cell("# 8. Graded", id="title", metadata={"slideshow": {"slide_type": "slide"}}),
    new_code_cell("import mnist_lab as lab", id="load"),
    new_code_cell(TWICE, id="twice", metadata={"tags": ["hard"], "collapsed": True}),
    new_markdown_cell("Between the two.", id="between"),
    new_code_cell(
        f'é = twice\nlab.check_answer("graded.twice", é)  # é\n\n{HIDDEN}',
        id="twice-check",
        outputs=[new_output("stream", text="right")],
        execution_count=3,
    ),
    new_code_cell("### BEGIN SOLUTION\nfree = 1\n### END SOLUTION", id="free"),
    new_markdown_cell(
        WORDS,
        id="why",
        attachments={f"{name}.png": {"image/png": "AAAA"} for name in ("task", "answer")},
    ),
    new_markdown_cell("It is so.", id="told", metadata={"tags": ["solution-only"]}),
]


@pytest.fixture
def graded(house):
    """A clone whose only solution has a question of each kind."""
    (house.solutions / "9_sample.ipynb").unlink()
    nbformat.write(new_notebook(cells=CELLS), house.solutions / "8_graded.ipynb")
    return house


def release(house, grader, *options):
    assert main(["release", "--for", grader, str(house.home / grader), *options]) == 0
    place = {"nbgrader": "source/mnist_lab/8_graded.ipynb", "otter": "8_graded/8_graded.ipynb"}
    return house.home / grader / place[grader]


def read(path):
    book = nbformat.read(path, 4)
    nbformat.validate(book)
    return book


def test_nbgrader_has_its_roles_and_points(graded):
    cells = {cell.id: cell for cell in read(release(graded, "nbgrader")).cells}
    roles = {name: cell.metadata.get("nbgrader") for name, cell in cells.items()}
    assert {name: role.pop("grade_id") for name, role in roles.items() if role} == {
        name: name for name in ("withhold-solutions", "twice", "twice-check", "free", "why")
    }
    same = {"schema_version": 3, "task": False}
    assert roles["twice"] == {"grade": False, "solution": True, "locked": False, **same}
    assert roles["twice-check"] == {
        **{"grade": True, "solution": False, "locked": True, "points": 1},
        **same,
    }
    by_hand = {"grade": True, "solution": True, "locked": False, "points": 1, **same}
    assert roles["free"] == roles["why"] == by_hand
    assert list(cells) == [
        *("title", "withhold-solutions", "load", "twice", "between", "twice-check", "free", "why")
    ]


def test_nbgrader_keeps_what_is_asked_and_requires_what_is_checked(graded):
    cells = {cell.id: cell for cell in read(release(graded, "nbgrader")).cells}
    assert cells["twice"].source == TWICE.replace(
        '    ### BEGIN SOLUTION: return "twice" x',
        '    # return "twice" x\n    ### BEGIN SOLUTION',
    )
    # nbgrader takes what the last line gives, so hidden tests come before it.
    check = 'lab.check_answer("graded.twice", é).points(1)  # é'
    assert cells["twice-check"].source == f"é = twice\n{HIDDEN}\n\n{check}"
    assert "*Double-click and write your answer.*\n\n<!-- ### BEGIN" in cells["why"].source


def test_other_tools_and_pictures_stay_and_outputs_go(graded):
    for grader in ("nbgrader", "otter"):
        book = read(release(graded, grader))
        cells = {cell.id: cell for cell in book.cells}
        assert cells["title"].metadata.slideshow == {"slide_type": "slide"}
        assert cells["twice"].metadata.tags == ["hard"]
        assert "collapsed" not in cells["twice"].metadata
        assert not any(cell.get("outputs") for cell in book.cells)
        assert "told" not in cells
        assert "task.png" in cells["why"].attachments
    assert list(cells["why"].attachments) == ["task.png"]
    assert list(cells["why-answer"].attachments) == ["answer.png"]


def test_otter_has_a_block_for_each_question(graded):
    cells = read(release(graded, "otter")).cells
    shape = [
        cell.source.split("\n")[0] if cell.cell_type == "raw" else cell.get("id") for cell in cells
    ]
    numbered = [name for name in shape if not name.startswith("otter-")]
    assert numbered == [
        *("# ASSIGNMENT CONFIG", "title", "withhold-solutions", "load"),
        *("# BEGIN QUESTION", "# BEGIN SOLUTION", "twice", "# END SOLUTION", "between"),
        *("twice-check", "# BEGIN TESTS", "# END TESTS", "# END QUESTION"),
        *("# BEGIN QUESTION", "# BEGIN SOLUTION", "free", "# END SOLUTION", "# END QUESTION"),
        *("# BEGIN QUESTION", "why", "# BEGIN SOLUTION", "why-answer", "# END SOLUTION"),
        "# END QUESTION",
    ]
    settings = [yaml.safe_load(cell.source) for cell in cells if "BEGIN QUESTION" in cell.source]
    assert settings == [
        {"name": "twice", "check_cell": False},
        {"name": "free", "points": 1, "manual": True},
        {"name": "why", "points": 1, "manual": True},
    ]
    begin = next(i for i, cell in enumerate(cells) if cell.source == "# BEGIN TESTS")
    check = 'é = twice\nlab.check_answer("graded.twice", é)'
    assert cells[begin - 1].source == f"{check}  # é"
    assert cells[begin + 1].source == (
        '""" # BEGIN TEST CONFIG\npoints: 1.0\nhidden: true\n""" # END TEST CONFIG\n'
        f'assert twice(3) == 6\n{check}.require("answer", 1)  # é'
    )


def test_otter_gives_students_our_stub_and_runs_the_solution(graded):
    cells = {cell.id: cell for cell in read(release(graded, "otter")).cells}
    source = cells["twice"].source
    space = {}
    exec(source, space)
    assert space["twice"](3) == 6
    # What Otter makes of it: see its documentation of "# BEGIN PROMPT".
    before, _, rest = source.partition("    # BEGIN SOLUTION NO PROMPT\n")
    _, _, prompt = rest.partition('    """ # BEGIN PROMPT\n')
    stub = before + prompt.removesuffix('\n    """; # END PROMPT')
    assert ast.unparse(ast.parse(stub)) == (
        "def twice(x):\n    raise NotImplementedError('return \"twice\" x')"
    )


def test_points_are_those_of_the_course_where_there_is_no_table(graded, monkeypatch):
    monkeypatch.setitem(NOTEBOOKS, "graded", Notebook("graded", points={"twice": 2, "why": 0.5}))
    release(graded, "nbgrader")
    table = (graded.home / "nbgrader" / "points.csv").read_text()
    assert table == (
        "question,points,parts\ngraded.twice,2,answer 1\ngraded.free,1,\ngraded.why,0.5,\n"
    )


def test_points_come_from_the_table_that_an_instructor_edits(graded, capsys):
    path = release(graded, "nbgrader")
    table = graded.home / "nbgrader" / "points.csv"
    assert table.read_text() == (
        "question,points,parts\ngraded.twice,1,answer 1\ngraded.free,1,\ngraded.why,1,\n"
    )
    # As Excel saves it.
    table.write_text('\ufeffquestion,points\r\n"graded.why", 0\r\n\r\ngraded.free,0.5\r\n'
                     "graded.twice,3\r\n,\r\n")  # fmt: skip
    edited = table.read_bytes()
    release(graded, "nbgrader")
    roles = {cell.id: cell.metadata.get("nbgrader", {}) for cell in read(path).cells}
    names = ("twice-check", "free", "why")
    assert [roles[name]["points"] for name in names] == [3, 0.5, 0]
    assert table.read_bytes() == edited
    otter = release(graded, "otter", "--points", str(table))
    texts = [cell.source for cell in read(otter).cells if "BEGIN QUESTION" in cell.source]
    assert [yaml.safe_load(text).get("points") for text in texts] == [None, 0.5, 0]
    (test,) = (cell.source for cell in read(otter).cells if "BEGIN TEST CONFIG" in cell.source)
    assert yaml.safe_load(test.split("\n", 1)[1].split('"""')[0])["points"] == 3
    assert not (graded.home / "otter" / "points.csv").exists()


GOOD = "graded.twice,1\ngraded.free,1\ngraded.why,1\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", " has no line for graded.twice, graded.free, graded.why; add `graded.twice,1`"),
        ("graded.twice,1\ngraded.why,1", " has no line for graded.free; add `graded.free,1`"),
        (GOOD + "graded.twice,2", ", line 4, column 1: graded.twice appears twice; delete one"),
        (
            GOOD + "graded.new,2",
            ", line 4, column 1: the notebooks have no question 'graded.new'; delete",
        ),
        (
            "question,points\ngraded.twice,-1",
            ", line 2, column 2: '-1' is not a number of points; write one",
        ),
        ("graded.twice,nan", ", line 1, column 2: 'nan' is not a number of points"),
        ("graded.twice,1e3", ", line 1, column 2: '1e3' is not a number of points"),
        ("graded.twice,", ", line 1, column 2: '' is not a number of points"),
        ("graded.twice;1", ", line 1: write a question and its points, as in `graded.twice,1`"),
        ("graded.twice,0,5", ", line 1, column 3: '5' is not a part and its weight; write as in"),
        ("graded.twice,0,5,6", ", line 1: write a question and its points"),
        ("graded.twice,1,answer 2 + it 1", ", line 1, column 3: 'it 1' is not a part and its"),
        ("graded.twice,1,answer -1", ", line 1, column 3: 'answer -1' is not a part and its"),
        ("graded.twice,1,answer 1 + answer 1", ", line 1, column 3: 'answer 1' is not a part"),
        ("graded.twice,1,answer 0", ", line 1, column 3: all parts weigh 0; give one of them"),
        ("graded.why,1,answer 1", ", line 1, column 3: a person grades this answer, so it has no"),
        ("gr\xe4ded.twice,1".encode("latin-1"), " is not a CSV file in UTF-8; save it as one"),
        ("a" * (csv.field_size_limit() + 1), " is not a CSV file in UTF-8"),
        (None, " is missing"),
    ],
)
def test_a_wrong_table_is_told_and_nothing_is_written(graded, capsys, text, said):
    table = graded.home / "mine.csv"
    if text is not None:
        table.write_bytes(text if isinstance(text, bytes) else text.encode())
    target = graded.home / "course"
    assert main(["release", "--for", "otter", str(target), "--points", str(table)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"mnist-lab: {table}{said}")
    assert len(told.splitlines()) == 1
    assert not target.exists()


def test_what_an_instructor_changed_is_never_overwritten(graded, capsys):
    path = release(graded, "nbgrader")
    config = graded.home / "nbgrader" / "nbgrader_config.py"
    config.write_text("mine = 1\n")
    book = read(path)
    book.cells[1].outputs = [new_output("stream", text="executed")]
    book.metadata["language_info"] = {"name": "python", "version": "3.13"}
    nbformat.write(book, path)
    release(graded, "nbgrader")  # opened and executed: nothing of the instructor's is in it
    assert config.read_text() == "mine = 1\n"
    changed = path.read_bytes().replace(b'"points": 1', b'"points": 7', 1)
    path.write_bytes(changed)
    assert main(["release", "--for", "nbgrader", str(graded.home / "nbgrader")]) == 1
    told = capsys.readouterr().err
    assert f"{path} was changed since it was released: move it away, or delete it" in told
    assert path.read_bytes() == changed


def test_a_wrong_marker_names_the_cell_and_nothing_is_written(graded, capsys):
    cells = [new_raw_cell(TWICE, id="here")]
    nbformat.write(new_notebook(cells=cells), graded.solutions / "7_wrong.ipynb")
    assert main(["release", "--for", "otter", str(graded.home / "otter")]) == 1
    assert "7_wrong.ipynb: cell 'here' line 2: misplaced marker" in capsys.readouterr().err
    assert not (graded.home / "otter").exists()


def test_solutions_on_demand_are_switched_off_and_hints_stay(graded, capsys, monkeypatch):
    import mnist_lab as lab

    monkeypatch.setattr(verdicts, "_withheld", False)
    wrong = verdicts.CheckResult("wrong", "Not yet.")
    result = judging.judged(7, lambda _: wrong, ["Count again."], lambda: "x = 8")
    result.solution()
    assert capsys.readouterr().out == "x = 8\n"
    cells = {cell.id: cell for cell in read(release(graded, "nbgrader")).cells}
    capsys.readouterr()
    exec(cells["withhold-solutions"].source, {})
    result.solution()
    assert capsys.readouterr().out == "Solutions are switched off by your instructor.\n"
    result.hint()
    assert capsys.readouterr().out == "Hint 1 of 1: Count again.\n"
    result.hint()
    assert capsys.readouterr().out == f"That was the last hint. {verdicts.WITHHELD}\n"
    assert lab.model_answer("graded.why") == verdicts.WITHHELD


def test_a_required_check_is_shown_without_a_traceback(capsys):
    shell = InteractiveShell()
    shell.user_ns["wrong"] = verdicts.CheckResult("wrong", "Not yet.", [fault("a: b")])
    shell.run_cell("wrong.require()")
    hint = "For a hint, write this check with .hint() behind it in a cell of your own."
    assert capsys.readouterr().out == f"Not yet.\n  - a: b\n\n{hint}\n"


@pytest.mark.parametrize("make", [formats.for_nbgrader, formats.for_otter])
def test_each_question_of_the_lab_is_released(make):
    for path in notebooks.list_solutions():
        book = notebooks.read_notebook(path)
        questions = notebooks.list_questions(book, path)
        points = usual_points(questions)
        text = notebooks.text_of(new_notebook(cells=make(book.cells, questions, points)))
        checked = [question for question in questions if question.check]
        if make is formats.for_nbgrader:
            assert text.count(").points(") == len(checked)
        else:
            assert text.count(").require(") >= len(checked)
        ids = [cell.id for cell in nbformat.reads(text, 4).cells]
        assert len(set(ids)) == len(ids)
