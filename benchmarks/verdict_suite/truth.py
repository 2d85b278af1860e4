"""How wrong a fit is: the coverage of its 90% intervals, and the errors of its means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.verdict_suite.fits import Posterior
from inference.result import Fit

LEAST_COVERAGE, MOST_ERROR = 0.80, 0.5  # a fit beyond either is wrong
SOUND_COVERAGE, SOUND_ERROR = (0.85, 0.96), 0.3
MAX_PAIRS = 3


class Truth(NamedTuple):
    """The worst over the coordinates and over some joint quantities.

    coverage, highest: the lowest and highest coverage of the 90% intervals of the fit. error: the largest error of a
    mean, in posterior sds (of medians in interquartile ranges / 1.349 where the posterior has no variance).
    """

    coverage: float
    highest: float
    error: float

    @property
    def is_wrong(self) -> bool:
        """Whether an interval covers too little, or a mean is off."""
        return self.coverage < LEAST_COVERAGE or self.error > MOST_ERROR

    @property
    def is_sound(self) -> bool:
        """Whether every interval covers about what it says, and every mean is right."""
        low, high = SOUND_COVERAGE
        return low <= self.coverage and self.highest <= high and self.error <= SOUND_ERROR

    @property
    def has_wrong_mean(self) -> bool:
        """Whether a mean is off."""
        return self.error > MOST_ERROR


def truth_of(p: Posterior, fit: Fit) -> Truth:
    """Compare the draws of a fit, weights of their own aside, with the exact ones."""
    x = np.concatenate([fit.draws[n].reshape(-1, *shape).reshape(-1, size) for n, shape, size in sizes(p)], axis=1)
    return compare_draws(p, x)


def sizes(p: Posterior) -> list[tuple[str, tuple[int, ...], int]]:
    """Name, shape and number of entries of each site."""
    return [(n, shape, int(np.prod(shape))) for n, shape in p.problem.sites.items()]


def compare_draws(p: Posterior, x: np.ndarray) -> Truth:
    """The truth of draws (draws, P)."""
    ours, exact = joint_quantities(p, x), joint_quantities(p, p.exact)
    low, high = np.quantile(ours, (0.05, 0.95), axis=0)
    coverage = ((exact >= low) & (exact <= high)).mean(0)
    if p.problem.has_moments:
        error = np.abs(ours.mean(0) - exact.mean(0)) / exact.std(0)
    else:
        first, third = np.quantile(exact, (0.25, 0.75), axis=0)
        error = np.abs(np.median(ours, 0) - np.median(exact, 0)) / ((third - first) / 1.349)
    return Truth(float(coverage.min()), float(coverage.max()), float(error.max()))


def joint_quantities(p: Posterior, x: np.ndarray) -> np.ndarray:
    """Coordinates, sums and differences of the pairs most correlated, and the log density, (draws, quantities)."""
    columns = [x]
    if x.shape[1] > 1:
        first, third = np.quantile(p.exact, (0.25, 0.75), axis=0)
        scaled = x / np.maximum(third - first, 1e-300)
        sd = np.sqrt(np.diag(p.covariance))
        correlation = np.abs(np.triu(p.covariance / np.outer(sd, sd), 1))
        for k in np.argsort(-correlation, axis=None)[: min(MAX_PAIRS, x.shape[1] * (x.shape[1] - 1) // 2)]:
            i, j = np.unravel_index(k, correlation.shape)
            columns += [scaled[:, [i]] + scaled[:, [j]], scaled[:, [i]] - scaled[:, [j]]]
    log_density = p.problem.log_density(x)
    return np.hstack([*columns, np.where(np.isfinite(log_density), log_density, -1e300)[:, None]])
