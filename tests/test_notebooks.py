"""What is on file in the notebooks; that they run and give it again, nbval tests."""

import itertools
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client import manager

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks" / "solutions").glob("[!.]*.ipynb"))


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


def text(notebook, cell_id):
    """What a cell printed."""
    return "".join(output.text for cell, output in outputs(notebook) if cell.id == cell_id)


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["1_linear"]


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
        if cell.cell_type == "code" and "lab.plot_" in cell.source:
            (shown,) = cell.outputs
            pictures = re.findall(r'<img alt="([^"]+)"', shown.data["text/html"])
            assert len(pictures) == 1, cell.id
            assert "image/png" not in shown.data, cell.id


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
        for line in output.get("text", "").splitlines():
            assert len(line) <= 120, cell.id


def test_no_output_names_a_place_on_a_machine(notebook):
    for cell, output in outputs(notebook):
        shown = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        assert not re.search(r"(^|\W)/\w+/\w", shown), cell.id


def test_linear_network_reaches_what_the_sheet_reports():
    notebook = nbformat.read(ROOT / "notebooks" / "solutions" / "1_linear.ipynb", as_version=4)
    said = text(notebook, "seeds")
    finals = [float(number) for number in re.findall(r"(\d+\.\d) %", said.splitlines()[0])]
    assert len(finals) == 5
    assert sum(finals) / 5 == pytest.approx(91.6, abs=0.7)
    assert "within 0.7 points of the sheet: True" in said
    assert "Diverged" in text(notebook, "today")
    assert float(re.search(r"(\d+\.\d) %", text(notebook, "cure"))[1]) > 92
    assert text(notebook, "survey-words").count("True") == 4


@pytest.fixture
def kernel():
    """A notebook's kernel, without a notebook."""
    running, client = manager.start_new_kernel(kernel_name="python3")
    yield running, client
    client.stop_channels()
    running.shutdown_kernel(now=True)


def wait_for(words, client):
    """Wait until the kernel prints these words; fail if it says nothing for a minute."""
    while words not in client.get_iopub_msg(timeout=60)["content"].get("text", ""):
        pass


def test_interrupt_in_a_notebook_keeps_the_run(kernel):
    running, client = kernel
    client.execute(
        "import mnist_lab as lab\n"
        "data, model = lab.load_mnist(), lab.build_linear()\n"
        "run = lab.train(model, data, epochs=10_000, progress=True)"
    )
    wait_for(" left", client)
    running.interrupt_kernel()
    wait_for("stopped after", client)
    client.execute("print(run.interrupted, len(run.batch_loss) > 0)")
    wait_for("True True", client)
