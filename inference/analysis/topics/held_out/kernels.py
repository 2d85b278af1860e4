"""Compiled loops over the documents of a corpus; each document has a stream of random numbers of its own.

phi is given word by word, (V, K), so that what a token reads is contiguous. A kernel works on the documents ``begin``
to ``end - 1`` and writes to its last argument; the stream of document d depends on the seed and ``offset + d``, so that
a block of a corpus gives what the corpus as a whole gives.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from inference.run.random_streams import INCREMENT, chain_stream, document_stream, mix64, uniform64


@njit(cache=True, nogil=True)
def token_keys(seed, document, place):
    """A random key for each token, by the seed, its document and its place in the document."""
    keys = np.empty(len(document), np.uint64)
    for i in range(len(document)):
        stream = document_stream(seed, document[i])
        keys[i] = mix64(stream + INCREMENT * (np.uint64(place[i]) + np.uint64(1)))
    return keys


@njit(cache=True, nogil=True)
def document_tokens(words, counts):
    """The word of each token of a document."""
    tokens = np.empty(counts.sum(), np.int64)
    at = 0
    for i in range(len(words)):
        for _ in range(counts[i]):
            tokens[at] = words[i]
            at += 1
    return tokens


@njit(cache=True, nogil=True, inline="always")
def accumulate_weights(counts, row, sums):
    """Write the running sums of (n_k + alpha_k) phi_kw to ``sums``; returns the total."""
    total = 0.0
    for k in range(len(row)):
        total += counts[k] * row[k]
        sums[k] = total
    return total


@njit(cache=True, nogil=True, inline="always")
def find_topic(sums, level):
    """The first topic whose running sum exceeds the level."""
    k = 0
    while k < len(sums) - 1 and sums[k] <= level:
        k += 1
    return k


@njit(cache=True, nogil=True)
def posterior_means(begin, end, offset, indptr, words, counts, phi, alpha, chains, warmup, sweeps, seed, theta):
    """theta[c, d]: the mean of theta given document d and the topics, by chain c of collapsed Gibbs sampling.

    The averages are of p(z | other z) of each token rather than of its draw (Rao-Blackwell).
    """
    K = len(alpha)
    prior = alpha.sum()
    topic_counts, sums, probability_sum = np.empty(K), np.empty(K), np.empty(K)
    for d in range(begin, end):
        tokens = document_tokens(words[indptr[d] : indptr[d + 1]], counts[indptr[d] : indptr[d + 1]])
        z = np.empty(len(tokens), np.int64)
        for c in range(chains):
            state = chain_stream(seed, offset + d, c)
            topic_counts[:] = alpha
            probability_sum[:] = 0.0
            for sweep in range(-1, warmup + sweeps):  # the first sweep adds the tokens one after another
                for i in range(len(tokens)):
                    row = phi[tokens[i]]
                    if sweep >= 0:
                        topic_counts[z[i]] -= 1.0
                    total = accumulate_weights(topic_counts, row, sums)
                    if sweep >= warmup:
                        scale = 1.0 / total
                        for k in range(K):
                            probability_sum[k] += topic_counts[k] * row[k] * scale
                    state += INCREMENT
                    k = find_topic(sums, uniform64(state) * total)
                    z[i] = k
                    topic_counts[k] += 1.0
            for k in range(K):
                theta[c, d, k] = (alpha[k] + probability_sum[k] / sweeps) / (prior + len(tokens))


@njit(cache=True, nogil=True)
def posterior_modes(begin, end, indptr, words, counts, phi, alpha, steps, tol, theta):
    """theta[d]: the fixed point of theta_k ~ alpha_k + sum_w n_w p(k | w, theta)."""
    K = len(alpha)
    new, sums = np.empty(K), np.empty(K)
    for d in range(begin, end):
        theta[d] = alpha / alpha.sum()
        for _ in range(steps if indptr[d + 1] > indptr[d] else 0):
            new[:] = alpha
            for i in range(indptr[d], indptr[d + 1]):
                row = phi[words[i]]
                scale = counts[i] / accumulate_weights(theta[d], row, sums)
                for k in range(K):
                    new[k] += theta[d, k] * row[k] * scale
            new /= new.sum()
            change = np.abs(new - theta[d]).sum()
            theta[d] = new
            if change < tol:
                break


@njit(cache=True, nogil=True)
def left_to_right(begin, end, offset, indptr, words, counts, phi, alpha, runs, particles, moves, seed, log_p):
    """log_p[g, d]: the log of run g's unbiased estimate of p(document d), its tokens in a random order.

    A particle filter: the mean of p(w_i | z before i) over particles is one factor; then particles are resampled in
    proportion to it, z_i is drawn, and z before i is moved by Gibbs sampling, up to ``moves`` tokens in turn.
    """
    K = len(alpha)
    prior = alpha.sum()
    topic_counts, saved_counts, sums = np.empty((particles, K)), np.empty((particles, K)), np.empty(K)
    weights, chosen = np.empty(particles), np.empty(particles, np.int64)
    for d in range(begin, end):
        tokens = document_tokens(words[indptr[d] : indptr[d + 1]], counts[indptr[d] : indptr[d + 1]])
        L = len(tokens)
        z, saved_z = np.empty((particles, L), np.int64), np.empty((particles, L), np.int64)
        for g in range(runs):
            state = chain_stream(seed, offset + d, g)
            for i in range(L - 1, 0, -1):
                state += INCREMENT
                j = int(uniform64(state) * (i + 1))
                tokens[i], tokens[j] = tokens[j], tokens[i]
            for r in range(particles):
                topic_counts[r] = alpha
            log_sum, cursor = 0.0, 0
            for i in range(L):
                row = phi[tokens[i]]
                mean = 0.0
                for r in range(particles):
                    weights[r] = accumulate_weights(topic_counts[r], row, sums) / (prior + i)
                    mean += weights[r] / particles
                log_sum += math.log(mean)
                state += INCREMENT
                level, r = uniform64(state), 0  # systematic resampling: one uniform for all
                total = weights[0] / mean
                for s in range(particles):
                    while r < particles - 1 and total <= s + level:
                        r += 1
                        total += weights[r] / mean
                    chosen[s] = r
                saved_counts[:], saved_z[:, :i] = topic_counts, z[:, :i]
                for s in range(particles):
                    if chosen[s] != s:
                        topic_counts[s], z[s, :i] = saved_counts[chosen[s]], saved_z[chosen[s], :i]
                count = min(i + 1, moves) if i < L - 1 else 0  # z is not needed after the last token
                for s in range(particles):
                    state += INCREMENT
                    total = accumulate_weights(topic_counts[s], row, sums)
                    k = find_topic(sums, uniform64(state) * total)
                    z[s, i] = k
                    topic_counts[s, k] += 1.0
                    for m in range(count):
                        j = (cursor + m) % (i + 1)
                        topic_counts[s, z[s, j]] -= 1.0
                        state += INCREMENT
                        total = accumulate_weights(topic_counts[s], phi[tokens[j]], sums)
                        k = find_topic(sums, uniform64(state) * total)
                        z[s, j] = k
                        topic_counts[s, k] += 1.0
                cursor = (cursor + count) % (i + 1)
            log_p[g, d] = log_sum


@njit(cache=True, nogil=True)
def mixture_probabilities(begin, end, indptr, words, theta, phi, p):
    """p[i]: the probability of entry i's word, sum_k theta_dk phi_kw."""
    for d in range(begin, end):
        for i in range(indptr[d], indptr[d + 1]):
            total = 0.0
            for k in range(theta.shape[1]):
                total += theta[d, k] * phi[words[i], k]
            p[i] = total
