"""One sweep over a block of tokens, with the counts of every topic at every word."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from inference.engines.gibbs.latent_dirichlet.lanes import GOLDEN, LANES, accumulate, found, uniform


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def opened(topics: Any, alpha: Any, shares: Any, here: Any, factors: Any) -> None:
    """Count the topics of a document in ``here`` (K,), and set ``factors`` to (here + alpha) shares."""
    here[:] = 0
    for topic in topics:
        here[topic] += 1
    for k in range(len(here)):
        factors[k] = (np.float32(here[k]) + alpha[k]) * shares[k]


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def sweep(
    first: int,
    last: int,
    group: int,
    ends: Any,
    words: Any,
    topics: Any,
    table: Any,
    totals: Any,
    alpha: Any,
    eta: Any,
    state: Any,
) -> None:
    """Draw anew the topic of each token of documents first to last - 1 whose word is of a group.

    ends: (N, P + 1), where the words of each group begin and end in a document. words, topics: by token. table: the
    counts (V, K), and totals (K,), the counts of each topic; all three are brought up to date. alpha: (K,). state: of
    the random numbers. K is padded to whole rows, with alpha 0.
    """
    V, K = table.shape
    rows, flat, one = K // LANES, table.reshape(-1), np.float32(1)
    smoothing = np.float32(V * np.float64(eta))
    here, factors, sums = np.zeros(K, np.int32), np.zeros(K, np.float32), np.empty(K + LANES + 1, np.float32)
    shares = np.empty(K, np.float32)
    for k in range(K):
        shares[k] = one / (np.float32(totals[k]) + smoothing)
    for n in range(first, last):
        if ends[n, group] == ends[n, group + 1]:
            continue
        opened(topics[ends[n, 0] : ends[n, -1]], alpha, shares, here, factors)
        for i in range(ends[n, group], ends[n, group + 1]):
            begin, old = np.int64(words[i]) * K, np.int64(topics[i])
            share = one / (np.float32(totals[old] - 1) + smoothing)
            factor = (np.float32(here[old] - 1) + alpha[old]) * share
            total = accumulate(factors, flat, begin, eta, rows, old, factor, sums)
            state += GOLDEN
            new = found(sums, rows, uniform(state) * total, old)
            if new != old:  # most stay: then nothing is written, and nothing waited for
                here[old] -= 1
                flat[begin + old] -= 1
                totals[old] -= 1
                shares[old], factors[old] = share, factor
                topics[i] = new
                here[new] += 1
                flat[begin + new] += 1
                totals[new] += 1
                shares[new] = one / (np.float32(totals[new]) + smoothing)
                factors[new] = (np.float32(here[new]) + alpha[new]) * shares[new]
