"""Errors of Keras, NumPy and TensorFlow that beginners meet: what to do about them."""

import re

# A pattern that is found in the words of the error, and what to do. Where a later version of a
# library says it in other words, its own words stand alone.
_CURES = (
    (
        r"Argument `name` must be a string.* name=<|Expected `trainable` to be a boolean",
        "put the layers into one list, keras.Sequential([...])",
    ),
    (
        r"Cannot convert '\d+' to a shape",
        "(784) is only a number; a shape needs a comma, keras.Input((784,))",
    ),
    (
        r"incompatible with the layer: expected axis -1",
        "if one layer object stands in several places, make a new layer for each: call the "
        "function that makes it each time",
    ),
    (
        r"expected shape=\(None, .*found shape=",
        "network.input_shape says what the network takes",
    ),
    (
        r"truth value of an array",
        "if, and, or, max and min take single numbers; compute with the whole array, as np.maximum "
        "and np.where do",
    ),
    (
        r"ufunc 'bitwise_(and|or)' not supported",
        "& comes before a comparison: put each comparison in parentheses",
    ),
    (
        r"math domain error|expected a nonnegative input",
        "that is the square root of a negative number; a share lies between 0 and 1",
    ),
    (
        r"too many indices for array",
        "a tuple in brackets is one place along several axes; a list of places is list(...)",
    ),
    (
        r"enable_numpy_behavior",
        "this is a tensor of TensorFlow; np.array(...) makes an array of it",
    ),
    (
        r"matmul: Input operand 1 has a mismatch",
        "@ needs as many columns on its left as there are rows on its right; .T swaps them",
    ),
)


def cure_of(error: Exception) -> str:
    """What to do about an error; empty if the course does not know it."""
    return next((cure for pattern, cure in _CURES if re.search(pattern, str(error))), "")
