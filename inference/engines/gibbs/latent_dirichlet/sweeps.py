"""One sweep of collapsed Gibbs sampling over a block of tokens, by counts in a table or in lists.

Both draw the topic of each token of documents ``first`` to ``last - 1`` whose word is in one group of words, given the
topics of all other tokens. Arguments:

- ends: (N, P + 1), where the tokens of each group of words begin and end in a document;
- words, topics: of each token; topics are updated;
- totals: (K,), the tokens of each topic; updated;
- alpha: (K,), padded with zeros to complete rows of ``vectors.LANES``; eta: a float32;
- state: of the random numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from inference.engines.gibbs.latent_dirichlet.vectors import LANES, SUMS_EXTRA, accumulate_weights, find_weight
from inference.run.random_streams import INCREMENT, uniform32


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def start_document(topics, alpha, shares, document_counts, factors):
    """Count the topics of a document in ``document_counts`` (K,); ``factors`` becomes (counts + alpha) shares."""
    document_counts[:] = 0
    for topic in topics:
        document_counts[topic] += 1
    for k in range(len(document_counts)):
        factors[k] = (np.float32(document_counts[k]) + alpha[k]) * shares[k]


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def sweep_table(first, last, group, ends, words, topics, table, totals, alpha, eta, state):
    """Sweep by a table of counts, (V, K), K padded; it is updated."""
    V, K = table.shape
    rows, flat, one = K // LANES, table.reshape(-1), np.float32(1)
    smoothing = np.float32(V * np.float64(eta))
    document_counts, factors = np.zeros(K, np.int32), np.zeros(K, np.float32)
    sums = np.empty(K + SUMS_EXTRA, np.float32)
    shares = np.empty(K, np.float32)
    for k in range(K):
        shares[k] = one / (np.float32(totals[k]) + smoothing)
    for n in range(first, last):
        if ends[n, group] == ends[n, group + 1]:
            continue
        start_document(topics[ends[n, 0] : ends[n, -1]], alpha, shares, document_counts, factors)
        for i in range(ends[n, group], ends[n, group + 1]):
            start, old = np.int64(words[i]) * K, np.int64(topics[i])
            share = one / (np.float32(totals[old] - 1) + smoothing)
            factor = (np.float32(document_counts[old] - 1) + alpha[old]) * share
            total = accumulate_weights(factors, flat, start, eta, rows, old, factor, sums)
            state += INCREMENT
            new = find_weight(sums, rows, uniform32(state) * total, old)
            if new != old:  # most tokens stay, and then nothing is written to memory
                document_counts[old] -= 1
                flat[start + old] -= 1
                totals[old] -= 1
                shares[old], factors[old] = share, factor
                topics[i] = new
                document_counts[new] += 1
                flat[start + new] += 1
                totals[new] += 1
                shares[new] = one / (np.float32(totals[new]) + smoothing)
                factors[new] = (np.float32(document_counts[new]) + alpha[new]) * shares[new]


@njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")
def sweep_lists(first, last, group, ends, words, topics, begins, sizes, entries, counts, totals, alpha, eta, state):
    """Sweep by lists: the topics of word v are entries[begins[v] : begins[v] + sizes[v]], in any order, with counts.

    A topic's weight is f_k (n_kw + eta), where f_k = (n_dk + alpha_k) / (n_k + V eta). The part f_k n_kw is summed over
    the topics of the word alone; eta f_k is eta times a sum that is kept up to date, and only a draw that falls into
    it, which few do, visits all topics. This is the decomposition of Yao, Mimno and McCallum (2009) with two of its
    three parts in one, and exact.
    """
    V, K = len(sizes), len(alpha)
    rows, one = K // LANES, np.float32(1)
    smoothing = np.float32(V * np.float64(eta))
    document_counts, factors = np.zeros(K, np.int32), np.zeros(K, np.float32)
    sums = np.empty(K + SUMS_EXTRA, np.float32)
    zeros, shares = np.zeros(K, np.int32), np.empty(K, np.float32)
    for k in range(K):
        shares[k] = one / (np.float32(totals[k]) + smoothing)
    for n in range(first, last):
        if ends[n, group] == ends[n, group + 1]:
            continue
        start_document(topics[ends[n, 0] : ends[n, -1]], alpha, shares, document_counts, factors)
        factor_sum = np.float64(accumulate_weights(factors, zeros, 0, one, rows, -1, one, sums))
        for i in range(ends[n, group], ends[n, group + 1]):
            word, old = np.int64(words[i]), np.int64(topics[i])
            start, length, before = begins[word], sizes[word], factors[old]
            share = one / (np.float32(totals[old] - 1) + smoothing)
            factors[old] = (np.float32(document_counts[old] - 1) + alpha[old]) * share
            other_sum = factor_sum + (np.float64(factors[old]) - np.float64(before))
            word_sum = np.float32(0)
            for j in range(length):
                k = entries[start + j]
                word_sum += factors[k] * np.float32(counts[start + j] - (k == old))
                sums[j] = word_sum
            state += INCREMENT
            u = uniform32(state) * (word_sum + eta * np.float32(other_sum))
            if u < word_sum:
                place = 0
                for j in range(length):
                    place += sums[j] <= u
                new = np.int64(entries[start + place])
            else:
                total = accumulate_weights(factors, zeros, 0, one, rows, -1, one, sums)
                state += INCREMENT
                new, place = find_weight(sums, rows, uniform32(state) * total, old), length
            if new == old:
                factors[old] = before
                continue
            factor_sum = other_sum
            if place == length:  # the topic may be in the list nevertheless
                for j in range(length):
                    if entries[start + j] == new:
                        place = j
            if place == length:
                entries[start + length], counts[start + length] = new, 0
                length += 1
            counts[start + place] += 1
            for j in range(length):
                if entries[start + j] == old:
                    counts[start + j] -= 1
                    if counts[start + j] == 0:
                        length -= 1
                        entries[start + j], counts[start + j] = entries[start + length], counts[start + length]
                        counts[start + length] = 0
                    break
            sizes[word] = length
            document_counts[old] -= 1
            totals[old] -= 1
            shares[old] = share
            topics[i] = new
            document_counts[new] += 1
            totals[new] += 1
            shares[new] = one / (np.float32(totals[new]) + smoothing)
            before = factors[new]
            factors[new] = (np.float32(document_counts[new]) + alpha[new]) * shares[new]
            factor_sum += np.float64(factors[new]) - np.float64(before)
