"""Two estimates of log p of held-out documents: document completion, and left to right by particles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from inference.analysis.topics.held_out.parameters import TopicParameters
from inference.analysis.topics.held_out.proportions import (
    CODE_GROUPS,
    CODES_PER_GROUP,
    encoder_draws,
    encoder_means,
    mixture_probabilities,
    posterior_means,
    posterior_modes,
    product_probabilities,
    run_over_documents,
)
from inference.record import FitRecord
from inference.run.kernel_arrays import corpus_arrays
from zoo.data.corpus import Corpus

ESTIMATES = ("mean", "mode")
BLOCK_DOCUMENTS = 10_000  # completed at a time, so that memory does not grow with the corpus
RUNS = 4  # independent runs of particles, whose mean is the estimate and whose spread its error
MOVES = 200  # earlier tokens that are moved at each token: all in documents of up to so many, else these in turn

# (first halves, second halves, number of the first document) -> the probability of each entry of the second halves
# given the first, (C, nnz), by C independent chains, to be averaged
PredictiveDistribution = Callable[[Corpus, Corpus, int], np.ndarray]


class DocumentScores(NamedTuple):
    """log p of each document in nats, the tokens that it is the probability of, its Monte Carlo error: (N,) each."""

    log_likelihood: np.ndarray
    tokens: np.ndarray
    errors: np.ndarray


def complete_documents(corpus: Corpus, predictive: PredictiveDistribution, seed: int) -> DocumentScores:
    """Score the second half of each document given the first."""
    blocks = []
    for begin in range(0, corpus.N, BLOCK_DOCUMENTS):
        first, second = split(corpus.take(slice(begin, begin + BLOCK_DOCUMENTS)), seed, begin)
        p = predictive(first, second, begin)
        blocks.append((log_likelihood(p.mean(0), second), second.lengths, monte_carlo_error(p, second)))
    return DocumentScores(*(np.concatenate(part) for part in zip(*blocks, strict=True)))


def log_likelihood(p: np.ndarray, corpus: Corpus) -> np.ndarray:
    """log p of each document, (N,), by the probabilities of its entries."""
    return sum_over_tokens(np.log(p), corpus)


def monte_carlo_error(p: np.ndarray, corpus: Corpus) -> np.ndarray:
    """The standard error of log p of each document by the mean of chains (C, nnz), to first order; 0 of one chain."""
    C, mean = len(p), p.mean(0)
    if C == 1:
        return np.zeros(corpus.N)
    return np.std([sum_over_tokens(chain / mean, corpus) for chain in p], axis=0, ddof=1) / np.sqrt(C)


def sum_over_tokens(values: np.ndarray, corpus: Corpus) -> np.ndarray:
    """The sum of a value for each entry over the tokens of each document, (N,), independently of other documents."""
    document = np.repeat(np.arange(corpus.N), np.diff(corpus.indptr))
    return np.bincount(document, corpus.counts * values, corpus.N)


def mixture_predictive(
    parameter_sets: Sequence[TopicParameters], theta: str, sweeps: int, seed: int, threads: int | None = None
) -> PredictiveDistribution:
    """p(word | first half) under phi and alpha, averaged over several of these."""

    def predictive(first: Corpus, second: Corpus, begin: int) -> np.ndarray:
        total = np.zeros(())
        for number, parameters in enumerate(parameter_sets):
            if theta == "mode":
                chains = posterior_modes(parameters, first, threads)[None]
            else:
                chains = posterior_means(parameters, first, sweeps, seed + number, begin, threads)
            total = total + np.stack([mixture_probabilities(chain, parameters, second, threads) for chain in chains])
        return total / len(parameter_sets)

    return predictive


def encoder_predictive(fit: FitRecord, theta: str, seed: int) -> PredictiveDistribution:
    """The mean of p(word) over draws of the code of the first half, or p at the mean of the code."""

    def predictive(first: Corpus, second: Corpus, begin: int) -> np.ndarray:
        if theta == "mode":
            return product_probabilities(fit, encoder_means(fit, first), second)[None]
        p = np.zeros((CODE_GROUPS, second.nnz))
        for number, draw in enumerate(encoder_draws(fit, first, seed, begin)):
            p[number % CODE_GROUPS] += product_probabilities(fit, draw, second) / CODES_PER_GROUP
        return p

    return predictive


def split(corpus: Corpus, seed: int = 0, first: int = 0) -> tuple[Corpus, Corpus]:
    """Divide each document at random into two halves, token by token.

    The halves of a document depend on the seed, its number and its own words alone.

    Parameters
    ----------
    corpus : Corpus
    seed : int, default 0
    first : int, default 0
        The number of the first document, where the corpus is a block of a larger one.

    Returns
    -------
    tuple of two Corpus
        The same documents in each; where the number of tokens is odd, the second half has one more.

    Examples
    --------
    >>> halves = split(Corpus([0, 2, 2], [0, 1], [3, 2], V=2))
    >>> [half.lengths.tolist() for half in halves]
    [[2, 0], [3, 0]]
    """
    from inference.analysis.topics.held_out import kernels

    document = np.repeat(np.arange(corpus.N), corpus.lengths)
    entry = np.repeat(np.arange(corpus.nnz), corpus.counts)
    starts = np.cumsum(corpus.lengths) - corpus.lengths
    place = np.arange(len(document)) - starts[document]
    order = np.lexsort((kernels.token_keys(np.uint64(seed % 2**64), document + first, place), document))
    in_first = place < (corpus.lengths // 2)[document]
    counts = np.bincount(entry[order[in_first]], minlength=corpus.nnz)
    return _with_counts(corpus, counts), _with_counts(corpus, corpus.counts - counts)


def _with_counts(corpus: Corpus, counts: np.ndarray) -> Corpus:
    """The corpus with other counts, zeros left out."""
    positive = counts > 0
    ends = np.concatenate([[0], np.cumsum(positive)])
    return Corpus(ends[corpus.indptr], corpus.words[positive], counts[positive], corpus.V, corpus.vocabulary)


def left_to_right(
    parameters: TopicParameters,
    corpus: Corpus,
    particles: int,
    seed: int = 0,
    offset: int = 0,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """``(log p, Monte Carlo error)`` of each document, (N,) in nats: the mean of four runs of so many particles.

    theta and z are summed out. The estimate of p is unbiased for any number of particles and moves, and that of log p
    therefore too low by about half the square of its error. The cost is the square of the tokens of a document of up to
    200, and 200 times the tokens of longer ones, times particles, runs and topics.
    """
    from inference.analysis.topics.held_out import kernels

    log_p, arrays = np.empty((RUNS, corpus.N)), corpus_arrays(corpus)
    phi, alpha, key = parameters.phi_by_word, parameters.alpha, np.uint64(seed % 2**64)

    def loop(begin: int, end: int) -> None:
        kernels.left_to_right(begin, end, offset, *arrays, phi, alpha, RUNS, particles, MOVES, key, log_p)

    run_over_documents(corpus, loop, threads)
    # by the spread of the logs: that of exp over their mean is the same to first order, but a third too small where
    # runs are few and differ by a nat
    return log_mean_exp(log_p), log_p.std(0, ddof=1) / np.sqrt(RUNS)


def average_estimates(estimates: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """``(log p, Monte Carlo error)`` of the mean of p over several parameters, given those of each."""
    log_p, errors = (np.stack(part) for part in zip(*estimates, strict=True))
    p = np.exp(log_p - log_p.max(0))
    return log_mean_exp(log_p), np.sqrt(np.square(p * errors).sum(0)) / p.sum(0)


def log_mean_exp(values: np.ndarray) -> np.ndarray:
    """The log of the mean of exp over the first axis."""
    return np.logaddexp.reduce(values, 0) - np.log(len(values))
