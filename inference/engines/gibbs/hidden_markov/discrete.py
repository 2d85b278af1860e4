"""Parameters of items, counts and symbols given the states of the steps, drawn from their conjugate distributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln
from scipy.stats import gamma

from inference.engines.em.hidden_markov.normal import kernels
from inference.engines.gibbs.dirichlet import draw_dirichlet
from zoo.types import Keywords

Params = Mapping[str, np.ndarray]


class SymbolDraws:
    """Probabilities of symbols, each vector from a Dirichlet."""

    def __init__(self, steps: np.ndarray, keywords: Keywords):
        self.symbols, self.V = np.where(np.isnan(steps), -1, np.nan_to_num(steps)).astype(np.int64), keywords["V"]

    def draw(self, rng: np.random.Generator, is_state: np.ndarray, before: Params | None) -> dict[str, np.ndarray]:
        counts = np.ones((self.symbols.shape[1], self.V, is_state.shape[1]))
        kernels().categorical_counts(self.symbols, is_state, counts)
        return {"mu": draw_dirichlet(rng, np.moveaxis(counts, -1, 0))}

    def log_prior(self, params: Params) -> float:
        return float(gammaln(self.V) * np.prod(params["mu"].shape[:2]))


class ItemDraws:
    """Probabilities of yes, which are symbols 0 and 1."""

    def __init__(self, steps: np.ndarray, keywords: Keywords):
        self.symbols = SymbolDraws(steps, {"V": 2})

    def draw(self, rng: np.random.Generator, is_state: np.ndarray, before: Params | None) -> dict[str, np.ndarray]:
        return {"mu": self.symbols.draw(rng, is_state, None)["mu"][..., 1]}

    def log_prior(self, params: Params) -> float:
        return 0.0


class CountDraws:
    """Rates of counts."""

    def __init__(self, steps: np.ndarray, keywords: Keywords):
        self.observed, self.filled = (~np.isnan(steps)).astype(float), np.nan_to_num(steps)
        self.shape, self.rate = keywords["shape"], keywords["shape"] / np.broadcast_to(keywords["mean"], steps.shape[1])

    def draw(self, rng: np.random.Generator, is_state: np.ndarray, before: Params | None) -> dict[str, np.ndarray]:
        n, counts = is_state.T @ self.observed, is_state.T @ self.filled
        return {"mu": rng.standard_gamma(self.shape + counts) / (self.rate + n)}

    def log_prior(self, params: Params) -> float:
        return float(gamma.logpdf(params["mu"], self.shape, scale=1 / self.rate).sum())
