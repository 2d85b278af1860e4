"""The E-step: the posterior of each document's topic proportions, given the factors of the words in the topics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, psi

from inference.engines.em.latent_dirichlet import kernels
from inference.run.kernel_arrays import corpus_arrays
from inference.run.workers import WorkerPool, num_workers
from zoo import ZooError
from zoo.data.corpus import Corpus


class TopicFactors(NamedTuple):
    """The factors of the words in topics that are Dirichlet or known exactly.

    B: (V, padded K) float32, exp(log_phi - scale). log_phi: (V, K), E[log phi] as rounded in B. scale: (V,). entropy:
    that of q(phi), less the sum of log_phi, in nats.
    """

    B: np.ndarray
    log_phi: np.ndarray
    scale: np.ndarray
    entropy: float

    def elbo_term(self, eta: float) -> float:
        """The term of the topics in the bound, E[log p(phi | eta)] - E[log q(phi)] in nats."""
        V, K = self.log_phi.shape
        return float(self.entropy + eta * self.log_phi.sum() + K * (gammaln(V * eta) - V * gammaln(eta)))


class DocumentPosteriors(NamedTuple):
    """The result of an E-step.

    gamma, t: (N, padded K) float32, as in ``kernels``. ratio: (nnz,) float32. steps: (N,), of each document, -1 for
    those that need 64 bits. exact_counts: for the latter their expected counts (entries, K), by number of the document.
    elbo_term: the term of the documents in the bound, in nats.
    """

    gamma: np.ndarray
    t: np.ndarray
    ratio: np.ndarray
    steps: np.ndarray
    exact_counts: dict[int, np.ndarray]
    elbo_term: float


def padded_size(K: int) -> int:
    """K rounded up to a multiple of the topics that a loop unrolls."""
    return -(-K // kernels.UNROLLED_TOPICS) * kernels.UNROLLED_TOPICS


def dirichlet_factors(lam: np.ndarray, total: np.ndarray, pool: WorkerPool) -> TopicFactors:
    """Factors where phi_k ~ Dirichlet(lam_k). lam: (words, K) float64; total: (K,), its sums over all words."""
    V, K = lam.shape
    B, log_phi = np.zeros((V, padded_size(K)), np.float32), np.empty((V, K))
    scale, entropy, psi_total = np.empty(V), np.empty(V), psi(total)

    def loop(first: int, last: int) -> None:
        kernels.topic_factors(lam, psi_total, first, last, B, log_phi, scale, entropy)

    pool.run_ranges(np.arange(V + 1), loop)
    return TopicFactors(B, log_phi, scale, float(entropy.sum() - gammaln(total).sum()))


def known_factors(phi: ArrayLike) -> TopicFactors:
    """Factors of known topics phi (K, V); raises ZooError for numbers below 0, and a word that no topic has."""
    phi = np.asarray(phi, float)
    if phi.ndim != 2 or not (np.isfinite(phi).all() and (phi >= 0).all()):
        raise ZooError(f"topics are probabilities by topic and word, (K, V): numbers from 0 up; given {phi.shape}")
    K, V = phi.shape
    highest = phi.max(0)
    if not highest.all():
        raise ZooError(f"word {int(np.argmin(highest))} has probability 0 in all {K} topics: give it a little in each")
    with np.errstate(divide="ignore"):
        log_phi = np.ascontiguousarray(np.log(phi).T)
    B = np.zeros((V, padded_size(K)), np.float32)
    B[:, :K] = (phi / highest).T
    B[B < kernels.LEAST_FACTOR] = 0
    return TopicFactors(B, log_phi, np.log(highest), 0.0)


def infer_documents(
    corpus: Corpus,
    phi: ArrayLike,
    alpha: ArrayLike,
    *,
    tol: float = 1e-4,
    max_steps: int = 1000,
    threads: int | None = None,
) -> np.ndarray:
    """gamma of q(theta_n) = Dirichlet(gamma_n), the variational posterior of documents whose topics are known.

    Parameters
    ----------
    corpus : Corpus
    phi : array, (K, V)
        The topics; rows sum to one.
    alpha : float or array, (K,)
    tol : float, default 1e-4
        A document has converged where a step changes its numbers by less on average.
    max_steps : int, default 1000
        Of a document.
    threads : int, optional
        By default one for each core; the result does not depend on it.

    Returns
    -------
    array, (N, K)
        An empty document has alpha.

    Raises
    ------
    ZooError
        For words beyond V, or that no topic has.

    References
    ----------
    Blei, D. M., Ng, A. Y. and Jordan, M. I. (2003). Latent Dirichlet allocation. JMLR 3, section 5.2.
    """
    factors = known_factors(phi)
    V, K = factors.log_phi.shape
    if corpus.V != V:
        raise ZooError(f"the corpus has {corpus.V} words and the topics {V}: they must be the same words")
    alpha = np.broadcast_to(np.asarray(alpha, float), K)
    with WorkerPool(num_workers(corpus.N, threads)) as pool:
        posteriors = e_step(corpus, factors, alpha, uniform_gamma(corpus, alpha), tol, max_steps, pool)
    return posteriors.gamma[:, :K].astype(float)


def uniform_gamma(corpus: Corpus, alpha: np.ndarray) -> np.ndarray:
    """Initial gamma, (N, padded K) float32: the words of each document in equal parts in all topics."""
    K = len(alpha)
    gamma = np.ones((corpus.N, padded_size(K)), np.float32)
    gamma[:, :K] = alpha + corpus.lengths[:, None] / K
    return gamma


def e_step(
    corpus: Corpus,
    factors: TopicFactors,
    alpha: np.ndarray,
    gamma: np.ndarray,
    tol: float,
    max_steps: int,
    pool: WorkerPool,
) -> DocumentPosteriors:
    """q(theta) of each document by fixed-point steps from ``gamma`` (N, padded K), which is not modified."""
    N, K = corpus.N, len(alpha)
    indptr, words, counts = corpus_arrays(corpus)
    gamma, t, ratio = gamma.copy(), np.empty_like(gamma), np.empty(corpus.nnz, np.float32)
    elbo, steps = np.empty(N), np.empty(N, np.int64)
    padded_alpha = np.concatenate([alpha, np.ones(gamma.shape[1] - K)])

    def loop(first: int, last: int) -> None:
        inputs = indptr, words, counts, factors.B, padded_alpha, K, tol, max_steps, first, last
        kernels.update_documents(*inputs, gamma, t, ratio, elbo, steps)

    pool.run_ranges(indptr, loop)
    scale_sum = float(counts @ factors.scale[words])
    exact_counts = {}
    for d in np.flatnonzero(steps < 0).tolist():
        entries = slice(indptr[d], indptr[d + 1])
        exact_gamma = gamma[d, :K].astype(float)
        exact_counts[d], elbo[d] = kernels.update_document_in_logs(
            words[entries], counts[entries], factors.log_phi, alpha, tol, max_steps, exact_gamma
        )
        gamma[d, :K] = exact_gamma
        scale_sum -= float(counts[entries] @ factors.scale[words[entries]])
    prior = float(gammaln(alpha.sum()) - gammaln(alpha).sum())
    return DocumentPosteriors(gamma, t, ratio, steps, exact_counts, float(elbo.sum()) + scale_sum + N * prior)
