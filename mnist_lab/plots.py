"""All plots of the lab. Each function takes runs or arrays and returns a `Figure`.

A network has one look in all plots, and a quantity another one: no colour means two things. The
colours can be told apart by colour-blind people (the networks' are Paul Tol's muted ones, red and
blue are the sheet's), and lines also differ in dashes and markers, for black and white.
"""

import base64
import html
import io
import math
import numbers
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import EllipsisType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from PIL import Image

from .runs import Run
from .support import ArgumentError, half_interval, in_range, wilson_interval, write_whole

RED, BLUE, GREY, GREEN = "#d55e00", "#0072b2", "#999999", "#117733"
# Colour, dashes and marker of a curve.
Look = tuple[str, str, str]
TRAINING, HELD_OUT, ALIKE = (RED, "--", "s"), (BLUE, "-", "o"), ("black", ":", "^")
# Of each network, by the name of its recorded runs: what a legend calls it, and its look.
NETWORKS = {
    "linear": ("linear network", ("#999933", "--", "s")),
    "mlp": ("MLP", ("#aa4499", "-", "o")),
    "dropout": ("MLP with dropout", ("#332288", ":", "^")),
    "cnn": ("CNN", (GREEN, "-.", "D")),
    "modern": ("modern CNN", ("#882255", "--", "v")),
}
_KNOWN = NETWORKS | {label: (label, look) for label, look in NETWORKS.values()}
# Of all other curves, in the order of the legend.
OTHERS = (
    ("black", "-", "x"),
    ("#44aa99", "--", "P"),
    ("#cc6677", ":", "*"),
    ("#661100", "-.", "p"),
)
DPI = 100
# The place of a legend where curves or bars may be anywhere in the plot.
ABOVE = {"loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
# What `compare` can draw: a function of the history, and the label of the axis.
CURVES = {
    "val_accuracy": (lambda of: 100 * of["val_accuracy"], "{held_out} accuracy (%)"),
    "error": (lambda of: 100 * (1 - of["val_accuracy"]), "{held_out} error (%)"),
    "fit_accuracy": (lambda of: 100 * of["fit_accuracy"], "training accuracy, dropout off (%)"),
    "accuracy": (lambda of: 100 * of["accuracy"], "training accuracy as reported (%)"),
    "gap": (
        lambda of: 100 * (of["fit_accuracy"] - of["val_accuracy"]),
        "training minus {held_out} accuracy (points)",
    ),
    "loss": (lambda of: of["loss"], "training loss"),
    "val_loss": (lambda of: of["val_loss"], "{held_out} loss"),
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
        picture = base64.b64encode(in_few_colours(png)).decode()
        width = round(self.get_figwidth() * DPI)
        # In JupyterLab an image output cannot have an alternative text; HTML can.
        return {
            "text/html": f'<img alt="{html.escape(self.alt)}" width="{width}" '
            f'src="data:image/png;base64,{picture}">',
            "text/plain": f"<Figure: {self.alt}>",
        }


def in_few_colours(png: io.BytesIO) -> bytes:
    """Write a picture again with 256 colours, which looks the same and takes a third of the bytes.

    A notebook keeps its pictures, and everybody who installs the lab gets them.
    """
    image = Image.open(png).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT)
    small = io.BytesIO()
    image.save(small, "png", optimize=True)
    return small.getvalue()


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

    Both are rounded to one decimal; to two, if what came out is below 1.

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
    guess, places = _as_guess(guess), 1 if abs(value) >= 1 else 2
    value = round(float(value), places)
    outcome = f"It is {_short(value, places)} {unit}".rstrip()
    if guess is None:
        print(f"No prediction was written down. {outcome}.")
        return
    guess = round(guess, places)
    difference = f"{_short(abs(value - guess), places)} {'above' if value > guess else 'below'}"
    how = f": {difference} your prediction" if value != guess else ", as you predicted"
    print(f"{f'You predicted {_short(guess, places)} {unit}'.rstrip()}. {outcome}{how}.")


def _as_guess(guess: object) -> float | None:
    """Return a prediction as a number; None if none was written down."""
    if guess is ...:
        return None
    is_number = isinstance(guess, numbers.Real) and not isinstance(guess, bool)
    if not is_number or not math.isfinite(guess):
        raise ArgumentError(f"guess={guess!r}: write a number alone, or leave the ... as it was")
    return float(guess)


def _short(number: float, places: int = 1) -> str:
    """Return a number with at most so many decimals, and with none if it is whole."""
    number = round(number, places)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.{places}f}".rstrip("0")


def _draw_guess(axes: Axes, guess: object) -> str:
    """Draw a prediction as a dotted line across; return the words for the figure's text."""
    height = _as_guess(guess)
    if height is None:
        return ""
    axes.axhline(height, linestyle=":", linewidth=2, color=GREY, label="your prediction")
    return f" Your prediction: {_short(height)}."


def plot_accuracy(
    run: Run,
    *,
    fit: bool = False,
    low: float | None = None,
    guess: float | EllipsisType = ...,
) -> Figure:
    """Draw the sheet's first plot: accuracy by epoch, in training and in validation.

    Parameters
    ----------
    run
        With or without finished epochs. If what it was validated on is called "test", as in
        `Dataset.held_out`, so is the curve.
    fit
        Whether to add the accuracy on training images with dropout off, measured like the
        validation accuracy at the end of each epoch. The gap between these two shows overfitting.
    low
        Start of the vertical axis in percent; by default, all of the curves is shown.
    guess
        A predicted accuracy in percent, drawn as a dotted line; `...` draws none.

    Raises
    ------
    ValueError
        If the prediction is neither a number nor `...`.
    """
    lines = {
        "accuracy": ("training", *TRAINING),
        "fit_accuracy": (f"training, measured as {run.held_out}", *ALIKE),
        "val_accuracy": (run.held_out, *HELD_OUT),
    }
    if not fit:
        del lines["fit_accuracy"]
    name, curves = _label(run.name), " and ".join(label for label, *_ in lines.values())
    figure = Picture(7, 4, f"Accuracy by epoch of {name}: {curves}.")
    axes = figure.add_subplot(
        title=name, xlabel="epoch", ylabel="accuracy (%)", xlim=(0.5, max(run.epochs, 1) + 0.5)
    )
    epochs = np.arange(1, run.epochs + 1)
    for key, (label, color, style, marker) in lines.items():
        values = 100 * np.array(run.history[key])
        axes.plot(epochs, values, style, color=color, marker=marker, markersize=4, label=label)
    figure.alt += _draw_guess(axes, guess)
    _begin_at(axes, low)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if run.epochs:
        axes.legend()
    else:
        words = "no epoch was finished" + (": the training diverged" if run.diverged else "")
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
    return figure


def _begin_at(axes: Axes, low: float | None) -> None:
    """Let the vertical axis begin at a value; curves may reach below it."""
    if low is not None:
        highest = axes.dataLim.y1
        axes.set_ylim(low, highest + 0.05 * (highest - low))


def plot_iterations(run: Run, *, every: int = 100) -> Figure:
    """Draw the sheet's second plot: loss and error of every 100th batch, from the first one on.

    Each point is the batch's own value, measured before the batch was learned: the point at 0 is
    the untrained network's. The sheet draws the accuracy; its complement, the error, on an axis
    that is logarithmic above 1 %, shows what happens between 99 and 100 %. Grey lines mark the ends
    of the epochs. If the run diverged, the axis of the loss is logarithmic.

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
    name = _label(run.name)
    figure = Picture(
        7, 4, f"Loss and error of every {_ordinal(every)}batch of {name}, by iteration."
    )
    loss = figure.add_subplot(ylabel="loss")
    loss.set_title(name, loc="left")
    error = loss.twinx()
    error.set_ylabel("error (%)")
    error.set_yscale("symlog", linthresh=1, linscale=0.3)
    error.set_ylim(0, 110)
    error.set_yticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
    error.minorticks_off()
    iterations = np.arange(0, len(run.batch_loss), every)
    steps = run.settings.steps_per_epoch
    ends = range(steps, len(run.batch_loss) + 1, steps)
    for end in ends:
        loss.axvline(end, color=GREY, linewidth=0.5, alpha=0.6)
    loss.set_xlabel("iteration" + (" (grey lines: ends of epochs)" if ends else ""))
    loss.plot(iterations, run.batch_loss[::every], color=BLUE, label="loss")
    percent = 100 * (1 - run.batch_accuracy[::every])
    error.plot(iterations, percent, "--", color=RED, linewidth=1, label="error")
    for axes, color in ((loss, BLUE), (error, RED)):
        axes.yaxis.label.set_color(color)
        axes.tick_params(axis="y", colors=color)
    if run.diverged:
        loss.set_yscale("log")
    else:
        loss.set_ylim(bottom=0)
    loss.xaxis.set_major_formatter("{x:,.0f}")
    handles = [axes.get_lines()[-1] for axes in (loss, error)]
    error.legend(handles=handles, ncols=2, **ABOVE)
    return figure


def plot_curves(run: Run, beside: Run | None = None) -> Figure:
    """Draw loss and accuracy by epoch side by side, each in training and in validation.

    The axis of the loss is logarithmic. These are the curves to look at first when a program does
    not do what it should.

    Parameters
    ----------
    run
        With finished epochs, such as one that `Run.from_keras` made.
    beside
        Another run, drawn in grey as a yardstick.
    """
    names = _label(run.name) + (f", beside {_label(beside.name)}" if beside else "")
    figure = Picture(7.5, 3.8, f"Loss and accuracy by epoch, training and validation: {names}.")
    sides = figure.subplots(1, 2)
    figure.suptitle(_label(run.name))
    for axes, (what, factor) in zip(sides, {"loss": 1, "accuracy": 100}.items(), strict=True):
        for each in filter(None, (beside, run)):
            for key, label, look in (
                (what, "training", TRAINING),
                (f"val_{what}", run.held_out, HELD_OUT),
            ):
                color, style, marker = look
                how = {"color": color, "marker": marker, "label": label}
                if each is beside:
                    how = {"color": GREY, "linewidth": 2, "label": f"{_label(each.name)}: {label}"}
                values = factor * np.array(each.history[key])
                epochs = np.arange(1, each.epochs + 1)
                axes.plot(epochs, values, style, markersize=3, **how)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    loss, accuracy = sides
    loss.set(ylabel="loss", yscale="log")
    loss.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    loss.yaxis.set_major_formatter("{x:g}")
    loss.minorticks_off()
    accuracy.set(ylabel="accuracy (%)", ylim=(0, 103))
    handles, labels = loss.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def compare(
    runs: Sequence[Run],
    what: str = "val_accuracy",
    *,
    low: float | None = None,
    guess: float | EllipsisType = ...,
    mark: Collection[int] = (),
) -> Figure:
    """Draw one curve by epoch for each name among the runs.

    Runs with the same name, such as the seeds of one network, become one curve: their mean, in a
    band from the smallest to the largest value.

    Parameters
    ----------
    runs
        Runs with one to four names; runs without a finished epoch are left out.
    what
        One of `CURVES`: "val_accuracy", "fit_accuracy", "accuracy", "loss", "val_loss"; "gap", the
        fit accuracy minus the validation accuracy; or "error", 100 % minus the validation accuracy,
        on a logarithmic axis.
    low
        Start of the vertical axis; the default depends on the curves.
    guess
        A prediction in the unit of the vertical axis, drawn as a dotted line; `...` draws none.
    mark
        Epochs that are marked by a thin vertical line.

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
    looks = _looks(named, "names of runs")
    values, label = CURVES[what]
    held_out = "test" if all(run.held_out == "test" for run in runs) else "validation"
    label = label.format(held_out=held_out)
    names = ", ".join(each for each, _ in looks)
    figure = Picture(7, 4, f"{label[0].upper() + label[1:]} by epoch of {names}.")
    axes = figure.add_subplot(xlabel="epoch", ylabel=label)
    for same, (name, (color, style, marker)) in zip(named.values(), looks, strict=True):
        shortest = min(run.epochs for run in same)
        arrays = [{key: np.array(run.history[key]) for key in run.history} for run in same]
        curves = np.array([values(array)[:shortest] for array in arrays])
        epochs = np.arange(1, shortest + 1)
        if len(same) > 1:
            # An edge, so that bands that lie over each other can be told apart.
            fill = {"facecolor": (color, 0.15), "edgecolor": (color, 0.6), "lw": 0.5}
            axes.fill_between(epochs, curves.min(0), curves.max(0), **fill)
            name += f", {len(same)} runs, lowest to highest"
        axes.plot(epochs, curves.mean(0), style, color=color, marker=marker, ms=3, label=name)
    figure.alt += _draw_guess(axes, guess)
    _mark(axes, mark)
    if what == "error":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    _begin_at(axes, low)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    if named:
        axes.legend()
    return figure


def _mark(axes: Axes, epochs: Collection[int]) -> None:
    """Draw a thin line at each of these epochs, with its number."""
    for epoch in epochs:
        axes.axvline(epoch, color=GREY, linewidth=1)
        place = axes.get_xaxis_transform()
        axes.text(epoch, 1.01, epoch, transform=place, color="#555555", ha="center", fontsize=9)


def plot_digits(images: np.ndarray, labels: Sequence, *, columns: int = 10) -> Figure:
    """Draw images in rows, each with its label above it.

    All images share one scale, on which zero is white and high values are dark. If some values are
    negative, as in weights, high values are red and low ones blue, and a bar shows the scale.

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
    lines = max(str(label).count("\n") for label in labels)
    alt = f"Images with labels: {'; '.join(map(_one_line, labels))}."
    figure, grid = _grid(len(images), columns, 0.2 + 0.2 * lines, alt)
    for axes, image, label in zip(grid, images, labels, strict=True):
        shown = axes.imshow(image, **look)
        axes.set_title(label, fontsize=11 if not lines else 9)
    if images.min() < 0:
        figure.colorbar(shown, ax=figure.axes, fraction=0.03, pad=0.02, aspect=25)
    return figure


def plot_answers(
    images: np.ndarray,
    truth: Sequence[int],
    answers: np.ndarray,
    notes: Sequence[str] | None = None,
    *,
    columns: int = 10,
) -> Figure:
    """Draw digits with the right class above each, and below it what a network takes it for.

    Answers are green with a tick where they are right, red with a cross where they are wrong.

    Parameters
    ----------
    images
        Shape (n, 28, 28), or flat (n, 784).
    truth
        n class numbers.
    answers
        Class numbers of shape (n,), or (n, guesses) with the first guess first.
    notes
        n short texts for a line below the answers.
    columns
        Images in a row, 1 to 20.

    Raises
    ------
    ValueError
        If there are not as many labels, answers and notes as images, or `columns` lies outside its
        range.
    """
    columns = in_range("columns", columns, 1, 20, whole=True)
    images, answers = np.asarray(images).reshape(-1, 28, 28), np.asarray(answers)
    answers = answers.reshape(len(answers), -1)
    notes = [""] * len(images) if notes is None else notes
    if not len(images) == len(truth) == len(answers) == len(notes) or not len(images):
        raise ValueError(
            f"{len(images)} images, {len(truth)} labels, {len(answers)} answers and {len(notes)} "
            "notes: one of each for each image"
        )
    read = [
        f"{right} taken for {', then '.join(map(str, said))}{note and f', {note}'}"
        for right, said, note in zip(truth, answers, notes, strict=True)
    ]
    figure, grid = _grid(
        len(images), columns, 0.4 + 0.15 * any(notes), f"Digits with answers: {'; '.join(read)}."
    )
    for axes, image, right, said, note in zip(grid, images, truth, answers, notes, strict=True):
        axes.imshow(image, cmap="gray_r")
        axes.set_title(right, fontsize=9, pad=2)
        axes.set_xlabel(note, fontsize=8, labelpad=12)
        for place, answer in enumerate(said):
            sign, color = ("✓", GREEN) if answer == right else ("✗", RED)
            across = (place + 0.5) / len(said)
            how = {"ha": "center", "va": "top", "fontsize": 9, "transform": axes.transAxes}
            axes.text(across, -0.04, f"{answer}{sign}", color=color, **how)
    return figure


def _grid(number: int, columns: int, margin: float, alt: str) -> tuple[Figure, list[Axes]]:
    """Make a figure with a place for each of so many images, and some inches between the rows."""
    rows = -(-number // columns)
    side = min(1.5, 7.5 / columns)  # inches; a full row is as wide as the other pictures
    figure = Picture(side * min(columns, max(number, 4)), (side + margin) * rows, alt)
    grid = list(figure.subplots(rows, min(columns, number), squeeze=False).flat)
    for axes in grid[:number]:
        axes.set(xticks=(), yticks=())
        axes.spines[:].set_color("#dddddd")  # shows the edges of white images
    for axes in grid[number:]:
        axes.axis("off")
    return figure, grid[:number]


def plot_confusion(truth: Sequence[int], said: Sequence[int]) -> Figure:
    """Draw how often each digit is taken for each of the others.

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
        "How often each digit is taken for each of the others; most often "
        f"{most[0]} for {most[1]}, {wrong[most]} times.",
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


def plot_survival(
    rates: Sequence[float], shares: Mapping[str, Sequence[float]], trainings: int
) -> Figure:
    """Draw the share of trainings that survive at each learning rate, with its interval.

    Parameters
    ----------
    rates
        Learning rates, ascending.
    shares
        One to four curves: a name for the legend, and the share at each rate, 0 to 1.
    trainings
        How many trainings each share was counted in. The bars are Wilson's intervals: 95 of 100
        of them hold the share that many more trainings would have.

    Raises
    ------
    ValueError
        If there are more than four curves.
    """
    looks = _looks(shares, "curves in shares")
    figure = Picture(7, 4, f"Share of trainings by learning rate. {'; '.join(shares)}.")
    axes = figure.add_subplot(
        xlabel="learning rate", ylabel="share of trainings (%)", ylim=(-4, 104)
    )
    for place, (values, (label, look)) in enumerate(zip(shares.values(), looks, strict=True)):
        share = np.asarray(values, float)
        # Slightly side by side, so that no bar hides another.
        beside = np.asarray(rates) + 0.008 * (place - (len(looks) - 1) / 2)
        bars = np.array(wilson_interval(share, trainings))
        _with_bars(axes, beside, 100 * share, 100 * bars, look, label=label)
    axes.grid(alpha=0.3)
    axes.legend(loc="center left")
    return figure


def plot_by_size(
    sizes: Sequence[int], values: Mapping[str, np.ndarray], what: str = "accuracy (%)"
) -> Figure:
    """Draw how a value depends on the number of training images, with its spread over the seeds.

    The bars are 95 % intervals of the mean, from Student's t.

    Parameters
    ----------
    sizes
        Numbers of training images, ascending.
    values
        One to four curves: a name for the legend, and an array of shape (seeds, sizes), at least
        two seeds. Differences, too: there is a line at 0 if values lie on both sides of it.
    what
        Name and unit of the values.

    Raises
    ------
    ValueError
        If there are more than four curves.
    """
    looks = _looks(values, "curves in values")
    names = "; ".join(label for label, _ in looks)
    alt = f"{what} by number of training images, each seed and the mean with its interval: {names}."
    figure = Picture(7, 4.5, alt[0].upper() + alt[1:])
    axes = figure.add_subplot(xlabel="training images", ylabel=what, xscale="log")
    for place, (each, (label, look)) in enumerate(zip(values.values(), looks, strict=True)):
        each = np.asarray(each)
        beside = np.asarray(sizes) * 1.05 ** (place - (len(values) - 1) / 2)
        mean, half = each.mean(axis=0), half_interval(each)
        bars = np.array([mean - half, mean + half])
        _with_bars(axes, beside, mean, bars, look, label=label)
        for seed in each:
            axes.plot(beside * 1.02, seed, look[2], color=look[0], markersize=3, alpha=0.4)
    if min(map(np.min, values.values())) < 0 < max(map(np.max, values.values())):
        axes.axhline(0, color=GREY, linewidth=1)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def plot_reliability(said: Mapping[str, np.ndarray], truth: np.ndarray) -> Figure:
    """Draw whether a network that is 90 % sure is right 90 times out of 100, and how often it is.

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
    The reliability diagram of Guo et al. 2017, "On calibration of modern neural networks", with
    their histogram of the confidences below it. The images are divided by confidence into ten bins
    of equal width; each point is the mean of a bin, with Wilson's 95 % interval of its accuracy.
    Bins of fewer than ten images are hollow. A network above the diagonal is right more often than
    it expects, one below it less often.
    """
    looks = _looks(said, "networks in said")
    names = "; ".join(label for label, _ in looks)
    figure = Picture(
        6, 6.5, f"Share of right answers by confidence, and how many answers there are: {names}."
    )
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axes.axline((100, 100), slope=1, color=GREY, label="as sure as it is right")
    for probabilities, (label, look) in zip(said.values(), looks, strict=True):
        confidence = np.asarray(probabilities, float).max(axis=1)
        right = np.asarray(probabilities).argmax(axis=1) == truth
        number = np.minimum((10 * confidence).astype(int), 9)
        count = np.bincount(number, minlength=10)
        for few in (False, True):
            bins = [place for place in range(10) if count[place] and (count[place] < 10) == few]
            sure = np.array([100 * confidence[number == place].mean() for place in bins])
            share = np.array([right[number == place].mean() for place in bins])
            bars = 100 * np.array(wilson_interval(share, count[bins]))
            how = {"markerfacecolor": "white", "alpha": 0.5} if few else {"label": label}
            _with_bars(axes, sure, 100 * share, bars, look, linestyle="none", **how)
        color, style, _ = look
        below.stairs(100 * count / len(right), np.arange(0, 101, 10), color=color, linestyle=style)
    axes.set_ylabel("right answers (%)")
    below.set(xlabel="confidence (%)", ylabel="of all answers (%)", yscale="log")
    below.yaxis.set_major_formatter("{x:g}")
    for each in (axes, below):
        each.grid(alpha=0.3)
    axes.legend(loc="lower right")  # where overconfident networks have no points
    return figure


def plot_along(wrong: Mapping[str, np.ndarray], *, size: int = 500) -> Figure:
    """Draw the share of wrong answers along a set of images, block by block, in their order.

    Parameters
    ----------
    wrong
        One to four networks: a name for the legend, and whether each image is read wrong, of shape
        (images,) or, for several runs, (runs, images).
    size
        Images in a block, 1 to 1,000,000; what is left at the end is left out.

    Raises
    ------
    ValueError
        If there are more than four networks, or `size` lies outside its range.
    """
    looks = _looks(wrong, "networks in wrong")
    size = in_range("size", size, 1, 1_000_000, whole=True)
    names = "; ".join(label for label, _ in looks)
    figure = Picture(7, 4.5, f"Wrong answers in each {size:,} images, in their order: {names}.")
    axes = figure.add_subplot(xlabel="place of the image", ylabel="wrong answers (%)")
    axes.set_yscale("symlog", linthresh=0.1, linscale=0.3)
    ticks = [0, 0.1, 0.3, 1, 3, 10, 30, 100]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    for each, (label, (color, style, marker)) in zip(wrong.values(), looks, strict=True):
        each = np.atleast_2d(each).mean(axis=0)
        blocks = len(each) // size
        share = 100 * each[: blocks * size].reshape(blocks, size).mean(axis=1)
        middles = size * (np.arange(blocks) + 0.5)
        axes.plot(middles, share, style, color=color, marker=marker, markersize=4, label=label)
    axes.set_ylim(0, 1.5 * axes.dataLim.y1)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(ncols=len(looks), **ABOVE)
    return figure


def plot_histogram(
    values: Mapping[str, np.ndarray],
    what: str,
    *,
    low: float | None = None,
    width: float | None = None,
) -> Figure:
    """Draw how often values occur, such as the accuracies of many runs.

    Parameters
    ----------
    values
        One to four histograms over the same bins: a name for the legend, and numbers, shape (n,).
    what
        Name and unit of the values.
    low
        Where the axis begins. How many values lie below it stands in the legend.
    width
        Of a bin; by default a 40th of what is drawn.

    Raises
    ------
    ValueError
        If there are more than four histograms.
    """
    looks = _looks(values, "histograms in values")
    every = np.concatenate([np.asarray(each, float) for each in values.values()])
    low, high = every.min() if low is None else low, every.max()
    width = (high - low) / 40 if width is None else width
    edges = low + width * np.arange(math.ceil((high - low) / width + 1e-9) + 1)
    names = "; ".join(label for label, _ in looks)
    figure = Picture(7, 4, f"How often each {what} occurs: {names}.")
    axes = figure.add_subplot(xlabel=what, ylabel="how many")
    for each, (label, (color, style, _)) in zip(values.values(), looks, strict=True):
        each = np.asarray(each, float)
        below = int((each < low).sum())
        label += f", {below:,} of {len(each):,} below {low:g}" if below else f", {len(each):,}"
        counts, _ = np.histogram(each, edges)
        style = style if len(looks) > 1 else "-"
        axes.stairs(counts, edges, color=color, linestyle=style, linewidth=2, label=label)
        axes.stairs(counts, edges, color=color, fill=True, alpha=0.15)
    axes.grid(alpha=0.3)
    axes.legend(ncols=len(looks), **ABOVE)
    return figure


def _with_bars(
    axes: Axes, x: np.ndarray, y: np.ndarray, bars: np.ndarray, look: Look, **how: object
) -> None:
    """Draw points, each with a bar from a lower to an upper value; bars have shape (2, points)."""
    color, style, marker = look
    how = {"linestyle": style, "color": color, "capsize": 3, "markersize": 5} | how
    axes.errorbar(x, y, abs(bars - y), marker=marker, **how)


def _label(name: str) -> str:
    """What a network is called: a recorded run's name is its key."""
    return _KNOWN[name][0] if name in _KNOWN else name


def _looks(names: Collection[str], what: str) -> list[tuple[str, Look]]:
    """Give each name its label and its look; raise ValueError if there are too many names."""
    if len(names) > len(OTHERS):
        raise ValueError(f"{len(names)} {what}: at most {len(OTHERS)} can be told apart")
    others = iter(OTHERS)
    return [_KNOWN[name] if name in _KNOWN else (name, next(others)) for name in names]


def _one_line(label: object) -> str:
    return ", ".join(str(label).splitlines())


def _ordinal(number: int) -> str:
    """Return "100th " for 100, "2nd " for 2 and "" for 1: every 100th batch, every batch."""
    if number == 1:
        return ""
    last_two = number % 100
    ending = "th" if 10 <= last_two <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending} "
