"""The kinds of the columns of a table as a setting of a model: its values, and what codes each column may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.checks import is_whole
from zoo.data.columns import ColumnKind, Columns, check_codes
from zoo.data.moments import MAX_SPREAD, column_sums, first_observed
from zoo.errors import ColumnError, ZooError

MIN_RELATIVE_SPREAD = 1e-9  # of a number, beside its size, below which it is a constant
SMOOTHING = 0.5  # added to the count of each level, so that none has probability 0


def column_levels(columns: Columns | Sequence[ColumnKind] | str | None, D: int) -> tuple[ColumnKind, ...]:
    """The kind of each of D columns by the setting ``columns``; numbers unless it is given.

    >>> column_levels(None, 2), column_levels([3, "count"], 2), column_levels("3,count", 2)
    ((0, 0), (3, 'count'), (3, 'count'))
    """
    if columns is None:
        return (0,) * D
    kinds = columns.levels if isinstance(columns, Columns) else columns
    kinds = [as_kind(word.strip()) for word in kinds.split(",")] if isinstance(kinds, str) else kinds
    return tuple(kind if isinstance(kind, str) else int(kind) for kind in kinds)


def as_kind(word: str) -> ColumnKind:
    """The number that a word spells, or the word."""
    return int(word) if word.isdecimal() else word


def check_columns(columns: Any, D: int, words: tuple[str, ...] = ()) -> tuple[ColumnKind, ...]:
    """The kinds of D columns as a tuple; raises ZooError for anything else.

    words: those of "count" and "covariate" that the model has.
    """
    kinds: Any = column_levels(columns, D) if isinstance(columns, Columns | str) else columns
    allowed = "".join(f', "{word}"' for word in words)
    kinds = tuple(kinds) if isinstance(kinds, tuple | list | np.ndarray) else kinds
    is_allowed = isinstance(kinds, tuple) and all(
        k in words if isinstance(k, str) else is_level_number(k) for k in kinds
    )
    if not kinds or not is_allowed:
        raise ZooError(
            f"columns has for each column 0 for a number{allowed}, or the number of levels, from 2 up; given {kinds!r}"
        )
    if len(kinds) != D:
        raise ZooError(f"columns has {len(kinds)} entries but x has D={D} columns: give one for each")
    return column_levels(kinds, D)


def is_level_number(size: object) -> bool:
    """Whether a value is 0, for a number, or a number of levels."""
    return is_whole(size) and size >= 0 and size != 1


def column_statistics(x: np.ndarray, columns: tuple[ColumnKind, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a network starts: for numbers mean and standard deviation, for categories the log of their frequencies.

    Parameters
    ----------
    x : ndarray, (N, D)
        Numbers and codes, NaN where missing.
    columns : tuple of int
        The number of levels of each column, 0 for a number; neither counts nor covariates.

    Returns
    -------
    loc, spread : ndarray, (D,)
        0 and 1 for a category.
    base : ndarray, (W,)
        What is added to the outputs of a network, as of ``zoo._distributions.mixed_columns``: 0 for numbers.

    Raises
    ------
    ZooError
        For codes beyond the levels, a column that is missing in all rows, a number that is constant, and squares
        beyond 64 bits.
    """
    check_codes(x, columns)
    count, total, _ = column_sums(x, np.zeros(x.shape[1]))
    if (count == 0).any():
        raise ZooError(f"column {int((count == 0).argmax())} of x is missing in all rows: drop it")
    levels = np.array(columns, int)
    is_number = levels == 0
    loc = np.where(is_number, total / count, 0.0)
    spread = np.where(is_number, np.sqrt(column_sums(x, loc)[2] / count), 1.0)
    is_extreme = is_number & ~(spread < MAX_SPREAD)
    if is_extreme.any():
        raise ColumnError(
            "column {} of x has squares beyond 64 bits: give it in other units", np.flatnonzero(is_extreme)[:1]
        )
    is_constant = is_number & (spread <= MIN_RELATIVE_SPREAD * np.abs(loc))
    if is_constant.any():
        d = int(is_constant.argmax())
        raise ZooError(f"column {d} of x is {first_observed(x)[d]:g} in all rows: drop it")
    counts = [np.bincount(x[:, d][~np.isnan(x[:, d])].astype(int), minlength=levels[d]) for d in np.flatnonzero(levels)]
    logs = [np.log((c + SMOOTHING) / (c.sum() + SMOOTHING * len(c))) for c in counts]
    return loc, spread, np.concatenate([np.zeros(2 * is_number.sum()), *logs])
