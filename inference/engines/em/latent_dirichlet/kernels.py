"""Compiled loops of variational EM, by document and by word; iterations of a loop are independent of each other.

The factor of word v in topic k is ``B[v, k]``, exp(E[log phi_kv]) over its largest value for that word; that of a
document is ``t[k]`` = exp(psi(gamma_k)). What is common to the topics of a word, or of a document, cancels in
q(z = k) = t_k B_vk / sum_j t_j B_vj. K is padded to a multiple of ``UNROLLED_TOPICS`` by topics whose B is 0.

The functions of the gamma function have no branches, so that eight are computed at once.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz", "arcp", "afn"}  # operations may be reordered, but NaN is kept
COMPILED = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": FAST}
FLOAT, DOUBLE, INT = np.float32, np.float64, np.int32  # numba's float(x) would keep 32 bits
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

UNROLLED_TOPICS = 4  # at a time, so that the norms of a document are read and written a quarter as often
WIDTH = 32  # a document's words are padded to a multiple of this, so that loops over them have no remainder
LEAST_NORM = FLOAT(1e-12)  # of sum_j t_j B_vj: below it the rounding of 32 bits may matter
MOST_TOKENS = 1e6  # of a document: beyond, the rounding of its expected counts is more than a tenth of a token
LEAST_FACTOR = FLOAT(1e-19)  # smaller ones are 0: products do not become denormal numbers, which are slow


@njit(**COMPILED)
def exp_digamma(x):
    """exp(psi(x)) in 32 bits for x > 0, relative error below 1e-6 (1 + |psi|); 0 where psi < -83.

    psi(x) = psi(x + 4) - sum_i 1/(x + i), and exp(psi(y + 1/2)) = y + 1/24y - 37/5760y^3 + ...
    """
    u = x * (x + FLOAT(3))  # x (x + 3), and u + 2 = (x + 1) (x + 2)
    product = u * (u + FLOAT(2))
    y = x + FLOAT(3.5)
    harmonic = (FLOAT(2) * x + FLOAT(3)) * (FLOAT(2) * u + FLOAT(2)) / product
    z = FLOAT(1) / y
    square = z * z
    shifted = y + z * (FLOAT(1 / 24) + square * (FLOAT(-37 / 5760) + square * FLOAT(10313 / 2903040)))
    is_normal = FLOAT(1) if harmonic < FLOAT(85) else FLOAT(0)
    return is_normal * shifted * _exp(-min(harmonic, FLOAT(85)))


@njit(**COMPILED)
def _exp(x):
    """exp(x) in 32 bits for -87 < x <= 0: 2^n times the Taylor sum of the remainder, below log(2) / 2."""
    n = INT(x * FLOAT(1.44269504) - FLOAT(0.5))
    r = x - FLOAT(n) * FLOAT(0.693359375)  # log(2) in two parts, the first exact in few bits
    r = r + FLOAT(n) * FLOAT(2.12194440e-4)
    p = FLOAT(1 / 5040)
    p = p * r + FLOAT(1 / 720)
    p = p * r + FLOAT(1 / 120)
    p = p * r + FLOAT(1 / 24)
    p = p * r + FLOAT(1 / 6)
    p = p * r + FLOAT(0.5)
    p = p * r * r + r + FLOAT(1)
    return p * INT((n + INT(127)) << INT(23)).view(FLOAT)


@njit(**COMPILED)
def digamma_and_log_gamma(x):
    """``(psi(x), log Gamma(x))`` in 64 bits for x > 0: the asymptotic series at x + 8, and recurrence from there."""
    u = x * (x + 7)
    a, b, c = u + 6, u + 10, u + 12  # with u, the products (x + i) (x + 7 - i)
    left, right = u * a, b * c
    product = left * right
    y = x + 8
    log_y = math.log(y)
    inverse = 1 / y
    z = inverse * inverse
    psi = (
        log_y
        - 0.5 * inverse
        - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760))))))
    )
    psi -= (2 * x + 7) * ((u + a) * right + (b + c) * left) / product  # sum_i 1/(x + i)
    log_gamma = (y - 0.5) * log_y - y + HALF_LOG_2PI - math.log(product)
    log_gamma += inverse * (
        1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360)))))
    )
    return psi, log_gamma


@njit(**COMPILED)
def update_documents(indptr, words, counts, B, alpha, K, tol, max_steps, first, last, gamma, t, ratio, elbo, steps):
    """Fixed-point steps of q(theta_d) = Dirichlet(gamma_d) for documents ``first`` to ``last - 1``, from ``gamma``.

    indptr, words, counts: a corpus. B: (V, padded K) float32. alpha: (padded K,). A document has converged where a step
    changes the K numbers by ``tol`` on average, or after ``max_steps``. Outputs: gamma and its factors t, float32 by
    document and topic; ratio = count / sum_j t_j B_vj by entry; ``elbo`` (N,), the term of the document in nats, up to
    what does not depend on gamma; and ``steps`` (N,), or -1 where 32 bits do not suffice: then gamma is unchanged, and
    ratio is 0.
    """
    widest = 0
    for d in range(first, last):
        widest = max(widest, indptr[d + 1] - indptr[d])
    topics, widest = B.shape[1], padded_width(widest)
    buffer = np.empty(topics * widest, np.float32)
    count, norm, wide_norm = np.empty(widest, np.float32), np.empty(widest, np.float32), np.empty(widest)
    current, factor, prior = np.empty(topics, np.float32), np.empty(topics, np.float32), alpha.astype(np.float32)
    log_t = np.empty(K)
    for d in range(first, last):
        begin, size = indptr[d], indptr[d + 1] - indptr[d]
        width = padded_width(size)
        document_B = buffer[: topics * width].reshape(topics, width)
        gather_factors(words[begin : begin + size], B, document_B)
        tokens = 0.0
        for i in range(width):
            count[i] = counts[begin + i] if i < size else 0
            tokens += count[i]
        current[:] = gamma[d] if size else prior
        step, converged, lost = 0, size == 0, False
        while True:
            for k in range(topics):
                e = exp_digamma(current[k])
                factor[k] = e if e > LEAST_FACTOR else FLOAT(0)
            lost = normalise(document_B, factor, norm[:width]) or tokens > MOST_TOKENS
            if lost or converged or step == max_steps:
                break
            converged = fixed_point_step(document_B, factor, norm[:width], count, prior, current) <= tol * K
            step += 1
        if lost:
            steps[d], elbo[d], ratio[begin : begin + size], t[d] = -1, 0, 0, 0
            continue
        steps[d], gamma[d], t[d] = step, current, factor
        for i in range(size):
            ratio[begin + i] = count[i] / norm[i]
        normalise(document_B, factor, wide_norm[:width])
        log_likelihood = 0.0
        for i in range(size):
            log_likelihood += count[i] * math.log(wide_norm[i])
        for k in range(K):
            log_t[k] = math.log(DOUBLE(factor[k])) if factor[k] else digamma_and_log_gamma(DOUBLE(current[k]))[0]
        elbo[d] = log_likelihood + proportions_elbo(current[:K], log_t, alpha, tokens)


@njit(**COMPILED)
def padded_width(size):
    return (size + WIDTH - 1) // WIDTH * WIDTH


@njit(**COMPILED)
def gather_factors(words, B, document_B):
    """The factors of a document's words, by topic, so that a step reads contiguous memory."""
    for i in range(len(words)):
        for k in range(B.shape[1]):
            document_B[k, i] = B[words[i], k]
    for i in range(len(words), document_B.shape[1]):
        for k in range(B.shape[1]):
            document_B[k, i] = 1


@njit(**COMPILED)
def normalise(document_B, factor, norm):
    """norm_i = sum_k factor_k B_ki, in the precision of ``norm``; returns whether any is too small."""
    norm[:] = 0
    number = norm.dtype.type
    for k in range(0, len(factor), UNROLLED_TOPICS):
        t0, t1, t2, t3 = number(factor[k]), number(factor[k + 1]), number(factor[k + 2]), number(factor[k + 3])
        b0, b1, b2, b3 = document_B[k], document_B[k + 1], document_B[k + 2], document_B[k + 3]
        for i in range(len(norm)):
            norm[i] += t0 * b0[i] + t1 * b1[i] + t2 * b2[i] + t3 * b3[i]
    lost = False
    for i in range(len(norm)):
        lost |= norm[i] < LEAST_NORM
    return lost


@njit(**COMPILED)
def fixed_point_step(document_B, factor, norm, count, prior, gamma):
    """Update gamma by one step; norm becomes count / norm. Returns the change of gamma, summed over topics."""
    for i in range(len(norm)):
        norm[i] = count[i] / norm[i]
    change = FLOAT(0)
    for k in range(0, len(factor), UNROLLED_TOPICS):
        b0, b1, b2, b3 = document_B[k], document_B[k + 1], document_B[k + 2], document_B[k + 3]
        g0 = g1 = g2 = g3 = FLOAT(0)
        for i in range(len(norm)):
            g0 += norm[i] * b0[i]
            g1 += norm[i] * b1[i]
            g2 += norm[i] * b2[i]
            g3 += norm[i] * b3[i]
        for j, g in enumerate((g0, g1, g2, g3)):
            new = prior[k + j] + factor[k + j] * g
            change += abs(new - gamma[k + j])
            gamma[k + j] = new
    return change


@njit(**COMPILED)
def proportions_elbo(gamma, log_t, alpha, tokens):
    """The term of theta in the bound beside the sum of count log(norm), up to what depends on alpha alone, in nats.

    E[log p(theta | alpha)] - E[log q(theta)], less the psi(sum gamma) that the factors of ``tokens`` words omit. log_t:
    psi(gamma) as rounded in the factors of which the norms are sums. At a fixed point of gamma its rounding cancels.
    """
    elbo, total, prior = 0.0, 0.0, 0.0
    for k in range(len(gamma)):
        log_gamma = digamma_and_log_gamma(DOUBLE(gamma[k]))[1]
        elbo += (alpha[k] - gamma[k]) * log_t[k] + log_gamma
        total += gamma[k]
        prior += alpha[k]
    psi, log_gamma = digamma_and_log_gamma(total)
    return elbo - log_gamma + (total - prior - tokens) * psi


@njit(**COMPILED)
def update_document_in_logs(words, counts, log_phi, alpha, tol, max_steps, gamma):
    """As ``update_documents``, in 64 bits and logarithms, for one document; gamma (K,) is updated.

    log_phi: (V, K). Returns ``(q, elbo)``: the expected counts by entry and topic, and the term of the document.
    """
    size, K = len(words), len(gamma)
    log_t, q = np.empty(K), np.empty((size, K))
    step, converged = 0, False
    while True:
        for k in range(K):
            log_t[k] = digamma_and_log_gamma(gamma[k])[0]
        elbo = 0.0
        for i in range(size):
            highest = -np.inf
            for k in range(K):
                q[i, k] = log_t[k] + log_phi[words[i], k]
                highest = max(highest, q[i, k])
            norm = 0.0
            for k in range(K):
                q[i, k] = math.exp(q[i, k] - highest)
                norm += q[i, k]
            elbo += counts[i] * (highest + math.log(norm))
            for k in range(K):
                q[i, k] *= counts[i] / norm
        if converged or step == max_steps:
            return q, elbo + proportions_elbo(gamma, log_t, alpha, float(counts.sum()))
        change = 0.0
        for k in range(K):
            new = alpha[k]
            for i in range(size):
                new += q[i, k]
            change += abs(new - gamma[k])
            gamma[k] = new
        step += 1
        converged = change <= tol * K


@njit(**COMPILED)
def sum_by_word(starts, place, document, B, t, ratio, first, last, expected):
    """Expected counts of words ``first`` to ``last - 1`` in each topic, added to ``expected`` (V, K).

    starts, place, document: the entries by word, from ``index_entries``; t and ratio from ``update_documents``.
    """
    K = expected.shape[1]
    total = np.empty(K)
    for v in range(first, last):
        total[:] = 0
        for j in range(starts[v], starts[v + 1]):
            r, factor = ratio[place[j]], t[document[j]]
            for k in range(K):
                total[k] += r * factor[k]
        for k in range(K):
            expected[v, k] += total[k] * B[v, k]


@njit(**COMPILED)
def topic_factors(lam, psi_total, first, last, B, log_phi, scale, entropy):
    """Factors of words ``first`` to ``last - 1`` where phi_k ~ Dirichlet(lam_k).

    lam: (V, K); psi_total: (K,), psi of the sum of each topic. Outputs, by word: B; log_phi = E[log phi], (V, K), as
    rounded in B, so that at a fixed point of lam the rounding cancels in the bound; scale, the largest log_phi; and
    entropy, the term of the word in the entropy of q(phi) less the sum of log_phi.
    """
    for v in range(first, last):
        highest, total = -np.inf, 0.0
        for k in range(lam.shape[1]):
            psi, log_gamma = digamma_and_log_gamma(lam[v, k])
            log_phi[v, k] = psi - psi_total[k]
            highest = max(highest, log_phi[v, k])
            total += log_gamma
        for k in range(lam.shape[1]):
            e = FLOAT(math.exp(log_phi[v, k] - highest))
            B[v, k] = e if e > LEAST_FACTOR else 0
            if e > LEAST_FACTOR:
                log_phi[v, k] = highest + math.log(DOUBLE(e))
            total -= lam[v, k] * log_phi[v, k]
        scale[v], entropy[v] = highest, total


@njit(**COMPILED)
def renumber_words(words, number, renumbered, distinct):
    """The words of a batch as consecutive numbers from 0, in ``renumbered``; the word of each number in ``distinct``.

    number: (V,), -1 for every word, before and after. Returns the number of distinct words.
    """
    count = 0
    for j in range(len(words)):
        v = words[j]
        if number[v] < 0:
            number[v] = count
            distinct[count] = v
            count += 1
        renumbered[j] = number[v]
    for i in range(count):
        number[distinct[i]] = -1
    return count


@njit(**COMPILED)
def index_entries(words, indptr, starts, place, document):
    """The entries of each word: those of v at ``starts[v]`` to ``starts[v + 1]`` of place and document."""
    ends = starts[:-1].copy()
    for d in range(len(indptr) - 1):
        for j in range(indptr[d], indptr[d + 1]):
            v = words[j]
            place[ends[v]], document[ends[v]] = j, d
            ends[v] += 1
