"""Rows so far away that every component has density 0 in 64 bits: the limit of the probabilities on the way there.

Along the way from the origin to a row the log densities of two normal components differ by a quadratic or, where their
covariances are equal, a linear function of the distance. The probabilities tend to one-hot ones, and at some smaller
distance they are so in 64 bits too.
"""

from __future__ import annotations

import numpy as np

DISTANCES = 10.0 ** np.arange(150, -11, -10)  # of the points on the way, the farthest first
NEIGHBOURS = np.array([1.0, 0.3, 0.1])  # where these agree, it is not rounding that decides
CERTAIN = 1 - 1e-6


def points_on_the_way(x: np.ndarray) -> np.ndarray:
    """Points between the origin and each row of x (R, D), NaN where missing: (P R, D), point by point."""
    size = np.nanmax(np.abs(x), axis=1, keepdims=True)
    direction = x / size
    factors = (DISTANCES[:, None] * NEIGHBOURS).ravel()
    return np.concatenate([np.minimum(factor, size) * direction for factor in factors])


def are_improper(probabilities: np.ndarray) -> np.ndarray:
    """Whether probabilities over the last dimension do not sum to 1, since log densities beyond 1e16 have no digits."""
    return ~(np.abs(probabilities.sum(-1) - 1) < 1 - CERTAIN)


def limit_of(probabilities: np.ndarray) -> np.ndarray:
    """The limit of the probabilities at ``points_on_the_way``, (..., P R, K): one for each row, (..., R, K).

    It is one-hot where neighbours agree; else the probabilities at the farthest point where they are numbers.
    """
    *leading, _, K = probabilities.shape
    p = probabilities.reshape(*leading, len(DISTANCES), len(NEIGHBOURS), -1, K)
    is_proper = ~are_improper(p)  # (..., distances, neighbours, R)
    labels = np.nan_to_num(p).argmax(-1)
    is_one_hot = is_proper & (np.nan_to_num(p).max(-1) > CERTAIN)
    agree = is_one_hot.all(-2) & (labels == labels[..., :1, :]).all(-2)  # (..., distances, R)
    chosen = np.where(agree.any(-2), agree.argmax(-2), is_proper.all(-2).argmax(-2))  # (..., R)
    return np.take_along_axis(p[..., 0, :, :], chosen[..., None, :, None], axis=-3)[..., 0, :, :]
