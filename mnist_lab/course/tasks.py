"""What a notebook asks for, as data: its questions, what is right, and the usual slips."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .parts import Part
from .sliders import Slider


@dataclass(frozen=True)
class Slip:
    """A usual mistake.

    Attributes
    ----------
    answer
        What the mistake gives, in the form that the task takes as right.
    what : str
        What is wrong.
    cure : str
        What to do, or why; empty if `what` says enough.
    free : bool
        Whether it takes no thought, as giving back what was given: then it gets no points, where
        another slip gets half of them.
    """

    answer: Any
    what: str
    cure: str = ""
    free: bool = False

    def and_also(self, other: "Slip") -> "Slip":
        """Both slips in one, in words; it has no answer of its own."""
        if self.cure:
            return Slip(None, self.what, f"{self.cure}; and {other.words}")
        return Slip(None, f"{self.what}; and {other.what}", other.cure)

    @property
    def words(self) -> str:
        """The slip in one line."""
        return f"{self.what}: {self.cure}" if self.cure else self.what


@dataclass(frozen=True)
class Value:
    """A number, an array, or a tuple of these.

    Attributes
    ----------
    right
        What is right; or a function that computes it from what the check is given (`model`,
        `run`, `runs`). The same holds for the answers of the slips, and for `before`.
    slips : sequence of Slip
        Usual mistakes.
    before
        What stands there before anybody answers.
    names : tuple of str
        Of the parts of a tuple, as messages name them.
    """

    right: Any
    slips: Sequence[Slip] = ()
    before: Any = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """A number that comes out a little different each time.

    Attributes
    ----------
    right : float
        What it is in the long run.
    within : float
        How far from it, or from a slip, it may be.
    exactly : Slip
        What it means to get exactly `right`.
    slips : sequence of Slip
        Usual mistakes.
    several : Slip
        What it means to get something that is not one number.
    far : str
        What to do about a number that is none of these.
    """

    right: float
    within: float
    exactly: Slip
    slips: Sequence[Slip]
    several: Slip
    far: str


@dataclass(frozen=True)
class Function:
    """A function, which is called with each of the probes.

    Attributes
    ----------
    right : callable
        Does what the function has to do. What the check is given is passed to it as keywords; the
        same holds for the answers of the slips.
    slips : sequence of Slip
        Usual mistakes.
    probes : iterable of tuple, or callable
        The arguments of each call; or a function without arguments that makes them.
    names : tuple of str
        Of the parts of the tuple that it returns, as messages name them.
    """

    right: Callable[..., Any]
    slips: Sequence[Slip]
    probes: Iterable[tuple] | Callable[[], Iterable[tuple]]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """A function that returns a Keras layer.

    Attributes
    ----------
    right : callable
        Makes the layer that is right.
    shape : tuple of int
        Of what enters the layer, without the batch.
    probes : sequence of tuple
        The arguments of each call.
    """

    right: Callable[..., Any]
    shape: tuple[int, ...]
    probes: Sequence[tuple]


@dataclass(frozen=True)
class Trained:
    """A `Run`: the training that the sheet asks for.

    Attributes
    ----------
    part : str
        Of the sheet.
    """

    part: str


@dataclass(frozen=True)
class Program:
    """A student's own Keras program, by what it produced: a run, and an accuracy.

    Attributes
    ----------
    part : str
        Whose network it has to train.
    epochs : int
        For how long at least.
    record : str
        Which recorded runs it has to resemble.
    figures : dict
        What is to be changed in how the part's network is built and compiled.
    """

    part: str
    epochs: int
    record: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layers:
    """A function that returns a list of Keras layers, judged by structure, shape and figures.

    Attributes
    ----------
    right : callable
        Makes the layers that are right.
    shape : tuple of int
        Of what enters the first layer, without the batch.
    probes : sequence of tuple
        The arguments of each call.
    slips : sequence of Slip
        Usual mistakes; each answer makes layers, too.
    """

    right: Callable[..., Any]
    shape: tuple[int, ...]
    probes: Sequence[tuple]
    slips: Sequence[Slip] = ()


@dataclass(frozen=True)
class Schedule:
    """A function that returns a learning-rate schedule of Keras.

    Attributes
    ----------
    right : callable
        The learning rate, from an iteration and the arguments of the call.
    probes : sequence of tuple
        The arguments of each call.
    iterations : callable
        In which iterations to look, from the arguments of a call.
    slips : sequence of Slip
        Usual mistakes; each answer computes a learning rate, too.
    """

    right: Callable[..., float]
    probes: Sequence[tuple]
    iterations: Callable[..., Sequence[int]]
    slips: Sequence[Slip] = ()


@dataclass(frozen=True)
class Built:
    """A function that builds and compiles a network, judged by layers, figures and `compile`.

    Attributes
    ----------
    right : callable
        Builds the network that is right.
    """

    right: Callable[[], Any]


@dataclass(frozen=True)
class Mended:
    """A whole Keras program, a function of images and labels, by what comes out for new digits.

    It returns what `fit` returned, and the four arrays that `fit` was given: images and labels to
    train on, then those to validate on.

    Attributes
    ----------
    build : callable
        Builds and compiles the network that it has to train.
    digits : callable
        Draws images, uint8 of shape (n, 28, 28), and their labels.
    epochs : int
        For how long it has to train.
    validation : int
        How many of the images validate; all others train, in batches of 100.
    free : tuple of str
        Figures of the network, as `describe` names them, that may be others.
    """

    build: Callable[[], Any]
    digits: Callable[[], tuple[Any, Any]]
    epochs: int
    validation: int
    free: tuple[str, ...] = ()


Task = Value | Estimate | Function | Layer | Layers | Schedule | Built | Trained | Program | Mended


@dataclass(frozen=True)
class GivenRun:
    """A run that has finished an epoch.

    Attributes
    ----------
    images : int
        Validation images whose probabilities it has to hold; 0 if none are needed.
    """

    images: int = 10_000


@dataclass(frozen=True)
class GivenRuns:
    """Runs in a dict.

    Attributes
    ----------
    keys : tuple
        That have to be there; none for any.
    several : bool
        Whether there is a list of runs for each key, or one run.
    each : GivenRun
        What each run has to be.
    """

    keys: tuple = ()
    several: bool = False
    each: GivenRun = GivenRun()


@dataclass(frozen=True)
class GivenModel:
    """A Keras model.

    Attributes
    ----------
    part : str
        Whose network it has to be; empty for any.
    trained : bool
        Whether it has to be trained.
    """

    part: str = ""
    trained: bool = False


@dataclass(frozen=True)
class Answer:
    """One small answer of a notebook.

    Attributes
    ----------
    right : str
        What is said of a right one.
    task : Task
        What it has to satisfy.
    hints : tuple of str
        From vague to concrete.
    given : dict of str to GivenRun, GivenRuns or GivenModel
        What the check needs besides the answer, by keyword.
    weights : dict of str to float
        What its parts are worth beside one another, where that is not as usual for such a task.
    """

    right: str
    task: Task
    hints: tuple[str, ...]
    given: Mapping[str, GivenRun | GivenRuns | GivenModel] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


def dense(inputs: int, units: int) -> int:
    """Weights and biases of a dense layer; of a convolution, for the numbers in its window."""
    return (inputs + 1) * units


@dataclass(frozen=True)
class Notebook:
    """What one notebook asks for, and what it offers.

    Attributes
    ----------
    key : str
        Its short name, with which the names of its answers begin.
    part : Part or None
        The part of the sheet that it is about.
    sliders : tuple of Slider
        The figures of the network that its laboratory changes.
    hints : tuple of str
        For the part's network, from vague to concrete.
    code : str
        One way to build and compile the part's network, in Python.
    count : callable
        The number of the network's parameters, from the number of classes and, as keywords, from
        the figures that the sliders set.
    answers : dict of str to Answer
        By the id of the cell that has the answer.
    points : dict of str to float
        What a question is worth in a release, where that is not one point; by the id of its cell.
    """

    key: str
    part: Part | None = None
    sliders: tuple[Slider, ...] = ()
    hints: tuple[str, ...] = ()
    code: str = ""
    count: Callable[..., int] | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    points: Mapping[str, float] = field(default_factory=dict)
