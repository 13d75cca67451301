"""The outputs stored in the notebooks; nbval checks that running them gives the same."""

import copy
import itertools
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from mnist_lab.notebooks import list_solutions

ROOT = Path(__file__).parents[1]
NOTEBOOKS = list_solutions()
PARTS = [path for path in NOTEBOOKS if path.stem != "glossary"]
SECTION = re.compile(r"^\*Objective: [^*]+? About (\d+) minutes\. (Core|Bonus)\.\*$", re.MULTILINE)
TOTAL = re.compile(
    r"^\*\*Time:\*\* about (\d+) minutes(?:, of which (\d+) are bonus)?\. ", re.MULTILINE
)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def outputs(notebook):
    return [
        (cell, output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def text(name, cell_id):
    """Return what a cell of a notebook printed."""
    notebook = nbformat.read(ROOT / "notebooks" / "solutions" / f"{name}.ipynb", as_version=4)
    said = [output.get("text", "") for cell, output in outputs(notebook) if cell.id == cell_id]
    assert said, f"{name} has no output in a cell {cell_id}"
    return "".join(said)


def shown(output):
    """Return the text of an output that a reader sees."""
    data = output.get("data", {})
    return output.get("text", "" if "text/html" in data else data.get("text/plain", ""))


def test_there_are_notebooks():
    names = ["1_linear", "2_mlp", "3_dropout", "4_cnn", "5_comparison"]
    names += [
        "6_test",
        "7_sure",
        "8_best",
        "9_writers",
        "10_spoilt",
        "11_bugs",
        "12_yours",
        "glossary",
    ]
    assert [path.stem for path in NOTEBOOKS] == names


@pytest.mark.parametrize("number", range(len(NOTEBOOKS)))
def test_each_leads_to_the_others(number):
    notebook = nbformat.read(NOTEBOOKS[number], as_version=4)
    links = [re.findall(r"\]\((\w+\.ipynb)\)", cell.source) for cell in notebook.cells]
    top, bottom = links[1], links[-1]
    assert top == [path.name for path in NOTEBOOKS if path != NOTEBOOKS[number]]
    if NOTEBOOKS[number] in PARTS:
        expected = [PARTS[number - 1].name] if number else []
        expected.append(PARTS[(number + 1) % len(PARTS)].name)
        assert bottom == expected


def test_each_link_into_the_glossary_finds_its_term(notebook):
    glossary = nbformat.read(NOTEBOOKS[-1], as_version=4)
    words = "\n".join(cell.source for cell in glossary.cells)
    terms = re.findall(r"^## (.+)$", words, re.MULTILINE)
    assert terms == sorted(terms, key=str.lower)
    # As JupyterLab and nbconvert name the place of a heading.
    places = {term.replace(" ", "-") for term in terms}
    linked = re.findall(r"\(glossary\.ipynb#(.+?)\)", nbformat.writes(notebook))
    assert set(linked) <= places
    assert len(linked) == len(set(linked)), "a term is linked where it is used first"


def test_the_glossary_asks_for_nothing():
    glossary = nbformat.read(NOTEBOOKS[-1], as_version=4)
    assert {cell.cell_type for cell in glossary.cells} == {"markdown"}


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_the_sections_minutes_add_up_to_those_of_the_title(path):
    cells = nbformat.read(path, as_version=4).cells
    words = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    minutes = [(int(number), kind) for number, kind in SECTION.findall(words)]
    ((total, extra),) = TOTAL.findall(words)
    bonus = sum(number for number, kind in minutes if kind == "Bonus")
    assert (sum(number for number, _ in minutes), bonus) == (int(total), int(extra or 0))
    headings = re.findall(r"^## (.+)$", words, re.MULTILINE)
    assert len(minutes) == len(set(headings) - {"Takeaways", "To read on"})


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_each_prediction_has_a_place_to_write_it_down(path):
    cells = nbformat.read(path, as_version=4).cells
    asked = [place for place, cell in enumerate(cells) if "**Predict:**" in cell.source]
    tagged = [i for i, cell in enumerate(cells) if "prediction" in cell.metadata.get("tags", [])]
    assert tagged == [place + 1 for place in asked]
    names = []
    for place in tagged:
        cell = cells[place]
        assert cell.id == f"{cells[place - 1].id}-guess"
        if cell.cell_type == "markdown":
            assert cell.source == "*Your prediction:* …"
            continue
        guesses = re.findall(r"^(guess_\w+) = \.\.\.(?:  # .+)?$", cell.source, re.MULTILINE)
        assert len(guesses) == len(cell.source.splitlines())
        names += guesses
        later = "\n".join(other.source for other in cells[place + 1 :])
        assert all(f"lab.compare_guess({name}, " in later for name in guesses), cell.id
    assert len(names) == len(set(names))


def test_it_was_executed_from_top_to_bottom(notebook):
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert all("execution" not in cell.metadata for cell in notebook.cells), "timings are noise"


def test_nothing_went_wrong(notebook):
    for cell, output in outputs(notebook):
        assert output.output_type != "error", cell.id
        assert output.get("name") != "stderr", cell.id


def test_each_figure_is_shown_once_and_has_alternative_text(notebook):
    for cell in notebook.cells:
        drawn = cell.cell_type == "code" and re.findall(r"lab\.(?:plot_|compare\()", cell.source)
        if drawn:
            pictures = [
                output.data for output in cell.outputs if "text/html" in output.get("data", {})
            ]
            assert len(pictures) == len(drawn) == 1, cell.id
            assert re.match(r'<img alt="[^"]{10,}"', pictures[0]["text/html"]), cell.id


def test_no_picture_is_without_alternative_text(notebook):
    for cell, output in outputs(notebook):
        if cell.id == "program":  # drawn by a program that does without the lab
            continue
        assert not {"image/png", "image/svg+xml"} & set(output.get("data", {})), cell.id


def test_headings_are_in_order(notebook):
    levels = [
        len(marks)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for marks in re.findall(r"^(#+) ", cell.source, re.MULTILINE)
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in itertools.pairwise(levels))


def test_no_line_of_output_is_longer_than_a_screen(notebook):
    for cell, output in outputs(notebook):
        for line in shown(output).splitlines():
            assert len(line) <= 120, cell.id


@pytest.mark.parametrize(
    ("name", "percent"),
    [("1_linear", "90.8"), ("2_mlp", "98.2"), ("3_dropout", "98.4"), ("4_cnn", "99.1")],
)
def test_each_part_ends_with_its_accuracy(name, percent):
    assert f"final validation accuracy: {percent} %\n" in text(name, "train")
    assert text(name, "train").startswith("Recorded: ")


def test_the_solutions_pass_their_own_checks(notebook):
    for cell, output in outputs(notebook):
        if "lab.check" in cell.source:
            assert output.data["text/plain"].startswith("Right"), cell.id


def test_the_riddle_is_solved():
    assert "Diverged: from iteration 87 on" in text("1_linear", "today")
    assert text("1_linear", "survey-words").count("True") == 4
    assert text("1_linear", "cure").startswith("better than with 0.5: True")


def test_a_permutation_test_of_too_many_numbers_is_refused():
    """Ten thousand answers instead of five accuracies would fill the memory with combinations."""
    book = nbformat.read(NOTEBOOKS[4], as_version=4)
    (source,) = [cell.source for cell in book.cells if cell.id == "permutation"]
    names = {"np": np}
    exec(source, names)
    with pytest.raises(ValueError, match="10005 numbers have too many groups: give one for each"):
        names["permutation_test"](np.zeros(10_000), np.zeros(5))


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Make a short executed notebook, and copies with one change in each."""
    folder = tmp_path_factory.mktemp("copies")
    notebook = nbformat.read(NOTEBOOKS[4], as_version=4)
    wanted = ("load", "runs", "finals", "table")
    notebook.cells = [cell for cell in notebook.cells if cell.id in wanted]
    tagged = {"tags": ["raises-exception"]}
    notebook.cells.append(
        nbformat.v4.new_code_cell('runs["mlp"][0].history["speed"]', id="fails", metadata=tagged)
    )
    NotebookClient(notebook, kernel_name="python3").execute()
    changes = {
        "as_it_was": ("load", "", ""),
        "number": ("table", "98.31", "98.41"),
        "words": ("runs", "5 runs", "five runs"),
        "error": ("fails", "speed", "seconds"),
    }
    for name, (cell_id, old, new) in changes.items():
        changed = copy.deepcopy(notebook)
        (cell,) = (cell for cell in changed.cells if cell.id == cell_id)
        (output,) = cell.outputs
        key = "evalue" if cell_id == "fails" else "text"
        if old:
            assert old in output[key]
            output[key] = output[key].replace(old, new, 1)
        nbformat.write(changed, folder / f"{name}.ipynb")
    return folder


@pytest.mark.gate
def test_nbval_notices_a_changed_number_word_and_error(copies):
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-rA", "-q"]
    sanitize = ["--nbval-sanitize-with", str(ROOT / "tests" / "sanitize.cfg")]
    done = subprocess.run(
        [*command, *sanitize, str(copies)], capture_output=True, text=True, cwd=copies
    )
    outcomes = re.findall(
        r"^(PASSED|FAILED) (?:\S*/)?(\w+)\.ipynb::Cell (\d+)", done.stdout, re.MULTILINE
    )
    assert len(outcomes) == 4 * 5, done.stdout
    failed = [(name, int(cell)) for outcome, name, cell in outcomes if outcome == "FAILED"]
    assert sorted(failed) == [("error", 4), ("number", 3), ("words", 1)]
