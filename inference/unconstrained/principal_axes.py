"""Starts for factor models: loadings and noise by the principal axes of a covariance."""

from __future__ import annotations

import numpy as np

MIN_SIGNAL = 0.05  # part of the noise: a column of W that begins at zero stays at zero


def pairwise_covariance(products: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """A positive definite covariance from sums of products over the rows that have both columns, (D, D) each."""
    S = products / np.maximum(counts, 1.0)
    values, vectors = np.linalg.eigh((S + S.T) / 2)
    return (vectors * np.maximum(values, 1e-9 * values[-1])) @ vectors.T


def principal_axes(
    covariance: np.ndarray,
    Z: int,
    isotropic: bool,
    random: np.random.Generator | None = None,
    min_signal: float = MIN_SIGNAL,
) -> tuple[np.ndarray, np.ndarray]:
    """Loadings W (D, Z) and noise (D,) for a covariance (D, D).

    W is the most likely one for the noise, which is the maximum itself where isotropic (Tipping and Bishop 1999), and
    else Jöreskog's first guess, (1 - Z/2D) of what other columns leave unexplained (1963, "Statistical estimation in
    factor analysis"). With ``random`` the noise is multiplied by random factors, and the axes are rotated at random.
    min_signal: the least of an axis' variance beyond the noise, as a part of the noise.

    >>> W, noise = principal_axes(np.diag([5.0, 1.0, 1.0]), 1, isotropic=True)
    >>> abs(W[:, 0]), noise
    (array([2., 0., 0.]), array([1., 1., 1.]))
    """
    D = len(covariance)
    if isotropic:
        noise = np.full(D, max(np.linalg.eigvalsh(covariance)[: D - Z].mean(), 1e-12))
    else:
        unexplained = (1 - Z / (2 * D)) / np.diagonal(np.linalg.inv(covariance))
        noise = np.clip(unexplained, 0.005 * np.diagonal(covariance), np.diagonal(covariance))
    if random is not None:
        noise = noise * np.exp(random.normal(size=1 if isotropic else D) / 2)
    root = np.sqrt(noise)
    values, vectors = np.linalg.eigh(covariance / root / root[:, None])
    W = root[:, None] * vectors[:, ::-1][:, :Z] * np.sqrt(np.maximum(values[::-1][:Z] - 1, min_signal))
    if random is not None and Z:
        W = W @ np.linalg.qr(random.normal(size=(Z, Z)))[0]
    return W, noise
