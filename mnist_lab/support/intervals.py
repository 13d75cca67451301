"""Intervals that say how exact a share or a mean is."""

import math
import statistics

import numpy as np


def wilson_interval(share: np.ndarray, number: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's 95 % interval of a share of so many trials.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference". Unlike the
    share plus or minus two standard errors, it holds for few trials and for shares near 0 and 1.
    """
    z = statistics.NormalDist().inv_cdf(0.975)
    middle = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * np.sqrt(share * (1 - share) / number + (z / number) ** 2 / 4)
    # Rounding must not put a share of 0 or 1 outside of its own interval.
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


# The 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the normal's is close.
_STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


def half_interval(values: np.ndarray) -> np.ndarray:
    """Return half the width of the 95 % interval of the mean over the first axis."""
    number = len(values)
    quantile = _STUDENT[number - 2] if number - 2 < len(_STUDENT) else 1.96
    return quantile * values.std(axis=0, ddof=1) / math.sqrt(number)
