"""Emissions of items, counts and symbols, in closed form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln

from inference.engines.em.hidden_markov.normal import EMPTY, LOG_2PI, MIN_WEIGHT, kernels
from inference.engines.em.poisson_mixture import MIN_RATE
from zoo._distributions.counts import STIRLING, STIRLING_FROM
from zoo.types import Keywords

MARGIN = 1e-12  # of probabilities from 0


def stirling_error(x: np.ndarray) -> np.ndarray:
    """log x! - (x log x - x + log(2 pi x) / 2), for x > 0, with all digits (Loader 2000).

    >>> stirling_error(np.array([1.0, 1e15])).round(6)
    array([0.081061, 0.      ])
    """
    small = np.minimum(x, STIRLING_FROM)
    exact = gammaln(small + 1) - (small * np.log(small) - small + 0.5 * (LOG_2PI + np.log(small)))
    large = np.maximum(x, STIRLING_FROM)
    series = np.polynomial.polynomial.polyval(1 / large**2, STIRLING) / large
    return np.where(x < STIRLING_FROM, exact, series)


class CountEmissions:
    """``chain.Emissions`` of counts, (S, D)."""

    def __init__(self, steps: np.ndarray, keywords: Keywords, is_map: bool):
        self.x, self.is_map = steps, is_map
        self.observed, self.filled = (~np.isnan(steps)).astype(float), np.nan_to_num(steps)
        self.shape, self.mean = keywords["shape"], np.broadcast_to(keywords["mean"], steps.shape[1])
        x = np.where(self.filled > 0, self.filled, 1.0)
        base = np.where(self.filled > 0, -stirling_error(x) - 0.5 * (LOG_2PI + np.log(x)), 0.0)
        self.base = base.sum(1)

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        rate = np.ascontiguousarray(params["mu"].T)
        logs = np.empty((len(self.x), rate.shape[1]))
        kernels().poisson_logs(self.x, rate, self.base, logs)
        return logs

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        n, counts = posterior.T @ self.observed, posterior.T @ self.filled
        if self.is_map or previous is None:
            rate = (counts + self.shape - 1) / (n + self.shape / self.mean)
        else:
            rate = np.where(n > MIN_WEIGHT, counts / np.maximum(n, EMPTY), self.mean)
        return {"mu": np.maximum(rate, MIN_RATE)}


class CategoricalEmissions:
    """``chain.Emissions`` of symbols, (S, D), each one of V."""

    def __init__(self, steps: np.ndarray, keywords: Keywords, is_map: bool):
        self.symbols, self.V = np.where(np.isnan(steps), -1, np.nan_to_num(steps)).astype(np.int64), keywords["V"]

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log_probabilities = np.log(np.ascontiguousarray(np.moveaxis(params["mu"], 0, -1)))  # (D, V, K)
        logs = np.empty((len(self.symbols), log_probabilities.shape[-1]))
        kernels().categorical_logs(self.symbols, log_probabilities, logs)
        return logs

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        # at the start one more of each symbol
        counts = np.full((self.symbols.shape[1], self.V, posterior.shape[1]), float(previous is None))
        kernels().categorical_counts(self.symbols, posterior, counts)
        total = counts.sum(1, keepdims=True)
        mu = np.divide(counts, total, where=total > MIN_WEIGHT, out=np.full_like(counts, 1 / self.V))
        mu = np.maximum(mu, MARGIN)
        return {"mu": np.ascontiguousarray(np.moveaxis(mu / mu.sum(1, keepdims=True), -1, 0))}


class ItemEmissions:
    """``chain.Emissions`` of yes-or-no items, (S, D): symbols 0 and 1, of which mu is the probability of 1."""

    def __init__(self, steps: np.ndarray, keywords: Keywords, is_map: bool):
        self.symbols = CategoricalEmissions(steps, {"V": 2}, is_map)

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.symbols.log_density({"mu": np.stack([1 - params["mu"], params["mu"]], axis=-1)})

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        return {"mu": self.symbols.maximise(posterior, previous)["mu"][..., 1]}
