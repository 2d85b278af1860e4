"""Corpora simulated from a topic model, with known topics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zoo.data.corpus.counts import Corpus

BLOCK = 1 << 20  # tokens drawn together


def sample_documents(phi: ArrayLike, theta: ArrayLike, T: int, seed: int | np.random.Generator = 0) -> Corpus:
    """Draw documents of given topic proportions.

    Parameters
    ----------
    phi : array_like
        Word probabilities of each topic, (K, V).
    theta : array_like
        Topic proportions of each document, (N, K).
    T : int
        Tokens of each document.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Corpus

    Examples
    --------
    >>> sample_documents([[1, 0, 0], [0, 0.5, 0.5]], [[1, 0], [0, 1]], T=4).dense()[:, 0]
    array([4, 0], dtype=int32)
    """
    rng, phi, theta = np.random.default_rng(seed), np.asarray(phi, float), np.asarray(theta, float)
    (K, V), N, step = phi.shape, len(theta), max(1, BLOCK // max(T, 1))
    cumulative = np.cumsum(phi, axis=1)
    cumulative /= cumulative[:, -1:]
    indptr, words, counts = [np.zeros(1, np.int64)], [], []
    for first in range(0, N, step):
        topics = rng.multinomial(T, theta[first : first + step])  # number of tokens by document and topic
        word = [np.searchsorted(cumulative[k], rng.random(topics[:, k].sum()), side="right") for k in range(K)]
        document = [np.repeat(np.arange(len(topics)), topics[:, k]) for k in range(K)]
        cell, count = np.unique(np.concatenate(document) * V + np.concatenate(word), return_counts=True)
        indptr.append(indptr[-1][-1] + np.searchsorted(cell // V, np.arange(1, len(topics) + 1)))
        words.append((cell % V).astype(np.int32))
        counts.append(count.astype(np.int32))
    return Corpus(np.concatenate(indptr), np.concatenate(words), np.concatenate(counts), V)


def sample_lda(
    N: int, T: int, V: int, K: int, alpha: ArrayLike = 0.1, eta: float = 0.01, seed: int = 0
) -> tuple[Corpus, np.ndarray, np.ndarray]:
    """Draw topics, proportions and documents from latent Dirichlet allocation.

    Parameters
    ----------
    N, T, V, K : int
        Documents, tokens of each document, words, topics.
    alpha : float or array_like, default 0.1
        Dirichlet prior of theta, a number or (K,).
    eta : float, default 0.01
        Symmetric Dirichlet prior of phi.
    seed : int, default 0

    Returns
    -------
    corpus : Corpus
    phi : ndarray
        (K, V).
    theta : ndarray
        (N, K).

    References
    ----------
    Blei, D. M., Ng, A. Y. and Jordan, M. I. (2003). Latent Dirichlet allocation. JMLR 3, 993-1022.

    Examples
    --------
    >>> sample_lda(N=3, T=20, V=10, K=2)[0]
    Corpus(3 documents, 10 words, 60 tokens)
    """
    rng = np.random.default_rng(seed)
    phi = rng.dirichlet(np.full(V, float(eta)), K)
    theta = rng.dirichlet(np.broadcast_to(np.asarray(alpha, float), K), N)
    return sample_documents(phi, theta, T, rng), phi, theta


def bars(N: int = 1000, T: int = 100, seed: int = 0, side: int = 5) -> tuple[Corpus, np.ndarray]:
    """Draw the bars data: words are pixels of a square image, topics its rows and its columns.

    Each topic is uniform on the pixels of its bar, and theta uniform on the simplex.

    Parameters
    ----------
    N : int, default 1000
        Documents.
    T : int, default 100
        Tokens of each document.
    seed : int, default 0
    side : int, default 5
        Pixels of a side of the image.

    Returns
    -------
    corpus : Corpus
    phi : ndarray
        (2 side, side^2).

    References
    ----------
    Griffiths, T. L. and Steyvers, M. (2004). Finding scientific topics. PNAS 101, 5228-5235, figure 1.

    Examples
    --------
    >>> corpus, phi = bars(N=2)
    >>> corpus, phi[0].reshape(5, 5)[0], phi[5].reshape(5, 5)[:, 0]
    (Corpus(2 documents, 25 words, 200 tokens), array([0.2, 0.2, 0.2, 0.2, 0.2]), array([0.2, 0.2, 0.2, 0.2, 0.2]))
    """
    rows = np.repeat(np.eye(side) / side, side, axis=1)
    phi = np.concatenate([rows, rows.reshape(side, side, side).swapaxes(1, 2).reshape(side, -1)])
    rng = np.random.default_rng(seed)
    return sample_documents(phi, rng.dirichlet(np.ones(2 * side), N), T, rng), phi
