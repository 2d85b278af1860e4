"""A distribution of rows whose columns are numbers or categories, independent given their parameters; NaN is missing.

The tuple ``columns`` has an entry for each column: 0 for a number, L for a category with the levels 0, ..., L - 1. Each
``in_<backend>.py`` provides

    MixedColumns(outputs, loc, spread, columns)     rows (..., D), of outputs (..., W) as a network makes them
    encode_columns(x, columns, loc, spread)         rows as inputs (..., W) of a network

With C numbers, the first C of the W = ``num_outputs(columns)`` outputs are locations m, the next C are scales r, and
the others logits, L of each category in turn:

    x_d ~ Normal(loc_d + spread_d m_d, spread_d (MIN_SCALE + softplus(r_d)))    a number
    x_d ~ Categorical(softmax of its L logits)                                  a category, as a whole number

``loc`` and ``spread`` are those of each column (D,), and unused for a category. The density is that of x in its units.
A missing entry is left out, which is exact, since columns are independent. MIN_SCALE bounds the density where a column
is a function of the code, as years of education are of the degree: without it the likelihood has no maximum.

The inputs of a network are each number in units of its spread about loc, 0 where missing; C indicators, 1 where a
number is missing; and for each category a 1 at its level, none where missing.

Nazabal, A. et al. (2020). Handling incomplete heterogeneous data using VAEs. Pattern Recognition 107, 107501.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

MIN_SCALE = 0.1  # of a number, in units of its spread


class Layout(NamedTuple):
    """Positions of columns and outputs, for C numbers and K categories with T levels in all.

    numbers (C,) and categories (K,): their columns. sizes (K,): levels of each category. starts (K,): the first of its
    logits. owners (T,): the category of each logit. members (K, largest size): the logits of each category, the last
    one repeated. indicator (T, K): 1 where a logit is of a category. order (D,): where each column is among numbers
    followed by categories.
    """

    numbers: np.ndarray
    categories: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    owners: np.ndarray
    members: np.ndarray
    indicator: np.ndarray
    order: np.ndarray


@lru_cache(maxsize=64)
def layout(columns: tuple[int, ...]) -> Layout:
    """The positions for a tuple of columns."""
    levels = np.asarray(columns, int)
    numbers, categories = np.flatnonzero(levels == 0), np.flatnonzero(levels)
    sizes = levels[categories]
    ends = np.cumsum(sizes)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    steps = np.arange(sizes.max(initial=1))
    return Layout(
        numbers,
        categories,
        sizes,
        ends - sizes,
        owners,
        np.minimum((ends - sizes)[:, None] + steps, ends[:, None] - 1),
        np.eye(len(sizes))[owners],
        np.argsort(np.concatenate([numbers, categories]), kind="stable"),
    )


def num_outputs(columns: tuple[int, ...]) -> int:
    """W, the number of outputs and of inputs of a network: two for a number, L for a category with L levels.

    >>> num_outputs((0, 3, 0, 2))
    9
    """
    return sum(size or 2 for size in columns)


def column_levels(columns: Sequence[int] | None, D: int) -> tuple[int, ...]:
    """The number of levels of each of D columns, which are numbers unless ``columns`` is given."""
    return (0,) * D if columns is None else tuple(map(int, columns))
