"""Corpora drawn from a topic model, so that the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.corpus.counts import Corpus

BLOCK = 1 << 20  # tokens drawn at a time


def documents(phi: Any, theta: Any, T: int, seed: Any = 0) -> Corpus:
    """N documents of T tokens each: a token's topic by the document's theta (N, K), its word by the topic's phi (K, V).

    ``seed`` is a number or a numpy generator.

    >>> documents([[1, 0, 0], [0, 0.5, 0.5]], [[1, 0], [0, 1]], T=4).dense()[:, 0]
    array([4, 0], dtype=int32)
    """
    rng, phi, theta = np.random.default_rng(seed), np.asarray(phi, float), np.asarray(theta, float)
    (K, V), N, step = phi.shape, len(theta), max(1, BLOCK // max(T, 1))
    below = np.cumsum(phi, axis=1)
    below /= below[:, -1:]
    indptr, words, counts = [np.zeros(1, np.int64)], [], []
    for begun in range(0, N, step):
        of = rng.multinomial(T, theta[begun : begun + step])  # tokens by document and topic
        drawn = [np.searchsorted(below[k], rng.random(of[:, k].sum()), side="right") for k in range(K)]
        document = [np.repeat(np.arange(len(of)), of[:, k]) for k in range(K)]
        cell, count = np.unique(np.concatenate(document) * V + np.concatenate(drawn), return_counts=True)
        indptr.append(indptr[-1][-1] + np.searchsorted(cell // V, np.arange(1, len(of) + 1)))
        words.append((cell % V).astype(np.int32))
        counts.append(count.astype(np.int32))
    return Corpus(np.concatenate(indptr), np.concatenate(words), np.concatenate(counts), V)


def generated(
    N: int, T: int, V: int, K: int, alpha: Any = 0.1, eta: float = 0.01, seed: int = 0
) -> tuple[Corpus, np.ndarray, np.ndarray]:
    """``(corpus, phi (K, V), theta (N, K))`` from latent Dirichlet allocation: N documents of T tokens each.

    alpha: a number or (K,), the Dirichlet prior of theta; eta that of phi. Blei, Ng and Jordan (2003).

    >>> generated(N=3, T=20, V=10, K=2)[0]
    Corpus(3 documents, 10 words, 60 tokens)
    """
    rng = np.random.default_rng(seed)
    phi = rng.dirichlet(np.full(V, float(eta)), K)
    theta = rng.dirichlet(np.broadcast_to(np.asarray(alpha, float), K), N)
    return documents(phi, theta, T, rng), phi, theta


def bars(N: int = 1000, T: int = 100, seed: int = 0, side: int = 5) -> tuple[Corpus, np.ndarray]:
    """``(corpus, phi (2 side, side^2))``: words are pixels of a square image, topics its rows and its columns.

    Each topic is uniform on the pixels of its bar, and theta on the simplex (Griffiths and Steyvers 2004, figure 1).

    >>> corpus, phi = bars(N=2)
    >>> corpus, phi[0].reshape(5, 5)[0], phi[5].reshape(5, 5)[:, 0]
    (Corpus(2 documents, 25 words, 200 tokens), array([0.2, 0.2, 0.2, 0.2, 0.2]), array([0.2, 0.2, 0.2, 0.2, 0.2]))
    """
    rows = np.repeat(np.eye(side) / side, side, axis=1)
    phi = np.concatenate([rows, rows.reshape(side, side, side).swapaxes(1, 2).reshape(side, -1)])
    rng = np.random.default_rng(seed)
    return documents(phi, rng.dirichlet(np.ones(2 * side), N), T, rng), phi
