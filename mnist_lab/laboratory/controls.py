"""The controls of the laboratory, and all that follows from their values."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from ..course import CLIPPED, NOTEBOOKS, TRAINING, Part, Slider
from ..support import in_range

_OF_TRAIN = tuple(slider.key for slider in TRAINING)  # the builder takes the others


@dataclasses.dataclass(frozen=True)
class Setup:
    """A part of the sheet with one value for each of its controls, by the control's key."""

    part: Part
    values: dict[str, Any]
    classes: int = 10

    @classmethod
    def of_sheet(cls, part: Part, classes: int = 10) -> "Setup":
        """Return the sheet's values, with seed 0."""
        figures = part.sheet_figures()
        figures["loss"] = figures["loss"] or CLIPPED
        values = {slider.key: figures[slider.key] for slider in NOTEBOOKS[part.key].sliders}
        return cls(part, {**values, "epochs": part.epochs, "batch_size": 100, "seed": 0}, classes)

    @property
    def sliders(self) -> dict[str, Slider]:
        """The controls of the part, by key."""
        return {each.key: each for each in (*NOTEBOOKS[self.part.key].sliders, *TRAINING)}

    def moved(self, **values: Any) -> "Setup":
        """Return a copy with some other values; ValueError where there is no such choice."""
        for key, value in values.items():
            if key not in self.values:
                raise ValueError(f"{key}={value!r}: the controls are {', '.join(self.values)}")
            choices = self.sliders[key].choices
            if key == "learning_rate":  # any value between the slider's ends
                in_range(key, value, choices[0], choices[-1])
            elif value not in choices:
                raise ValueError(f"{key}={value!r}: it must be one of {_listed(choices)}")
        return dataclasses.replace(self, values=self.values | values)

    @property
    def changed(self) -> set[str]:
        """Keys of the controls whose values differ from the sheet's."""
        sheet = Setup.of_sheet(self.part).values
        return {key for key, value in self.values.items() if value != sheet[key]}

    @property
    def network(self) -> str:
        """All values that are compiled into the training loop. The learning rate is not."""
        left = {"learning_rate", "epochs", "seed"}
        fixed = (f"{key}={value}" for key, value in self.values.items() if key not in left)
        return " ".join([self.part.key, *fixed])

    @property
    def parameters(self) -> int:
        """Number of the network's weights and biases, without building it."""
        return NOTEBOOKS[self.part.key].count(self.classes, **self.values)

    @property
    def words(self) -> list[tuple[str, bool]]:
        """All settings in words, and whether each differs from the sheet's."""
        return [(self._in_words(key), key in self.changed) for key in self.values]

    @property
    def name(self) -> str:
        """The part and what differs from the sheet; runs of different seeds share a name."""
        unlike = [key for key in self.values if key in self.changed - {"seed"}]
        return ", ".join([self.part.key, *map(self._in_words, unlike)])

    def build(self) -> keras.Model:
        """Build the compiled model."""
        return self.part.build(**self._built_with())

    def code(self, name: str, data: str) -> str:
        """Return the lines of Python that repeat a run exactly; `data` is an expression, too."""
        build = ", ".join(f"{key}={value!r}" for key, value in self._built_with().items())
        train = ", ".join(f"{key}={self.values[key]}" for key in _OF_TRAIN)
        return (
            "import mnist_lab as lab\n\n"
            f"data = {data}\n"
            f'model = lab.PARTS["{self.part.key}"].build({build})\n'
            f"run = lab.train(model, data, {train}, name={name!r})\n"
        )

    def choices(self) -> list[dict[str, Any]]:
        """Return what the page has to know once of the part's controls.

        The seed is typed in: instead of its thousands of choices, the page gets the last index.
        """
        listed = []
        for key, slider in self.sliders.items():
            about = {"key": key, "label": slider.label, "tooltip": slider.tooltip}
            about["last"] = len(slider.choices) - 1
            if key != "seed":
                about["choices"] = [_reads(key, choice) for choice in slider.choices]
            listed.append(about)
        return listed

    def controls(self) -> list[dict[str, Any]]:
        """Return the controls' values as the page shows them, with their places in the choices.

        A learning rate set from Python may lie between two choices; its own value is shown.
        """
        listed = []
        for key, value in self.values.items():
            choices, near = self.sliders[key].choices, value
            if key == "learning_rate":
                near = min(choices, key=lambda choice: abs(choice - value))
            listed.append({"key": key, "place": choices.index(near), "reads": _reads(key, value)})
        return listed

    def _in_words(self, key: str) -> str:
        """Put a control's name and value into words."""
        value = self.values[key]
        if key == "loss":
            return "loss of 2020" if value == CLIPPED else "loss of today"
        if key == "epochs":
            return f"{value} epoch{'s' if value > 1 else ''}"
        if key == "filters":
            return f"{_reads(key, value)} filters"
        return f"{self.sliders[key].label} {value:g}"

    def _built_with(self) -> dict[str, Any]:
        """Return the keywords for the part's builder whose values differ from the sheet's."""
        unlike = self.changed - set(_OF_TRAIN)
        keywords = {key: value for key, value in self.values.items() if key in unlike}
        return keywords if self.classes == 10 else {**keywords, "classes": self.classes}


def _listed(choices: Sequence[Any]) -> str:
    """List all choices, or the first two and the last where there are many."""
    few = list(map(repr, choices))
    return ", ".join(few) if len(few) < 20 else f"{few[0]}, {few[1]} … {few[-1]}"


def _reads(key: str, value: Any) -> str:
    """Return a control's value as the page shows it."""
    if key == "loss":
        return "of 2020, clipped" if value == CLIPPED else "of today, exact"
    return f"{value[0]} and {value[1]}" if key == "filters" else f"{value:g}"
