"""Draws that are resampled by importance weights: which draws, and how many independent ones they are worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inference.summaries.statistics import FitStatistics, copies_size


def resample(weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices (count,) of draws by their weights (draws,) with sum 1, in rising order: systematic resampling.

    Each draw is there as often as its weight says, rounded up or down, so that equal weights change nothing.
    Kitagawa (1996), "Monte Carlo filter and smoother for non-Gaussian nonlinear state space models".

    >>> resample(np.array([0.5, 0.25, 0.0, 0.25]), 4, seed=0)
    array([0, 0, 1, 3])
    """
    points = (np.random.default_rng(seed).random() + np.arange(count)) / count
    total = np.cumsum(weights)
    last = int(np.flatnonzero(weights)[-1])  # the sum may be a rounding error below 1
    return np.minimum(np.searchsorted(total / total[-1], points, side="right"), last)


def effective_draws(weights: np.ndarray) -> float:
    """The effective number of draws under weights with sum 1, 1 / sum of squares (Kong 1992).

    >>> effective_draws(np.array([0.5, 0.5, 0.0]))
    2.0
    """
    return float(1 / np.sum(weights**2))


def reweighted_statistics(s: FitStatistics, seed: int = 0) -> FitStatistics:
    """The statistics of a guide's draws resampled by their smoothed weights: what ``inference.reweight`` would give.

    The weights of the guide must be numbers.
    """
    source = resample(s.weights, len(s.flat), seed)
    values = s.flat[source]
    bulk, tail = copies_size(values, source, effective_draws(s.weights))
    return replace(
        s,
        values=values[None],
        mean=values.mean(0),
        sd=values.std(0, ddof=1),
        ess_bulk=bulk,
        ess_tail=tail,
        lp=s.lp.ravel()[source][None],
        weights=np.full(1, np.nan),
        elbo=float("nan"),
        source=source,
    )
