"""Online variational EM: batches of documents, after each of which the topics move (Hoffman, Blei and Bach 2010)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from inference.engines import EngineResult, FitRequest
from inference.engines.em.latent_dirichlet import kernels
from inference.engines.em.latent_dirichlet.e_step import (
    DocumentPosteriors,
    TopicFactors,
    dirichlet_factors,
    e_step,
    uniform_gamma,
)
from inference.engines.em.latent_dirichlet.m_step import (
    alpha_from_mean_log,
    expected_counts,
    index_words,
    learn_eta,
    mean_log_proportions,
)
from inference.engines.em.latent_dirichlet.options import (
    ONLINE_STEPS,
    VariationalEMOptions,
    initial_hyperparameters,
    initial_lambda,
)
from inference.engines.em.latent_dirichlet.result import VariationalEstimate, make_result
from inference.run.kernel_arrays import corpus_arrays
from inference.run.progress import Progress
from inference.run.workers import WorkerPool
from zoo.data.corpus import Corpus

MOST_PROPORTIONS = 20_000_000  # numbers of theta up to which a last pass computes it, and the bound
ESTIMATES_PER_PASS, LEAST_BATCHES = 20, 8  # of the bound, and of batches between two estimates
LEAST_SCALE = 1e-100


class ScaledLambda:
    """lambda = base + scale * counts, so that a batch changes the counts of its own words alone, though all decay."""

    def __init__(self, lam: np.ndarray, eta: float):
        self.base, self.scale, self.counts = eta, 1.0, lam - eta  # counts: (V, K)
        self.total = self.counts.sum(0)

    def lam(self, words: np.ndarray | slice = slice(None)) -> np.ndarray:
        """lambda of some words, (words, K)."""
        return self.base + self.scale * self.counts[words]

    @property
    def sums(self) -> np.ndarray:
        """lambda summed over all words, (K,)."""
        return self.base * len(self.counts) + self.scale * self.total

    def move(self, rho: float, words: np.ndarray, counts: np.ndarray, eta: float) -> None:
        """lambda becomes (1 - rho) lambda + rho (eta + counts), with counts (len(words), K), and 0 for other words."""
        self.base = (1 - rho) * self.base + rho * eta
        self.scale *= 1 - rho
        if self.scale < LEAST_SCALE:
            self.counts *= self.scale
            self.total, self.scale = self.counts.sum(0), 1.0
        self.counts[words] += rho / self.scale * counts
        self.total += rho / self.scale * counts.sum(0)


class Batch:
    """Some documents, with their words renumbered. words: the word of each new number."""

    def __init__(self, corpus: Corpus, number: np.ndarray):
        indptr, words, counts = corpus_arrays(corpus)
        renumbered, distinct = np.empty(len(words), np.int32), np.empty(len(words), np.int64)
        self.words = distinct[: kernels.renumber_words(words, number, renumbered, distinct)].copy()
        self.corpus = Corpus(indptr, renumbered, counts, len(self.words))

    def e_step(
        self, topics: ScaledLambda, alpha: np.ndarray, options: VariationalEMOptions, pool: WorkerPool
    ) -> tuple[DocumentPosteriors, TopicFactors]:
        """The E-step of the documents, and the factors of their words."""
        factors = dirichlet_factors(topics.lam(self.words), topics.sums, pool)
        return _e_step(self.corpus, factors, alpha, options, pool), factors


def _e_step(
    corpus: Corpus, factors: TopicFactors, alpha: np.ndarray, options: VariationalEMOptions, pool: WorkerPool
) -> DocumentPosteriors:
    max_steps, tol = options.document_steps or ONLINE_STEPS, options.document_tol
    return e_step(corpus, factors, alpha, uniform_gamma(corpus, alpha), tol, max_steps, pool)


def run_online(
    request: FitRequest[VariationalEMOptions], options: VariationalEMOptions, pool: WorkerPool
) -> EngineResult:
    """Fit by batches of documents."""
    corpus = cast(Corpus, request.table["w"])
    N, V, K = corpus.N, corpus.V, request.keywords["K"]
    alpha, eta = initial_hyperparameters(request, options)
    topics = ScaledLambda(initial_lambda(request, options, corpus.total, request.seed), eta)
    number = np.full(V, -1, np.int32)
    rng = np.random.default_rng([request.seed, 1])
    size = min(options.batch_size, N)
    batches = -(-N // size)
    iterations = options.num_passes * batches
    every = max(LEAST_BATCHES, batches // ESTIMATES_PER_PASS)
    elbo_terms: list[float] = []  # of the documents since the last estimate, each by the topics before it
    trace: list[float] = []
    mean_log, num_documents = np.zeros(K), 0
    with Progress("em", iterations, request.progress) as progress:
        for iteration, rows in enumerate(shuffled_batches(N, size, options.num_passes, rng), 1):
            batch = Batch(corpus.take(rows), number)
            posteriors, factors = batch.e_step(topics, alpha, options, pool)
            rho = (options.tau0 + iteration) ** -options.kappa
            counts = expected_counts(batch.corpus, index_words(batch.corpus), posteriors, factors, pool)
            topics.move(rho, batch.words, N / len(rows) * counts, eta)
            if options.learn_alpha:
                weight = rho if iteration > 1 else 1.0
                mean_log = (1 - weight) * mean_log + weight * mean_log_proportions(posteriors.gamma[:, :K])
                alpha = alpha_from_mean_log(options.learn_alpha, mean_log, alpha)
            elbo_terms.append(posteriors.elbo_term)
            num_documents += len(rows)
            if iteration % every == 0 or iteration == iterations:
                all_factors = dirichlet_factors(topics.lam(), topics.sums, pool)
                trace.append(N / num_documents * sum(elbo_terms) + all_factors.elbo_term(eta))
                elbo_terms, num_documents = [], 0
                eta = learn_eta(all_factors, eta) if options.learn_eta else eta
                progress.update(iteration, f"{trace[-1] / N:.4f} nats per document")
    bound, gamma = last_pass(corpus, topics, alpha, eta, options, pool) if N * K <= MOST_PROPORTIONS else (None, None)
    estimate = VariationalEstimate(topics.lam(), gamma, alpha, eta, bound)
    return make_result(
        estimate,
        np.array(trace),
        options,
        corpus.total,
        start="random topics",
        iterations=iterations,
        objective=options.objective,
    )


def shuffled_batches(N: int, size: int, passes: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Numbers of documents, ``size`` at a time, in random order; sorted within a batch, as a file is read."""
    for _ in range(passes):
        order = rng.permutation(N)
        yield from (np.sort(order[i : i + size]) for i in range(0, N, size))


def last_pass(
    corpus: Corpus, topics: ScaledLambda, alpha: np.ndarray, eta: float, options: VariationalEMOptions, pool: WorkerPool
) -> tuple[float, np.ndarray]:
    """The bound, and gamma (N, K), at fixed topics."""
    factors = dirichlet_factors(topics.lam(), topics.sums, pool)
    gamma = np.empty((corpus.N, len(alpha)))
    bound, done = factors.elbo_term(eta), 0
    for block in corpus.blocks(options.batch_size):
        posteriors = _e_step(block, factors, alpha, options, pool)
        gamma[done : done + block.N] = posteriors.gamma[:, : len(alpha)]
        bound, done = bound + posteriors.elbo_term, done + block.N
    return bound, gamma
