"""What can be set in the laboratory: the controls of a part, and what they say together."""

import dataclasses
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import keras

from ..parts import Part

TRAINING = ("epochs", "batch_size", "seed")  # what `train` is told; the builder is told the rest
CLIPPED = "clipped"  # for a menu None is no choice
LABELS = {
    "learning_rate": "learning rate",
    "hidden_units": "hidden units",
    "filters": "filters",
    "dropout": "dropout rate",
    "loss": "loss",
    "epochs": "epochs",
    "batch_size": "batch size",
    "seed": "seed",
}
TOOLTIPS = {
    "learning_rate": "How large a step the optimiser takes in each iteration.",
    "hidden_units": "Units in each hidden layer: more can learn more, and take longer.",
    "filters": "Filters of the first and of the second convolution.",
    "dropout": "Share of the hidden units that is switched off, at random, in each iteration.",
    "loss": "The cross-entropy as Keras computed it in 2020, or with today's exact gradient.",
    "epochs": "How many times the network sees every training image.",
    "batch_size": "Images in one iteration: fewer give more, noisier and slower epochs.",
    "seed": "Initial weights, order of the images and dropout masks follow from it.",
}
_UNITS = (10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000)
_OPTIONS = {
    "linear hidden_units": (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100),
    "mlp hidden_units": _UNITS,
    "dropout hidden_units": _UNITS,
    "cnn filters": [(f"{n} and {2 * n}", (n, 2 * n)) for n in (2, 4, 8, 16, 32, 64)],
    "linear loss": [("of 2020, clipped", CLIPPED), ("of today, exact", "categorical_crossentropy")],
}
_FIGURES = {
    "linear": ("learning_rate", "hidden_units", "loss"),
    "mlp": ("learning_rate", "hidden_units", "dropout"),
    "dropout": ("learning_rate", "hidden_units", "dropout"),
    "cnn": ("learning_rate", "filters"),
}


@dataclasses.dataclass(frozen=True)
class Setup:
    """One position of all controls.

    Attributes
    ----------
    part : Part
        Whose network it is.
    values : dict
        One value for each control of the part.
    classes : int
        Of the data.
    """

    part: Part
    values: dict[str, Any]
    classes: int = 10

    @classmethod
    def of_sheet(cls, part: Part, classes: int = 10) -> "Setup":
        """What the sheet did, with seed 0."""
        figures = part.sheet_figures()
        figures["loss"] = figures["loss"] or CLIPPED
        values = {key: figures[key] for key in _FIGURES[part.key]}
        return cls(part, {**values, "epochs": part.epochs, "batch_size": 100, "seed": 0}, classes)

    @property
    def changed(self) -> set[str]:
        """The controls that are not as in the sheet."""
        sheet = Setup.of_sheet(self.part).values
        return {key for key, value in self.values.items() if value != sheet[key]}

    @property
    def network(self) -> str:
        """All that is compiled into the training loop. The learning rate is not."""
        fixed = {key: value for key, value in self.values.items() if key not in TRAINING}
        del fixed["learning_rate"]
        fixed["batch_size"] = self.values["batch_size"]
        return " ".join([self.part.key, *(f"{key}={value}" for key, value in fixed.items())])

    @property
    def parameters(self) -> int:
        """Number of the network's weights and biases, without building it."""

        def dense(inputs: int, outputs: int) -> int:
            return (inputs + 1) * outputs

        if "filters" in self.values:
            first, second = self.values["filters"]
            return dense(25, first) + dense(25 * first, second) + dense(49 * second, self.classes)
        units = self.values["hidden_units"]
        between = 0 if self.part.key == "linear" else 2 * dense(units, units)
        return dense(784, units) + between + dense(units, self.classes)

    @property
    def name(self) -> str:
        """The part, and what is not as in the sheet; runs that differ in the seed share it."""
        unlike = [key for key in self.values if key in self.changed - {"seed"}]
        return ", ".join([self.part.key, *(_in_words(key, self.values[key]) for key in unlike)])

    def build(self) -> keras.Model:
        """Build the compiled model."""
        return self.part.build(**self._built_with())

    def code(self, name: str, data: str) -> str:
        """The lines of Python that repeat a run exactly.

        Parameters
        ----------
        name
            Of the run.
        data
            An expression for its data.
        """
        build = ", ".join(f"{key}={value!r}" for key, value in self._built_with().items())
        train = ", ".join(f"{key}={self.values[key]}" for key in TRAINING)
        return (
            "import mnist_lab as lab\n\n"
            f"data = {data}\n"
            f'model = lab.PARTS["{self.part.key}"].build({build})\n'
            f"run = lab.train(model, data, {train}, name={name!r})\n"
        )

    def _built_with(self) -> dict[str, Any]:
        """What the part's builder is told, where that is not as in the sheet."""
        unlike = self.changed - set(TRAINING)
        told = {key: value for key, value in self.values.items() if key in unlike}
        return told if self.classes == 10 else {**told, "classes": self.classes}

    def html(self) -> str:
        """All settings in words, in bold what is not as in the sheet."""
        words = {key: _in_words(key, value) for key, value in self.values.items()}
        return ", ".join(
            f"<b>{text}</b>" if key in self.changed else text for key, text in words.items()
        )


class Controls:
    """The sliders of a part, at the sheet's values to begin with.

    Parameters
    ----------
    part
        Which part's.
    moved
        Called after each change; once for a reset.
    on_release
        Whether a slider tells its value only when it is let go.
    classes
        Of the data.
    """

    def __init__(
        self, part: Part, moved: Callable[[], None], *, on_release: bool, classes: int = 10
    ):
        self._sheet, self._moved = Setup.of_sheet(part, classes), moved
        self._resetting = False
        self.widgets = {
            key: _widget(part, key, value, on_release) for key, value in self._sheet.values.items()
        }
        for widget in self.widgets.values():
            widget.observe(self._observe, "value")
        self._size = widgets.HTML()
        self.box = widgets.Box(
            [*self.widgets.values(), self._size], layout={"flex_flow": "row wrap", "width": "100%"}
        )
        self._tell_size()

    @property
    def setup(self) -> Setup:
        """What the controls say now."""
        values = {key: widget.value for key, widget in self.widgets.items()}
        # What is read beside the sliders is what is used: 0.5, not 0.501187.
        values["learning_rate"] = float(f"{values['learning_rate']:.2g}")
        if "dropout" in values:
            values["dropout"] = round(values["dropout"], 2)
        return dataclasses.replace(self._sheet, values=values)

    def reset(self) -> None:
        """Put all controls to the sheet's values."""
        self._resetting = True
        for key, widget in self.widgets.items():
            widget.value = self._sheet.values[key]
        self._resetting = False
        self._observe()

    def _observe(self, _: object = None) -> None:
        if not self._resetting:
            self._tell_size()
            self._moved()

    def _tell_size(self) -> None:
        self._size.value = f"<b>{self.setup.parameters:,}</b> parameters"


def close_tree(widget: widgets.Widget) -> None:
    """Close a widget and all within it; ipywidgets keeps for ever what is not closed."""
    for inner in (*getattr(widget, "children", ()), widget.layout, getattr(widget, "style", None)):
        if isinstance(inner, widgets.DOMWidget):
            close_tree(inner)
        elif inner is not None:
            inner.close()
    widget.close()


def _widget(part: Part, key: str, value: Any, on_release: bool) -> widgets.Widget:
    options = _OPTIONS.get(f"{part.key} {key}")
    look = {
        "value": value,
        "description": LABELS[key],
        "tooltip": TOOLTIPS[key],
        "style": {"description_width": "95px"},
        "layout": {"flex": "1 1 260px", "min_width": "240px", "max_width": "420px"},
    }
    release = {"continuous_update": not on_release}
    if key == "learning_rate":
        return widgets.FloatLogSlider(
            base=10, min=-4, max=1, step=0.05, readout_format=".2g", **look, **release
        )
    if key == "dropout":
        return widgets.FloatSlider(min=0, max=0.9, step=0.05, **look, **release)
    if key == "epochs":
        return widgets.IntSlider(min=1, max=50, **look, **release)
    if key == "seed":
        return widgets.BoundedIntText(min=0, max=9999, **look)
    if key == "loss":
        return widgets.Dropdown(options=options, **look)
    options = options or (10, 20, 50, 100, 200, 500, 1000)  # batch sizes
    return widgets.SelectionSlider(options=options, **look, **release)


def _in_words(key: str, value: Any) -> str:
    if key == "loss":
        return "loss of 2020" if value == CLIPPED else "loss of today"
    if key == "epochs":
        return f"{value} epoch{'s' if value > 1 else ''}"
    if key == "filters":
        return f"{value[0]} and {value[1]} filters"
    return f"{LABELS[key]} {value:g}"
