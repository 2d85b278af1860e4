"""Hidden Markov models by the list of all paths of their states, in NumPy and SciPy: the truth of their tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import bernoulli, multivariate_normal, norm, poisson

import zoo

Params = Mapping[str, np.ndarray]


def simulated(emission: str, seed: int = 0, **sizes: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters and data with a missing value, a missing step and a sequence that ends early; sizes: N, T, K, ..."""
    model = zoo.load("hidden_markov", "pyro", emission=emission)
    all_sizes: dict[str, Any] = {"N": 3, "T": 6, "D": 2, "K": 3, **sizes}
    values = model.simulate(seed, **all_sizes)
    x = values["x"].copy()
    x[0, 1, 0] = x[1, 2] = x[2, 4:] = np.nan
    return {n: values[n] for n in model.card.parameters({"emission": emission})}, x


def all_paths(T: int, K: int) -> np.ndarray:
    """Every path, (K^T, T)."""
    return np.array(list(itertools.product(range(K), repeat=T)))


def log_emissions(params: Params, x: np.ndarray, emission: str) -> np.ndarray:
    """log p(x_t | z_t = k) of one sequence (T, D), (T, K); missing values are left out."""
    K = len(params["pi"])
    return np.array([[log_emission(params, x_t, k, emission) for k in range(K)] for x_t in x])


def log_emission(params: Params, x: np.ndarray, k: int, emission: str) -> float:
    """log p(x_t | z_t = k) of one step (D,)."""
    seen = ~np.isnan(x)
    y, mu = x[seen], params["mu"][k][seen]
    if not seen.any():
        return 0.0
    match emission:
        case "normal":
            return norm.logpdf(y, mu, params["Lambda"][k][seen] ** -0.5).sum()
        case "full_normal" | "tied_normal":
            Sigma = np.linalg.inv(params["Lambda"] if emission == "tied_normal" else params["Lambda"][k])
            return float(multivariate_normal.logpdf(y, mu, Sigma[np.ix_(seen, seen)]))
        case "bernoulli":
            return bernoulli.logpmf(y, mu).sum()
        case "poisson":
            return poisson.logpmf(y, mu).sum()
    return np.log(mu[np.arange(len(y)), y.astype(int)]).sum()  # categorical


def list_paths(params: Params, x: np.ndarray, emission: str) -> np.ndarray:
    """log p(x, path | params) of one sequence (T, D) for every path, (K^T,)."""
    paths, logs = all_paths(len(x), len(params["pi"])), log_emissions(params, x, emission)
    transitions: Any = np.log(params["A"])[paths[:, :-1], paths[:, 1:]].sum(1)
    return np.log(params["pi"])[paths[:, 0]] + transitions + logs[np.arange(len(x)), paths].sum(1)
