"""Numbers that can be a target: those whose squares float32 can hold."""

import math

import numpy as np

#: Beyond it the squared error is infinite, whatever is predicted.
LARGEST = math.sqrt(np.finfo(np.float32).max)


def number_problem(value: float) -> str:
    """What is wrong with a target, "" when nothing is; NaN is one that is missing.

    Example::

        >>> number_problem(1e30)
        'is too large; expected at most 1.8e+19'
    """
    # Compared, since not every whole number becomes a float.
    if abs(value) <= LARGEST or value != value:
        return ""
    if abs(value) == math.inf:
        return "is not finite; expected a number, or NaN where there is none"
    return f"is too large; expected at most {LARGEST:.2g}"
