"""The command line: `mnist-lab` or `python -m mnist_lab`."""

import argparse
import errno
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from . import __version__, places
from .course import NEEDS, PARTS
from .data import download_mnist, load_mnist
from .support import ArgumentError, DataError, in_range

# Exit codes; argparse itself exits with 2 when it does not understand its arguments.
DONE, FAILED, MISUSED, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = "exit codes: 0 done, 1 a file failed, 2 bad arguments, 3 diverged, 130 interrupted"
PICTURES = (".pdf", ".png", ".svg")

Command = Callable[[argparse.Namespace], int]
Argument = tuple[tuple[str, ...], dict[str, Any]]  # what `add_argument` takes
_commands: dict[str, tuple[Command, str, Sequence[Argument]]] = {}  # as --help lists them


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show "×" or "±" must not cost the user a result.
        stream.reconfigure(errors="replace")
    # jsonschema, which checks notebooks, imports this package for addresses with non-ASCII letters,
    # which nothing here has it check. That compiles 39 grammars, which takes a second or more.
    sys.modules.setdefault("rfc3987_syntax", None)
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments or ["lab"])
    try:
        return options.command(options)
    except (DataError, OSError) as problem:
        print(f"mnist-lab: {_in_words(problem)}", file=sys.stderr)
        return FAILED
    except ArgumentError as problem:
        print(f"mnist-lab: {problem}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        return INTERRUPTED


def _in_words(problem: Exception) -> str:
    """The message of our own errors, or a sentence for one that Python raised itself."""
    if not isinstance(problem, OSError) or not problem.filename:
        return str(problem)
    return (
        f"{problem.filename} cannot be used ({problem.strerror}): choose another place, or allow "
        "it to be read and written"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mnist-lab",
        description="A laboratory for first neural networks. Without a command: lab.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"mnist-lab {__version__}")
    parsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (command, summary, arguments) in _commands.items():
        description = inspect.getdoc(command)
        added = parsers.add_parser(name, help=summary, description=description, epilog=EPILOG)
        added.set_defaults(command=command)
        for names, settings in arguments:
            added.add_argument(*names, **settings)
    return parser


def _command(name: str, summary: str, *arguments: Argument) -> Callable[[Command], Command]:
    """Make a function a command, whose docstring `--help` shows."""

    def add(command: Command) -> Command:
        _commands[name] = command, summary, arguments
        return command

    return add


def _option(*names: str, **settings: Any) -> Argument:
    return names, settings


def _path(name: str, metavar: str, summary: str, **settings: Any) -> Argument:
    return _option(name, type=Path, metavar=metavar, help=summary, **settings)


def _flag(name: str, summary: str) -> Argument:
    return _option(name, action="store_true", help=summary)


def _executor_for(work: str) -> Argument:
    about = f"a function of yours that returns a concurrent.futures.Executor, {work}"
    summary = f"{about}: that of a Dask cluster, say"
    return _option("--executor", type=_find_executor, metavar="MODULE:FUNCTION", help=summary)


def _find_executor(name: str) -> Callable[[], Executor]:
    module, _, function = name.partition(":")
    sys.path.insert(0, "")  # a module in the current folder, as with python -m
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as problem:
        raise argparse.ArgumentTypeError(f"{name}: {problem}") from None


_RUNS = (
    _option(
        "--part",
        action="append",
        choices=NEEDS,
        metavar="PART",
        help=f"only this part ({', '.join(NEEDS)}); may be given several times",
    ),
    _option(
        "--seeds",
        type=int,
        metavar="N",
        help="only seeds 0 to N - 1 of each part, and no network that has hundreds of them",
    ),
)


@_command(
    "lab",
    "open JupyterLab on your copies of the notebooks, made or brought up to date first",
    _path(
        "folder",
        "FOLDER",
        "where your copies are (mnist_lab_notebooks; in a clone notebooks/mine)",
        nargs="?",
    ),
    _flag("--solutions", "copy the solutions beside them"),
    _flag("--no-browser", "only print the address"),
)
def _lab(options: argparse.Namespace) -> int:
    """Make your copies of the exercises, or bring them up to date, and open JupyterLab.

    Your answers stay. JupyterLab opens on the first notebook. Ctrl-C ends it.
    """
    from .notebooks import check_folder, copy_solutions, list_notebooks, open_lab, update

    folder = check_folder(options.folder)
    done, failed = update(folder=folder)
    if not list_notebooks(folder):
        return _say(done, failed)
    if options.solutions:
        done += [f"{path}: new" for path in copy_solutions(folder / "solutions")]
    # A broken notebook is reported, but does not stop the others from opening.
    _say([*done, f"your notebooks are in {folder.resolve()}"], failed)
    open_lab(folder, browser=not options.no_browser)
    return DONE


@_command(
    "train",
    "train one part of the sheet",
    _option(
        "part",
        choices=PARTS,
        metavar="PART",
        help="; ".join(f"{key}: {part.title}, {part.epochs} epochs" for key, part in PARTS.items()),
    ),
    _option("--epochs", type=int, metavar="N", help="passes over the training images"),
    _option("--learning-rate", type=float, metavar="X", help="step size"),
    _option("--dropout", type=float, metavar="X", help="dropout rate (mlp, dropout)"),
    _option("--seed", type=int, metavar="N", help="makes the run repeatable"),
    _path("--save", "FILE", "keep the run (.npz)"),
    _path("--figure", "FILE", f"draw accuracy by epoch ({', '.join(PICTURES)})"),
)
def _train(options: argparse.Namespace) -> int:
    """Train one part of the exercise sheet; without options exactly as the sheet."""
    _check_targets(options)
    part = PARTS[options.part]
    figures = {"learning_rate": options.learning_rate, "dropout": options.dropout}
    changes = {key: value for key, value in figures.items() if value is not None}
    if "dropout" in changes and part.builder != "build_mlp":
        raise ArgumentError(f"--dropout {options.dropout}: the part {part.key} has no dropout")
    from .training import train  # TensorFlow takes seconds to load, and --help needs none

    model = part.build(**changes)
    epochs = part.epochs if options.epochs is None else options.epochs
    run = train(model, load_mnist(), epochs=epochs, seed=options.seed, name=part.key)
    measured = f"{100 * run.val_accuracy:.1f} %" if run.val_accuracy >= 0 else "none"
    print(f"final validation accuracy: {measured}")  # before saving, since the disk may be full
    if options.save:
        run.save(options.save)
    if options.figure:
        from .plots import plot_accuracy, save_figure

        save_figure(plot_accuracy(run, fit=True), options.figure)
    if run.diverged:
        return DIVERGED
    return INTERRUPTED if run.interrupted else DONE


def _check_targets(options: argparse.Namespace) -> None:
    """Refuse files that cannot be written before minutes are spent on training, not after."""
    for target in (options.save, options.figure):
        if target and not target.absolute().parent.is_dir():
            raise ArgumentError(f"{target}: there is no folder {target.absolute().parent}")
        if target and target.is_dir():
            raise ArgumentError(f"{target} is a folder, not a file")
        if target and not os.access(target.absolute().parent, os.W_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
    if options.figure and options.figure.suffix.lower() not in PICTURES:
        raise ArgumentError(f"{options.figure}: a figure ends in one of {', '.join(PICTURES)}")


@_command(
    "solutions",
    "make the recorded runs that are missing or stale, and the solution notebooks",
    *_RUNS,
    _flag("--dry-run", "say what there is to do, and how long it will take"),
    _executor_for("on which several runs are trained at once"),
)
def _solutions(options: argparse.Namespace) -> int:
    """Train missing or stale recorded runs, execute the solution notebooks, and print the results.

    After an interruption, the next call goes on where it stopped.
    """
    _need_clone("solutions")
    from .notebooks import make_solutions, plan_solutions
    from .records import list_jobs, list_many

    needs, seeds = _chosen_runs(options)
    jobs, many = list_jobs(needs, seeds), list_many(needs) if seeds is None else []
    if options.dry_run:
        return _say(plan_solutions(jobs, many))
    try:
        return _say([make_solutions(jobs, many, options.executor)])
    except KeyboardInterrupt:
        _say([], ["call again to go on from here"])
        raise


@_command("verify", "prove that the recorded runs are what this code computes", *_RUNS)
def _verify(options: argparse.Namespace) -> int:
    """Retrain the first iterations of each record from its seed, and compare every loss.

    It recomputes the summaries, too. Of the networks with hundreds of runs it takes samples.
    """
    from .records import list_jobs, list_many, verify_many, verify_records

    data, (needs, seeds) = load_mnist(), _chosen_runs(options)
    right = verify_records(list_jobs(needs, seeds), places.here.records, data)
    if seeds is None:
        right &= verify_many(list_many(needs), places.here.seeds, data)
    return DONE if right else FAILED


def _chosen_runs(options: argparse.Namespace) -> tuple[list[str], int | None]:
    """The parts asked for, in the sheet's order, and how many seeds, if that was said."""
    keys = [key for key in NEEDS if key in (options.part or NEEDS)]
    if options.seeds is None:
        return keys, None
    return keys, in_range("--seeds", options.seeds, 1, 1000, whole=True)


@_command(
    "update",
    "make your copies of the exercises, or bring them up to date under your answers",
    _path("files", "FILE", "only these copies", nargs="*"),
    _path(
        "--folder",
        "DIR",
        "the folder of your copies (mnist_lab_notebooks; in a clone notebooks/mine)",
    ),
)
def _update(options: argparse.Namespace) -> int:
    """Make your copies of the exercises where they are missing, and bring the others up to date.

    What you changed, added or deleted stays so.
    """
    from .notebooks import update

    return _say(*update(options.files, options.folder))


@_command(
    "exercises",
    "generate the exercise notebooks from the solutions",
    _flag("--force", "overwrite a student's work too"),
    _flag("--check", "write nothing, say what differs"),
    _path("--folder", "DIR", "the folder of the exercises (notebooks/exercises)"),
)
def _exercises(options: argparse.Namespace) -> int:
    """Generate notebooks/exercises from notebooks/solutions, but never over a student's work."""
    _need_clone("exercises")
    from .notebooks import compare_exercises, list_stale, write_exercises

    if options.check:
        problems = compare_exercises(options.folder)
        return _say([], problems and [*problems, "run `mnist-lab exercises`"])
    written, kept = write_exercises(options.folder, force=options.force)
    problems = [f"not overwritten, {line}" for line in kept]
    if kept:
        problems.append(
            "somebody has worked there. Move such a notebook to notebooks/mine, where `mnist-lab "
            "update` keeps it up to date under the answers. `mnist-lab exercises --force` throws "
            "the answers away"
        )
    code = _say(written, problems)
    _say([], list_stale(options.folder))
    return code


@_command(
    "release",
    "write the notebooks for a grader, nbgrader or Otter",
    _option(
        "--for",
        dest="grader",
        choices=("nbgrader", "otter"),
        required=True,
        help="the grader to write for",
    ),
    _path("folder", "DIR", "where to write them"),
    _path(
        "--points",
        "FILE",
        "what each question is worth (DIR/points.csv, which is made where it is missing)",
    ),
)
def _release(options: argparse.Namespace) -> int:
    """Write the solutions as source notebooks of nbgrader or Otter, with points for each question.

    Solutions on demand are switched off in them.
    """
    from .grading import write_release

    return _say(write_release(options.grader, options.folder, options.points))


@_command(
    "mend",
    "copy what students hand in to nbgrader, mended where it would stop or skip a notebook",
    _path("course", "COURSE", "the folder of the course, with `release` and `submitted`"),
    _path("--output", "DIR", "where the copy goes (COURSE/mended)"),
)
def _mend(options: argparse.Namespace) -> int:
    """Copy what students have handed in to nbgrader, and mend the copy.

    nbgrader stops at a notebook with an answer's cell twice, and grades nobody behind it. It skips
    a notebook under another name. Each mend is told.
    """
    from .grading import mend_course

    return _say(*mend_course(options.course, options.output))


@_command(
    "report",
    "examine the notebooks of a class, and say who got what",
    _path("folder", "FOLDER", "what your students handed in, or a zip of it"),
    _path(
        "--output",
        "DIR",
        "the folder of the report (mnist_lab-report)",
        default=Path("mnist_lab-report"),
    ),
    _option("--jobs", type=int, metavar="N", help="notebooks at once (as many as processors)"),
    _option(
        "--limit",
        type=float,
        default=180,
        metavar="SECONDS",
        help="processor time for each notebook (180)",
    ),
    _flag("--no-run", "run nothing, read what the saved outputs say"),
    _path(
        "--grades",
        "FILE",
        "a table that Moodle or Canvas exported, or another CSV file: fill the grades into a copy",
    ),
    _option(
        "--column", metavar="NAME", help="the column of the grades in it, or a part of its name"
    ),
    _flag("--model-answers", "show model answers to the questions in words in the feedback"),
    _flag("--alike", "compare the answers of the class with each other, as a page for you alone"),
    _flag("--strict", "count a right answer as blank that calls what an answer does not need"),
    _path("--points", "FILE", "what each question is worth, as `release` writes it (the course's)"),
    _flag("--trust", "run the notebooks where walls around them are missing, too"),
    _executor_for("on which the notebooks are examined"),
)
def _report(options: argparse.Namespace) -> int:
    """Run every notebook that a class handed in, each in its own process, and say who got what.

    Folders and zips may be laid out as Moodle or Canvas does it, or by yourself. Right, wrong and
    blank answers are printed as a table, and written as CSV and as a page, with a page of feedback
    for each student. Called again, it examines only what is new and what did not finish, such as a
    notebook that took longer than the limit.
    """
    from .grading import report_class

    try:
        lines = report_class(
            options.folder,
            options.output,
            jobs=options.jobs,
            seconds=options.limit,
            run=not options.no_run,
            executor=options.executor,
            trust=options.trust,
            strict=options.strict,
            grades=options.grades,
            column=options.column,
            model_answers=options.model_answers,
            alike=options.alike,
            table=options.points,
        )
    except KeyboardInterrupt:
        _say([], ["call again to go on from here"])
        raise
    return _say(lines)


@_command(
    "collect",
    "make one file of the digits that a class has drawn",
    _path("folder", "FOLDER", "your students' files (my_digits.npz), in folders or not"),
    _path(
        "--output",
        "FILE",
        "the file to write (class_digits.npz)",
        default=Path("class_digits.npz"),
    ),
    _flag("--names", "keep what each file or its folder is called; otherwise writers have numbers"),
)
def _collect(options: argparse.Namespace) -> int:
    """Make one file of all files of digits (*.npz) below a folder, a writer for each file.

    What cannot be read is named and left out, and so is a digit that was there before. Without
    --names, nothing in the file says who wrote what.
    """
    from .collecting import collect_digits

    return _say(*collect_digits(options.folder, options.output, names=options.names))


@_command(
    "export",
    "write your notebooks as pages to hand in, or all solutions as one to print",
    _path("files", "FILE", "your notebooks", nargs="*"),
    _path(
        "--output",
        "PLACE",
        "the folder of your pages (beside the notebooks); the file of the solutions "
        "(mnist_lab-solutions.html)",
    ),
)
def _export(options: argparse.Namespace) -> int:
    """Write each notebook as an HTML page with its answers marked, and as PDF with Chromium.

    Without a notebook, write all solutions as one page. It needs no network.
    """
    from .notebooks import export_notebooks, export_solutions

    if options.files:
        return _say(*export_notebooks(options.files, options.output))
    target = options.output or Path("mnist_lab-solutions.html")
    export_solutions(target)
    return _say([target])


@_command(
    "page",
    "write the laboratory as a page that needs no Python: for a web server, or as one file",
    _path("place", "PLACE", "the folder to write, or with --single the file (.html)"),
    _flag("--single", "one file with everything in it, which opens by a double click"),
)
def _page(options: argparse.Namespace) -> int:
    """Write the laboratory as a page that trains in the browser, with MNIST and the recorded runs.

    Any web server, or a host of plain files, serves the folder. Called again, it writes it anew.
    """
    from .web import write_page

    return _say(write_page(options.place, single=options.single))


@_command("download", "get MNIST where its file is missing or damaged")
def _download(_: argparse.Namespace) -> int:
    """Download Keras' official mnist.npz (11 MB), check it, and put it in place."""
    try:
        data = load_mnist()
    except DataError as problem:
        print(f"mnist-lab: {problem}", file=sys.stderr)
        download_mnist()
        data = load_mnist()
    print(f"here: {data}")
    return DONE


def _need_clone(command: str) -> None:
    if not places.here.is_clone:
        raise DataError(
            f"`mnist-lab {command}` changes the project itself, and this is an installed copy: run "
            "it in a clone"
        )


def _say(done: Sequence[object], problems: Sequence[str] = ()) -> int:
    """Print what was done and what failed, line by line, and return the exit code."""
    for line in done:
        print(line)
    for problem in problems:
        print(f"mnist-lab: {problem}", file=sys.stderr)
    return FAILED if problems else DONE


if __name__ == "__main__":
    sys.exit(main())
