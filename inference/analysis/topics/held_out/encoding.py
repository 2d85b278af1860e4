"""How the encoder of ``prod_lda`` reads documents, and how its product of topics predicts their words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from inference.amortised import AmortisedPosterior
from zoo.data.corpus import Corpus

if TYPE_CHECKING:
    from inference.result import Fit

CHAINS, DRAWS = 4, 8  # of codes, from the encoder's normal: so many draws in each of four groups, whose spread tells
NUMBERS = 1 << 22  # of probabilities of words at a time


def is_encoded(given: Any) -> bool:
    """Whether this is a fit whose documents have codes, in the place of a Dirichlet's mixtures."""
    return hasattr(given, "params") and "beta" in given.params


def thetas(fit: Fit, corpus: Corpus, seed: int, first: int = 0) -> Iterator[np.ndarray]:
    """theta = softmax(z) of each document, (N, K), for each of 32 draws of z from the encoder's normal."""
    code = AmortisedPosterior(fit).encode({next(iter(fit.data)): corpus.raw})["z"]
    rng = np.random.default_rng([seed % 2**64, first])
    for _ in range(CHAINS * DRAWS):
        yield softmax(code.mean + code.sd * rng.normal(size=code.mean.shape), axis=-1)


def central(fit: Fit, corpus: Corpus) -> np.ndarray:
    """theta of each document at the mean of its code, (N, K)."""
    return softmax(AmortisedPosterior(fit).encode({next(iter(fit.data)): corpus.raw})["z"].mean, axis=-1)


def predictive_of_encoder(fit: Fit, theta: str, seed: int) -> Callable[[Corpus, Corpus, int], np.ndarray]:
    """What ``completion`` asks: the mean of p over draws of the code of the first half, or p at the code's mean."""

    def predictive(first: Corpus, second: Corpus, begin: int) -> np.ndarray:
        if theta == "mode":
            return word_probabilities(fit, central(fit, first), second)[None]
        p = np.zeros((CHAINS, second.nnz))
        for number, drawn in enumerate(thetas(fit, first, seed, begin)):
            p[number % CHAINS] += word_probabilities(fit, drawn, second) / DRAWS
        return p

    return predictive


def word_probabilities(fit: Fit, theta: np.ndarray, corpus: Corpus) -> np.ndarray:
    """softmax(loc + theta beta) of each entry of the corpus, (nnz,)."""
    beta, loc = fit.params["beta"].astype(float), np.asarray(fit.keywords["loc"], float)
    p, rows = np.empty(corpus.nnz), max(1, NUMBERS // corpus.V)
    for begin in range(0, corpus.N, rows):
        ends = corpus.indptr[begin : begin + rows + 1]
        entries = slice(ends[0], ends[-1])
        document = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        p[entries] = softmax(loc + theta[begin : begin + rows] @ beta, axis=-1)[document, corpus.words[entries]]
    return p
