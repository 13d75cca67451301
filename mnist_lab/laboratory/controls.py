"""What can be set in the laboratory: the controls of a part, and what they say together."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from ..course import CLIPPED, NOTEBOOKS, TRAINING, Part, Slider
from ..support import in_range

_OF_TRAIN = tuple(slider.key for slider in TRAINING)  # the builder takes the rest


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
        values = {slider.key: figures[slider.key] for slider in NOTEBOOKS[part.key].sliders}
        return cls(part, {**values, "epochs": part.epochs, "batch_size": 100, "seed": 0}, classes)

    @property
    def sliders(self) -> dict[str, Slider]:
        """The controls of the part, by what they set."""
        return {each.key: each for each in (*NOTEBOOKS[self.part.key].sliders, *TRAINING)}

    def moved(self, **values: Any) -> "Setup":
        """The same with some controls at other values.

        Raises
        ------
        ValueError
            If there is no such control, or if it cannot be set to this value.
        """
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
        """The controls that are not as in the sheet."""
        sheet = Setup.of_sheet(self.part).values
        return {key for key, value in self.values.items() if value != sheet[key]}

    @property
    def network(self) -> str:
        """All that is compiled into the training loop. The learning rate is not."""
        fixed = {key: value for key, value in self.values.items() if key not in _OF_TRAIN}
        del fixed["learning_rate"]
        fixed["batch_size"] = self.values["batch_size"]
        return " ".join([self.part.key, *(f"{key}={value}" for key, value in fixed.items())])

    @property
    def parameters(self) -> int:
        """Number of the network's weights and biases, without building it."""
        return NOTEBOOKS[self.part.key].count(self.classes, **self.values)

    @property
    def words(self) -> list[tuple[str, bool]]:
        """All settings in words, and whether each is another one than in the sheet."""
        return [(self._in_words(key), key in self.changed) for key in self.values]

    @property
    def name(self) -> str:
        """The part, and what is not as in the sheet; runs that differ in the seed share it."""
        unlike = [key for key in self.values if key in self.changed - {"seed"}]
        return ", ".join([self.part.key, *map(self._in_words, unlike)])

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
        train = ", ".join(f"{key}={self.values[key]}" for key in _OF_TRAIN)
        return (
            "import mnist_lab as lab\n\n"
            f"data = {data}\n"
            f'model = lab.PARTS["{self.part.key}"].build({build})\n'
            f"run = lab.train(model, data, {train}, name={name!r})\n"
        )

    def controls(self) -> list[dict[str, Any]]:
        """The controls as the page shows them: each with its choices, and the place of its value.

        The seed is typed in: of its thousands of choices only the last one's place is shown.
        A learning rate set from Python may lie between two choices; it is shown as it is.
        """
        listed = []
        for key, value in self.values.items():
            slider = self.sliders[key]
            choices = slider.choices
            near = (
                min(choices, key=lambda choice: abs(choice - value))
                if key == "learning_rate"
                else value
            )
            about = {"key": key, "label": slider.label, "tooltip": slider.tooltip}
            about |= {"place": choices.index(near), "reads": _reads(key, value)}
            about["last"] = len(choices) - 1
            if key != "seed":
                about["choices"] = [_reads(key, choice) for choice in choices]
            listed.append(about)
        return listed

    def _in_words(self, key: str) -> str:
        """A control's name and value, as they are said."""
        value = self.values[key]
        if key == "loss":
            return "loss of 2020" if value == CLIPPED else "loss of today"
        if key == "epochs":
            return f"{value} epoch{'s' if value > 1 else ''}"
        if key == "filters":
            return f"{_reads(key, value)} filters"
        return f"{self.sliders[key].label} {value:g}"

    def _built_with(self) -> dict[str, Any]:
        """What the part's builder is told, where that is not as in the sheet."""
        unlike = self.changed - set(_OF_TRAIN)
        told = {key: value for key, value in self.values.items() if key in unlike}
        return told if self.classes == 10 else {**told, "classes": self.classes}


def _listed(choices: Sequence[Any]) -> str:
    """All choices, or the first and the last where there are many."""
    few = list(map(repr, choices))
    return ", ".join(few) if len(few) < 20 else f"{few[0]}, {few[1]} … {few[-1]}"


def _reads(key: str, value: Any) -> str:
    """A control's value as it stands beside it."""
    if key == "loss":
        return "of 2020, clipped" if value == CLIPPED else "of today, exact"
    return f"{value[0]} and {value[1]}" if key == "filters" else f"{value:g}"
