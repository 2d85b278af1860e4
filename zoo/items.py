"""Items: the columns of a row, independent given the class of the row, as cards describe them.

    z_n   ~ Categorical(...)     the class of row n
    x_nd  ~ p_d(. | z_n)         column d, by the class alone

so that a missing value has the mixture of its column's distributions by the probabilities of the classes given the rest
of the row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Items(NamedTuple):
    """The distribution of each of D columns in each of K classes, as NumPy arrays with any leading dimensions.

    mean, variance: (..., K, D), of numbers and counts, NaN elsewhere. probabilities: (..., K, L) of the levels of a
    category, by column.
    """

    mean: np.ndarray
    variance: np.ndarray
    probabilities: dict[int, np.ndarray]
