"""Remakes the solutions: trains missing records, executes the notebooks, writes README's table."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from .. import places
from ..data import load_mnist
from ..progress import MovingLine, duration
from .files import execute, list_solutions
from .publishing import publish

if TYPE_CHECKING:
    from ..records import Job, Many


def plan_solutions(jobs: Sequence["Job"], many: Sequence["Many"]) -> list[str]:
    """Say, in lines, what `make_solutions` would do, and how long it would take here."""
    from ..records import plan  # loads TensorFlow, which takes seconds and is seldom needed here

    planned, data = plan(jobs, places.here.records), load_mnist()
    total = sum(seconds for *_, seconds in planned)
    return [
        *(f"{job.name}: {why}; about {duration(seconds)}" for job, why, seconds in planned),
        f"to train: {len(planned)} of {len(jobs)} runs, about {duration(total)}",
        *(
            f"and {each.name} from {each.seeds:,} seeds: {why}"
            for each in many
            if (why := each.shortcoming(places.here.seeds, data))
        ),
        f"to execute: {', '.join(book.stem for book in list_solutions())}",
    ]


def make_solutions(
    jobs: Sequence["Job"],
    many: Sequence["Many"],
    executor: Callable[[], Executor] | None = None,
) -> str:
    """Train missing or stale runs, execute all solution notebooks, and write README's table.

    Parameters
    ----------
    jobs
        The runs to record.
    many
        The networks to train from many seeds, here and one after the other.
    executor
        Makes a `concurrent.futures.Executor` on which several of the recorded runs are trained at
        once.

    Returns
    -------
    str
        The table of results.

    Raises
    ------
    DataError
        If another process is making the solutions, or a notebook fails.
    KeyboardInterrupt
        If it was interrupted. The next call goes on where this one stopped.
    """
    from ..records import locked, make_records, make_seeds, results

    folder, data = places.here.records, load_mnist()
    with locked(folder):
        make_records(jobs, folder, executor=executor() if executor else None)
        for each in many:
            if each.shortcoming(places.here.seeds, data):
                make_seeds(each, places.here.seeds, data)
        books = list_solutions()
        for number, book in enumerate(books, 1):
            _execute(book, f"notebook {number} of {len(books)}: {book.stem}")
        table = results(folder)
        if books:
            publish(table)
    return table


def _execute(book: Path, place: str) -> None:
    with MovingLine() as line:
        began = time.perf_counter()
        line.show(f"{place}, executing ...")
        execute(book)
        line.show(f"{place}, executed in {duration(time.perf_counter() - began)}")
