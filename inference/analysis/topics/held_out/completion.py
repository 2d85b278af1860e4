"""Document completion: a random half of each document says how it mixes topics, and the other half is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inference.analysis.topics.held_out import mixing
from inference.analysis.topics.held_out.law import Law
from inference.analysis.topics.held_out.splitting import split
from zoo.data.corpus import Corpus

Predictive = Callable[[Corpus, Corpus, int], np.ndarray]
ESTIMATES = ("mean", "mode")
DOCUMENTS = 10_000  # at a time: memory does not grow with the corpus


def completed(corpus: Corpus, predictive: Predictive, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(log-likelihood of the second half, its tokens, Monte Carlo error)`` of each document, (N,) each.

    predictive: ``predictive(first halves, second halves, number of the first document)`` is the probability of each
    entry of the second halves, given their first ones: (C, nnz), by C independent chains, to be averaged.
    """
    parts = []
    for begin in range(0, corpus.N, DOCUMENTS):
        first, second = split(corpus.take(slice(begin, begin + DOCUMENTS)), seed, begin)
        p = predictive(first, second, begin)
        parts.append((log_likelihood(p.mean(0), second), second.lengths, chance(p, second)))
    log_p, tokens, errors = (np.concatenate(part) for part in zip(*parts, strict=True))
    return log_p, tokens, errors


def log_likelihood(p: np.ndarray, corpus: Corpus) -> np.ndarray:
    """log p of each document, (N,), by the probabilities of its entries."""
    return over_tokens(np.log(p), corpus)


def chance(p: np.ndarray, corpus: Corpus) -> np.ndarray:
    """The standard error of log p of each document by the mean of chains (C, nnz), to first order; 0 of one chain."""
    C, mean = len(p), p.mean(0)
    if C == 1:
        return np.zeros(corpus.N)
    return np.std([over_tokens(chain / mean, corpus) for chain in p], axis=0, ddof=1) / np.sqrt(C)


def over_tokens(values: np.ndarray, corpus: Corpus) -> np.ndarray:
    """The sum of a value for each entry over the tokens of each document, (N,), of which none knows of another."""
    document = np.repeat(np.arange(corpus.N), np.diff(corpus.indptr))
    return np.bincount(document, corpus.counts * values, corpus.N)


def predictive_of_laws(
    laws: Sequence[Law], theta: str, sweeps: int, seed: int, threads: int | None = None
) -> Predictive:
    """p(word | first half) under phi and alpha, its mean where there are several of them."""

    def predictive(first: Corpus, second: Corpus, begin: int) -> np.ndarray:
        total: Any = 0.0
        for number, law in enumerate(laws):
            if theta == "mode":
                chains = mixing.modes(law, first, threads)[None]
            else:
                chains = mixing.means(law, first, sweeps, seed + number, begin, threads)
            total = total + np.stack([mixing.word_probabilities(chain, law, second, threads) for chain in chains])
        return total / len(laws)

    return predictive
