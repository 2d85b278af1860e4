"""Means and precisions of normal emissions given the states of the steps, drawn from their conditionals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import gamma, norm, wishart

from inference.engines.em.hidden_markov.normal import kernels
from zoo.types import Keywords

Params = Mapping[str, np.ndarray]


class NormalDraws:
    """Independent columns: the means given the precisions, then the precisions given the means."""

    def __init__(self, steps: np.ndarray, keywords: Keywords):
        self.steps, D = steps, steps.shape[1]
        self.observed, self.filled = (~np.isnan(steps)).astype(float), np.nan_to_num(steps)
        self.loc, self.scale, self.spread = (np.broadcast_to(keywords[n], D) for n in ("loc", "scale", "spread"))

    def draw(self, rng: np.random.Generator, is_state: np.ndarray, before: Params | None) -> dict[str, np.ndarray]:
        n, first = is_state.T @ self.observed, is_state.T @ self.filled
        Lambda = np.broadcast_to(self.spread**-2, n.shape) if before is None else before["Lambda"]
        precision = n * Lambda + self.scale**-2
        mean = (Lambda * first + self.loc / self.scale**2) / precision
        mu = mean + rng.standard_normal(n.shape) / np.sqrt(precision)
        scatter = np.zeros(n.T.shape)
        kernels().normal_scatter(self.steps, is_state, np.ascontiguousarray(mu.T), scatter)
        return {"mu": mu, "Lambda": rng.standard_gamma(1.5 + n / 2) / ((self.spread**2 + scatter.T) / 2)}

    def log_prior(self, params: Params) -> float:
        of_precision = gamma.logpdf(params["Lambda"], 1.5, scale=2 / self.spread**2)
        return float(norm.logpdf(params["mu"], self.loc, self.scale).sum() + of_precision.sum())


class FullNormalDraws:
    """A covariance in each state, or one for all: the missing values, the means, then the precisions."""

    def __init__(self, steps: np.ndarray, keywords: Keywords):
        self.is_tied, D = keywords["emission"] == "tied_normal", steps.shape[1]
        self.steps, self.has_value = steps, np.asarray((~np.isnan(steps)).any(axis=-1))
        self.loc, self.scale, self.spread = (np.broadcast_to(keywords[n], D) for n in ("loc", "scale", "spread"))
        patterns, pattern_of_step = np.unique(np.isnan(steps), axis=0, return_inverse=True)
        self.missing = [
            (columns, np.flatnonzero(pattern_of_step.reshape(-1) == p))
            for p, columns in enumerate(patterns)
            if columns.any() and not columns.all()
        ]

    def draw(self, rng: np.random.Generator, is_state: np.ndarray, before: Params | None) -> dict[str, np.ndarray]:
        K, D = is_state.shape[1], self.steps.shape[1]
        states = is_state.argmax(1)
        if before is None:
            before = {"mu": np.tile(self.loc, (K, 1)), "Lambda": np.diag(self.spread**-2)}
        Lambda = np.broadcast_to(before["Lambda"], (K, D, D))
        y = self._complete(rng, states, before["mu"], Lambda)
        mu, n, scatter = np.empty((K, D)), np.empty(K), np.empty((K, D, D))
        for k in range(K):
            own = y[self.has_value & (states == k)]
            n[k], precision = len(own), len(own) * Lambda[k] + np.diag(self.scale**-2)
            mean = np.linalg.solve(precision, Lambda[k] @ own.sum(0) + self.loc / self.scale**2)
            mu[k] = mean + np.linalg.solve(np.linalg.cholesky(precision).T, rng.standard_normal(D))
            scatter[k] = (own - mu[k]).T @ (own - mu[k])
        if self.is_tied:
            return {"mu": mu, "Lambda": self._draw_precision(rng, n.sum(), scatter.sum(0))}
        return {"mu": mu, "Lambda": np.stack([self._draw_precision(rng, n[k], scatter[k]) for k in range(K)])}

    def log_prior(self, params: Params) -> float:
        D = len(self.loc)
        matrices, scale = params["Lambda"].reshape(-1, D, D), np.diag(self.spread**-2)
        of_precision = sum(wishart.logpdf(P, D + 2, scale) for P in matrices)
        return float(norm.logpdf(params["mu"], self.loc, self.scale).sum() + of_precision)

    def _complete(self, rng: np.random.Generator, states: np.ndarray, mu: np.ndarray, Lambda: np.ndarray) -> np.ndarray:
        """The steps with draws of their missing values given the others."""
        y = self.steps.copy()
        for columns, steps in self.missing:
            for k in range(len(mu)):
                own = steps[states[steps] == k]
                P = Lambda[k][np.ix_(columns, columns)]
                difference = y[np.ix_(own, ~columns)] - mu[k, ~columns]
                mean = mu[k, columns] - np.linalg.solve(P, Lambda[k][np.ix_(columns, ~columns)] @ difference.T).T
                noise = np.linalg.solve(np.linalg.cholesky(P).T, rng.standard_normal((len(P), len(own)))).T
                y[np.ix_(own, columns)] = mean + noise
        return y

    def _draw_precision(self, rng: np.random.Generator, n: float, scatter: np.ndarray) -> np.ndarray:
        D = len(scatter)
        rate = np.diag(self.spread**2) + scatter
        return np.reshape(wishart.rvs(D + 2 + n, np.linalg.inv(rate), random_state=rng), (D, D))
