"""log p(document | phi, alpha), theta and z summed out, from left to right by particles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.analysis.topics.held_out.law import Law
from inference.analysis.topics.held_out.running import arrays, over_documents
from zoo.data.corpus import Corpus

RUNS = 4  # independent ones, whose mean is the estimate and whose spread its error
MOVES = 200  # of earlier tokens at each token: all in documents of up to so many, of longer ones these in turn


def left_to_right(
    law: Law, corpus: Corpus, particles: int, seed: int = 0, first: int = 0, threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``(log p, Monte Carlo error)`` of each document, (N,) in nats: the mean of four runs of so many particles.

    The estimate of p is unbiased whatever the number of particles and moves, and that of log p therefore low, by about
    half the square of its error. It costs the square of the tokens of a document of up to 200, and 200 times the
    tokens of longer ones; particles, runs and topics multiply it.
    """
    from inference.analysis.topics.held_out import kernels

    log_p, given, phi, key = np.empty((RUNS, corpus.N)), arrays(corpus), law.by_word, np.uint64(seed % 2**64)

    def work(begin: int, end: int) -> None:
        kernels.left_to_right(begin, end, first, *given, phi, law.alpha, RUNS, particles, MOVES, key, log_p)

    over_documents(corpus, work, threads)
    # the spread of the logs: that of exp over their mean, which is the same to first order, says a third too little
    # where runs are few and differ by a nat
    return log_mean_exp(log_p), log_p.std(0, ddof=1) / np.sqrt(RUNS)


def averaged(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """``(log p, Monte Carlo error)`` of the mean of p over several laws of words, given those of each."""
    log_p, errors = (np.stack(part) for part in zip(*found, strict=True))
    p = np.exp(log_p - log_p.max(0))
    return log_mean_exp(log_p), np.sqrt(np.square(p * errors).sum(0)) / p.sum(0)


def log_mean_exp(values: np.ndarray) -> np.ndarray:
    """Over the first axis."""
    return np.logaddexp.reduce(values, 0) - np.log(len(values))
