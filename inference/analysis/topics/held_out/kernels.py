"""Loops over documents, compiled by numba: each document has random numbers of its own, whoever works on it.

Topics come word by word, (V, K), so that what a token looks at lies side by side. A kernel works on the documents from
``begin`` to ``end``; the stream of document d is set by the seed and ``first + d``, so that blocks of a corpus answer
as the whole does.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

STEP, MIX1, MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S27, S30, S31, S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
UNIT = 1.0 / 9007199254740992.0  # 2^-53


@njit(cache=True, nogil=True, inline="always")
def mixed(x):
    """One word of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> S30)) * MIX1
    x = (x ^ (x >> S27)) * MIX2
    return x ^ (x >> S31)


@njit(cache=True, nogil=True)
def stream(seed, document, chain):
    """Where the random numbers of one chain of one document begin."""
    return mixed(mixed(mixed(seed + STEP) + np.uint64(document)) + np.uint64(chain))


@njit(cache=True, nogil=True)
def unrolled(words, counts):
    """The tokens of a document, one by one."""
    tokens = np.empty(counts.sum(), np.int64)
    at = 0
    for i in range(len(words)):
        for _ in range(counts[i]):
            tokens[at] = words[i]
            at += 1
    return tokens


@njit(cache=True, nogil=True, inline="always")
def weigh(held, row, into):
    """``into`` becomes the running sum of (n_k + alpha_k) phi_kw; the whole is returned."""
    total = 0.0
    for k in range(len(row)):
        total += held[k] * row[k]
        into[k] = total
    return total


@njit(cache=True, nogil=True, inline="always")
def found(sums, level):
    """The first topic whose running sum is above the level."""
    k = 0
    while k < len(sums) - 1 and sums[k] <= level:
        k += 1
    return k


@njit(cache=True, nogil=True)
def posterior_means(begin, end, first, indptr, words, counts, phi, alpha, chains, warmup, sweeps, seed, theta):
    """theta[c, d]: the mean of theta given document d and the topics, by chain c of collapsed Gibbs sampling.

    What is averaged is p(z | other z) of each token and not its draw (Rao-Blackwell).
    """
    K = len(alpha)
    prior = alpha.sum()
    held, sums, sure = np.empty(K), np.empty(K), np.empty(K)
    for d in range(begin, end):
        tokens = unrolled(words[indptr[d] : indptr[d + 1]], counts[indptr[d] : indptr[d + 1]])
        z = np.empty(len(tokens), np.int64)
        for c in range(chains):
            state = stream(seed, first + d, c)
            held[:] = alpha
            sure[:] = 0.0
            for sweep in range(-1, warmup + sweeps):  # the first puts the tokens in, one after another
                for i in range(len(tokens)):
                    row = phi[tokens[i]]
                    if sweep >= 0:
                        held[z[i]] -= 1.0
                    total = weigh(held, row, sums)
                    if sweep >= warmup:
                        scale = 1.0 / total
                        for k in range(K):
                            sure[k] += held[k] * row[k] * scale
                    state += STEP
                    k = found(sums, (mixed(state) >> S11) * UNIT * total)
                    z[i] = k
                    held[k] += 1.0
            for k in range(K):
                theta[c, d, k] = (alpha[k] + sure[k] / sweeps) / (prior + len(tokens))


@njit(cache=True, nogil=True)
def posterior_modes(begin, end, indptr, words, counts, phi, alpha, steps, close, theta):
    """theta[d]: the fixed point of theta_k ~ alpha_k + sum_w n_w p(k | w, theta)."""
    K = len(alpha)
    new, sums = np.empty(K), np.empty(K)
    for d in range(begin, end):
        theta[d] = alpha / alpha.sum()
        for _ in range(steps if indptr[d + 1] > indptr[d] else 0):
            new[:] = alpha
            for i in range(indptr[d], indptr[d + 1]):
                row = phi[words[i]]
                scale = counts[i] / weigh(theta[d], row, sums)
                for k in range(K):
                    new[k] += theta[d, k] * row[k] * scale
            new /= new.sum()
            moved = np.abs(new - theta[d]).sum()
            theta[d] = new
            if moved < close:
                break


@njit(cache=True, nogil=True)
def left_to_right(begin, end, first, indptr, words, counts, phi, alpha, runs, particles, moves, seed, log_p):
    """log_p[g, d]: the log of run g's unbiased estimate of p(document d), its tokens in a random order.

    A particle filter: the particles' mean of p(w_i | z before i) is one factor; then they are resampled in proportion
    to it, given z_i, and moved by Gibbs sampling of z before i, up to ``moves`` tokens in turn.
    """
    K = len(alpha)
    prior = alpha.sum()
    held, kept, sums = np.empty((particles, K)), np.empty((particles, K)), np.empty(K)
    weights, chosen = np.empty(particles), np.empty(particles, np.int64)
    for d in range(begin, end):
        tokens = unrolled(words[indptr[d] : indptr[d + 1]], counts[indptr[d] : indptr[d + 1]])
        L = len(tokens)
        z, old = np.empty((particles, L), np.int64), np.empty((particles, L), np.int64)
        for g in range(runs):
            state = stream(seed, first + d, g)
            for i in range(L - 1, 0, -1):
                state += STEP
                j = int((mixed(state) >> S11) * UNIT * (i + 1))
                tokens[i], tokens[j] = tokens[j], tokens[i]
            for r in range(particles):
                held[r] = alpha
            log_sum, cursor = 0.0, 0
            for i in range(L):
                row = phi[tokens[i]]
                mean = 0.0
                for r in range(particles):
                    weights[r] = weigh(held[r], row, sums) / (prior + i)
                    mean += weights[r] / particles
                log_sum += math.log(mean)
                state += STEP
                level, r = (mixed(state) >> S11) * UNIT, 0  # systematic resampling: one uniform for all
                total = weights[0] / mean
                for s in range(particles):
                    while r < particles - 1 and total <= s + level:
                        r += 1
                        total += weights[r] / mean
                    chosen[s] = r
                kept[:], old[:, :i] = held, z[:, :i]
                for s in range(particles):
                    if chosen[s] != s:
                        held[s], z[s, :i] = kept[chosen[s]], old[chosen[s], :i]
                count = min(i + 1, moves) if i < L - 1 else 0  # after the last token nothing is asked of z
                for s in range(particles):
                    state += STEP
                    total = weigh(held[s], row, sums)
                    k = found(sums, (mixed(state) >> S11) * UNIT * total)
                    z[s, i] = k
                    held[s, k] += 1.0
                    for m in range(count):
                        j = (cursor + m) % (i + 1)
                        held[s, z[s, j]] -= 1.0
                        state += STEP
                        total = weigh(held[s], phi[tokens[j]], sums)
                        k = found(sums, (mixed(state) >> S11) * UNIT * total)
                        z[s, j] = k
                        held[s, k] += 1.0
                cursor = (cursor + count) % (i + 1)
            log_p[g, d] = log_sum


@njit(cache=True, nogil=True)
def mixed_words(begin, end, indptr, words, theta, phi, p):
    """p[i]: the probability of entry i's word, sum_k theta_dk phi_kw."""
    for d in range(begin, end):
        for i in range(indptr[d], indptr[d + 1]):
            total = 0.0
            for k in range(theta.shape[1]):
                total += theta[d, k] * phi[words[i], k]
            p[i] = total
