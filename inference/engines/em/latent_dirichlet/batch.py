"""Batch variational EM: passes over the complete corpus."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from inference.engines import EngineResult, FitRequest
from inference.engines.em.iteration import run_restarts
from inference.engines.em.latent_dirichlet.e_step import (
    DocumentPosteriors,
    TopicFactors,
    dirichlet_factors,
    e_step,
    uniform_gamma,
)
from inference.engines.em.latent_dirichlet.m_step import expected_counts, index_words, learn_alpha, learn_eta
from inference.engines.em.latent_dirichlet.options import (
    BATCH_STEPS,
    OPENING_STEPS,
    VariationalEMOptions,
    has_topics,
    initial_hyperparameters,
    initial_lambda,
)
from inference.engines.em.latent_dirichlet.result import VariationalEstimate, make_result
from inference.run.workers import WorkerPool
from zoo.data.corpus import Corpus

NUM_OPENINGS = 4  # topics often merge: on the bars corpus half of all openings find all ten


class LatentDirichletState(NamedTuple):
    """Where a pass begins. lam: (V, K) float64; factors: those of lam; gamma: (N, padded K) float32; alpha: (K,)."""

    lam: np.ndarray
    factors: TopicFactors
    gamma: np.ndarray
    alpha: np.ndarray
    eta: float


class LatentDirichletEM:
    """Variational EM of one corpus, an ``EMAlgorithm``; ``finalize`` returns a ``VariationalEstimate``."""

    patience = None

    def __init__(self, request: FitRequest[VariationalEMOptions], options: VariationalEMOptions, pool: WorkerPool):
        self.request, self.options, self.pool = request, options, pool
        self.corpus = cast(Corpus, request.table["w"])
        self.K = request.keywords["K"]
        self.index = index_words(self.corpus)
        self._last_e_step: tuple[LatentDirichletState, DocumentPosteriors] | None = None

    def initialize(self, seed: int) -> LatentDirichletState:
        """The start given; for topics else random ones and the opening passes."""
        alpha, eta = initial_hyperparameters(self.request, self.options)
        lam = initial_lambda(self.request, self.options, self.corpus.total, seed)
        state = self._state(lam, uniform_gamma(self.corpus, alpha), alpha, eta)
        start = self.options.start or {}
        if "gamma" in start:
            state.gamma[:, : self.K] = start["gamma"]
        if has_topics(start):
            return state
        for _ in range(self.options.opening):
            state = self.opening_pass(state)
        return state

    def opening_pass(self, state: LatentDirichletState) -> LatentDirichletState:
        """The state after a pass in which documents begin at ``state.gamma``, which the next pass begins at as well."""
        posteriors = self._e_step(state, OPENING_STEPS)
        return self._state(self._m_step(state, posteriors), state.gamma, state.alpha, state.eta)

    def step(self, state: LatentDirichletState) -> tuple[LatentDirichletState, float]:
        """The next state, and the bound at this one in nats."""
        posteriors = self._e_step(state)
        self._last_e_step = state, posteriors
        bound = posteriors.elbo_term + state.factors.elbo_term(state.eta)
        next_state = self._state(self._m_step(state, posteriors), posteriors.gamma, state.alpha, state.eta)
        alpha = learn_alpha(self.options.learn_alpha, posteriors.gamma[:, : self.K], state.alpha)
        eta = learn_eta(next_state.factors, state.eta) if self.options.learn_eta else state.eta
        return next_state._replace(alpha=alpha, eta=eta), bound

    def rounding(self, state: LatentDirichletState, value: float) -> float:
        """That of sums in 64 bits: factors in 32 bits move the fixed point alone, where the bound is flat."""
        return 1e-10 * max(self.corpus.total, abs(value))

    def escape_boundary(self, state: LatentDirichletState) -> None:
        """There is no boundary at which the bound is nearly flat."""
        return None

    def check(self, state: LatentDirichletState) -> None:
        """The bound has a maximum."""

    def finalize(self, state: LatentDirichletState) -> VariationalEstimate:
        """The estimate after an E-step at the state."""
        is_last = self._last_e_step is not None and self._last_e_step[0] is state
        posteriors = self._last_e_step[1] if self._last_e_step and is_last else self._e_step(state)
        bound = posteriors.elbo_term + state.factors.elbo_term(state.eta)
        gamma = posteriors.gamma[:, : self.K].astype(float)
        return VariationalEstimate(state.lam, gamma, state.alpha, state.eta, bound)

    def _e_step(self, state: LatentDirichletState, default_steps: int = BATCH_STEPS) -> DocumentPosteriors:
        max_steps, tol = self.options.document_steps or default_steps, self.options.document_tol
        return e_step(self.corpus, state.factors, state.alpha, state.gamma, tol, max_steps, self.pool)

    def _m_step(self, state: LatentDirichletState, posteriors: DocumentPosteriors) -> np.ndarray:
        return state.eta + expected_counts(self.corpus, self.index, posteriors, state.factors, self.pool)

    def _state(self, lam: np.ndarray, gamma: np.ndarray, alpha: np.ndarray, eta: float) -> LatentDirichletState:
        return LatentDirichletState(lam, dirichlet_factors(lam, lam.sum(0), self.pool), gamma, alpha, eta)


def run_batch(
    request: FitRequest[VariationalEMOptions], options: VariationalEMOptions, pool: WorkerPool
) -> EngineResult:
    """Fit by passes over the complete corpus, from one or several starts."""
    algorithm = LatentDirichletEM(request, options, pool)
    runs = run_restarts(request, algorithm, options, float(request.rows))
    return make_result(
        algorithm.finalize(runs.best.state),
        runs.best.trace,
        options,
        algorithm.corpus.total,
        start=f"random topics and {options.opening} passes",
        iterations=len(runs.best.trace) - 1,
        converged=runs.best.converged,
        objective=options.objective,
        restarts=runs.objectives,
        collapsed_restarts=runs.num_collapsed,
    )


def best_opening(request: FitRequest[VariationalEMOptions], seed: int, pool: WorkerPool) -> dict[str, np.ndarray]:
    """phi (K, V) and theta (N, K) after the opening with the highest bound of a few."""
    algorithm = LatentDirichletEM(request, VariationalEMOptions(), pool)
    states = [algorithm.initialize(NUM_OPENINGS * seed + i) for i in range(NUM_OPENINGS)]
    state = max(states, key=lambda state: algorithm.step(state)[1])
    gamma = state.gamma[:, : algorithm.K].astype(float)
    return {"phi": (state.lam / state.lam.sum(0)).T, "theta": gamma / gamma.sum(1, keepdims=True)}
