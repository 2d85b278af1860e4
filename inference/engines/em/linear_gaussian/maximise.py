"""The M-step: each column's regression on the latents, then the variance of its noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.engines.em.linear_gaussian import NoiseType, Prior
from inference.engines.em.linear_gaussian.statistics import Statistics
from zoo.linear import Linear

PENALTY = 1e-13  # of a change of the coefficients, relative to the squares of the latents: far above rounding
UNOBSERVED = 1e-8  # rows: a column with no more of them in a component keeps its loadings


def maximise(
    stats: Sequence[Statistics], previous: Linear, noise: NoiseType, prior: Prior | None, floor: float
) -> Linear:
    """The next parameters from the statistics of each component at the previous ones.

    Without a prior the expected complete-data likelihood is maximised over the expanded model in which z has a mean and
    a covariance of its own; with one, over W and mu given the old noise, then over the noise.
    """
    changes = [regress(s, previous, k, prior) for k, s in enumerate(stats)]
    residual = np.array([residual_squares(s, change) for s, change in zip(stats, changes, strict=True)])
    count = np.array([s.num_rows for s in stats])
    Psi = noise_variances(residual, count, previous.Psi, noise, prior)
    W_and_mu = np.concatenate([previous.W, previous.mu[..., None]], axis=2) + changes
    if prior is None:
        W_and_mu = np.array([reduce_expansion(s, w) for s, w in zip(stats, W_and_mu, strict=True)])
    weight = np.array([s.total[-1, -1] for s in stats])
    return Linear(weight / weight.sum(), W_and_mu[..., :-1], W_and_mu[..., -1], np.maximum(Psi, floor))


def regress(s: Statistics, previous: Linear, k: int, prior: Prior | None) -> np.ndarray:
    """The change of the coefficients of z and 1 for each column in component k, (D, Z + 1).

    Under a penalty as small as rounding: what the rows do not determine stays as it was.
    """
    T, c = s.inner, s.cross
    D, Z = previous.W.shape[-2:]
    if prior is not None:
        shape = (len(previous.pi), D)
        W_precision = np.broadcast_to(prior.W_precision, (*shape, Z))[k]
        mu_precision, mu_mean = (np.broadcast_to(v, shape)[k] for v in (prior.mu_precision, prior.mu_mean))
        ridge = previous.Psi[k][:, None] * np.concatenate([W_precision, mu_precision[:, None]], axis=1)
        to_mean = np.concatenate([-previous.W[k], (mu_mean - previous.mu[k])[:, None]], axis=1)
        T, c = T + ridge[:, :, None] * np.eye(Z + 1), c + ridge * to_mean
    elif (s.num_rows < UNOBSERVED).any():
        keep = (s.num_rows < UNOBSERVED)[:, None]
        T, c = np.where(keep[:, :, None], np.eye(Z + 1), T), np.where(keep, 0.0, c)
    return np.linalg.solve(T * (1 + PENALTY * np.eye(Z + 1)), c[:, :, None])[:, :, 0]


def residual_squares(s: Statistics, change: np.ndarray) -> np.ndarray:
    """The expected sum of squares by column after a change of the coefficients (D, Z + 1)."""
    explained = np.einsum("di,dij,dj->d", change, s.inner, change) - 2 * np.einsum("di,di->d", change, s.cross)
    return np.maximum(s.square + explained, 0.0)


def noise_variances(
    residual: np.ndarray, count: np.ndarray, previous: np.ndarray, noise: NoiseType, prior: Prior | None
) -> np.ndarray:
    """The noise of each column, (K, D), from residual and count (K, D)."""
    axes = {"own": (), "shared": (0,), "isotropic": (0, 1)}[noise]
    residual, count = (np.sum(v, axis=axes, keepdims=True) for v in (residual, count))
    if prior is not None:
        rate = np.broadcast_to(prior.noise_rate, previous.shape)
        rate = rate.mean(axis=axes, keepdims=True)  # one noise has one prior
        residual, count = residual + 2 * rate, count + 2 * (prior.noise_shape + 1)
    observed = count > UNOBSERVED
    variance = np.where(observed, residual / np.where(observed, count, 1.0), previous)
    return np.broadcast_to(variance, previous.shape)


def reduce_expansion(s: Statistics, w: np.ndarray) -> np.ndarray:
    """The coefficients on latents of mean 0 and covariance I: the fitted moments of z are moved into W and mu."""
    n, Z = s.total[-1, -1], len(s.total) - 1
    if n < UNOBSERVED:
        return w
    mean = s.total[:Z, Z] / n
    covariance = s.total[:Z, :Z] / n - np.outer(mean, mean)
    W, mu = w[:, :Z], w[:, Z]
    return np.concatenate([W @ np.linalg.cholesky(covariance), (mu + W @ mean)[:, None]], axis=1)
