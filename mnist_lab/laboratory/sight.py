"""What a trained network sees: validation digits, what it says of them, and how sure it is."""

import io
import threading

import ipywidgets as widgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..data import Dataset
from ..runs import Run
from .live import GREY

IN_ROW = 8
RIGHT, WRONG = "#0a84c6", "#d55e00"


class Sight:
    """A row of digits, the wrong ones first, and the class probabilities of the one under view.

    Parameters
    ----------
    data
        Whose validation images are shown.
    """

    def __init__(self, data: Dataset):
        self._images = np.asarray(data.x_valid).reshape(len(data.x_valid), 28, 28)
        labels = data.y_valid
        self._labels = labels if labels.ndim == 1 else labels.argmax(axis=1)
        # One for all pictures: matplotlib's figures are freed late, each with all its pixels.
        self._figure = Figure((5, 3.6), dpi=200, facecolor="none")
        FigureCanvasAgg(self._figure)
        self._drawing = threading.Lock()
        self._words = widgets.HTML()
        self._picture = widgets.Image(format="png", layout={"width": "100%", "max_width": "430px"})
        self.next_button = widgets.Button(
            description="Next digit", icon="arrow-right", tooltip="Look at the next digit."
        )
        self.back_button = widgets.Button(
            description="Back", icon="arrow-left", tooltip="Look at the digit before."
        )
        self.next_button.on_click(lambda _: self._look_at(self._place + 1))
        self.back_button.on_click(lambda _: self._look_at(self._place - 1))
        buttons = widgets.HBox([self.back_button, self.next_button])
        layout = {"flex": "1 1 320px"}
        self.box = widgets.VBox([self._words, self._picture, buttons], layout=layout)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.box.layout.display = "none"

    @property
    def words(self) -> str:
        """What is said of the digit under view, as HTML."""
        return self._words.value

    def show(self, run: Run) -> None:
        """Show what a run's network said at the end of its last epoch, if it finished one."""
        if not run.epochs:
            self.clear()
            return
        self._name, self._probabilities = run.name, run.val_probabilities.astype(np.float32)
        said = self._probabilities.argmax(axis=1)
        right = said == self._labels
        sure = self._probabilities.max(axis=1)
        # The surest mistakes first; behind the mistakes what was right by a hair.
        self._order = np.lexsort((np.where(right, sure, -sure), right))
        self._mistakes = int((~right).sum())
        self._look_at(0)
        self.box.layout.display = ""

    def _look_at(self, place: int) -> None:
        self._place = place % len(self._order)
        first = self._place // IN_ROW * IN_ROW
        row = self._order[first : first + IN_ROW]
        digit = self._order[self._place]
        label, said = self._labels[digit], self._probabilities[digit].argmax()
        kind = (
            f"mistake {self._place + 1:,} of {self._mistakes:,}"
            if self._place < self._mistakes
            else f"one that is right, {self._place + 1 - self._mistakes:,} of "
            f"{len(self._order) - self._mistakes:,}"
        )
        self._words.value = (
            f"<b>What the network sees</b>: {kind}<br>It says <b>{said}</b> "
            f"({self._probabilities[digit, said]:.1%}); it is a <b>{label}</b>."
        )
        with self._drawing:
            self._picture.value = self._draw(row, digit)

    def _draw(self, row: np.ndarray, digit: int) -> bytes:
        figure = self._figure
        figure.clear()
        top, bottom = figure.subfigures(2, 1, height_ratios=(2.1, 1), wspace=0)
        large, bars = top.subplots(1, 2, width_ratios=(1, 1.5))
        top.subplots_adjust(left=0.01, right=0.93, bottom=0.06, top=0.98, wspace=0.16)
        large.imshow(self._images[digit], cmap="gray_r")
        large.axis("off")
        self._draw_bars(bars, self._probabilities[digit], self._labels[digit])
        bottom.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.7, wspace=0.1)
        for axes, index in zip(bottom.subplots(1, IN_ROW), row, strict=False):
            axes.imshow(self._images[index], cmap="gray_r")
            said = self._probabilities[index].argmax()
            color = RIGHT if said == self._labels[index] else WRONG
            axes.set_title(
                f"{said}\n{self._probabilities[index, said]:.0%}", fontsize=9, color=color
            )
            axes.set(xticks=(), yticks=())
            axes.spines[:].set(color=color, linewidth=3 if index == digit else 0)
        for axes in bottom.axes[len(row) :]:
            axes.axis("off")
        png = io.BytesIO()
        figure.savefig(png, format="png")
        return png.getvalue()

    @staticmethod
    def _draw_bars(axes, probabilities: np.ndarray, label: int) -> None:
        classes = range(len(probabilities))
        colors = [RIGHT if digit == label else GREY for digit in classes]
        said = probabilities.argmax()
        if said != label:
            colors[said] = WRONG
        bars = axes.barh(classes, 100 * probabilities, color=colors)
        size = min(8, 110 / len(classes))
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=size, color=GREY)
        axes.set(yticks=classes, xlim=(0, 108), xticks=(), ylim=(len(classes) - 0.4, -0.6))
        axes.tick_params(colors=GREY, length=0, labelsize=1.25 * size)
        axes.set_facecolor("none")
        axes.spines[:].set_visible(False)
        axes.spines["left"].set(visible=True, color=GREY)
