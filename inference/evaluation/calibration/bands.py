"""Simultaneous bands for the ECDF of ranks, and the p-value that goes with them, both exact.

Of n uniform ranks among L draws, the count below i is Binomial(n, i / (L + 1)) for each i = 1 .. L. A band takes the
counts that are not in a tail of probability ``level`` / 2 at their own i, one level for all i, so that it is as strict
in the tails as in the middle (Säilynoja, Bürkner and Vehtari 2022, "Graphical test for discrete uniformity and its
applications in goodness-of-fit evaluation and multiple sample comparison", Statistics and Computing 32). That every
count lies within is a walk of independent Poisson steps given its end, and its probability one convolution a step.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BISECTIONS = 40
LEAST = 1e-15  # the smallest level looked at


def below(ranks: np.ndarray, draws: int) -> np.ndarray:
    """How many ranks are below 1, 2, .., ``draws``: (draws,).

    >>> below(np.array([0, 0, 3]), 3)
    array([2, 2, 2])
    """
    return np.searchsorted(np.sort(ranks), np.arange(1, draws + 1), side="left")


def p_value(ranks: np.ndarray, draws: int) -> float:
    """The chance that uniform ranks leave a band as wide as these do somewhere; ``ranks`` (n,) in 0 .. draws."""
    rarity = two_sided(len(ranks), draws)[np.arange(draws), below(ranks, draws)].min()
    # equal tails of the two sides differ by rounding
    return float(np.clip(1 - inside(len(ranks), draws, rarity * (1 + 1e-9)), 0, 1))


@lru_cache(maxsize=64)
def band(n: int, draws: int, chance: float) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest count below 1, .., ``draws`` that n uniform ranks leave only with ``chance``."""
    low, high = np.log(LEAST), 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - inside(n, draws, np.exp(middle)) <= chance else (low, middle)
    fair = two_sided(n, draws) > np.exp(low)
    return fair.argmax(1), n - fair[:, ::-1].argmax(1)


@lru_cache(maxsize=8)
def two_sided(n: int, draws: int) -> np.ndarray:
    """Twice the smaller tail at each count 0 .. n, point by point: (draws, n + 1)."""
    from scipy.stats import binom

    chance = (np.arange(1, draws + 1) / (draws + 1))[:, None]
    count = np.arange(n + 1)
    return 2 * np.minimum(binom.cdf(count, n, chance), binom.sf(count - 1, n, chance))


def inside(n: int, draws: int, level: float) -> float:
    """The probability that at every point the count of n uniform ranks is one whose tails exceed ``level``."""
    from scipy.stats import poisson

    step = n / (draws + 1)
    far = int(step + 10 * np.sqrt(step) + 50)  # what lies beyond is rounding
    steps = poisson.pmf(np.arange(min(n, far) + 1), step)
    least, at = 0, np.ones(1)  # at[j]: the weight of all walks so far that stand at least + j
    for fair in two_sided(n, draws) > level:
        allowed = np.flatnonzero(fair)
        if not allowed.size:
            return 0.0
        first = max(least, int(allowed[0]))
        at = np.convolve(at, steps)[first - least : allowed[-1] - least + 1]
        least = first
    last = poisson.pmf(n - least - np.arange(len(at)), step)
    return float((at * last).sum() / poisson.pmf(n, n))
