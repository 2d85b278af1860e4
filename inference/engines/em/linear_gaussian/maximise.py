"""The M-step: each column's regression on the latents, then the noise around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.engines.em.linear_gaussian import Prior
from inference.engines.em.linear_gaussian.statistics import Statistics
from zoo.linear import Linear

UNSEEN = 1e-8  # rows: a column of which a component has seen no more keeps its loadings


def maximise(stats: Sequence[Statistics], before: Linear, noise: str, prior: Prior | None, floor: float) -> Linear:
    """The next parameters from the statistics of each component at those before.

    Without a prior the expected complete-data likelihood is maximised over the expanded model in which z has a mean and
    a covariance of its own; with one, over W and mu given the old noise, then over the noise.
    """
    found = [regression(s, before, k, prior) for k, s in enumerate(stats)]
    residual = np.array([left_over(s, w) for s, w in zip(stats, found, strict=True)])
    count = np.array([s.count for s in stats])
    Psi = variances(residual, count, before.Psi, noise, prior)
    if prior is None:
        found = [reduced(s, w) for s, w in zip(stats, found, strict=True)]
    both = np.array(found)
    weight = np.array([s.whole[-1, -1] for s in stats])
    return Linear(weight / weight.sum(), both[..., :-1], both[..., -1], np.maximum(Psi, floor))


def regression(s: Statistics, before: Linear, k: int, prior: Prior | None) -> np.ndarray:
    """Coefficients of z and 1 for each column, (D, Z + 1)."""
    T, c = s.inner, s.cross
    D, Z = before.W.shape[-2:]
    if prior is not None:
        shape = (len(before.pi), D)
        precision = np.concatenate(
            [
                np.broadcast_to(prior.W_precision, (*shape, Z))[k],
                np.broadcast_to(prior.mu_precision, shape)[k][:, None],
            ],
            axis=1,
        )
        ridge = before.Psi[k][:, None] * precision
        T = T + ridge[:, :, None] * np.eye(Z + 1)
        c = np.concatenate(
            [c[:, :Z], (c[:, Z] + ridge[:, Z] * np.broadcast_to(prior.mu_mean, shape)[k])[:, None]], axis=1
        )
    elif (s.count < UNSEEN).any():
        old = np.concatenate([before.W[k], before.mu[k][:, None]], axis=1)
        keep = (s.count < UNSEEN)[:, None]
        T, c = np.where(keep[:, :, None], np.eye(Z + 1), T), np.where(keep, old, c)
    return np.linalg.solve(T, c[:, :, None])[:, :, 0]


def left_over(s: Statistics, w: np.ndarray) -> np.ndarray:
    """The expected sum of squares about the regression, by column."""
    explained = np.einsum("di,dij,dj->d", w, s.inner, w) - 2 * np.einsum("di,di->d", w, s.cross)
    return np.maximum(s.square + explained, 0.0)


def variances(
    residual: np.ndarray, count: np.ndarray, before: np.ndarray, noise: str, prior: Prior | None
) -> np.ndarray:
    """The noise of each column, (K, D), from residual and count (K, D)."""
    axes = {"own": (), "shared": (0,), "isotropic": (0, 1)}[noise]
    residual, count = (np.sum(v, axis=axes, keepdims=True) for v in (residual, count))
    if prior is not None:
        rate = np.broadcast_to(prior.noise_rate, before.shape)
        rate = rate.mean(axis=axes, keepdims=True)  # one noise has one prior
        residual, count = residual + 2 * rate, count + 2 * (prior.noise_shape + 1)
    seen = count > UNSEEN
    return np.broadcast_to(np.where(seen, residual / np.where(seen, count, 1.0), before), before.shape)


def reduced(s: Statistics, w: np.ndarray) -> np.ndarray:
    """The regression again on latents of mean 0 and covariance I, those fitted being folded into it."""
    n, Z = s.whole[-1, -1], len(s.whole) - 1
    if n < UNSEEN:
        return w
    mean = s.whole[:Z, Z] / n
    covariance = s.whole[:Z, :Z] / n - np.outer(mean, mean)
    W, mu = w[:, :Z], w[:, Z]
    return np.concatenate([W @ np.linalg.cholesky(covariance), (mu + W @ mean)[:, None]], axis=1)
