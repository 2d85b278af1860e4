"""Fits in different modes of one posterior: which holds how much of the mass.

Checks of one fit cannot show a mode that it never visits; another fit can. Where two sets of draws do not overlap, the
mass about each is estimated by the mean log joint density and the entropy of a normal distribution with the covariance
of the draws, which is exact for normal modes.
"""

from __future__ import annotations

import numpy as np

from inference.summaries.statistics import FitStatistics

MAX_OVERLAP = 0.1  # of the draws of each that lie within the range of the other, along the direction between them
RANGE = (0.005, 0.995)  # quantiles
MAX_COORDINATES = 100


def share_elsewhere(fit: FitStatistics, reference: FitStatistics) -> float:
    """The part of the mass of both that is about the draws of the fit; 0 where the draws overlap.

    The log joint of both must be one function, and the quantities all of its arguments.
    """
    x, y = fit.flat, reference.flat
    size = x.shape[1]
    if not 0 < size <= MAX_COORDINATES or min(len(x), len(y)) <= 2 * size or "point" in (fit.kind, reference.kind):
        return 0.0
    if not all(np.isfinite(values).all() for values in (x, y, fit.lp, reference.lp)):
        return 0.0
    scale = np.sqrt(x.var(0) + y.var(0))
    if not (scale > 0).all():
        return 0.0
    x, y = x / scale, y / scale
    ours, theirs = (np.atleast_2d(np.cov(v.T)) + 1e-9 * np.eye(size) for v in (x, y))
    direction = np.linalg.solve(ours + theirs, x.mean(0) - y.mean(0))
    a, b = x @ direction, y @ direction
    if max(share_within(a, b), share_within(b, a)) > MAX_OVERLAP:
        return 0.0
    log_ratio = fit.lp.mean() - reference.lp.mean() + 0.5 * (np.linalg.slogdet(ours)[1] - np.linalg.slogdet(theirs)[1])
    return float(1 / (1 + np.exp(-np.clip(log_ratio, -700, 700))))


def share_within(a: np.ndarray, b: np.ndarray) -> float:
    """The part of the numbers a that lie within the range of b."""
    low, high = np.quantile(b, RANGE)
    return float(((a >= low) & (a <= high)).mean())
