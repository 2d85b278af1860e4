"""Batch: whole passes over the corpus, by the climb that all EM has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from inference.engines import FitRequest
from inference.engines.em.iteration import run_restarts
from inference.engines.em.latent_dirichlet.documents import Expected, evenly, expected
from inference.engines.em.latent_dirichlet.ending import Found
from inference.engines.em.latent_dirichlet.options import FRESH, GOING_ON
from inference.engines.em.latent_dirichlet.priors import learned_alpha, learned_eta
from inference.engines.em.latent_dirichlet.start import corpus_of, first_topics, hyperparameters
from inference.engines.em.latent_dirichlet.threads import Threads
from inference.engines.em.latent_dirichlet.topics import Topics, of_dirichlet
from inference.engines.em.latent_dirichlet.words import by_word, counted


class State(NamedTuple):
    """Where a pass begins. lam: (V, K) float64; topics: their factors; gamma: (N, filled K) float32."""

    lam: np.ndarray
    topics: Topics
    gamma: np.ndarray
    alpha: np.ndarray
    eta: float


class LatentDirichletEM:
    """Variational EM of one corpus, an ``EMAlgorithm``."""

    patience = None
    relative_rounding = 1e-7  # norms are in 32 bits

    def __init__(self, request: FitRequest, options: dict[str, Any], threads: Threads):
        self.request, self.options, self.threads = request, options, threads
        self.corpus = corpus_of(request)
        self.K, self.V = request.keywords["K"], request.keywords["V"]
        self.objective_scale = float(self.corpus.total)
        self.words = by_word(self.corpus)
        self._arrived: tuple[State, Expected] | None = None

    def initialize(self, seed: int) -> State:
        """From the start given; or from random topics, the opening behind them."""
        alpha, eta = hyperparameters(self.request, self.options)
        lam = first_topics(self.request, self.options, seed)
        state = self._state(lam, evenly(self.corpus, alpha), alpha, eta)
        start = self.options["start"]
        if start is not None:
            if "gamma" in start:
                state.gamma[:, : self.K] = start["gamma"]
            return state
        for _ in range(self.options["opening"]):
            state = self.afresh(state)
        return state

    def afresh(self, state: State) -> State:
        """The topics after a pass in which documents begin at ``state.gamma``, and leave it for the next."""
        found = self._expected(state, FRESH)
        lam = state.eta + counted(self.corpus, self.words, found, state.topics, self.threads)
        return self._state(lam, state.gamma, state.alpha, state.eta)

    def step(self, state: State) -> tuple[State, float]:
        """A better state, and the bound at this one."""
        found = self._expected(state)
        self._arrived = state, found
        value = found.height + state.topics.height(state.eta)
        lam = state.eta + counted(self.corpus, self.words, found, state.topics, self.threads)
        better = self._state(lam, found.gamma, state.alpha, state.eta)
        alpha = learned_alpha(self.options["learn_alpha"], found.gamma[:, : self.K], state.alpha)
        eta = learned_eta(self.options["learn_eta"], better.topics, state.eta)
        return better._replace(alpha=alpha, eta=eta), value

    def escape_boundary(self, state: State) -> None:
        return None

    def check(self, state: State) -> None:
        pass

    def finalize(self, state: State) -> Expected:
        """The E-step at the state."""
        if self._arrived and self._arrived[0] is state:
            return self._arrived[1]
        return self._expected(state)

    def _expected(self, state: State, steps: int = GOING_ON) -> Expected:
        steps = self.options["document_steps"] or steps
        tol = self.options["document_tol"]
        return expected(self.corpus, state.topics, state.alpha, state.gamma, tol, steps, self.threads)

    def _state(self, lam: np.ndarray, gamma: np.ndarray, alpha: np.ndarray, eta: float) -> State:
        return State(lam, of_dirichlet(lam, lam.sum(0), self.threads), gamma, alpha, eta)


def climbed(request: FitRequest, options: dict[str, Any], threads: Threads) -> Found:
    em = LatentDirichletEM(request, options, threads)
    runs = run_restarts(request, em, request.options, float(request.rows))
    best, at = runs.best, runs.best.state
    said = {
        "start": "given" if options["start"] is not None else f"random topics and {options['opening']} passes",
        "iterations": len(best.trace) - 1,
        "converged": best.converged,
        "objective": options["objective"],
        "restarts": runs.objectives,
        "collapsed_restarts": runs.num_collapsed,
    }
    gamma = em.finalize(at).gamma[:, : em.K].astype(float)
    return Found(best.trace, said, float(best.trace[-1]), at.lam, gamma, at.alpha, at.eta)
