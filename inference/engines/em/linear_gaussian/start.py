"""Where EM begins on a linear-Gaussian model: the principal axes of what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.unconstrained.kmeans import labels
from zoo.linear import Linear

if TYPE_CHECKING:
    from inference.engines.em.linear_gaussian.climber import Climber

LEAST = 0.05  # part of the noise: a column of W that begins at zero stays there


def starts(em: Climber, random: np.random.Generator | None) -> Linear:
    """One start for columns with mean 0 and variance 1; with ``random`` another noise, and axes turned at random."""
    D = len(em.scale)
    isotropic = em.form.noise(em.keywords) == "isotropic"
    if em.moments:
        m = em.moments
        second = (m.scatter + m.count[:, None, None] * m.mean[:, :, None] * m.mean[:, None, :]).sum(0)
        together = (m.patterns.T * m.count) @ m.patterns
        weights, means, covariances = [1.0], [np.zeros(D)], [correlation(second, together)]
    else:
        assert em.rows is not None
        rows = em.rows
        seed = em.request.seed if random is None else int(random.integers(2**31))
        label = labels(em.request.table, em.K, seed) if em.K > 1 else np.zeros(len(rows), dtype=int)
        seen = np.ones((len(rows), D)) if rows.seen is None else rows.seen
        pooled = correlation(rows.values.T @ rows.values, seen.T @ seen)
        weights, means, covariances = [], [], []
        for k in range(em.K):
            of_k, seen_k = rows.values[label == k], seen[label == k]
            mean = of_k.sum(0) / np.maximum(seen_k.sum(0), 1.0)
            rest = (of_k - mean) * seen_k
            # a group of few rows borrows from all of them
            covariance = correlation(rest.T @ rest + D / em.K * pooled, seen_k.T @ seen_k + D)
            weights.append(len(of_k) + 1.0)
            means.append(mean)
            covariances.append(covariance)
    found = [axes(S, em.Z, isotropic, random) for S in covariances]
    Psi = np.array([psi for _, psi in found])
    if em.form.noise(em.keywords) == "shared":
        Psi = np.broadcast_to(Psi.mean(0), Psi.shape)
    pi = np.array(weights) / sum(weights)
    return Linear(pi, np.array([W for W, _ in found]), np.array(means), np.maximum(Psi, em.floor))


def correlation(second: np.ndarray, together: np.ndarray) -> np.ndarray:
    """Sums of products over the rows that have both columns, made into a covariance that is positive definite."""
    S = second / np.maximum(together, 1.0)
    values, vectors = np.linalg.eigh((S + S.T) / 2)
    return (vectors * np.maximum(values, 1e-9 * values[-1])) @ vectors.T


def axes(
    S: np.ndarray, Z: int, isotropic: bool, random: np.random.Generator | None = None, least: float = LEAST
) -> tuple[np.ndarray, np.ndarray]:
    """W (D, Z) and noise (D,): the most likely W for a noise that is the maximum itself (isotropic, Tipping and Bishop
    1999) or Jöreskog's first guess, (1 - Z/2D) of what other columns leave unexplained (1963, "Statistical estimation
    in factor analysis").
    """
    D = len(S)
    if isotropic:
        noise = np.full(D, max(np.linalg.eigvalsh(S)[: D - Z].mean(), 1e-12))
    else:
        noise = np.clip((1 - Z / (2 * D)) / np.diagonal(np.linalg.inv(S)), 0.005 * np.diagonal(S), np.diagonal(S))
    if random is not None:
        noise = noise * np.exp(random.normal(size=1 if isotropic else D) / 2)
    root = np.sqrt(noise)
    values, vectors = np.linalg.eigh(S / root / root[:, None])
    W = root[:, None] * vectors[:, ::-1][:, :Z] * np.sqrt(np.maximum(values[::-1][:Z] - 1, least))
    if random is not None and Z:
        W = W @ np.linalg.qr(random.normal(size=(Z, Z)))[0]
    return W, noise
