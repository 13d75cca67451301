"""Checks of arguments, whose errors are sentences for the user."""

import numbers


class ArgumentError(ValueError):
    """An argument is wrong; the message is a sentence for the person who gave it."""


def in_range(name: str, value: float, low: float, high: float, *, whole: bool = False) -> float:
    """Check that an argument is a number from `low` to `high`.

    Returns
    -------
    int or float
        The value as a plain Python number, since Keras and JSON refuse NumPy's.

    Raises
    ------
    ArgumentError
        If it is not. One sentence that names the argument, the value and the allowed range.
    """
    kind = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        noun = "a whole number" if whole else "a number"
        raise ArgumentError(f"{name}={value!r}: it must be {noun} from {low:g} to {high:,g}")
    return int(value) if whole else float(value)
