"""Online: some documents at a time, after each of which the topics move (Hoffman, Blei and Bach 2010)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from inference.engines import FitRequest
from inference.engines.em.latent_dirichlet import kernels
from inference.engines.em.latent_dirichlet.documents import Expected, arrays, evenly, expected
from inference.engines.em.latent_dirichlet.ending import Found
from inference.engines.em.latent_dirichlet.options import FEW, ONLINE
from inference.engines.em.latent_dirichlet.priors import learned_eta, mean_log, of_logs
from inference.engines.em.latent_dirichlet.start import corpus_of, first_topics, hyperparameters
from inference.engines.em.latent_dirichlet.threads import Threads
from inference.engines.em.latent_dirichlet.topics import Topics, of_dirichlet
from inference.engines.em.latent_dirichlet.words import by_word, counted
from inference.run.progress import Progress
from zoo.data.corpus import Corpus

LAPS, LEAST = 20, 8  # how often in a pass the bound is estimated, but not before so many batches
TINY = 1e-100


class Moving:
    """lambda = base + scale * counts, so that a batch touches its own words alone, though all of them fade."""

    def __init__(self, lam: np.ndarray, eta: float):
        self.base, self.scale, self.counts = eta, 1.0, lam - eta  # (V, K)
        self.total = self.counts.sum(0)

    def lam(self, words: Any = slice(None)) -> np.ndarray:
        return self.base + self.scale * self.counts[words]

    @property
    def sums(self) -> np.ndarray:
        """lambda summed over all words, (K,)."""
        return self.base * len(self.counts) + self.scale * self.total

    def move(self, rho: float, words: np.ndarray, found: np.ndarray, eta: float) -> None:
        """lambda becomes (1 - rho) lambda + rho (eta + found), where ``found`` (len(words), K) is 0 for other words."""
        self.base = (1 - rho) * self.base + rho * eta
        self.scale *= 1 - rho
        if self.scale < TINY:
            self.counts *= self.scale
            self.total, self.scale = self.counts.sum(0), 1.0
        self.counts[words] += rho / self.scale * found
        self.total += rho / self.scale * found.sum(0)


class Part:
    """Some documents, their words numbered anew, and what is known of them."""

    def __init__(self, corpus: Corpus, number: np.ndarray):
        indptr, words, counts = arrays(corpus)
        own, distinct = np.empty(len(words), np.int32), np.empty(len(words), np.int64)
        self.words = distinct[: kernels.renumbered(words, number, own, distinct)].copy()
        self.corpus = Corpus(indptr, own, counts, len(self.words))

    def expected(
        self, moving: Moving, alpha: np.ndarray, options: dict[str, Any], threads: Threads
    ) -> tuple[Expected, Topics]:
        topics = of_dirichlet(moving.lam(self.words), moving.sums, threads)
        steps, tol = options["document_steps"] or ONLINE, options["document_tol"]
        return expected(self.corpus, topics, alpha, evenly(self.corpus, alpha), tol, steps, threads), topics


def streamed(request: FitRequest, options: dict[str, Any], threads: Threads) -> Found:
    corpus = corpus_of(request)
    N, V, K = corpus.N, corpus.V, request.keywords["K"]
    alpha, eta = hyperparameters(request, options)
    moving = Moving(first_topics(request, options, request.seed), eta)
    number = np.full(V, -1, np.int32)
    rng = np.random.default_rng([request.seed, 1])
    size = min(options["batch_size"], N)
    batches = -(-N // size)
    every = max(LEAST, batches // LAPS)
    heights: list[float] = []  # of the documents of a lap, each by the topics before it
    trace: list[float] = []
    logs, seen = np.zeros(K), 0
    with Progress("em", options["num_passes"] * batches, request.progress) as progress:
        for turn, rows in enumerate(shuffled(N, size, options["num_passes"], rng), 1):
            part = Part(corpus.take(rows), number)
            found, topics = part.expected(moving, alpha, options, threads)
            rho = (options["tau0"] + turn) ** -options["kappa"]
            counts = counted(part.corpus, by_word(part.corpus), found, topics, threads)
            moving.move(rho, part.words, N / len(rows) * counts, eta)
            if options["learn_alpha"]:
                share = rho if turn > 1 else 1.0
                logs = (1 - share) * logs + share * mean_log(found.gamma[:, :K])
                alpha = of_logs(options["learn_alpha"], logs, alpha)
            heights.append(found.height)
            seen += len(rows)
            if turn % every == 0 or turn == options["num_passes"] * batches:
                whole = of_dirichlet(moving.lam(), moving.sums, threads)
                trace.append(N / seen * sum(heights) + whole.height(eta))
                heights, seen = [], 0
                eta = learned_eta(options["learn_eta"], whole, eta)
                progress.update(turn, f"{trace[-1] / N:.4f} nats per document")
    bound, gamma = last_pass(corpus, moving, alpha, eta, options, threads) if N * K <= FEW else (None, None)
    said = {
        "start": "given" if options["start"] is not None else "random topics",
        "iterations": options["num_passes"] * batches,
        "objective": "bound",
    }
    return Found(np.array(trace), said, bound, moving.lam(), gamma, alpha, eta)


def shuffled(N: int, size: int, passes: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Numbers of documents, ``size`` at a time; within a batch in order, as a file is read."""
    for _ in range(passes):
        order = rng.permutation(N)
        yield from (np.sort(order[i : i + size]) for i in range(0, N, size))


def last_pass(
    corpus: Corpus, moving: Moving, alpha: np.ndarray, eta: float, options: dict[str, Any], threads: Threads
) -> tuple[float, np.ndarray]:
    """The bound, and gamma (N, K), by topics that stay as they are."""
    topics = of_dirichlet(moving.lam(), moving.sums, threads)
    gamma = np.empty((corpus.N, len(alpha)))
    steps, tol, bound, done = options["document_steps"] or ONLINE, options["document_tol"], topics.height(eta), 0
    for part in corpus.blocks(options["batch_size"]):
        found = expected(part, topics, alpha, evenly(part, alpha), tol, steps, threads)
        gamma[done : done + part.N] = found.gamma[:, : len(alpha)]
        bound, done = bound + found.height, done + part.N
    return bound, gamma
