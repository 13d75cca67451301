"""All plots of the lab. Each function takes runs or arrays and returns a `Figure`.

Red and blue are the sheet's colours, in shades that colour-blind people can distinguish. Lines also
differ in dashes, so that they can be read in black and white.
"""

import base64
import html
import io
import math
import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .runs import Run
from .support import ArgumentError, in_range, write_whole

RED, BLUE, GREY = "#d55e00", "#0072b2", "#999999"
# Colour, dashes and marker of a curve; no two curves share any of the three.
STYLES = ((RED, "--", "s"), (BLUE, "-", "o"), ("black", ":", "^"), ("#009e73", "-.", "D"))
DPI = 100
# What `compare` can draw: a function of the history, and the label of the axis.
CURVES = {
    "val_accuracy": (lambda of: 100 * of["val_accuracy"], "validation accuracy (%)"),
    "fit_accuracy": (lambda of: 100 * of["fit_accuracy"], "training accuracy, dropout off (%)"),
    "accuracy": (lambda of: 100 * of["accuracy"], "training accuracy as reported (%)"),
    "gap": (
        lambda of: 100 * (of["fit_accuracy"] - of["val_accuracy"]),
        "training minus validation accuracy (points)",
    ),
    "loss": (lambda of: of["loss"], "training loss"),
    "val_loss": (lambda of: of["val_loss"], "validation loss"),
}


class Picture(Figure):
    """A figure that a notebook shows once, sharp, with a text for people who cannot see it.

    It does not use pyplot, which would show it a second time and keep it in memory.
    """

    def __init__(self, width: float, height: float, alt: str):
        super().__init__(figsize=(width, height), dpi=DPI, layout="constrained")
        self.alt = alt

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=2 * DPI)  # for screens with two pixels per point
        picture = base64.b64encode(png.getvalue()).decode()
        width = round(self.get_figwidth() * DPI)
        # In JupyterLab an image output cannot have an alternative text; HTML can.
        return {
            "text/html": f'<img alt="{html.escape(self.alt)}" width="{width}" '
            f'src="data:image/png;base64,{picture}">',
            "text/plain": f"<Figure: {self.alt}>",
        }


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure to a file in the format of its suffix, completely or not at all.

    Raises
    ------
    OSError
        If it cannot be written; says why. An existing file stays as it was.
    """
    picture = io.BytesIO()
    # In memory first: matplotlib's own error for a full disk does not say that it is full.
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=2 * DPI)
    write_whole(path, picture.getvalue())


def compare_guess(guess: float | EllipsisType, value: float, unit: str = "") -> None:
    """Print a prediction beside what came out, in one line.

    Parameters
    ----------
    guess
        The prediction, or `...` where none was written down.
    value
        What came out.
    unit
        The unit of both, such as "%".

    Raises
    ------
    ValueError
        If the prediction is neither a number nor `...`.

    Examples
    --------
    >>> compare_guess(85, 90.79, "%")
    You predicted 85 %. It is 90.8 %: 5.8 above your prediction.
    >>> compare_guess(..., 7960)
    No prediction was written down. It is 7,960.
    """
    guess, value = _as_guess(guess), round(float(value), 1)
    outcome = f"It is {_short(value)} {unit}".rstrip()
    if guess is None:
        print(f"No prediction was written down. {outcome}.")
        return
    guess = round(guess, 1)
    difference = f"{_short(abs(value - guess))} {'above' if value > guess else 'below'}"
    how = f": {difference} your prediction" if value != guess else ", as you predicted"
    print(f"{f'You predicted {_short(guess)} {unit}'.rstrip()}. {outcome}{how}.")


def _as_guess(guess: object) -> float | None:
    """Return a prediction as a number; None if none was written down."""
    if guess is ...:
        return None
    is_number = isinstance(guess, numbers.Real) and not isinstance(guess, bool)
    if not is_number or not math.isfinite(guess):
        raise ArgumentError(f"guess={guess!r}: write a number alone, or leave the ... as it was")
    return float(guess)


def _short(number: float) -> str:
    """Return a number with one decimal, or with none if it is whole."""
    number = round(number, 1)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def _draw_guess(axes: Axes, guess: object) -> str:
    """Draw a prediction as a dotted line across; return the words for the figure's text."""
    height = _as_guess(guess)
    if height is None:
        return ""
    axes.axhline(height, linestyle=":", linewidth=2, color=GREY, label="your prediction")
    return f" Your prediction: {_short(height)}."


def plot_accuracy(run: Run, *, fit: bool = False, guess: float | EllipsisType = ...) -> Figure:
    """Draw the sheet's first plot: accuracy by epoch, in training and in validation.

    Parameters
    ----------
    run
        With or without finished epochs.
    fit
        Whether to add the accuracy on training images with dropout off, measured like the
        validation accuracy at the end of each epoch. The gap between these two shows overfitting.
    guess
        A predicted accuracy in percent, drawn as a dotted line; `...` draws none.

    Raises
    ------
    ValueError
        If the prediction is neither a number nor `...`.
    """
    training, validation, third, _ = STYLES
    lines = {
        "accuracy": ("training", *training),
        "fit_accuracy": ("training, measured as validation", *third),
        "val_accuracy": ("validation", *validation),
    }
    if not fit:
        del lines["fit_accuracy"]
    figure = Picture(
        7,
        4,
        f"Accuracy by epoch of {run.name}: {' and '.join(line[0] for line in lines.values())}.",
    )
    axes = figure.add_subplot(
        title=run.name, xlabel="epoch", ylabel="accuracy (%)", xlim=(0.5, max(run.epochs, 1) + 0.5)
    )
    epochs = np.arange(1, run.epochs + 1)
    for key, (label, color, style, marker) in lines.items():
        values = 100 * np.array(run.history[key])
        axes.plot(epochs, values, style, color=color, marker=marker, markersize=4, label=label)
    figure.alt += _draw_guess(axes, guess)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if run.epochs:
        axes.legend()
    else:
        words = "no epoch was finished" + (": the training diverged" if run.diverged else "")
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
    return figure


def plot_iterations(run: Run, *, every: int = 100) -> Figure:
    """Draw the sheet's second plot: loss and accuracy of every 100th batch.

    Each point is the batch's own value, measured before the batch was learned. Grey lines mark the
    ends of the epochs. If the run diverged, the axis of the loss is logarithmic.

    Parameters
    ----------
    run
        With or without finished epochs.
    every
        Iterations between two points, 1 to 1,000,000. For a run with fewer iterations, all batches
        are drawn.

    Raises
    ------
    ValueError
        If `every` lies outside its range.
    """
    every = in_range("every", every, 1, 1_000_000, whole=True)
    every = every if every <= len(run.batch_loss) else 1
    figure = Picture(
        7, 4, f"Loss and accuracy of every {_ordinal(every)}batch of {run.name}, by iteration."
    )
    loss = figure.add_subplot(xlabel="iteration (grey lines: ends of epochs)", ylabel="loss")
    loss.set_title(run.name, loc="left")
    accuracy = loss.twinx()
    accuracy.set(ylabel="accuracy (%)", ylim=(0, 102))
    iterations = np.arange(1, len(run.batch_loss) + 1)[every - 1 :: every]
    steps = run.settings.steps_per_epoch
    for end in range(steps, len(run.batch_loss) + 1, steps):
        loss.axvline(end, color=GREY, linewidth=0.5, alpha=0.6)
    loss.plot(iterations, run.batch_loss[every - 1 :: every], color=BLUE, label="loss")
    percent = 100 * run.batch_accuracy[every - 1 :: every]
    accuracy.plot(iterations, percent, "--", color=RED, linewidth=1, label="accuracy")
    for axes, color in ((loss, BLUE), (accuracy, RED)):
        axes.yaxis.label.set_color(color)
        axes.tick_params(axis="y", colors=color)
    if run.diverged:
        loss.set_yscale("log")
    else:
        loss.set_ylim(bottom=0)
    loss.xaxis.set_major_formatter("{x:,.0f}")
    handles = [axes.get_lines()[-1] for axes in (loss, accuracy)]
    # Above the plot, since the curves may be anywhere in it.
    place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 2, "frameon": False}
    accuracy.legend(handles=handles, **place)
    return figure


def compare(
    runs: Sequence[Run],
    what: str = "val_accuracy",
    *,
    low: float | None = None,
    guess: float | EllipsisType = ...,
) -> Figure:
    """Draw one curve by epoch for each name among the runs.

    Runs with the same name, such as the seeds of one network, become one curve: their mean, in a
    band from the smallest to the largest value.

    Parameters
    ----------
    runs
        Runs with one to four names; runs without a finished epoch are left out.
    what
        One of `CURVES`: "val_accuracy", "fit_accuracy", "accuracy", "loss", "val_loss", or "gap",
        the fit accuracy minus the validation accuracy.
    low
        Start of the vertical axis; the default depends on the curves.
    guess
        A prediction in the unit of the vertical axis, drawn as a dotted line; `...` draws none.

    Raises
    ------
    ValueError
        If `what` is not one of these, there are more than four names, or the prediction is
        neither a number nor `...`.
    """
    if what not in CURVES:
        raise ValueError(f"what={what!r}: it must be one of {', '.join(CURVES)}")
    named: dict[str, list[Run]] = {}
    for run in runs:
        if run.epochs:
            named.setdefault(run.name, []).append(run)
    if len(named) > len(STYLES):
        raise ValueError(f"{len(named)} names of runs: at most {len(STYLES)} can be told apart")
    values, label = CURVES[what]
    figure = Picture(7, 4, f"{label.capitalize()} by epoch of {', '.join(named)}.")
    axes = figure.add_subplot(xlabel="epoch", ylabel=label)
    for (name, same), (color, style, marker) in zip(named.items(), STYLES, strict=False):
        shortest = min(run.epochs for run in same)
        arrays = [{key: np.array(run.history[key]) for key in run.history} for run in same]
        curves = np.array([values(array)[:shortest] for array in arrays])
        epochs = np.arange(1, shortest + 1)
        if len(same) > 1:
            axes.fill_between(epochs, curves.min(0), curves.max(0), color=color, alpha=0.2, lw=0)
            name += f", {len(same)} runs"
        axes.plot(epochs, curves.mean(0), style, color=color, marker=marker, ms=3, label=name)
    figure.alt += _draw_guess(axes, guess)
    if low is not None:
        # The upper margin follows from the visible range; curves may reach below it.
        highest = axes.dataLim.y1
        axes.set_ylim(low, highest + 0.05 * (highest - low))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if named:
        axes.legend()
    return figure


def plot_digits(images: np.ndarray, labels: Sequence, *, columns: int = 10) -> Figure:
    """Draw images in rows, each with its label above it.

    All images share one scale, on which zero is white and high values are dark. If some values are
    negative, as in weights, high values are red and low ones blue.

    Parameters
    ----------
    images
        Shape (n, height, width), or flat (n, 784).
    labels
        n labels of any type.
    columns
        Images in a row, 1 to 20.

    Raises
    ------
    ValueError
        If the numbers of labels and images differ, or `columns` lies outside its range.
    """
    columns = in_range("columns", columns, 1, 20, whole=True)
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"{len(images)} images and {len(labels)} labels: one label for each image")
    images = np.asarray(images)
    if images.ndim == 2:
        images = images.reshape(-1, 28, 28)
    largest = np.abs(images).max()
    look = {"cmap": "gray_r", "vmin": 0, "vmax": largest}
    if images.min() < 0:
        look = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    rows = -(-len(images) // columns)
    lines = max(str(label).count("\n") for label in labels)
    side = min(1.5, 7.5 / columns)  # inches; a full row is as wide as the other pictures
    figure = Picture(
        side * min(columns, max(len(images), 4)),
        (side + 0.2 + 0.2 * lines) * rows,
        f"Images with labels: {'; '.join(map(_one_line, labels))}.",
    )
    grid = figure.subplots(rows, min(columns, len(images)), squeeze=False).flat
    for axes, image, label in zip(grid, images, labels, strict=False):
        axes.imshow(image, **look)
        axes.set_title(label, fontsize=11 if not lines else 9)
        axes.set(xticks=(), yticks=())
        axes.spines[:].set_color("#dddddd")  # shows the edges of white images
    for axes in figure.axes[len(images) :]:
        axes.axis("off")
    return figure


def plot_confusion(truth: Sequence[int], said: Sequence[int]) -> Figure:
    """Draw how often each digit is taken for each other one.

    The colours leave out the right answers, the large majority; their share is at the right.

    Parameters
    ----------
    truth, said
        The images' class numbers, and the class numbers that the network gives. Ten classes, or
        more if larger numbers occur.
    """
    truth, said = np.asarray(truth), np.asarray(said)
    classes = 1 + int(max(truth.max(initial=9), said.max(initial=9)))
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth, said), 1)
    right = 100 * table.diagonal() / np.maximum(table.sum(axis=1), 1)
    wrong = table - np.diag(table.diagonal())
    most = np.unravel_index(wrong.argmax(), wrong.shape)
    side = max(1, classes / 15)  # of a cell, compared with that of ten classes
    figure = Picture(
        6 * side,
        5 * side,
        f"How often each digit is taken for each other one; most often {most[0]} for {most[1]}, "
        f"{wrong[most]} times.",
    )
    axes = figure.add_subplot(xlabel="the network says", ylabel="the digit is")
    axes.imshow(wrong, cmap="Blues")
    for row, column in np.argwhere(wrong):
        color = "white" if wrong[row, column] > 0.6 * wrong.max() else "black"
        axes.text(column, row, wrong[row, column], ha="center", va="center", color=color)
    axes.set(xticks=range(classes), yticks=range(classes))
    shares = axes.secondary_yaxis("right")
    shares.set_yticks(range(classes), [f"{share:.1f} % right" for share in right])
    return figure


def plot_survival(rates: Sequence[float], shares: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the share of trainings that survive at each learning rate.

    Parameters
    ----------
    rates
        Learning rates, ascending.
    shares
        One to four curves: a name for the legend, and the share at each rate, 0 to 1.

    Raises
    ------
    ValueError
        If there are more than four curves.
    """
    curves = _styled(shares, "curves in shares")
    figure = Picture(7, 4, f"Share of trainings by learning rate. {'; '.join(shares)}.")
    axes = figure.add_subplot(
        xlabel="learning rate", ylabel="share of trainings (%)", ylim=(-4, 104)
    )
    for label, values, (color, style, marker) in curves:
        axes.plot(rates, 100 * np.asarray(values), style, color=color, marker=marker, label=label)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    return figure


def plot_by_size(
    sizes: Sequence[int], values: Mapping[str, np.ndarray], what: str = "accuracy (%)"
) -> Figure:
    """Draw how a value depends on the number of training images, with its spread over the seeds.

    Parameters
    ----------
    sizes
        Numbers of training images, ascending.
    values
        One to four curves: a name for the legend, and an array of shape (seeds, sizes).
    what
        Name and unit of the values.

    Raises
    ------
    ValueError
        If there are more than four curves.
    """
    curves = _styled(values, "curves in values")
    alt = f"{what} by number of training images, each seed and the mean: {'; '.join(values)}."
    figure = Picture(7, 4.5, alt[0].upper() + alt[1:])
    axes = figure.add_subplot(xlabel="training images", ylabel=what, xscale="log")
    for place, (label, each, (color, style, marker)) in enumerate(curves):
        # Slightly side by side, so that no point hides another.
        beside = np.asarray(sizes) * 1.05 ** (place - (len(values) - 1) / 2)
        axes.plot(beside, np.mean(each, axis=0), style, color=color, label=label)
        for seed in np.asarray(each):
            axes.plot(beside, seed, marker, color=color, markersize=4, alpha=0.6)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def plot_reliability(said: Mapping[str, np.ndarray], truth: np.ndarray) -> Figure:
    """Draw whether a network that is 90 % sure is right 90 times out of 100.

    Parameters
    ----------
    said
        One to four networks: a name for the legend, and the class probabilities, of shape
        (images, classes).
    truth
        Class numbers of the images.

    Raises
    ------
    ValueError
        If there are more than four networks.

    Notes
    -----
    The reliability diagram of Guo et al. 2017, "On calibration of modern neural networks": the
    images are divided by confidence into ten bins of equal width, and each point is the mean of a
    bin, with two standard errors of its accuracy; bins of fewer than ten images are left out. A
    network above the diagonal is right more often than it expects, one below it less often.
    """
    networks = _styled(said, "networks in said")
    figure = Picture(6, 5, f"Share of right answers by confidence: {'; '.join(said)}.")
    axes = figure.add_subplot(xlabel="confidence (%)", ylabel="right answers (%)")
    axes.axline((100, 100), slope=1, color=GREY, label="as sure as it is right")
    for label, probabilities, (color, style, marker) in networks:
        confidence = np.asarray(probabilities, float).max(axis=1)
        right = np.asarray(probabilities).argmax(axis=1) == truth
        number = np.minimum((10 * confidence).astype(int), 9)
        bins = [number == place for place in range(10) if (number == place).sum() >= 10]
        sure, share = (np.array([each[bin].mean() for bin in bins]) for each in (confidence, right))
        error = 2 * np.sqrt(share * (1 - share) / [bin.sum() for bin in bins])
        points = 100 * sure, 100 * share, 100 * error
        axes.errorbar(*points, fmt=marker, linestyle=style, color=color, label=label, capsize=3)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    return figure


def _styled(named: Mapping[str, Any], what: str) -> list[tuple[str, Any, tuple[str, str, str]]]:
    """Give each named curve its own style; raise ValueError if there are more than styles."""
    if len(named) > len(STYLES):
        raise ValueError(f"{len(named)} {what}: at most {len(STYLES)} can be told apart")
    return [
        (label, each, style) for (label, each), style in zip(named.items(), STYLES, strict=False)
    ]


def _one_line(label: object) -> str:
    return ", ".join(str(label).splitlines())


def _ordinal(number: int) -> str:
    """Return "100th " for 100, "2nd " for 2 and "" for 1: every 100th batch, every batch."""
    if number == 1:
        return ""
    last_two = number % 100
    ending = "th" if 10 <= last_two <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending} "
