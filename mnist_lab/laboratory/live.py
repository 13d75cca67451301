"""The live picture: loss and accuracy of a training while it goes on, and of others before it.

Everything but the curve that grows is drawn once and kept, so that a frame takes about a hundredth
of a second. No pyplot: it is not drawn by the main thread.
"""

import dataclasses
import io
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Self

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from ..parts import Part
from ..runs import HISTORY, Run

GREY = "#808080"  # is read on white and on black
# Colour, dashes and marker of a run: told apart by the colour-blind, and without any colour.
STYLES = (
    ("#d55e00", (), "o"),
    ("#0a84c6", (5, 1.5), "s"),
    ("#009e73", (1.5, 1.5), "^"),
    ("#cc79a7", (6, 2, 1.5, 2), "D"),
    ("#e69f00", (9, 2), "v"),
    ("#8a6fd1", (3, 1, 1, 1, 1, 1), "P"),
)
SECONDS_BETWEEN = 0.25  # frames, at the least
DRAWING = 0.02  # of one processor's time, at most
SMOOTHED = 100  # iterations whose mean a point of the line is
_INCHES, _DPI = (7.2, 5.6), 100
_FLOORS = (95, 90, 80, 50, 0)  # where the axis of accuracies may begin, in percent


@dataclasses.dataclass(eq=False)
class Curve:
    """A run in the picture: its colour, dashes and marker."""

    run: Run
    color: str
    dashes: tuple[float, ...]
    marker: str
    overlay: bool = False  # something to compare with, in grey and with a legend


def curve_of(run: Run, number: int) -> Curve:
    """The curve of the run with this number, from 0; after six the styles begin again."""
    return Curve(run, *STYLES[number % len(STYLES)])


def sheet_curve(part: Part) -> Curve:
    """The curve that the sheet's solution printed."""
    printed = part.sheet_history()
    missing = [math.nan] * (int(printed["epoch"][0]) - 1)
    history = {key: missing + printed.get(key, []) for key in HISTORY}
    settings = {"name": "the sheet, 2020", "epochs": part.epochs, "steps_per_epoch": 600}
    return Curve(Run(settings, history), GREY, (4, 2), "x", overlay=True)


def record_curve(record: Run) -> Curve:
    """The curve of a recorded run."""
    named = dataclasses.replace(record, settings=record.settings | {"name": "the recorded run"})
    return Curve(named, GREY, (), ".", overlay=True)


class Frames:
    """Frames of a training, so far apart that they do not slow it down; a context manager.

    What takes longer, the axes, is drawn on entering, before the training's time counts.

    Parameters
    ----------
    draw
        Draws what there is to see now.
    alone
        Whether frames are drawn in a thread of their own, and the training never waits for one.
    """

    def __init__(self, draw: Callable[[], None], *, alone: bool):
        self._draw, self._next, self._cost = draw, -math.inf, math.inf
        self._pool = ThreadPoolExecutor(max_workers=1) if alone else None
        self._pending: Future | None = None

    def __enter__(self) -> Self:
        self._draw()  # the axes
        self._frame()
        self._next = -math.inf
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def look(self) -> None:
        """There is something new to see: draw it if it is time, and raise what went wrong."""
        if self._pending is not None:
            if not self._pending.done():
                return
            self._pending.result()
        if time.perf_counter() < self._next:
            return
        if self._pool is None:
            self._frame()
        else:
            self._pending = self._pool.submit(self._frame)

    def _frame(self) -> None:
        began = time.thread_time()
        self._draw()
        # New axes take longer, but are rare.
        self._cost = min(time.thread_time() - began, self._cost)
        self._next = time.perf_counter() + max(SECONDS_BETWEEN, self._cost / DRAWING)


class LivePicture:
    """A picture of curves as an ipywidgets `Image`; `draw` may be called by any thread."""

    def __init__(self) -> None:
        self.image = widgets.Image(
            format="png", layout={"width": "100%", "max_width": "820px", "object_fit": "contain"}
        )
        self._drawing = threading.Lock()
        self._kept: tuple | None = None
        self._figure = Figure(_INCHES, dpi=_DPI, facecolor="none")
        self._canvas = FigureCanvasAgg(self._figure)
        self._loss, self._accuracy = self._figure.subplots(2, 1, sharex=True)
        self._figure.subplots_adjust(left=0.1, right=0.985, bottom=0.085, top=0.985, hspace=0.06)
        self._loss.set(yscale="log", ylabel="loss")
        self._accuracy.set(ylabel="accuracy (%)", xlabel="epoch")
        for axes in (self._loss, self._accuracy):
            _make_neutral(axes)

    def draw(self, curves: list[Curve], live: Curve | None = None) -> None:
        """Draw all anew, sharp; or, with a curve that grows, quickly what is new.

        Parameters
        ----------
        curves
            Finished, in the order in which they lie upon each other. The last one is strong unless
            there is a live one; the others are faint.
        live
            The curve of the run that is being trained.
        """
        with self._drawing:
            if live is None:
                self._lay_out(curves, _frame(curves), strong=True)
                self._kept = None
                png = io.BytesIO()
                self._figure.savefig(png, format="png", dpi=2 * _DPI)
            else:
                png = self._next_frame(curves, live)
            self.image.value = png.getvalue()

    def _next_frame(self, curves: list[Curve], live: Curve) -> io.BytesIO:
        frame = _frame(curves, live)
        if self._kept is None or self._kept[0] != curves or not self._kept[1].suits(frame):
            self._lay_out(curves, frame, strong=False)
            self._canvas.draw()
            self._kept = curves, frame, self._canvas.copy_from_bbox(self._figure.bbox)
        self._canvas.restore_region(self._kept[2])
        for axes, lines in zip(self._figure.axes, _lines(live), strict=True):
            for line in lines:
                axes.draw_artist(axes.add_line(line))
                line.remove()
        png = io.BytesIO()
        pixels = np.asarray(self._canvas.buffer_rgba())
        imsave(png, pixels, format="png", pil_kwargs={"compress_level": 1})
        return png

    def _lay_out(self, curves: list[Curve], frame: "_Frame", *, strong: bool) -> None:
        """Draw axes and finished curves; the last of these as the one to look at, if `strong`."""
        loss, accuracy = self._loss, self._accuracy
        for artist in [*loss.lines, *loss.texts, *accuracy.lines, *accuracy.texts]:
            artist.remove()
        loss.set(ylim=(frame.low, frame.high))
        ticks = LogLocator(subs=(1, 2, 5) if frame.high < 100 * frame.low else (1,))
        loss.yaxis.set(major_locator=ticks, major_formatter="{x:g}", minor_locator=NullLocator())
        accuracy.set(ylim=(frame.floor, 100 + (100 - frame.floor) / 40))
        accuracy.set(xlim=(0, frame.epochs * 1.01))
        accuracy.xaxis.set_major_locator(MaxNLocator(integer=frame.epochs > 3))
        for curve in sorted(curves, key=lambda curve: not curve.overlay):
            faint = not (strong and curve is curves[-1])
            for axes, lines in zip((loss, accuracy), _lines(curve, faint), strict=True):
                for line in lines:
                    axes.add_line(line)
            if curve.run.diverged and not faint:
                _mark_divergence(loss, curve)
        handles = [line for line in loss.lines if not line.get_label().startswith("_")]
        loss.legend(handles=handles, frameon=False, labelcolor=GREY, loc="upper right")
        if strong and not curves:
            words = {"color": GREY, "ha": "center", "transform": loss.transAxes}
            loss.text(0.5, 0.6, "Start draws a curve", **words)
        accuracy.text(
            *(0.985, 0.04, "lines: batches, smoothed; marks: validation"),
            **{"color": GREY, "ha": "right", "transform": accuracy.transAxes},
        )


class _Frame(NamedTuple):
    """How far the axes reach, in steps."""

    epochs: float
    low: float
    high: float
    floor: float

    def suits(self, other: "_Frame") -> bool:
        """Whether these axes can stay where the others would fit better: new ones take longer."""
        seen = self.low <= other.low and other.high <= self.high and self.floor <= other.floor
        return seen and self.epochs == other.epochs and bool(self.floor) == bool(other.floor)


class _Series(NamedTuple):
    """What is drawn of a run by epoch: single batches, and means."""

    epoch: np.ndarray
    batch_loss: np.ndarray
    batch_accuracy: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray


def _series(run: Run) -> _Series:
    count = len(run.batch_loss) - run.diverged
    if not count:  # of the sheet only epochs are known
        loss, accuracy = (np.array(run.history[key]) for key in ("loss", "accuracy"))
        nothing = np.full(run.epochs, math.nan)
        return _Series(np.arange(1, run.epochs + 1), nothing, nothing, loss, 100 * accuracy)
    steps = run.settings["steps_per_epoch"]
    # Each 100th iteration; more of them at the beginning, and where a run is short.
    every = min(max(min(steps * run.settings["epochs"], 4 * count) // 200, 1), 100)
    at = np.append(np.arange(every - 1, count - 1, every), count - 1)
    loss, accuracy = run.batch_loss, 100 * run.batch_accuracy
    means = (_mean_before(values[:count], at) for values in (loss, accuracy))
    return _Series((at + 1) / steps, loss[at], accuracy[at], *means)


def _mean_before(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Means of the last values up to each of these places."""
    sums = np.append(0, np.cumsum(values, dtype=np.float64))
    first = np.maximum(at + 1 - SMOOTHED, 0)
    return (sums[at + 1] - sums[first]) / (at + 1 - first)


def _frame(curves: list[Curve], live: Curve | None = None) -> _Frame:
    ends = [_series(curve.run).epoch[-1] for curve in curves]
    if live:
        ends.append(live.run.settings["epochs"])
        curves = [*curves, live]
    losses = [_series(curve.run).loss for curve in curves]
    losses = np.concatenate([np.array([0.3, 2.5]), *losses])
    low, high = np.nanmin(losses), min(np.nanmax(losses), 100)
    validated = np.array([v for curve in curves for v in curve.run.history["val_accuracy"]])
    worst = 100 * np.nanmin(validated) if len(validated) else 0
    spare = 3 if live else 1  # points that later epochs may be worse
    return _Frame(
        epochs=max(ends, default=1),
        low=10 ** (math.floor(2 * math.log10(max(low, 1e-4))) / 2),
        high=10 ** (math.ceil(2 * math.log10(high) + 0.1) / 2),
        floor=next((floor for floor in _FLOORS if floor < worst - spare), 0),
    )


def _lines(curve: Curve, faint: bool = False) -> tuple[list[Line2D], list[Line2D]]:
    """What a curve is in the axes of the loss, and in those of the accuracy."""
    series, color = _series(curve.run), curve.color
    dashed = {"linestyle": (0, curve.dashes) if curve.dashes else "-", "color": color}
    strength = {"linewidth": 1.2, "alpha": 0.6} if faint else {"linewidth": 2.0}
    raw = {"color": color, "linewidth": 0.7, "alpha": 0 if faint else 0.35}
    marks = {"color": color, "marker": curve.marker, "markersize": 4 if faint else 5.5}
    validated = 100 * np.array(curve.run.history["val_accuracy"])
    epochs = np.arange(1, len(validated) + 1)
    label = curve.run.name if curve.overlay else None
    return (
        [
            Line2D(series.epoch, series.batch_loss, **raw),
            Line2D(series.epoch, series.loss, **dashed, **strength, label=label),
        ],
        [
            Line2D(series.epoch, series.batch_accuracy, **raw),
            Line2D(series.epoch, series.accuracy, **dashed, **strength),
            Line2D(epochs, validated, linewidth=0.8, **marks, alpha=strength.get("alpha")),
        ],
    )


def _make_neutral(axes: Axes) -> None:
    """Colours that are read on a light page and on a dark one."""
    axes.set_facecolor("none")
    axes.tick_params(colors=GREY)
    axes.grid(color=GREY, alpha=0.25)
    axes.xaxis.label.set_color(GREY)
    axes.yaxis.label.set_color(GREY)
    axes.spines[:].set_color(GREY)


def _mark_divergence(loss: Axes, curve: Curve) -> None:
    series = _series(curve.run)
    last = series.epoch[-1], min(series.loss[-1], loss.get_ylim()[1])
    loss.plot(*last, "X", color=curve.color, markersize=11, clip_on=False)
    words = f"diverged at iteration {len(curve.run.batch_loss):,}"
    beside = (-12, "right") if last[0] > loss.get_xlim()[1] / 2 else (12, "left")
    loss.annotate(
        words,
        last,
        (beside[0], -4),
        textcoords="offset points",
        color=curve.color,
        ha=beside[1],
        va="top",
    )
