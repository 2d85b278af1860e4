"""A distribution of rows whose columns are numbers, categories or counts, independent given parameters; NaN is missing.

The tuple ``columns`` has an entry for each column: 0 for a number, L for a category with the levels 0, ..., L - 1, and
the words "count" and "covariate". Each ``in_<backend>.py`` provides

    MixedColumns(loc, scale, rate, logits, columns, covariates)     rows (..., D)
    decoded_columns(outputs, loc, spread, columns)                  the same, of outputs (..., W) of a network
    encode_columns(x, columns, loc, spread)                         rows as inputs (..., W) of a network

With C numbers, R counts, and T levels of all categories together,

    x_d ~ Normal(loc, scale)                      a number: loc and scale (..., C)
    x_d ~ Poisson(rate)                           a count: rate (..., R)
    x_d ~ Categorical(softmax of its L logits)    a category, as a whole number: logits (..., T), one after the other

A covariate is given, and has density 1; its ``covariates`` (..., P) are what a draw of the row has. A missing entry is
left out, which is exact, since columns are independent given the parameters.

A table of numbers and categories has W = ``num_outputs(columns)`` outputs of a network. The first C are locations m,
the next C are scales r, and the others logits:

    loc = loc_d + spread_d m_d,  scale = spread_d (MIN_SCALE + softplus(r_d))

``loc`` and ``spread`` are those of each column (D,), and unused for a category. The density is that of x in its units.
MIN_SCALE bounds it where a column is a function of the code, as years of education are of the degree: without it the
likelihood has no maximum.

The inputs of a network are each number in units of its spread about loc, 0 where missing; C indicators, 1 where a
number is missing; and for each category a 1 at its level, none where missing.

Nazabal, A. et al. (2020). Handling incomplete heterogeneous data using VAEs. Pattern Recognition 107, 107501.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from zoo.data.columns import COUNT, COVARIATE, ColumnKind

MIN_SCALE = 0.1  # of a number, in units of its spread


class Layout(NamedTuple):
    """Positions of columns and outputs, for K categories with T levels in all.

    numbers, categories, counts and covariates: their columns, (C,), (K,), (R,) and (P,). sizes (K,): levels of each
    category. starts (K,): the first of its logits. owners (T,): the category of each logit. members (K, largest size):
    the logits of each category, the last one repeated. indicator (T, K): 1 where a logit is of a category. order (D,):
    where each column is among numbers followed by categories, counts and covariates.
    """

    numbers: np.ndarray
    categories: np.ndarray
    counts: np.ndarray
    covariates: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    owners: np.ndarray
    members: np.ndarray
    indicator: np.ndarray
    order: np.ndarray


@lru_cache(maxsize=64)
def layout(columns: tuple[ColumnKind, ...]) -> Layout:
    """The positions for a tuple of columns."""
    levels = np.array([-1 if isinstance(kind, str) else kind for kind in columns], int)
    numbers, categories = np.flatnonzero(levels == 0), np.flatnonzero(levels > 0)
    counts, covariates = (np.array([d for d, k in enumerate(columns) if k == w], int) for w in (COUNT, COVARIATE))
    sizes = levels[categories]
    ends = np.cumsum(sizes)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    steps = np.arange(sizes.max(initial=1))
    return Layout(
        numbers,
        categories,
        counts,
        covariates,
        sizes,
        ends - sizes,
        owners,
        np.minimum((ends - sizes)[:, None] + steps, ends[:, None] - 1),
        np.eye(len(sizes))[owners],
        np.argsort(np.concatenate([numbers, categories, counts, covariates]), kind="stable"),
    )


def num_outputs(columns: tuple[ColumnKind, ...]) -> int:
    """W, the number of outputs and of inputs of a network: two for a number, L for a category with L levels.

    >>> num_outputs((0, 3, 0, 2))
    9
    """
    return sum(int(size) or 2 for size in columns)
