"""Checks of plain values, for all layers."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from zoo.errors import ZooError
from zoo.types import Keywords

MAX_SEED = 2**32 - 1  # torch and 32-bit JAX read 32 bits of a seed


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is an integer; True and False are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_whole(minimum: int, **numbers: object) -> None:
    """Raise ZooError unless each number is a whole number from ``minimum`` up.

    >>> check_whole(1, num_samples=0)
    Traceback (most recent call last):
    zoo.errors.ZooError: num_samples is a whole number from 1 up; given 0
    """
    for name, value in numbers.items():
        if not is_whole(value) or value < minimum:
            raise ZooError(f"{name} is a whole number from {minimum} up; given {value!r}")


def as_settings(keywords: Keywords) -> dict[str, Any]:
    """Keywords with tuples in place of lists, which have no hash: what is compiled is found by its settings.

    >>> as_settings({"columns": [0, [2, "count"]]})
    {'columns': (0, (2, 'count'))}
    """

    def convert(value: Any) -> Any:
        return tuple(convert(v) for v in value) if type(value) in (list, tuple) else value

    return {name: convert(value) for name, value in keywords.items()}


def check_seed(seed: object) -> None:
    """Raise ZooError unless a seed is a whole number that every generator tells from all others.

    >>> check_seed(2**32)
    Traceback (most recent call last):
    zoo.errors.ZooError: seed is a whole number from 0 to 4294967295; given 4294967296
    """
    check_whole(0, seed=seed)
    if is_whole(seed) and seed > MAX_SEED:
        raise ZooError(f"seed is a whole number from 0 to {MAX_SEED}; given {seed}")


def equal_values(a: ArrayLike | None, b: ArrayLike | None) -> bool:
    """Whether two settings or options are equal: numbers, text, None, or arrays of one shape.

    >>> equal_values([1, 2], np.array([1, 2])), equal_values(None, 0)
    (True, False)
    """
    if isinstance(a, str | None) or isinstance(b, str | None):
        return type(a) is type(b) and a == b
    return np.shape(a) == np.shape(b) and np.array_equal(a, b)


def check_weights(weights: ArrayLike, N: int) -> np.ndarray:
    """The weights of N rows as an array (N,); raises ZooError unless they are numbers from 0 up, not all zero.

    >>> check_weights([1, 2], 2)
    array([1., 2.])
    """
    try:
        values = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (N,) or not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise ZooError(f"sample_weight holds one weight for each of the {N} rows, none below zero, not all zero")
    return values
