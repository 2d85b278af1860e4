"""Where svi and nuts begin with a switching linear dynamical system: regimes of the principal axes of the steps.

The scores of the principal axes follow a regression on those of the step before, one for each state of a chain, which
EM fits (an autoregressive hidden Markov model; Hamilton 1990, "Analysis of time series subject to changes in regime").
Each state begins at the regression of a random stretch of steps, some times, and the best fit is taken. Axes are then
scaled so that the noise of the moves is standard normal, as in the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from inference.exact import markov
from zoo.types import Keywords

METHOD = "regimes of the principal axes"
NUM_STARTS, NUM_ITERATIONS = 20, 30
STRETCH = 5  # steps of a stretch for each number of a regression
RIDGE = 0.1  # precision of the regressions, in units of the noise
PRIOR_COUNT = 1.0  # of each transition
LEAST_NOISE = 0.02  # of a column, as a part of its variance


class Regimes(NamedTuple):
    """An autoregression for each state: pi (K,), transition (K, K), slopes (K, Z, Z + 1), covariance (Z, Z)."""

    pi: np.ndarray
    transition: np.ndarray
    slopes: np.ndarray
    covariance: np.ndarray


def start(table: Mapping[str, np.ndarray], keywords: Keywords, seed: int) -> dict[str, np.ndarray]:
    """Values of every continuous latent, z among them."""
    rng, Z = np.random.default_rng(seed), keywords["Z"]
    loc, spread = (np.broadcast_to(np.asarray(keywords[n], float), keywords["D"]) for n in ("loc", "spread"))
    x = np.asarray(table["x"], float)
    is_observed = ~np.isnan(x)
    scaled = np.where(is_observed, (x - loc) / spread, 0.0)
    flat = scaled.reshape(-1, x.shape[-1])
    values, axes = np.linalg.eigh(flat.T @ flat / max(is_observed.any(-1).sum(), 1))
    lengths = np.sqrt(np.maximum(values[::-1][:Z], 1e-3))
    loadings, scores = axes[:, ::-1][:, :Z] * lengths, scaled @ axes[:, ::-1][:, :Z] / lengths
    # a move counts where both of its steps have a value
    has_value = np.asarray(is_observed.any(-1))
    regimes = fit_regimes(scores, has_value[:, 1:] & has_value[:, :-1], keywords["K"], rng)
    root = np.linalg.cholesky(regimes.covariance)
    back = np.linalg.inv(root)
    W = spread[:, None] * (loadings @ root)
    rest = np.where(is_observed, scaled - scores @ loadings.T, 0.0)
    noise = (rest**2).sum((0, 1)) / np.maximum(is_observed.sum((0, 1)), 1)
    return {
        "pi": regimes.pi,
        "transition": regimes.transition,
        "A": back @ regimes.slopes[..., :Z] @ root,
        "b": regimes.slopes[..., Z] @ back.T,
        "W": W,
        "mu": loc.copy(),
        "Psi": spread**2 * np.maximum(noise, LEAST_NOISE),
        "z": scores @ back.T,
    }


def fit_regimes(z: np.ndarray, is_counted: np.ndarray, K: int, rng: np.random.Generator) -> Regimes:
    """The best of several autoregressions with K states, by EM from random stretches; z: (N, T, Z)."""
    best, highest = None, -np.inf
    for _ in range(NUM_STARTS if K > 1 else 1):
        regimes = from_stretches(z, is_counted, K, rng)
        value = -np.inf
        for _ in range(NUM_ITERATIONS):
            smoothed = markov.smooth(*chain_logs(z, is_counted, regimes))
            value, weights = float(smoothed.log_sum.sum()), smoothed.marginals[:, 1:] * is_counted[..., None]
            slopes, covariance = regressions(z, weights)
            pairs = smoothed.pairs.sum((0, 1)) + PRIOR_COUNT
            first = smoothed.marginals[:, 0].sum(0) + PRIOR_COUNT
            regimes = Regimes(first / first.sum(), pairs / pairs.sum(-1, keepdims=True), slopes, covariance)
        if best is None or value > highest:
            best, highest = regimes, value
    assert best is not None
    return best


def from_stretches(z: np.ndarray, is_counted: np.ndarray, K: int, rng: np.random.Generator) -> Regimes:
    """Each state at the regression of a stretch of steps of a random sequence."""
    N, T, Z = z.shape
    weights, length = np.zeros((N, T - 1, K)), min(STRETCH * (Z + 1), T - 1)
    for k in range(K):
        begin = rng.integers(T - length)
        weights[rng.integers(N), begin : begin + length, k] = 1.0
    slopes, covariance = regressions(z, weights * is_counted[..., None])
    transition = (np.ones((K, K)) + (length - 1) * np.eye(K)) / (length - 1 + K)
    # the noise of short stretches is too small for what is outside of them
    return Regimes(np.full(K, 1 / K), transition, slopes, covariance + 0.1 * np.eye(Z))


def regressions(z: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each step on (the step before, 1): slopes (K, Z, Z + 1), one covariance; weights: (N, T - 1, K), of the moves."""
    N, T, Z = z.shape
    design = np.concatenate([z[:, :-1], np.ones((N, T - 1, 1))], axis=-1).reshape(-1, Z + 1)
    target, w = z[:, 1:].reshape(-1, Z), weights.reshape(-1, weights.shape[-1])
    slopes, scatter = [], 1e-3 * np.eye(Z)
    for k in range(w.shape[1]):
        weighted = design * w[:, k, None]
        slope = np.linalg.solve(weighted.T @ design + RIDGE * np.eye(Z + 1), weighted.T @ target).T
        rest = target - design @ slope.T
        scatter += (rest * w[:, k, None]).T @ rest
        slopes.append(slope)
    return np.stack(slopes), scatter / max(w.sum(), 1.0)


def chain_logs(z: np.ndarray, is_counted: np.ndarray, regimes: Regimes) -> tuple[np.ndarray, np.ndarray]:
    """The logs of the chain of states given the scores, as ``exact.markov`` has them."""
    mean = np.einsum("kij,ntj->ntki", regimes.slopes[..., :-1], z[:, :-1]) + regimes.slopes[..., -1]
    rest = z[:, 1:, None] - mean
    precision = np.linalg.inv(regimes.covariance)
    log_det = np.linalg.slogdet(2 * np.pi * regimes.covariance)[1]
    moves = -0.5 * (np.einsum("ntki,ij,ntkj->ntk", rest, precision, rest) + log_det) * is_counted[..., None]
    first = np.broadcast_to(np.log(regimes.pi), (len(z), 1, len(regimes.pi)))
    return np.concatenate([first, moves], axis=1), np.log(regimes.transition)[None]
