"""Simultaneous bands for the ECDF of ranks, and their p-value, both exact.

Of n uniform ranks among L draws, the number of ranks below i is Binomial(n, i / (L + 1)) for each i = 1 .. L. A band
contains the counts that are not in a tail of probability ``level`` / 2 at their own i, with one level for all i, so
that it is as strict in the tails as in the middle (Säilynoja, Bürkner and Vehtari 2022, "Graphical test for discrete
uniformity and its applications in goodness-of-fit evaluation and multiple sample comparison", Statistics and Computing
32). That all counts lie within the band is a walk of independent Poisson steps conditioned on its end, and its
probability takes one convolution a step.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BISECTIONS = 40
SMALLEST_LEVEL = 1e-15


def counts_below(ranks: np.ndarray, draws: int) -> np.ndarray:
    """How many ranks are below 1, 2, .., ``draws``: (draws,).

    >>> counts_below(np.array([0, 0, 3]), 3)
    array([2, 2, 2])
    """
    return np.searchsorted(np.sort(ranks), np.arange(1, draws + 1), side="left")


def p_value(ranks: np.ndarray, draws: int) -> float:
    """The probability that uniform ranks leave the narrowest band that contains ``ranks``, (n,) in 0 .. draws."""
    level = tail_probabilities(len(ranks), draws)[np.arange(draws), counts_below(ranks, draws)].min()
    # equal tails of the two sides differ by rounding
    return float(np.clip(1 - band_probability(len(ranks), draws, level * (1 + 1e-9)), 0, 1))


@lru_cache(maxsize=64)
def band(n: int, draws: int, error_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The bounds on the counts below 1, .., ``draws`` that n uniform ranks leave with probability ``error_rate``."""
    low, high = np.log(SMALLEST_LEVEL), 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_wide = 1 - band_probability(n, draws, np.exp(middle)) <= error_rate
        low, high = (middle, high) if is_wide else (low, middle)
    inside = tail_probabilities(n, draws) > np.exp(low)
    return inside.argmax(1), n - inside[:, ::-1].argmax(1)


@lru_cache(maxsize=8)
def tail_probabilities(n: int, draws: int) -> np.ndarray:
    """Twice the smaller tail at each count 0 .. n, point by point: (draws, n + 1)."""
    from scipy.stats import binom

    probability = (np.arange(1, draws + 1) / (draws + 1))[:, None]
    count = np.arange(n + 1)
    return 2 * np.minimum(binom.cdf(count, n, probability), binom.sf(count - 1, n, probability))


def band_probability(n: int, draws: int, level: float) -> float:
    """The probability that at every point the count of n uniform ranks has a tail probability above ``level``."""
    from scipy.stats import poisson

    step = n / (draws + 1)
    longest = int(step + 10 * np.sqrt(step) + 50)  # longer steps are below rounding
    steps = poisson.pmf(np.arange(min(n, longest) + 1), step)
    least, weights = 0, np.ones(1)  # weights[j]: of all walks so far whose position is least + j
    for inside in tail_probabilities(n, draws) > level:
        allowed = np.flatnonzero(inside)
        if not allowed.size:
            return 0.0
        first = max(least, int(allowed[0]))
        weights = np.convolve(weights, steps)[first - least : allowed[-1] - least + 1]
        least = first
    last = poisson.pmf(n - least - np.arange(len(weights)), step)
    return float((weights * last).sum() / poisson.pmf(n, n))
