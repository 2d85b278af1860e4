"""How often each count occurs, and what can be said of a state by that alone: log p(w, z), and better alpha and eta."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

LARGE = 1 << 20  # counts up to here are tallied in a table


class Tally(NamedTuple):
    """Positive whole numbers, ``sizes``, and how often each occurs, ``times``."""

    sizes: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Tally:
        """Of values from 0 up; zeros are left out.

        >>> Tally.of(np.array([3, 0, 1, 3]))
        Tally(sizes=array([1, 3]), times=array([1, 2]))
        """
        values = values[values > 0]
        if values.max(initial=0) > LARGE:
            return cls(*np.unique(values, return_counts=True))
        times = np.bincount(values)
        sizes = np.flatnonzero(times)
        return cls(sizes, times[sizes])

    def log_rising(self, a: float) -> float:
        """The sum of log Gamma(n + a) - log Gamma(a) over the values n."""
        from scipy.special import gammaln

        return float(self.times @ (gammaln(self.sizes + a) - gammaln(a)))

    def slope(self, a: float) -> float:
        """Its derivative: the sum of digamma(n + a) - digamma(a)."""
        from scipy.special import digamma

        return float(self.times @ (digamma(self.sizes + a) - digamma(a)))


class Tallies(NamedTuple):
    """lengths: of the documents. by_topic: for each topic its counts in documents. words: the counts of topics at
    words, all together. totals: (K,), the counts of topics."""

    lengths: Tally
    by_topic: list[Tally]
    words: Tally
    totals: np.ndarray

    def log_joint(self, alpha: np.ndarray, eta: float, V: int) -> float:
        """log p(w, z | alpha, eta) in nats (Griffiths and Steyvers 2004, equations 2 and 3). alpha: (K,)."""
        from scipy.special import gammaln

        documents = sum(tally.log_rising(a) for tally, a in zip(self.by_topic, alpha, strict=True))
        topics = (gammaln(self.totals + V * eta) - gammaln(V * eta)).sum()
        return float(documents - self.lengths.log_rising(float(alpha.sum())) + self.words.log_rising(eta) - topics)


@njit(cache=True, nogil=True)
def by_topic(ends: Any, topics: Any, histogram: Any, sums: Any) -> None:
    """Into histogram[k, c] how many documents have c > 0 tokens of topic k; those c are added to ``sums``, (N, K)."""
    here = np.zeros(len(histogram), np.int64)
    keep = len(sums) > 0
    for n in range(len(ends)):
        here[:] = 0
        for i in range(ends[n, 0], ends[n, -1]):
            here[topics[i]] += 1
        for k in range(len(here)):
            if here[k]:
                histogram[k, here[k]] += 1
                if keep:
                    sums[n, k] += here[k]
