"""Hidden Markov models by the list of all paths of their states, in NumPy and SciPy: the truth of their tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import bernoulli, multivariate_normal, norm, poisson

import zoo

Params = Mapping[str, np.ndarray]
Keywords = Mapping[str, Any]

# models beside the emissions of hidden_markov, by a name of their own
OTHER_MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "autoregressive": ("autoregressive_hmm", {"P": 2}),
    "autoregressive_full": ("autoregressive_hmm", {"noise": "full"}),
    "regression": ("switching_regression", {"columns": (0, "covariate", 0, "covariate")}),
    "regression_moves": ("switching_regression", {"transitions": "covariates"}),
}


def load(emission: str, backend: str = "pyro", **settings: Any) -> zoo.Model:
    """A hidden Markov model by its emission, or one of ``OTHER_MODELS``."""
    name, own = OTHER_MODELS.get(emission, ("hidden_markov", {"emission": emission, "V": 3}))
    return zoo.load(name, backend, **{**own, **settings})


def simulated(emission: str, seed: int = 0, **sizes: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters and data where a sequence ends early, with a missing value and a missing step where these may be.

    sizes: N, T, K, ...
    """
    model = load(emission)
    D = len(model.settings.get("columns", (0, 0)))
    all_sizes: dict[str, Any] = {"N": 3, "T": 6, "D": D, "K": 3, **model.settings, **sizes}
    values = model.simulate(seed, **all_sizes)
    x = values["x"].copy()
    if model.card.missing:
        responses = responses_of(emission, D)
        x[0, 1, 0] = np.nan
        x[1, 2, responses] = np.nan
    x[2, 4:] = np.nan
    return {n: values[n] for n in model.card.parameters(model.settings)}, x


def responses_of(emission: str, D: int) -> list[int]:
    """The columns that are no covariates."""
    columns = (0, "covariate") if emission == "regression_moves" else load(emission).settings.get("columns", (0,) * D)
    return [d for d, kind in enumerate(columns) if kind == 0]


def all_paths(T: int, K: int) -> np.ndarray:
    """Every path, (K^T, T)."""
    return np.array(list(itertools.product(range(K), repeat=T)))


def log_emissions(params: Params, x: np.ndarray, emission: str, keywords: Keywords) -> np.ndarray:
    """log p(x_t | z_t = k, steps before) of one sequence (T, D), (T, K); missing values are left out."""
    K = len(params["pi"])
    if emission.startswith("regression"):
        return np.array([[log_response(params, x_t, k, emission, keywords) for k in range(K)] for x_t in x])
    if emission.startswith("autoregressive"):
        return np.array([[log_regression(params, x, t, k, keywords) for k in range(K)] for t in range(len(x))])
    return np.array([[log_emission(params, x_t, k, emission) for k in range(K)] for x_t in x])


def log_response(params: Params, x: np.ndarray, k: int, emission: str, keywords: Keywords) -> float:
    """log p(responses | z_t = k, covariates) of a step of a switching regression."""
    responses = responses_of(emission, len(x))
    y, w = x[responses], np.delete(x, responses) - keywords["covariate_mean"]
    mean, sd = params["beta"][k, :, 0] + params["beta"][k, :, 1:] @ w, params["Lambda"][k] ** -0.5
    seen = ~np.isnan(y)
    return norm.logpdf(y[seen], mean[seen], sd[seen]).sum()


def log_regression(params: Params, x: np.ndarray, t: int, k: int, keywords: Keywords) -> float:
    """log p(x_t | z_t = k, steps before) of an autoregressive model."""
    loc, scale, P = keywords["loc"], keywords["scale"], params["W"].shape[1]
    if np.isnan(x[t]).any():
        return 0.0
    if t < P:
        return norm.logpdf(x[t], loc, scale).sum()
    intercept = params["mu"][k] - sum(params["W"][k, p] @ loc for p in range(P))
    mean = intercept + sum(params["W"][k, p] @ x[t - 1 - p] for p in range(P))
    Lambda = params["Lambda"][k]
    return float(multivariate_normal.logpdf(x[t], mean, np.linalg.inv(np.diag(Lambda) if Lambda.ndim == 1 else Lambda)))


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


def list_paths(params: Params, x: np.ndarray, emission: str, keywords: Keywords) -> np.ndarray:
    """log p(x, path | params) of one sequence (T, D) for every path, (K^T,); keywords: of the program."""
    paths, logs = all_paths(len(x), len(params["pi"])), log_emissions(params, x, emission, keywords)
    steps = np.arange(len(x))
    transitions = log_transitions(params, x, emission, keywords)
    of_paths: Any = transitions[steps[1:] - 1, paths[:, :-1], paths[:, 1:]].sum(1)
    return np.log(params["pi"])[paths[:, 0]] + of_paths + logs[steps, paths].sum(1)


def log_transitions(params: Params, x: np.ndarray, emission: str, keywords: Keywords) -> np.ndarray:
    """log p(z_t | z_t-1) of each step but the first, (T - 1, K, K)."""
    if emission != "regression_moves":
        return np.repeat(np.log(params["A"])[None], len(x) - 1, axis=0)
    A, w = params["A"], np.nan_to_num((x[1:, 1] - keywords["covariate_mean"]) / keywords["covariate_sd"])
    p = A[0] * A[1] ** w[:, None, None]
    return np.log(p / p.sum(-1, keepdims=True))
