"""The command line: `mnist-lab` or `python -m mnist_lab`."""

import argparse
import sys
from pathlib import Path

from .data import download_mnist, load_mnist
from .parts import PARTS
from .support import DataError, whole_file

# Exit codes; argparse itself ends with 2 for words that it does not understand.
DONE, FAILED, MISUSED, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = "exit codes: 0 done, 1 a file failed, 2 bad arguments, 3 diverged, 130 interrupted"
PICTURES = (".pdf", ".png", ".svg")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (DataError, OSError) as problem:
        print(f"mnist-lab: {problem}", file=sys.stderr)
        return FAILED
    except ValueError as problem:
        print(f"mnist-lab: {problem}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mnist-lab", description="A laboratory for first neural networks.", epilog=EPILOG
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

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

    download = commands.add_parser(
        "download",
        help="get MNIST where its file is missing or damaged",
        description="Download Keras' official mnist.npz (11 MB), check it, and put it in place.",
    )
    download.set_defaults(command=_download)
    return parser


def _train(options: argparse.Namespace) -> int:
    _check_targets(options)
    part = PARTS[options.part]
    figures = {"learning_rate": options.learning_rate, "dropout": options.dropout}
    changes = {key: value for key, value in figures.items() if value is not None}
    if "dropout" in changes and part.builder != "build_mlp":
        raise ValueError(f"--dropout {options.dropout}: the part {part.key} has no dropout")
    from .training import train  # TensorFlow takes seconds to load, and --help needs none

    model = part.build(**changes)
    epochs = part.epochs if options.epochs is None else options.epochs
    run = train(model, load_mnist(), epochs=epochs, seed=options.seed, name=part.key)
    if options.save:
        run.save(options.save)
    if options.figure:
        from .plots import plot_accuracy

        with whole_file(options.figure) as beside:
            plot_accuracy(run, fit=True).savefig(beside, dpi=200)
    measured = f"{100 * run.val_accuracy:.1f} %" if run.val_accuracy >= 0 else "none"
    print(f"final validation accuracy: {measured}")
    if run.diverged:
        return DIVERGED
    return INTERRUPTED if run.interrupted else DONE


def _check_targets(options: argparse.Namespace) -> None:
    """Refuse what could not be written before minutes are spent on training, not after."""
    for target in (options.save, options.figure):
        if target and not target.absolute().parent.is_dir():
            raise ValueError(f"{target}: there is no folder {target.absolute().parent}")
        if target and target.is_dir():
            raise ValueError(f"{target} is a folder, not a file")
    if options.figure and options.figure.suffix.lower() not in PICTURES:
        raise ValueError(f"{options.figure}: a figure ends in one of {', '.join(PICTURES)}")


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
