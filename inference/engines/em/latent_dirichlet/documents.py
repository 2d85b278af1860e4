"""The E-step: what is known of each document's topics where the factors of words are given."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from inference.engines.em.latent_dirichlet import kernels
from inference.engines.em.latent_dirichlet.threads import Threads
from inference.engines.em.latent_dirichlet.topics import Topics, filled, of_phi
from zoo import ZooError
from zoo.data.corpus import Corpus


class Expected(NamedTuple):
    """The E-step of a corpus.

    gamma, t: (N, filled K) float32, as in ``kernels``. ratio: (nnz,) float32. steps: (N,), how many each document took,
    -1 for those in ``apart``: for which 32 bits are too few, with their expected counts (entries, K) by number.
    height: the documents' part of the bound, in nats.
    """

    gamma: np.ndarray
    t: np.ndarray
    ratio: np.ndarray
    steps: np.ndarray
    apart: dict[int, np.ndarray]
    height: float


def infer(
    corpus: Corpus, phi: Any, alpha: Any, *, tol: float = 1e-4, steps: int = 1000, threads: int | None = None
) -> np.ndarray:
    """gamma (N, K) of q(theta_n) = Dirichlet(gamma_n), the variational posterior of documents whose topics are known.

    phi: (K, V), rows sum to one. alpha: a number or (K,). A document has settled where a step moves its numbers by
    ``tol`` on average. ``threads`` (None: all cores) makes no difference to a bit. An empty document keeps alpha.
    Raises ZooError for words beyond V, or that no topic has. Blei, Ng and Jordan (2003), section 5.2.
    """
    topics = of_phi(phi)
    V, K = topics.log_phi.shape
    if corpus.V != V:
        raise ZooError(f"the corpus has {corpus.V} words and the topics {V}: they must be the same words")
    alpha = np.broadcast_to(np.asarray(alpha, float), K)
    with Threads(threads) as shared:
        found = expected(corpus, topics, alpha, evenly(corpus, alpha), tol, steps, shared)
    return found.gamma[:, :K].astype(float)


def evenly(corpus: Corpus, alpha: np.ndarray) -> np.ndarray:
    """Where gamma begins, (N, filled K) float32: the words of each document in equal parts to all topics."""
    K = len(alpha)
    gamma = np.ones((corpus.N, filled(K)), np.float32)
    gamma[:, :K] = alpha + corpus.lengths[:, None] / K
    return gamma


def expected(
    corpus: Corpus, topics: Topics, alpha: np.ndarray, gamma: np.ndarray, tol: float, steps: int, threads: Threads
) -> Expected:
    """q(theta) of each document by fixed-point steps from ``gamma`` (N, filled K), which is left as it is."""
    N, K = corpus.N, len(alpha)
    indptr, words, counts = arrays(corpus)
    gamma, t, ratio = gamma.copy(), np.empty_like(gamma), np.empty(corpus.nnz, np.float32)
    heights, taken = np.empty(N), np.empty(N, np.int64)
    padded = np.concatenate([alpha, np.ones(gamma.shape[1] - K)])

    def loop(first: int, last: int) -> None:
        given = indptr, words, counts, topics.B, padded, K, tol, steps, first, last
        kernels.by_document(*given, gamma, t, ratio, heights, taken)

    threads.over(indptr, loop)
    scaled = float(counts @ topics.scale[words])
    apart = {}
    for d in np.flatnonzero(taken < 0).tolist():
        own = slice(indptr[d], indptr[d + 1])
        at = gamma[d, :K].astype(float)
        apart[d], heights[d] = kernels.in_logs(words[own], counts[own], topics.log_phi, alpha, tol, steps, at)
        gamma[d, :K] = at
        scaled -= float(counts[own] @ topics.scale[words[own]])
    prior = float(gammaln(alpha.sum()) - gammaln(alpha).sum())
    return Expected(gamma, t, ratio, taken, apart, float(heights.sum()) + scaled + N * prior)


def arrays(corpus: Corpus) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The corpus as plain arrays that are not written to: kernels are compiled for those, and once."""

    def plain(values: np.ndarray) -> np.ndarray:
        view = np.asarray(values).view()
        view.flags.writeable = False
        return view

    return plain(corpus.indptr), plain(corpus.words), plain(corpus.counts)
