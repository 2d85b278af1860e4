"""The loops of variational EM, for numba: by document and by word, of which none depends on another.

The factor of word v in topic k is ``B[v, k]``, exp(E[log phi_kv]) over its largest value for that word; that of a
document is ``t[k]`` = exp(psi(gamma_k)). What is common to the topics of a word, or of a document, cancels in
q(z = k) = t_k B_vk / sum_j t_j B_vj. K is filled up to a multiple of ``TOGETHER`` by topics whose B is 0.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from inference.engines.em.latent_dirichlet.special import COMPILED, FLOAT, digamma_and_log_gamma, exp_digamma

TOGETHER = 4  # topics taken together, so that the norms of a document are read and written a quarter as often
WIDTH = 32  # a document's words are filled up to a multiple of this, so that loops over them have no rest
LEAST = FLOAT(1e-12)  # of a norm, sum_j t_j B_vj: below it what 32 bits have lost may count
MOST = 1e6  # tokens of a document: beyond, the rounding of its bound is more than a tenth of a nat
NOTHING = FLOAT(1e-19)  # a factor below this is 0: products stay clear of denormal numbers, which are slow


@njit(**COMPILED)
def by_document(indptr, words, counts, B, alpha, K, tol, most, first, last, gamma, t, ratio, height, steps):
    """Fixed-point steps of q(theta_d) = Dirichlet(gamma_d) for documents ``first`` to ``last``, begun at ``gamma``.

    indptr, words, counts: a corpus. B: (V, filled K) float32. alpha: (filled K,). A document has settled where a step
    moves the K numbers by ``tol`` on average; it is given ``most`` steps. Written: gamma and its factors t, float32 by
    document and topic; ratio = count / sum_j t_j B_vj by entry; the document's part of the bound in ``height`` (N,), in
    nats, without what does not depend on gamma; and ``steps`` (N,), or -1 where 32 bits do not suffice: then gamma is
    left alone, and ratio is 0.
    """
    widest = 0
    for d in range(first, last):
        widest = max(widest, indptr[d + 1] - indptr[d])
    topics, widest = B.shape[1], filled(widest)
    runtime = np.empty(topics * widest, np.float32)
    count, norm = np.empty(widest, np.float32), np.empty(widest, np.float32)
    at, factor, prior = np.empty(topics, np.float32), np.empty(topics, np.float32), alpha.astype(np.float32)
    for d in range(first, last):
        begun, held = indptr[d], indptr[d + 1] - indptr[d]
        width = filled(held)
        own = runtime[: topics * width].reshape(topics, width)
        gather(words[begun : begun + held], B, own)
        tokens = 0.0
        for i in range(width):
            count[i] = counts[begun + i] if i < held else 0
            tokens += count[i]
        at[:] = gamma[d] if held else prior
        step, settled, lost = 0, held == 0, False
        while True:
            for k in range(topics):
                e = exp_digamma(at[k])
                factor[k] = e if e > NOTHING else FLOAT(0)
            lost = normalise(own, factor, norm[:width]) or tokens > MOST
            if lost or settled or step == most:
                break
            settled = advance(own, factor, norm[:width], count, prior, at) <= tol * K
            step += 1
        if lost:
            steps[d], height[d], ratio[begun : begun + held], t[d] = -1, 0, 0, 0
            continue
        steps[d], gamma[d], t[d] = step, at, factor
        log_likelihood = 0.0
        for i in range(held):
            log_likelihood += count[i] * math.log(norm[i])
            ratio[begun + i] = count[i] / norm[i]
        height[d] = log_likelihood + of_mixture(at[:K], alpha, tokens)


@njit(**COMPILED)
def filled(held):
    return (held + WIDTH - 1) // WIDTH * WIDTH


@njit(**COMPILED)
def gather(words, B, own):
    """The factors of a document's words, by topic, so that a step reads one piece of memory."""
    for i in range(len(words)):
        for k in range(B.shape[1]):
            own[k, i] = B[words[i], k]
    for i in range(len(words), own.shape[1]):
        for k in range(B.shape[1]):
            own[k, i] = 1


@njit(**COMPILED)
def normalise(own, factor, norm):
    """norm_i = sum_k factor_k own_ki; whether any is too small."""
    norm[:] = 0
    for k in range(0, len(factor), TOGETHER):
        t0, t1, t2, t3 = factor[k], factor[k + 1], factor[k + 2], factor[k + 3]
        b0, b1, b2, b3 = own[k], own[k + 1], own[k + 2], own[k + 3]
        for i in range(len(norm)):
            norm[i] += t0 * b0[i] + t1 * b1[i] + t2 * b2[i] + t3 * b3[i]
    lost = False
    for i in range(len(norm)):
        lost |= norm[i] < LEAST
    return lost


@njit(**COMPILED)
def advance(own, factor, norm, count, prior, at):
    """One step of gamma, written over ``at``; norm becomes count / norm. How far it went, summed over topics."""
    for i in range(len(norm)):
        norm[i] = count[i] / norm[i]
    change = FLOAT(0)
    for k in range(0, len(factor), TOGETHER):
        b0, b1, b2, b3 = own[k], own[k + 1], own[k + 2], own[k + 3]
        g0 = g1 = g2 = g3 = FLOAT(0)
        for i in range(len(norm)):
            g0 += norm[i] * b0[i]
            g1 += norm[i] * b1[i]
            g2 += norm[i] * b2[i]
            g3 += norm[i] * b3[i]
        for j, g in enumerate((g0, g1, g2, g3)):
            new = prior[k + j] + factor[k + j] * g
            change += abs(new - at[k + j])
            at[k + j] = new
    return change


@njit(**COMPILED)
def of_mixture(gamma, alpha, tokens):
    """What theta adds to the sum of count log(norm), less what alpha alone makes of it, in nats.

    E[log p(theta | alpha)] - E[log q(theta)], and the psi(sum gamma) that the factors of ``tokens`` words lack.
    """
    height, total, prior = 0.0, 0.0, 0.0
    for k in range(len(gamma)):
        psi, log_gamma = digamma_and_log_gamma(float(gamma[k]))
        height += (alpha[k] - gamma[k]) * psi + log_gamma
        total += gamma[k]
        prior += alpha[k]
    psi, log_gamma = digamma_and_log_gamma(total)
    return height - log_gamma + (total - prior - tokens) * psi


@njit(**COMPILED)
def in_logs(words, counts, log_phi, alpha, tol, most, gamma):
    """What ``by_document`` does, in 64 bits and logarithms, for one document; gamma (K,) is written over.

    log_phi: (V, K). Returns ``(q, height)``: the expected counts by entry and topic, and the document's part.
    """
    held, K = len(words), len(gamma)
    log_t, q = np.empty(K), np.empty((held, K))
    step, settled = 0, False
    while True:
        for k in range(K):
            log_t[k] = digamma_and_log_gamma(gamma[k])[0]
        height = 0.0
        for i in range(held):
            highest = -np.inf
            for k in range(K):
                q[i, k] = log_t[k] + log_phi[words[i], k]
                highest = max(highest, q[i, k])
            norm = 0.0
            for k in range(K):
                q[i, k] = math.exp(q[i, k] - highest)
                norm += q[i, k]
            height += counts[i] * (highest + math.log(norm))
            for k in range(K):
                q[i, k] *= counts[i] / norm
        if settled or step == most:
            return q, height + of_mixture(gamma, alpha, float(counts.sum()))
        change = 0.0
        for k in range(K):
            new = alpha[k]
            for i in range(held):
                new += q[i, k]
            change += abs(new - gamma[k])
            gamma[k] = new
        step += 1
        settled = change <= tol * K


@njit(**COMPILED)
def by_word(starts, place, document, B, t, ratio, first, last, expected):
    """Expected counts of words ``first`` to ``last`` in each topic, added to ``expected`` (V, K).

    starts, place, document: the entries by word, from ``transposed``; t and ratio from ``by_document``.
    """
    K = expected.shape[1]
    total = np.empty(K)
    for v in range(first, last):
        total[:] = 0
        for j in range(starts[v], starts[v + 1]):
            r, own = ratio[place[j]], t[document[j]]
            for k in range(K):
                total[k] += r * own[k]
        for k in range(K):
            expected[v, k] += total[k] * B[v, k]


@njit(**COMPILED)
def of_topics(lam, below, first, last, B, log_phi, scale, entropy):
    """Factors of words ``first`` to ``last`` where phi_k ~ Dirichlet(lam_k).

    lam: (V, K); below: (K,), psi of the sum of each topic. Written by word: B; log_phi = E[log phi], (V, K); scale, the
    largest log_phi; and entropy, what the word adds to the entropy of q(phi) and to the sum of log_phi.
    """
    for v in range(first, last):
        highest, total = -np.inf, 0.0
        for k in range(lam.shape[1]):
            psi, log_gamma = digamma_and_log_gamma(lam[v, k])
            expected = psi - below[k]
            log_phi[v, k] = expected
            highest = max(highest, expected)
            total += log_gamma - lam[v, k] * expected
        scale[v], entropy[v] = highest, total
        for k in range(lam.shape[1]):
            e = math.exp(log_phi[v, k] - highest)
            B[v, k] = e if e > NOTHING else 0


@njit(**COMPILED)
def renumbered(words, number, own, distinct):
    """The words of some documents by numbers of their own from 0 up, in ``own``; which they are, in ``distinct``.

    number: (V,), -1 for every word, before and after. Returns how many words differ.
    """
    found = 0
    for j in range(len(words)):
        v = words[j]
        if number[v] < 0:
            number[v] = found
            distinct[found] = v
            found += 1
        own[j] = number[v]
    for i in range(found):
        number[distinct[i]] = -1
    return found


@njit(**COMPILED)
def transposed(words, indptr, starts, place, document):
    """Where the entries of each word are: those of v at ``starts[v]`` to ``starts[v + 1]`` of place and document."""
    at = starts[:-1].copy()
    for d in range(len(indptr) - 1):
        for j in range(indptr[d], indptr[d + 1]):
            v = words[j]
            place[at[v]], document[at[v]] = j, d
            at[v] += 1
