"""The moments of rows by pattern of observed columns, read a block at a time, where they are less than the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from inference.engines.em.linear_gaussian.statistics import Moments
from inference.exact.gaussian.rows import IncompleteRows
from zoo.data.blocks import weighted_blocks
from zoo.data.moments import MAX_SQUARED_MEAN_RATIO, first_observed

FEW_PATTERNS = 4  # patterns are few where their moments take a quarter of the rows' memory, or up to this number


class ShiftedMoments(NamedTuple):
    """The moments of x - shift, shift (D,)."""

    shift: np.ndarray
    moments: Moments

    def location_and_spread(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and standard deviation of the observed values of each column, (D,) each."""
        mean, variance = self._pooled()
        return self.shift + mean, np.sqrt(variance)

    def loses_digits(self) -> bool:
        """Whether shift is so far from the means that digits of the variance are lost."""
        mean, variance = self._pooled()
        return bool((mean**2 > MAX_SQUARED_MEAN_RATIO * variance).any())

    def _pooled(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of x - shift by column, over all patterns."""
        m = self.moments
        observed = m.num_rows @ m.patterns
        pooled = (m.num_rows @ m.mean) / observed
        between = m.num_rows @ (m.patterns * (m.mean - pooled) ** 2)
        return pooled, (np.diagonal(m.scatter, axis1=1, axis2=2).sum(0) + between) / observed

    def standardised(self, centre: np.ndarray, scale: np.ndarray) -> Moments:
        """The moments of (x - centre) / scale."""
        m = self.moments
        mean = m.patterns * (m.mean - (centre - self.shift)) / scale
        return Moments(m.patterns, m.num_rows, mean, m.scatter / scale / scale[:, None])


def compute_moments(x: np.ndarray, weights: np.ndarray | None = None) -> ShiftedMoments | None:
    """The moments of x (N, D), NaN where missing, about a shift that loses no digits; None for many patterns."""
    result = moments_about(first_observed(x, weights), x, weights)
    if result and result.loses_digits():
        result = moments_about(result.location_and_spread()[0], x, weights)
    return result


def moments_about(shift: np.ndarray, x: np.ndarray, weights: np.ndarray | None = None) -> ShiftedMoments | None:
    """The moments of x - shift, rows counted by their weights; None where the patterns are many."""
    N, D = x.shape
    most = max(FEW_PATTERNS, N // (4 * D))
    sums: dict[bytes, list[np.ndarray]] = {}
    for block, w in weighted_blocks(x, weights):
        for pattern, part, wp in split_by_pattern(block - shift, w):
            # a matrix times its own transpose is quicker than times another
            new = [wp.sum(), wp @ part, (part if weights is None else part * wp[:, None]).T @ part]
            key = pattern.tobytes()
            sums[key] = [a + b for a, b in zip(sums[key], new, strict=True)] if key in sums else new
            if len(sums) > most:
                return None
    patterns = np.array([np.frombuffer(key, dtype=bool) for key in sums])
    count = np.array([s[0] for s in sums.values()])
    mean, scatter = np.zeros(patterns.shape), np.zeros((*patterns.shape, D))
    for p, (n, first, second) in enumerate(sums.values()):
        m = first / max(n, 1e-300)
        mean[p, patterns[p]] = m
        scatter[p][np.ix_(patterns[p], patterns[p])] = second - n * np.outer(m, m)
    return ShiftedMoments(shift, Moments(patterns.astype(float), count, mean, scatter))


def split_by_pattern(y: np.ndarray, w: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each pattern of observed columns, (D,) of booleans: the pattern, its rows and columns of y, its weights."""
    if not np.isnan(w @ y).any():
        yield np.ones(y.shape[1], dtype=bool), y, w
        return
    rows = IncompleteRows(y)
    for pattern, index in zip(rows.patterns > 0, rows.rows_by_pattern, strict=True):
        yield pattern, y[index][:, pattern], w[index]
