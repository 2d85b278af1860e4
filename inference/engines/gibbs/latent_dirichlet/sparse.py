"""One sweep over a block of tokens, with a list of the topics that each word has, for many topics.

A topic's weight is f_k (n_kw + eta), where f_k = (n_dk + alpha_k) / (n_k + V eta). The part f_k n_kw is summed over
the topics of the word alone, and eta f_k is eta times a sum that is kept up to date: only a draw that falls into the
second part, and few do, looks at all topics. It is the decomposition of Yao, Mimno and McCallum (2009) with two of its
three parts in one, and exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from inference.engines.gibbs.latent_dirichlet.dense import opened
from inference.engines.gibbs.latent_dirichlet.lanes import GOLDEN, LANES, accumulate, found, uniform


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def sweep(
    first: int,
    last: int,
    group: int,
    ends: Any,
    words: Any,
    topics: Any,
    begins: Any,
    held: Any,
    of: Any,
    counts: Any,
    totals: Any,
    alpha: Any,
    eta: Any,
    state: Any,
) -> None:
    """As ``dense.sweep``; the topics of word v are of[begins[v] : begins[v] + held[v]], in any order, with counts."""
    V, K = len(held), len(alpha)
    rows, one = K // LANES, np.float32(1)
    smoothing = np.float32(V * np.float64(eta))
    here, factors, sums = np.zeros(K, np.int32), np.zeros(K, np.float32), np.empty(K + LANES + 1, np.float32)
    nothing, shares = np.zeros(K, np.int32), np.empty(K, np.float32)
    for k in range(K):
        shares[k] = one / (np.float32(totals[k]) + smoothing)
    for n in range(first, last):
        if ends[n, group] == ends[n, group + 1]:
            continue
        opened(topics[ends[n, 0] : ends[n, -1]], alpha, shares, here, factors)
        spread = np.float64(accumulate(factors, nothing, 0, one, rows, -1, one, sums))
        for i in range(ends[n, group], ends[n, group + 1]):
            word, old = np.int64(words[i]), np.int64(topics[i])
            begin, length, before = begins[word], held[word], factors[old]
            share = one / (np.float32(totals[old] - 1) + smoothing)
            factors[old] = (np.float32(here[old] - 1) + alpha[old]) * share
            rest = spread + (np.float64(factors[old]) - np.float64(before))
            own = np.float32(0)
            for j in range(length):
                k = of[begin + j]
                own += factors[k] * np.float32(counts[begin + j] - (k == old))
                sums[j] = own
            state += GOLDEN
            u = uniform(state) * (own + eta * np.float32(rest))
            if u < own:
                place = 0
                for j in range(length):
                    place += sums[j] <= u
                new = np.int64(of[begin + place])
            else:
                total = accumulate(factors, nothing, 0, one, rows, -1, one, sums)
                state += GOLDEN
                new, place = found(sums, rows, uniform(state) * total, old), length
            if new == old:
                factors[old] = before
                continue
            spread = rest
            if place == length:  # it may be of the word nevertheless
                for j in range(length):
                    if of[begin + j] == new:
                        place = j
            if place == length:
                of[begin + length], counts[begin + length] = new, 0
                length += 1
            counts[begin + place] += 1
            for j in range(length):
                if of[begin + j] == old:
                    counts[begin + j] -= 1
                    if counts[begin + j] == 0:
                        length -= 1
                        of[begin + j], counts[begin + j] = of[begin + length], counts[begin + length]
                        counts[begin + length] = 0
                    break
            held[word] = length
            here[old] -= 1
            totals[old] -= 1
            shares[old] = share
            topics[i] = new
            here[new] += 1
            totals[new] += 1
            shares[new] = one / (np.float32(totals[new]) + smoothing)
            before = factors[new]
            factors[new] = (np.float32(here[new]) + alpha[new]) * shares[new]
            spread += np.float64(factors[new]) - np.float64(before)
