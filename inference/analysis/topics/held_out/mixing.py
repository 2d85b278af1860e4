"""How documents mix topics that are known: theta given a document, phi and alpha."""

from __future__ import annotations

import numpy as np

from inference.analysis.topics.held_out.law import Law
from inference.analysis.topics.held_out.running import arrays, over_documents
from zoo.data.corpus import Corpus

CHAINS, WARMUP = 4, 20  # each begins afresh, so that their spread tells the error
STEPS, CLOSE = 1000, 1e-8  # of the fixed point, which moves by less at the end


def means(
    law: Law, corpus: Corpus, sweeps: int, seed: int = 0, first: int = 0, threads: int | None = None
) -> np.ndarray:
    """E[theta | document] by four chains of collapsed Gibbs sampling, which are to be averaged: (4, N, K).

    Each chain warms up for 20 sweeps, and averages p(z | the other z) over ``sweeps`` more. An empty document has the
    mean of the prior. first: the number of the first document, where the corpus is a block of a larger one.
    """
    from inference.analysis.topics.held_out import kernels

    theta, given, phi, key = np.empty((CHAINS, corpus.N, law.K)), arrays(corpus), law.by_word, np.uint64(seed % 2**64)

    def work(begin: int, end: int) -> None:
        kernels.posterior_means(begin, end, first, *given, phi, law.alpha, CHAINS, WARMUP, sweeps, key, theta)

    over_documents(corpus, work, threads)
    return theta


def modes(law: Law, corpus: Corpus, threads: int | None = None) -> np.ndarray:
    """The mode of theta under a Dirichlet(alpha + 1) prior, (N, K), by its fixed point, which is unique.

    theta_k is in proportion to alpha_k + sum_w n_w p(k | w, theta): "folding in" as Asuncion, Welling, Smyth and Teh
    (2009) do it, so that models trained by different engines are on one footing.
    """
    from inference.analysis.topics.held_out import kernels

    theta, given, phi = np.empty((corpus.N, law.K)), arrays(corpus), law.by_word

    def work(begin: int, end: int) -> None:
        kernels.posterior_modes(begin, end, *given, phi, law.alpha, STEPS, CLOSE, theta)

    over_documents(corpus, work, threads)
    return theta


def word_probabilities(theta: np.ndarray, law: Law, corpus: Corpus, threads: int | None = None) -> np.ndarray:
    """sum_k theta_dk phi_kw of each entry of the corpus, (nnz,)."""
    from inference.analysis.topics.held_out import kernels

    p, (indptr, words, _), phi = np.empty(corpus.nnz), arrays(corpus), law.by_word
    over_documents(corpus, lambda begin, end: kernels.mixed_words(begin, end, indptr, words, theta, phi, p), threads)
    return p
