"""Lists, reads, executes and writes notebook files."""

import contextlib
import json
import re
import traceback
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from .. import places
from ..support import DataError, by_number, check_file, write_whole

WIDGET = "application/vnd.jupyter.widget-view+json"
_LARGEST = 2**28  # bytes of a notebook; reading one takes several times as much memory
_MOST = 2**18  # objects in it
_CONFLICT = re.compile(r"^(<<<<<<< |>>>>>>> )", re.MULTILINE)


def list_solutions() -> list[Path]:
    """List the solution notebooks in order."""
    return list_notebooks(places.here.solutions)


def find_solutions() -> list[Path]:
    """List the solution notebooks in order.

    Raises
    ------
    DataError
        If there are none.
    """
    found = list_solutions()
    if not found:
        raise DataError(f"{places.here.solutions} has no notebooks; run this in a clone")
    return found


def list_notebooks(folder: Path) -> list[Path]:
    """List the notebooks in a folder in order, except hidden ones, which are unfinished."""
    return sorted(folder.glob("[!.]*.ipynb"), key=by_number)


def read_notebook(path: Path, *, repair: bool = False) -> nbformat.NotebookNode:
    """Read a notebook exactly as it is on file.

    Parameters
    ----------
    path
        A notebook of format 4.
    repair
        Whether to give a new id to a cell that has none or repeats one from above.

    Raises
    ------
    DataError
        If the file is not a whole notebook (empty, cut off, with a merge conflict), or could not be
        written again as it is. One sentence that begins with the path.
    """
    book = _read_json(path)
    if not isinstance(book, dict) or book.get("nbformat") != 4:
        raise DataError(f"{path} is not a notebook of format 4; Jupyter makes it one on saving")
    try:
        if repair:
            _repair_ids(book)
        # With its lines joined first, a long output is validated as one text.
        book = nbformat.v4.to_notebook(book)
        problem = next(nbformat.validator.iter_validate(book), None)
    except (KeyError, TypeError, AttributeError, RecursionError):
        raise DataError(f"{path} is not a whole notebook") from None
    if problem:
        raise DataError(f"{path} is not a whole notebook ({problem.message.splitlines()[0]:.200})")
    if any("id" not in cell for cell in book["cells"]):
        raise DataError(f"{path} has cells without ids; Jupyter makes them on saving")
    return book


@contextlib.contextmanager
def attempted(path: Path, failed: list[str]) -> Iterator[None]:
    """Add the message of any error in the body to `failed`, so that other notebooks go on.

    A student's notebook may hold anything, and the libraries that read it fail in their own ways.
    """
    try:
        yield
    except (DataError, OSError) as problem:
        failed.append(str(problem))
    except Exception as problem:
        place = traceback.extract_tb(problem.__traceback__)[-1]
        failed.append(
            f"{path} was left as it is: {type(problem).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno} ({problem}); please report it"
        )


def execute(path: Path) -> None:
    """Execute a notebook from top to bottom in its folder, and write its outputs to the file.

    The file changes only if all cells run without an error.

    Raises
    ------
    DataError
        If the file is not a whole notebook, or a cell fails. Names the notebook, the cell and the
        error.
    """
    notebook = read_notebook(path)
    place = {"metadata": {"path": str(path.parent)}}
    try:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            iopub_timeout=60,  # on a busy machine outputs come late, and would be missing
            coalesce_streams=True,  # on a busy machine what a cell prints comes in parts, too
            record_timing=False,
            store_widget_state=False,
            resources=place,
        )
        client.extra_arguments = ["--log-level=ERROR"]  # the kernel's warnings are not ours
        client.execute()
    except CellExecutionError as problem:
        failed = [cell.id for cell in notebook.cells if _error(cell)]
        raise DataError(
            f"{path}: cell {failed[-1]!r} failed ({problem.ename}: {problem.evalue})"
        ) from None
    notebook.metadata.language_info = {"name": "python"}  # Python's version would be noise
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            # Without its kernel's state, a panel shows only an error message.
            data.pop(WIDGET, None)
            # Where a program has imported pyplot, a figure of ours comes as a PNG as well.
            if "text/html" in data:
                data.pop("image/png", None)
    write_whole(path, text_of(notebook))


def text_of(book: nbformat.NotebookNode) -> str:
    """Return the text of a notebook's file."""
    return nbformat.writes(book) + "\n"


def _read_json(path: Path) -> Any:
    """Read a JSON file, and refuse one that could not be written again as it is."""
    check_file(path, _LARGEST)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors on Windows write a mark first
        book = json.loads(text, object_pairs_hook=_Reader().make)
        json.dumps(book, ensure_ascii=False).encode()
    except OSError as problem:
        raise DataError(f"{path} cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not a text file in UTF-8") from None
    except UnicodeEncodeError as problem:
        half = ascii(problem.object[problem.start])
        raise DataError(f"{path} has half a character in it ({half}); delete it") from None
    except json.JSONDecodeError as problem:
        if _CONFLICT.search(text):
            raise DataError(f"{path} has an unsolved merge conflict of git in it") from None
        state = f"is broken at line {problem.lineno}" if text.strip() else "is empty"
        raise DataError(f"{path} {state}") from None
    except RecursionError:
        raise DataError(f"{path} is not a whole notebook (nested too deeply)") from None
    except ValueError as problem:
        raise DataError(f"{path} is not a whole notebook ({problem})") from None
    return book


class _Reader:
    """Makes the dicts of a JSON file, up to a number of them: validation looks at each."""

    def __init__(self):
        self.made = 0

    def make(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Refuse a repeated key: json would silently drop the first of two texts."""
        self.made += 1
        if self.made > _MOST:
            raise ValueError(f"more than {_MOST:,} outputs and cells")
        made = dict(pairs)
        if len(made) < len(pairs):
            seen = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))
            raise ValueError(f"{twice!r:.80} appears twice in one place")
        return made


def _repair_ids(book: dict) -> None:
    seen = set()
    for cell in book["cells"]:
        # Colab writes format 4.0, and keeps the id in the metadata.
        name = cell.get("id") or cell["metadata"].pop("id", None)
        cell["id"] = name if name and name not in seen else uuid.uuid4().hex[:8]
        seen.add(cell["id"])
    book["nbformat_minor"] = max(5, book["nbformat_minor"])


def _error(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))
