"""The notebooks: executing them, and telling elsewhere what the recorded runs say."""

import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from .support import DataError, whole_file

_ROOT = Path(__file__).parents[1]  # of a clone; an installed wheel has no notebooks
SOLUTIONS = _ROOT / "notebooks" / "solutions"
README = _ROOT / "README.md"
_RESULTS = re.compile(r"(?<=<!-- results -->\n).*?(?=<!-- end of results -->)", re.DOTALL)


def list_solutions() -> list[Path]:
    """List the solution notebooks, in their order."""
    return sorted(SOLUTIONS.glob("[!.]*.ipynb"))


def execute(path: Path) -> None:
    """Execute a notebook from top to bottom in its folder, and put its outputs on file.

    The file changes only when all cells have been executed without an error.

    Raises
    ------
    DataError
        If a cell fails; names the notebook, the cell and the error.
    """
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    try:
        client = NotebookClient(
            notebook, kernel_name="python3", record_timing=False, resources=place
        )
        client.extra_arguments = ["--log-level=ERROR"]  # of the kernel; its warnings are not ours
        client.execute()
    except CellExecutionError as problem:
        failed = [cell.id for cell in notebook.cells if _error(cell)]
        raise DataError(
            f"{path}: cell {failed[-1]!r} failed ({problem.ename}: {problem.evalue})"
        ) from None
    notebook.metadata.language_info = {"name": "python"}  # its version would be noise
    with whole_file(path) as beside:
        nbformat.write(notebook, beside)


def publish(table: str) -> None:
    """Put a table of results into README, between its two marks.

    Raises
    ------
    DataError
        If the marks are missing.
    """
    text = README.read_text()
    if not _RESULTS.search(text):
        raise DataError(f"{README} has no lines <!-- results --> and <!-- end of results -->")
    with whole_file(README) as beside:
        beside.write_text(_RESULTS.sub(lambda _: f"{table}\n", text))


def _error(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))
