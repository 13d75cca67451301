"""Reports on a class: examines each notebook, and writes who got what as table, CSV and page."""

import contextlib
import dataclasses
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ..notebooks import Exercise, attempted, read_questions
from ..progress import MovingLine, time_left
from ..support import DataError, in_range, make_folder, readable, write_whole
from . import kept, tables, walls
from .alike import alike_page, find_alike
from .examination import examine, stop_all, warm_up
from .feedback import write_feedback
from .filling import fill
from .gradebooks import Gradebook, read_gradebook
from .grades import GradedNotebook, grade, rank
from .handed_in import find_handed_in
from .points import Worth, read_points, usual_points
from .results import LONGEST, Examination
from .students import by_student
from .submissions import Submission, files_beside, newest, read_submission

KEPT = "examined"  # the folder beside the report that keeps each notebook's result
FEEDBACK = "feedback"  # the folder with a page for each student
ALIKE = "alike.html"
_FILES = ("report.html", "report.csv", "answers.csv")

Results = dict[Path, Examination]


def report_class(
    folder: Path,
    target: Path,
    *,
    jobs: int | None = None,
    seconds: float = 180,
    run: bool = True,
    executor: Callable[[], Executor] | None = None,
    trust: bool = False,
    strict: bool = False,
    grades: Path | None = None,
    column: str | None = None,
    model_answers: bool = False,
    alike: bool = False,
    table: Path | None = None,
) -> list[str]:
    """Examine what a class handed in, and write `report.html` and two tables as CSV.

    A page of feedback for each student is written, too, and packed as Moodle or Canvas takes it.

    The result of each notebook that ran to its end is kept beside the report. The next call
    examines only the others: new ones, and again each that was stopped, such as one that took
    longer than `seconds`, or could not be examined. Nothing that went wrong is a grade.

    Parameters
    ----------
    folder
        Where the students' notebooks are, in any subfolders and zips; or a zip of all.
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
    trust
        Whether to run them where the system has no walls around them.
    strict
        Whether a right answer counts as blank that calls what an answer does not need.
    grades
        A table that Moodle or Canvas exported, or another CSV file. A copy is filled.
    column
        What the column of the grades is called in it, or a part of that.
    model_answers
        Whether the feedback shows a model answer to each question in words.
    alike
        Whether to compare the answers of the class with each other, and write `alike.html`.
    table
        What each question and its parts are worth, in CSV; without it, what the course says.

    Returns
    -------
    list of str
        The report as lines for a terminal.

    Raises
    ------
    DataError
        If there is no notebook in the folder, walls are missing, the table cannot be filled, or
        the lab itself is damaged.
    KeyboardInterrupt
        If it was interrupted. The next call goes on where this one stopped.
    """
    jobs = in_range("--jobs", jobs or os.cpu_count(), 1, 1000, whole=True)
    seconds = in_range("--limit", seconds, 1, 86_400)
    notes = _missing_walls(trust) if run and not executor else []
    exercises, books = read_questions()
    questions = [each for exercise in exercises.values() for each in exercise.questions]
    points = read_points(table, questions) if table else usual_points(questions)
    # If what was unpacked cannot be removed, the system will clear its temporary folder some day.
    with tempfile.TemporaryDirectory(prefix="mnist-lab-", ignore_cleanup_errors=True) as room:
        handed_in = find_handed_in(folder, Path(room), target)
        make_folder(target)
        found = newest(read_submission(each, exercises, books) for each in handed_in)
        found = _without_glossary(found, exercises)
        # Before minutes are spent on examining.
        book = _gradebook(grades, column, target, found) if grades else None
        if run:
            start = executor or functools.partial(ThreadPoolExecutor, jobs)
            tasks = _tasks(found, target / KEPT, seconds, trust)
            done, more = _examine_all(tasks, target / KEPT, start, here=not executor)
            notes += more
        else:
            done = {each.handed_in.path: each.on_file for each in found}
    rows = [_row(each, exercises, done, points, strict) for each in found]
    students = by_student(rows)
    texts = {}
    if book:
        notes += fill(book, students)
        texts[grades.name] = book.sheet.to_bytes()
    if alike:
        texts[ALIKE] = alike_page(find_alike(rows, exercises))
    standings = {name: rank(exercise, name, rows) for name, exercise in exercises.items()}
    standings = {name: each for name, each in standings.items() if each}
    shown = tables.page(rows, standings, notes), *tables.csv_texts(rows)
    texts |= zip(_FILES, shown, strict=True)
    for name, text in texts.items():
        write_whole(target / name, text)
    more = write_feedback(students, exercises, target / FEEDBACK, models=model_answers)
    lines = [*notes, *tables.lines(rows), "", *tables.first_lines(standings)]
    return [*lines, *(str(target / name) for name in texts), *more]


def _gradebook(
    path: Path, column: str | None, target: Path, found: Sequence[Submission]
) -> Gradebook:
    """Read the table to be filled, of which the copy must not take the place of anything."""
    place = target / path.name
    if path.name in (*_FILES, ALIKE) or place.resolve() == path.resolve():
        raise DataError(
            f"{path} would be overwritten by its own copy, or by the report: give it another name, "
            f"or move it out of {target}"
        )
    owners = list({each.handed_in.owner.key: each.handed_in.owner for each in found}.values())
    return read_gradebook(path, owners, sorted({each.name for each in found if each.name}), column)


def _missing_walls(trust: bool) -> list[str]:
    """Say which walls are missing.

    Raises
    ------
    DataError
        If there are any, and the notebooks are not trusted.
    """
    if not (missing := walls.missing()):
        return []
    words = f"Walls are missing around the notebooks: {', '.join(missing)}."
    if not trust:
        raise DataError(
            f"{words} Without them, a student's code can do whatever you can do on this machine. "
            "Call this on a Linux machine or in a container that has them, read only what is on "
            "file with --no-run, or run the notebooks all the same with --trust"
        )
    return [f"{words} The notebooks were run all the same, as --trust says."]


def _without_glossary(
    found: Sequence[Submission], exercises: Mapping[str, Exercise]
) -> list[Submission]:
    """Leave out the glossary, which asks for nothing, where a student handed in anything else."""
    asking = [not each.name or bool(exercises[each.name].questions) for each in found]
    owners = [each.handed_in.owner for each in found]
    students = {each.key for each, asks in zip(owners, asking, strict=True) if asks}
    return [
        each
        for each, owner, asks in zip(found, owners, asking, strict=True)
        if asks or owner.key not in students
    ]


def _row(
    each: Submission,
    exercises: Mapping[str, Exercise],
    done: Results,
    points: Mapping[str, Worth],
    strict: bool,
) -> GradedNotebook:
    """Grade a notebook; whatever goes wrong with it is told in its row."""
    problems = []
    path = each.handed_in.path
    with attempted(path, problems):
        return grade(each, exercises.get(each.name), done.get(path), points, strict=strict)
    return GradedNotebook(each, note=readable(f"it {problems[0].removeprefix(f'{path} ')}"))


@dataclasses.dataclass(frozen=True)
class _Task:
    """One notebook to examine."""

    path: Path
    arguments: tuple[Any, ...]  # of `examine`
    place: Path  # where its result is kept
    result: Examination | None  # the one that was kept


def _tasks(found: Sequence[Submission], folder: Path, seconds: float, trust: bool) -> list[_Task]:
    made = []
    for each in found:
        if not each.problem:
            files = files_beside(each.handed_in)
            place = folder / f"{kept.digest(each.name, files, each.cells, seconds, trust)}.json"
            arguments = each.cells, files, seconds, trust
            made.append(_Task(each.handed_in.path, arguments, place, kept.read(place)))
    return made


def _examine_all(
    tasks: Sequence[_Task], folder: Path, start: Callable[[], Executor], *, here: bool
) -> tuple[Results, list[str]]:
    """Return all examinations, those kept from earlier calls as well, and what is to be said.

    What could not be examined is tried once more at the end, alone: so a loaded machine has time
    for it, and it cannot harm another.
    """
    make_folder(folder)
    done = {task.path: task.result for task in tasks if task.result}
    waiting = [task for task in tasks if not task.result]
    if not waiting:
        return done, []
    with MovingLine() as line:
        if here:
            line.show("loading TensorFlow ...")
            warm_up()
        began = time.perf_counter()
        with contextlib.closing(_examine(waiting, start)) as results:
            for number, (task, result) in enumerate(results, 1):
                done[task.path] = result
                left = time_left(time.perf_counter() - began, number, len(waiting))
                line.show(f"{number} of {len(waiting)} notebooks examined, {left}")
        again = [task for task in waiting if done[task.path].unexamined]
        for number, task in enumerate(again, 1):
            line.show(f"trying again what could not be examined, {number} of {len(again)}")
            with contextlib.suppress(Exception):  # of an executor's; the first result stays
                done |= {task.path: result for task, result in _examine([task], start)}
    return done, _say_again([done[task.path] for task in again])


def _examine(
    tasks: Sequence[_Task], start: Callable[[], Executor]
) -> Iterator[tuple[_Task, Examination]]:
    """Examine notebooks on an executor of their own, and yield each result as it comes."""
    pool, futures = start(), {}
    try:
        for task in tasks:
            try:
                futures[pool.submit(examine, *task.arguments)] = task
            except Exception as problem:  # the pool is broken
                yield task, _failed(problem)
        for future in as_completed(futures):
            try:
                result = future.result()
            except Exception as problem:  # an executor or the system failed; the other rows stay
                result = _failed(problem)
            kept.keep(futures[future].place, result)
            yield futures[future], result
    finally:
        for future in futures:
            future.cancel()
        stop_all()  # only if it was interrupted is any of them still running
        pool.shutdown()


def _failed(problem: Exception) -> Examination:
    return Examination({}, unexamined=f"{type(problem).__name__}: {problem}"[:LONGEST])


def _say_again(results: Sequence[Examination]) -> list[str]:
    if not results:
        return []
    could = sum(not each.unexamined for each in results)
    return [
        f"Could not be examined at first, and tried again at the end, one at a time: "
        f"{len(results)}. Examined then: {could}."
    ]
