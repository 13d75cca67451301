"""Arguments that are refused in a sentence."""

import numbers


class ArgumentError(ValueError):
    """An argument is not what it has to be; the sentence is meant for whoever gave it."""


def in_range(name: str, value: float, low: float, high: float, *, whole: bool = False) -> float:
    """Refuse an argument that is not a number between `low` and `high`, both included.

    Returns
    -------
    int or float
        The value as a plain Python number (Keras and JSON take no NumPy ones).

    Raises
    ------
    ArgumentError
        In one sentence that names the argument, the value and the allowed range.
    """
    kind = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        noun = "a whole number" if whole else "a number"
        raise ArgumentError(f"{name}={value!r}: it must be {noun} from {low:g} to {high:,g}")
    return int(value) if whole else float(value)
