"""The command line: `mnist-lab` or `python -m mnist_lab`."""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from . import __version__, places
from .course import NEEDS, PARTS, SEEDS
from .data import download_mnist, load_mnist
from .support import ArgumentError, DataError, in_range

# Exit codes; argparse itself ends with 2 for words that it does not understand.
DONE, FAILED, MISUSED, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = "exit codes: 0 done, 1 a file failed, 2 bad arguments, 3 diverged, 130 interrupted"
PICTURES = (".pdf", ".png", ".svg")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A console that has no "×" or "±" is no reason to lose what was computed.
        stream.reconfigure(errors="replace")
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
    """The sentence that an error has; or one for those of Python itself."""
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
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    lab = commands.add_parser(
        "lab",
        help="open JupyterLab on your copies of the notebooks, made or brought up to date first",
        description="Make your copies of the exercises, or bring them up to date under your "
        "answers, and open JupyterLab on the first one. Ctrl-C ends it.",
        epilog=EPILOG,
    )
    lab.set_defaults(command=_lab)
    lab.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="where your copies are (mnist_lab_notebooks; in a clone notebooks/mine)",
    )
    lab.add_argument("--solutions", action="store_true", help="copy the solutions beside them")
    lab.add_argument("--no-browser", action="store_true", help="only say the address")

    train = commands.add_parser(
        "train",
        help="train one part of the sheet",
        description="Train one part of the exercise sheet; without options exactly as the sheet.",
        epilog=EPILOG,
    )
    train.set_defaults(command=_train)
    listed = "; ".join(f"{key}: {part.title}, {part.epochs} epochs" for key, part in PARTS.items())
    train.add_argument("part", choices=PARTS, metavar="PART", help=listed)
    train.add_argument("--epochs", type=int, metavar="N", help="passes over the training images")
    train.add_argument("--learning-rate", type=float, metavar="X", help="step size")
    train.add_argument("--dropout", type=float, metavar="X", help="dropout rate (mlp, dropout)")
    train.add_argument("--seed", type=int, metavar="N", help="makes the run repeatable")
    train.add_argument("--save", type=Path, metavar="FILE", help="keep the run (.npz)")
    train.add_argument(
        "--figure",
        type=Path,
        metavar="FILE",
        help=f"draw accuracy by epoch ({', '.join(PICTURES)})",
    )

    solutions = commands.add_parser(
        "solutions",
        help="make the recorded runs that are missing or stale, and the solution notebooks",
        description="Train what is missing or stale among the recorded runs, execute the solution "
        "notebooks, and tell the results. Interrupted, it goes on where it was at the next call.",
        epilog=EPILOG,
    )
    solutions.set_defaults(command=_solutions)
    _add_jobs(solutions)
    solutions.add_argument(
        "--dry-run", action="store_true", help="say what there is to do, and how long it will take"
    )
    solutions.add_argument(
        "--executor",
        type=_executor,
        metavar="MODULE:FUNCTION",
        help="a function of yours that returns a concurrent.futures.Executor, on which several "
        "runs are trained at once: that of a Dask cluster, say",
    )

    verify = commands.add_parser(
        "verify",
        help="prove that the recorded runs are what this code computes",
        description="Retrain the first iterations of each record from its seed, compare every "
        "loss, and recompute the summaries.",
        epilog=EPILOG,
    )
    verify.set_defaults(command=_verify)
    _add_jobs(verify)

    _add_notebook_commands(commands)

    download = commands.add_parser(
        "download",
        help="get MNIST where its file is missing or damaged",
        description="Download Keras' official mnist.npz (11 MB), check it, and put it in place.",
    )
    download.set_defaults(command=_download)
    return parser


def _add_notebook_commands(commands: argparse._SubParsersAction) -> None:
    update = commands.add_parser(
        "update",
        help="make your copies of the exercises, or bring them up to date under your answers",
        description="Make your copies of the exercises where they are missing, "
        "and bring those that are there up to date. What you changed, added or deleted stays so.",
        epilog=EPILOG,
    )
    update.set_defaults(command=_update)
    update.add_argument("files", nargs="*", type=Path, metavar="FILE", help="only these copies")
    _add_folder(update, "your copies (mnist_lab_notebooks; in a clone notebooks/mine)")

    exercises = commands.add_parser(
        "exercises",
        help="generate the exercise notebooks from the solutions",
        description="Generate notebooks/exercises from notebooks/solutions, but never over a "
        "student's work.",
        epilog=EPILOG,
    )
    exercises.set_defaults(command=_exercises)
    exercises.add_argument("--force", action="store_true", help="overwrite a student's work too")
    exercises.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    _add_folder(exercises, "the exercises (notebooks/exercises)")

    release = commands.add_parser(
        "release",
        help="write the notebooks for a grader, nbgrader or Otter",
        description="Write the solutions as source notebooks of nbgrader or Otter, each question "
        "with its points. Solutions on demand are switched off in them.",
        epilog=EPILOG,
    )
    release.set_defaults(command=_release)
    release.add_argument(
        "--for",
        dest="grader",
        choices=("nbgrader", "otter"),
        required=True,
        help="the grader whose format it is",
    )
    release.add_argument("folder", type=Path, metavar="DIR", help="where to write them")
    release.add_argument(
        "--points",
        type=Path,
        metavar="FILE",
        help="what each question is worth (DIR/points.csv, which is made where it is missing)",
    )

    _add_report(commands)

    export = commands.add_parser(
        "export",
        help="write your notebooks as pages to hand in, or all solutions as one to print",
        description="Write each notebook as an HTML page with its answers marked, and as PDF where "
        "Chromium is found; without one, all solutions as one page. It needs no network.",
        epilog=EPILOG,
    )
    export.set_defaults(command=_export)
    export.add_argument("files", nargs="*", type=Path, metavar="FILE", help="your notebooks")
    export.add_argument(
        "--output",
        type=Path,
        metavar="PLACE",
        help="the folder of your pages (beside the notebooks); the file of the solutions "
        "(mnist_lab-solutions.html)",
    )


def _add_report(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser(
        "report",
        help="examine the notebooks of a class, and say who got what",
        description="Run every notebook under a folder in a process of its own, within bounds, "
        "and write what is right, wrong and blank as a table, as CSV, and as a page. Called again, "
        "it examines what is new.",
        epilog=EPILOG,
    )
    report.set_defaults(command=_report)
    report.add_argument("folder", type=Path, metavar="FOLDER", help="your students' notebooks")
    report.add_argument(
        "--output",
        type=Path,
        default=Path("mnist_lab-report"),
        metavar="DIR",
        help="the folder of the report (mnist_lab-report)",
    )
    report.add_argument(
        "--jobs", type=int, metavar="N", help="notebooks at once (as many as processors)"
    )
    report.add_argument(
        "--limit", type=float, default=60, metavar="SECONDS", help="time for each notebook (60)"
    )
    report.add_argument(
        "--no-run", action="store_true", help="run nothing, read what the outputs on file say"
    )
    report.add_argument(
        "--executor",
        type=_executor,
        metavar="MODULE:FUNCTION",
        help="a function of yours that returns a concurrent.futures.Executor, on which the "
        "notebooks are examined: that of a Dask cluster, say",
    )


def _add_folder(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--folder", type=Path, metavar="DIR", help=f"the folder of {what}")


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--part",
        action="append",
        choices=NEEDS,
        metavar="PART",
        help=f"only this part ({', '.join(NEEDS)}); may be given several times",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=SEEDS,
        metavar="N",
        help=f"seeds 0 to N - 1 of each part ({SEEDS})",
    )


def _executor(name: str) -> Callable[[], Executor]:
    module, _, function = name.partition(":")
    sys.path.insert(0, "")  # a module beside the caller, as with python -m
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as problem:
        raise argparse.ArgumentTypeError(f"{name}: {problem}") from None


def _lab(options: argparse.Namespace) -> int:
    from .notebooks import check_folder, copy_solutions, list_notebooks, open_lab, update

    folder = check_folder(options.folder)
    done, failed = update(folder=folder)
    if not list_notebooks(folder):
        return _tell(done, failed)
    if options.solutions:
        done += [f"{path}: new" for path in copy_solutions(folder / "solutions")]
    # A notebook of the student's that is broken is told, and no reason not to open the others.
    _tell([*done, f"your notebooks are in {folder.resolve()}"], failed)
    open_lab(folder, browser=not options.no_browser)
    return DONE


def _need_clone(command: str) -> None:
    if not places.here.is_clone:
        raise DataError(
            f"`mnist-lab {command}` changes the project itself: call it in a clone of it, for this "
            "is an installed copy"
        )


def _train(options: argparse.Namespace) -> int:
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
    print(f"final validation accuracy: {measured}")  # first, for the disk may be full
    if options.save:
        run.save(options.save)
    if options.figure:
        from .plots import plot_accuracy, save_figure

        save_figure(plot_accuracy(run, fit=True), options.figure)
    if run.diverged:
        return DIVERGED
    return INTERRUPTED if run.interrupted else DONE


def _check_targets(options: argparse.Namespace) -> None:
    """Refuse what could not be written before minutes are spent on training, not after."""
    for target in (options.save, options.figure):
        if target and not target.absolute().parent.is_dir():
            raise ArgumentError(f"{target}: there is no folder {target.absolute().parent}")
        if target and target.is_dir():
            raise ArgumentError(f"{target} is a folder, not a file")
        if target and not os.access(target.absolute().parent, os.W_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
    if options.figure and options.figure.suffix.lower() not in PICTURES:
        raise ArgumentError(f"{options.figure}: a figure ends in one of {', '.join(PICTURES)}")


def _solutions(options: argparse.Namespace) -> int:
    _need_clone("solutions")
    from .notebooks import make_solutions, plan_solutions
    from .records import list_jobs

    jobs = list_jobs(*_asked(options))
    if options.dry_run:
        return _tell(plan_solutions(jobs, places.here.records))
    try:
        return _tell([make_solutions(jobs, places.here.records, options.executor)])
    except KeyboardInterrupt:
        _tell([], ["call again to go on from here"])
        raise


def _verify(options: argparse.Namespace) -> int:
    from .records import list_jobs, verify_records

    data = load_mnist()
    jobs = list_jobs(*_asked(options))
    return DONE if verify_records(jobs, places.here.records, data) else FAILED


def _update(options: argparse.Namespace) -> int:
    from .notebooks import update

    return _tell(*update(options.files, options.folder))


def _exercises(options: argparse.Namespace) -> int:
    _need_clone("exercises")
    from .notebooks import compare_exercises, list_stale, write_exercises

    if options.check:
        problems = compare_exercises(options.folder)
        return _tell([], problems and [*problems, "run `mnist-lab exercises`"])
    written, kept = write_exercises(options.folder, force=options.force)
    problems = [f"not overwritten, {line}" for line in kept]
    if kept:
        problems.append(
            "somebody has worked there. Move such a notebook to notebooks/mine, where `mnist-lab "
            "update` keeps it up to date under the answers. `mnist-lab exercises --force` throws "
            "the answers away"
        )
    ended = _tell(written, problems)
    _tell([], list_stale(options.folder))
    return ended


def _release(options: argparse.Namespace) -> int:
    from .grading import write_release

    return _tell(write_release(options.grader, options.folder, options.points))


def _export(options: argparse.Namespace) -> int:
    from .notebooks import export_notebooks, export_solutions

    if options.files:
        return _tell(*export_notebooks(options.files, options.output))
    target = options.output or Path("mnist_lab-solutions.html")
    export_solutions(target)
    return _tell([target])


def _report(options: argparse.Namespace) -> int:
    from .grading import report_class

    try:
        lines = report_class(
            options.folder,
            options.output,
            jobs=options.jobs,
            seconds=options.limit,
            run=not options.no_run,
            executor=options.executor,
        )
    except KeyboardInterrupt:
        _tell([], ["call again to go on from here"])
        raise
    return _tell(lines)


def _tell(done: Sequence[object], problems: Sequence[str] = ()) -> int:
    """Print what was done and what was not, line by line; the exit code that follows."""
    for line in done:
        print(line)
    for problem in problems:
        print(f"mnist-lab: {problem}", file=sys.stderr)
    return FAILED if problems else DONE


def _asked(options: argparse.Namespace) -> tuple[list[str], int]:
    """Which parts, in the sheet's order, and how many seeds."""
    keys = [key for key in NEEDS if key in (options.part or NEEDS)]
    return keys, in_range("--seeds", options.seeds, 1, 1000, whole=True)


def _download(_: argparse.Namespace) -> int:
    try:
        data = load_mnist()
    except DataError as problem:
        print(f"mnist-lab: {problem}", file=sys.stderr)
        download_mnist()
        data = load_mnist()
    print(f"here: {data}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
