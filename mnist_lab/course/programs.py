"""The programs that students write without the lab: what each has to train, and hints."""

from typing import Any

from .tasks import Answer, GivenModel, Program

_HINTS = (
    "One thing after another: load, prepare, build, compile, fit, evaluate, plot.",
    "fit takes batch_size, epochs, validation_data and a list of callbacks.",
    "A callback is a class with keras.callbacks.Callback in its brackets. on_train_begin makes two "
    "empty lists; on_train_batch_end(self, batch, logs) appends to them.",
    "logs holds means since the epoch began. Batch k of an epoch, counted from 0, has the own loss "
    "(k + 1) * logs['loss'] - k * (the mean before).",
)


def program(part: str, epochs: int, record: str = "", **figures: Any) -> Answer:
    """The program that trains a part's network: for so many epochs, with these figures changed."""
    return Answer(
        "your program trains this network as the lab does, on the same images, and reports it "
        "correctly",
        Program(part, epochs, record or part, {"loss": "categorical_crossentropy", **figures}),
        _HINTS,
        {"model": GivenModel()},
    )
