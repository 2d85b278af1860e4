"""The M-step: each column's regression on the latents, then the variance of its noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.engines.em.linear_gaussian import NoiseType, Prior
from inference.engines.em.linear_gaussian.statistics import Statistics
from zoo.linear import Linear

UNOBSERVED = 1e-8  # rows: a column with no more of them in a component keeps its loadings


def maximise(
    stats: Sequence[Statistics], previous: Linear, noise: NoiseType, prior: Prior | None, floor: float
) -> Linear:
    """The next parameters from the statistics of each component at the previous ones.

    Without a prior the expected complete-data likelihood is maximised over the expanded model in which z has a mean and
    a covariance of its own; with one, over W and mu given the old noise, then over the noise.
    """
    coefficients = [regress(s, previous, k, prior) for k, s in enumerate(stats)]
    residual = np.array([residual_squares(s, w) for s, w in zip(stats, coefficients, strict=True)])
    count = np.array([s.num_rows for s in stats])
    Psi = noise_variances(residual, count, previous.Psi, noise, prior)
    if prior is None:
        coefficients = [reduce_expansion(s, w) for s, w in zip(stats, coefficients, strict=True)]
    W_and_mu = np.array(coefficients)
    W_and_mu[..., -1] += [s.origin for s in stats]
    weight = np.array([s.total[-1, -1] for s in stats])
    return Linear(weight / weight.sum(), W_and_mu[..., :-1], W_and_mu[..., -1], np.maximum(Psi, floor))


def regress(s: Statistics, previous: Linear, k: int, prior: Prior | None) -> np.ndarray:
    """The coefficients of z and 1 for each column in component k, less its origin, (D, Z + 1)."""
    T, c = s.inner, s.cross
    D, Z = previous.W.shape[-2:]
    if prior is not None:
        shape = (len(previous.pi), D)
        precision = np.concatenate(
            [
                np.broadcast_to(prior.W_precision, (*shape, Z))[k],
                np.broadcast_to(prior.mu_precision, shape)[k][:, None],
            ],
            axis=1,
        )
        ridge = previous.Psi[k][:, None] * precision
        T = T + ridge[:, :, None] * np.eye(Z + 1)
        mean = np.broadcast_to(prior.mu_mean, shape)[k] - s.origin
        c = np.concatenate([c[:, :Z], (c[:, Z] + ridge[:, Z] * mean)[:, None]], axis=1)
    elif (s.num_rows < UNOBSERVED).any():
        old = np.concatenate([previous.W[k], (previous.mu[k] - s.origin)[:, None]], axis=1)
        keep = (s.num_rows < UNOBSERVED)[:, None]
        T, c = np.where(keep[:, :, None], np.eye(Z + 1), T), np.where(keep, old, c)
    return np.linalg.solve(T, c[:, :, None])[:, :, 0]


def residual_squares(s: Statistics, w: np.ndarray) -> np.ndarray:
    """The expected sum of squares about the regression with coefficients w (D, Z + 1), by column."""
    explained = np.einsum("di,dij,dj->d", w, s.inner, w) - 2 * np.einsum("di,di->d", w, s.cross)
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
