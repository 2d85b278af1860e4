"""The M-step: expected counts of each word in each topic, and alpha and eta where these are learned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, polygamma, psi

from inference.engines.em.latent_dirichlet import kernels
from inference.engines.em.latent_dirichlet.e_step import DocumentPosteriors, TopicFactors
from inference.run.kernel_arrays import corpus_arrays
from inference.run.workers import WorkerPool
from zoo.data.corpus import Corpus

LEAST_CONCENTRATION, MOST_CONCENTRATION = 1e-4, 1e4
MAX_NEWTON_STEPS, MAX_HALVINGS = 100, 100
BLOCK_ROWS = 10_000  # of gamma, converted at a time


class WordIndex(NamedTuple):
    """The entries of a corpus by word: those of word v are at ``starts[v]`` to ``starts[v + 1]`` of the other arrays.

    place: the entry in the corpus. document: its document.
    """

    starts: np.ndarray
    place: np.ndarray
    document: np.ndarray


def index_words(corpus: Corpus) -> WordIndex:
    """The entries of a corpus by word, in the order of the documents."""
    indptr, words, _ = corpus_arrays(corpus)
    starts = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=corpus.V))])
    place, document = np.empty(len(words), np.int64), np.empty(len(words), np.int32)
    kernels.index_entries(words, indptr, starts, place, document)
    return WordIndex(starts, place, document)


def expected_counts(
    corpus: Corpus, index: WordIndex, posteriors: DocumentPosteriors, factors: TopicFactors, pool: WorkerPool
) -> np.ndarray:
    """The expected counts (V, K) of an E-step, float64, summed word by word in the order of the documents."""
    counts = np.zeros_like(factors.log_phi)

    def loop(first: int, last: int) -> None:
        kernels.sum_by_word(*index, factors.B, posteriors.t, posteriors.ratio, first, last, counts)

    pool.run_ranges(index.starts, loop)
    for d, q in posteriors.exact_counts.items():
        counts[corpus.words[corpus.indptr[d] : corpus.indptr[d + 1]]] += q
    return counts


def learn_alpha(kind: str | None, gamma: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """alpha (K,) where documents have q(theta) = Dirichlet(gamma), (N, K); unchanged if ``kind`` is None."""
    return alpha_from_mean_log(kind, mean_log_proportions(gamma), alpha) if kind else alpha


def alpha_from_mean_log(kind: str, mean_log: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """alpha (K,) by the mean E[log theta] (K,). kind: "symmetric" or "asymmetric"."""
    K = len(alpha)
    if K == 1:  # theta is 1 for any alpha
        return alpha
    if kind == "symmetric":
        return np.full(K, symmetric_concentration(float(mean_log.sum()), K))
    return asymmetric_concentration(mean_log, alpha)


def mean_log_proportions(gamma: np.ndarray) -> np.ndarray:
    """The mean over documents of E[log theta], (K,)."""
    total = np.zeros(gamma.shape[1])
    for i in range(0, len(gamma), BLOCK_ROWS):
        rows = gamma[i : i + BLOCK_ROWS].astype(float)
        total += (psi(rows) - psi(rows.sum(1, keepdims=True))).sum(0)
    return total / len(gamma)


def learn_eta(factors: TopicFactors, eta: float) -> float:
    """eta given q(phi); unchanged for a single word."""
    V, K = factors.log_phi.shape
    return symmetric_concentration(float(factors.log_phi.sum()) / K, V) if V > 1 else eta


def symmetric_concentration(total: float, K: int) -> float:
    """The number a of Dirichlet(a, ..., a) over K, by the expected sum of the K logarithms.

    The maximum of log Gamma(K a) - K log Gamma(a) + (a - 1) total, which is concave in a; from 1e-4 to 1e4.

    >>> round(symmetric_concentration(total=2 * (psi(0.7) - psi(1.4)), K=2), 9)
    0.7
    """

    def slope(a: float) -> float:
        return float(K * (psi(K * a) - psi(a)) + total)

    if slope(LEAST_CONCENTRATION) <= 0:
        return LEAST_CONCENTRATION
    if slope(MOST_CONCENTRATION) >= 0:
        return MOST_CONCENTRATION
    return float(brentq(slope, LEAST_CONCENTRATION, MOST_CONCENTRATION, xtol=1e-12, rtol=1e-12))


def asymmetric_concentration(mean_log: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """alpha (K,) of the highest likelihood where the mean E[log theta] is ``mean_log`` (K,), from the alpha given.

    Newton steps by the inverse of a diagonal matrix plus one of rank one (Minka 2000, Estimating a Dirichlet
    distribution, section 1), halved until the likelihood rises; numbers from 1e-4 to 1e4.
    """

    def log_likelihood(a: np.ndarray) -> float:
        return float(gammaln(a.sum()) - gammaln(a).sum() + (a - 1) @ mean_log)

    best = log_likelihood(alpha)
    for _ in range(MAX_NEWTON_STEPS):
        slope = psi(alpha.sum()) - psi(alpha) + mean_log
        curvature = -polygamma(1, alpha)
        common = (slope / curvature).sum() / (1 / polygamma(1, alpha.sum()) + (1 / curvature).sum())
        step = -(slope - common) / curvature
        for _ in range(MAX_HALVINGS):
            least, most = np.maximum(LEAST_CONCENTRATION, 0.1 * alpha), np.minimum(MOST_CONCENTRATION, 10 * alpha)
            candidate = np.clip(alpha + step, least, most)
            gain = log_likelihood(candidate) - best
            if gain >= 0:
                break
            step = step / 2
        else:
            return alpha
        alpha, best = candidate, best + gain
        if gain <= 1e-12 * abs(best):
            break
    return alpha
