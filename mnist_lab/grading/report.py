"""Reports on a class: examines each notebook, and writes who got what as table, CSV and page."""

import csv
import functools
import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from pathlib import Path

import jinja2

from .. import places
from ..notebooks import read_questions
from ..progress import MovingLine, time_left
from ..support import check_file, in_range, make_folder, write_whole
from . import submissions
from .examination import examine, stop_all, warm_up
from .grades import GradedNotebook, Standing, grade, rank
from .results import LONGEST, Examination, read_kept, to_keep
from .submissions import Submission

KEPT = "examined"  # the folder beside the report that keeps each notebook's result
_LARGEST_KEPT = 2**24  # bytes
_PAGE = Path(__file__).with_suffix(".html")


def report_class(
    folder: Path,
    target: Path,
    *,
    jobs: int | None = None,
    seconds: float = 240,
    run: bool = True,
    executor: Callable[[], Executor] | None = None,
) -> list[str]:
    """Examine all notebooks under a folder, and write `report.html` and two tables as CSV.

    The result of each notebook that ran to its end is kept beside the report. The next call
    examines only the others: new ones, and again each that was stopped, such as one that took
    longer than `seconds`, since a busy machine may have been the cause.

    Parameters
    ----------
    folder
        Where the students' notebooks are, in any subfolders.
    target
        The folder of the report.
    jobs
        How many notebooks are examined at once; without it, as many as there are processors.
    seconds
        How long each may take, 1 to 86,400.
    run
        Whether to run the notebooks, or only to read what the outputs of their checks say.
    executor
        Makes a `concurrent.futures.Executor` on which the notebooks are examined.

    Returns
    -------
    list of str
        The report as lines for a terminal.

    Raises
    ------
    DataError
        If there is no notebook in the folder, or the lab itself is damaged.
    KeyboardInterrupt
        If it was interrupted. The next call goes on where this one stopped.
    """
    jobs = in_range("--jobs", jobs or os.cpu_count(), 1, 1000, whole=True)
    seconds = in_range("--limit", seconds, 1, 86_400)
    paths = submissions.find_notebooks(folder)
    exercises, books = read_questions()
    make_folder(target)
    found = [submissions.read_submission(path, folder, exercises, books) for path in paths]
    # The glossary asks for nothing.
    found = [each for each in found if not each.name or exercises[each.name].questions]
    if run:
        start = executor or functools.partial(ThreadPoolExecutor, jobs)
        whole = [each for each in found if not each.problem]
        done = _examine_all(whole, target / KEPT, seconds, start, here=not executor)
    else:
        done = {each.path: each.on_file for each in found}
    rows = [grade(each, exercises.get(each.name), done.get(each.path)) for each in found]
    standings = {name: rank(exercise, name, rows) for name, exercise in exercises.items()}
    standings = {name: each for name, each in standings.items() if each}
    files = [target / name for name in ("report.html", "report.csv", "answers.csv")]
    for path, text in zip(files, (_page(rows, standings), *_tables(rows)), strict=True):
        write_whole(path, text)
    return [*_lines(rows), "", *_first_lines(standings), *map(str, files)]


def _examine_all(
    found: Sequence[Submission],
    kept: Path,
    seconds: float,
    start: Callable[[], Executor],
    *,
    here: bool,
) -> dict[Path, Examination]:
    """Return all examinations: those kept from earlier calls, and the others done now."""
    make_folder(kept)
    done, waiting = {}, {}
    for each in found:
        task = each.cells, submissions.files_beside(each.path), seconds
        place = kept / f"{_digest(*task)}.json"
        try:
            check_file(place, _LARGEST_KEPT)
            done[each.path] = read_kept(place.read_text("utf-8"))
        except (OSError, ValueError):  # missing, or damaged
            waiting[each.path] = task, place
    if not waiting:
        return done
    with MovingLine() as line:
        if here:
            line.show("loading TensorFlow ...")
            warm_up()
        began = time.perf_counter()
        pool = start()
        futures = {pool.submit(examine, *task): path for path, (task, _) in waiting.items()}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                path = futures[future]
                done[path] = _result(future)
                # A busy machine may have stopped it; then the next call tries again.
                if not done[path].stopped:
                    write_whole(waiting[path][1], to_keep(done[path]))
                left = time_left(time.perf_counter() - began, number, len(futures))
                line.show(f"{number} of {len(futures)} notebooks examined, {left}")
        finally:
            for future in futures:
                future.cancel()
            stop_all()  # only if it was interrupted is any of them still running
            pool.shutdown()
    return done


def _result(future: Future) -> Examination:
    try:
        return future.result()
    except Exception as problem:  # an executor or the system failed; the other rows stay
        kind = type(problem).__name__
        return Examination({}, f"it could not be examined ({kind}: {problem})"[:LONGEST])


def _digest(cells: Sequence, files: Mapping[str, bytes], seconds: float) -> str:
    """Hash everything that a result depends on: notebook, files beside it, lab and records."""
    digest = hashlib.sha256(json.dumps([cells, seconds]).encode())
    for name, content in sorted(files.items()):
        digest.update(os.fsencode(name) + b"\0" + hashlib.sha256(content).digest())
    digest.update(_digest_of_lab())
    return digest.hexdigest()


@functools.cache
def _digest_of_lab() -> bytes:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    for path in sorted(places.here.records.glob("*.npz")):
        digest.update(f"{path.name} {path.stat().st_size}".encode())
    return digest.digest()


def _lines(rows: Sequence[GradedNotebook]) -> list[str]:
    """Return the table as lines that fit the terminal."""
    header = ("student", "notebook", "answered", "right", "predicted", "first thing to look at")
    table = [header]
    for row in rows:
        numbers = ("–", "–", "–")
        if row.answers:
            numbers = f"{row.answered}/{len(row.answers)}", f"{row.right}/{row.checked}"
            numbers = *numbers, "{}/{}".format(*row.predicted)
        table.append((row.student, row.name or "–", *numbers, row.first))
    widths = [min(40, max(map(len, column))) for column in list(zip(*table, strict=True))[:-1]]
    room = max(30, shutil.get_terminal_size((120, 24)).columns - sum(widths) - 2 * len(widths))
    lines = []
    for *cells, last in table:
        cells = [
            _short(cell, width).ljust(width) for cell, width in zip(cells, widths, strict=True)
        ]
        lines.append("  ".join([*cells, _short(last, room)]).rstrip())
    return lines


def _first_lines(standings: Mapping[str, Sequence[Standing]]) -> list[str]:
    """Name for each notebook the question that most got wrong, for the next lecture."""
    lines = []
    for name, each in standings.items():
        first, wrong = each[0], each[0].counts["wrong"]
        if wrong:
            what, _, count = first.commonest[0]
            alike = f", {count} of them alike" if count > 1 else ""
            asked = first.counts.total()
            lines.append(
                f"{name}: {wrong} of {asked} got {first.question.cell!r} wrong{alike}: {what}"
            )
    return lines


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _tables(rows: Sequence[GradedNotebook]) -> tuple[str, str]:
    """Return two CSV texts: a line for each notebook, and a line for each answer."""
    header = "student,notebook,answered,questions,right,checked,predicted,predictions,first"
    notebooks = [header.split(",")]
    answers = [("student", "notebook", "question", "kind", "outcome", "first", "reason")]
    for row in rows:
        numbers = row.answered, len(row.answers), row.right, row.checked, *row.predicted
        notebooks.append((row.student, row.name, *numbers, row.first))
        for answer in row.answers:
            kind = "code" if answer.question.check else "words"
            graded = answer.outcome, answer.first, answer.reason
            answers.append((row.student, row.name, answer.question.name, kind, *graded))
    return _csv(notebooks), _csv(answers)


def _csv(table: Iterable[Sequence]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_inert(cell) for cell in line] for line in table)
    # With this mark at the beginning, Excel reads it as UTF-8.
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue()


def _inert(cell: object) -> object:
    """Quote a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(tuple("=+-@\t\r")) else cell


def _page(rows: Sequence[GradedNotebook], standings: Mapping[str, Sequence[Standing]]) -> str:
    """Return the report as a page without scripts, with everything from a notebook escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_PAGE.read_text("utf-8"))
    now = time.strftime("%Y-%m-%d %H:%M")
    return template.render(rows=rows, standings=standings, now=now) + "\n"
