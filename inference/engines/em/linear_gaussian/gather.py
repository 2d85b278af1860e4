"""Rows into what EM iterates on, where that is less than the rows: their moments by pattern of columns seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from inference.engines.em.linear_gaussian.statistics import Moments
from inference.exact.gaussian.rows import Rows
from zoo.data.blocks import blocks
from zoo.data.moments import FAR, first_seen

FEW = 4  # patterns are few where their moments take no more memory than a quarter of the rows, or this many


class Gathered(NamedTuple):
    """The moments of x - shift."""

    shift: np.ndarray  # (D,)
    moments: Moments

    def location_and_spread(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and standard deviation of what was seen of each column, (D,) each."""
        mean, variance = self._pooled()
        return self.shift + mean, np.sqrt(variance)

    def far(self) -> bool:
        """Whether shift is so far from the means that digits of the variance are lost."""
        mean, variance = self._pooled()
        return bool((mean**2 > FAR * variance).any())

    def _pooled(self) -> tuple[np.ndarray, np.ndarray]:
        patterns, count, mean, scatter = self.moments
        seen = count @ patterns
        whole = (count @ mean) / seen
        between = count @ (patterns * (mean - whole) ** 2)
        return whole, (np.diagonal(scatter, axis1=1, axis2=2).sum(0) + between) / seen

    def standardised(self, centre: np.ndarray, scale: np.ndarray) -> Moments:
        """Those of (x - centre) / scale."""
        patterns, count, mean, scatter = self.moments
        return Moments(
            patterns, count, patterns * (mean - (centre - self.shift)) / scale, scatter / scale / scale[:, None]
        )


def gather(x: np.ndarray) -> Gathered | None:
    """The moments of x (N, D), NaN where missing; None where the patterns are many."""
    found = about(first_seen(x), x)
    if found and found.far():
        found = about(found.location_and_spread()[0], x)
    return found


def about(shift: np.ndarray, x: np.ndarray, weights: np.ndarray | None = None) -> Gathered | None:
    """The moments of x - shift, rows counted by their weights, read a block at a time; None as above."""
    N, D = x.shape
    most = max(FEW, N // (4 * D))
    sums: dict[bytes, list[np.ndarray]] = {}
    for begun, block in blocks(x):
        y = block - shift
        w = np.ones(len(y)) if weights is None else weights[begun : begun + len(y)]
        for pattern, part, wp in by_pattern(y, w):
            # a matrix times its own transpose is quicker than times another
            found = [wp.sum(), wp @ part, (part if weights is None else part * wp[:, None]).T @ part]
            key = pattern.tobytes()
            sums[key] = [a + b for a, b in zip(sums[key], found, strict=True)] if key in sums else found
            if len(sums) > most:
                return None
    patterns = np.array([np.frombuffer(key, dtype=bool) for key in sums])
    count = np.array([s[0] for s in sums.values()])
    mean, scatter = np.zeros(patterns.shape), np.zeros((*patterns.shape, D))
    for p, (n, first, second) in enumerate(sums.values()):
        m = first / max(n, 1e-300)
        mean[p, patterns[p]] = m
        scatter[p][np.ix_(patterns[p], patterns[p])] = second - n * np.outer(m, m)
    return Gathered(shift, Moments(patterns.astype(float), count, mean, scatter))


def by_pattern(y: np.ndarray, w: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each set of columns seen together in some rows, (D,) of booleans, and of those rows these columns and weights."""
    if not np.isnan(w @ y).any():
        yield np.ones(y.shape[1], dtype=bool), y, w
        return
    rows = Rows(y)
    for pattern, alike in zip(rows.patterns > 0, rows.alike, strict=True):
        yield pattern, y[alike][:, pattern], w[alike]
