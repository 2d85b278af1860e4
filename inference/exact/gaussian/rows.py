"""Rows with missing values under one linear-Gaussian component: densities and the posterior of the latents."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

LOG_2PI = np.log(2 * np.pi)
MOST_CONDITION = 1e6  # of M: its inverse is then known to 10 digits
BLOCK_PATTERNS = 1024  # whose matrices of D by Z are in memory at a time


class LatentPosterior(NamedTuple):
    """The moments of the normal p(z_n | x_n); rows with the same observed columns share a covariance.

    mean: (N, Z). covariance: (P, Z, Z), one for each pattern. log_density: (N,), log p of the observed values, in nats.
    """

    mean: np.ndarray
    covariance: np.ndarray
    log_density: np.ndarray


class IncompleteRows:
    """Rows x (N, D), NaN where missing, and their P patterns of observed columns.

    values: x with 0 for missing values. observed: (N, D), 1 or 0; None where nothing is missing. patterns: (P, D), 1 or
    0. pattern_of_row: (N,).
    """

    def __init__(self, x: np.ndarray):
        missing = np.isnan(x)
        if not missing.any():
            self.values, self.observed = x, None  # saves the products with ones
            self.patterns, self.pattern_of_row = np.ones((1, x.shape[1])), np.zeros(len(x), dtype=np.intp)
            return
        self.values, self.observed = np.where(missing, 0.0, x), (~missing).astype(float)
        # a row of bits as one string of bytes: quick to sort
        bits = np.packbits(~missing, axis=1)
        _, first, index = np.unique(bits.view(f"V{bits.shape[1]}").ravel(), return_index=True, return_inverse=True)
        self.patterns, self.pattern_of_row = self.observed[first], index.reshape(-1)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def rows_by_pattern(self) -> list[np.ndarray]:
        """The indices of the rows of each pattern."""
        order = np.argsort(self.pattern_of_row, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.pattern_of_row, minlength=len(self.patterns)))[:-1])

    def posterior(self, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> LatentPosterior:
        """The posterior of z at W (D, Z), mu (D,), Psi (D,).

        Over the observed columns the precision is M = I + W' Psi^-1 W and the mean M^-1 W' Psi^-1 (x - mu). With
        Psi = sigma2 I these are equations 12.41 and 12.42 of Bishop (2006); for some of the columns Ghahramani and
        Jordan (1994).
        """
        residual = self.values - mu
        if self.observed is not None:
            residual *= self.observed
        if is_ill_conditioned(W, Psi):
            mean, covariance, log_det = self._precise_moments(residual, W, Psi)
        else:
            covariance, log_det = latent_covariances(self.patterns, W, Psi)
            projection = residual @ (W / Psi[:, None])
            if len(self.patterns) == 1:
                mean = projection @ covariance[0]
            else:
                mean = np.einsum("nzy,ny->nz", covariance[self.pattern_of_row], projection)
        constant = log_det + self.patterns @ (np.log(Psi) + LOG_2PI)
        # |Psi^-1/2 (x - mu - W mean)|^2 + |mean|^2: the difference of two squares would lose digits where Psi is small
        fitted = mean @ W.T
        if self.observed is not None:
            np.multiply(fitted, self.observed, out=fitted)
        noise = np.subtract(residual, fitted, out=fitted)
        quadratic = np.square(noise, out=noise) @ (1 / Psi) + np.einsum("nz,nz->n", mean, mean)
        quadratic[np.isnan(quadratic)] = np.inf  # differences of infinite numbers, of rows that are far away
        return LatentPosterior(mean, covariance, -0.5 * (quadratic + constant[self.pattern_of_row]))

    def _precise_moments(self, residual: np.ndarray, W: np.ndarray, Psi: np.ndarray) -> tuple[np.ndarray, ...]:
        """Means (N, Z), covariances and log-determinants by ``latent_gains``, for a block of patterns at a time."""
        (P, _), (N, Z) = self.patterns.shape, (len(self), W.shape[1])
        mean, covariance, log_det = np.empty((N, Z)), np.empty((P, Z, Z)), np.empty(P)
        for first in range(0, P, BLOCK_PATTERNS):
            block = slice(first, first + BLOCK_PATTERNS)
            gain, covariance[block], log_det[block] = latent_gains(self.patterns[block], W, Psi)
            for g, rows in zip(gain, self.rows_by_pattern[block], strict=True):
                mean[rows] = residual[rows] @ g.T
        return mean, covariance, log_det


def latent_covariances(patterns: np.ndarray, W: np.ndarray, Psi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse (P, Z, Z) and log-determinant (P,) of M = I + W' Psi^-1 W over the columns of each pattern."""
    D, Z = W.shape
    products = (W / Psi[:, None])[:, :, None] * W[:, None, :]
    M = np.eye(Z) + (patterns @ products.reshape(D, Z * Z)).reshape(len(patterns), Z, Z)
    log_det = 2 * np.log(np.diagonal(np.linalg.cholesky(M), axis1=1, axis2=2)).sum(1)
    return np.linalg.inv(M), log_det


def is_ill_conditioned(W: np.ndarray, Psi: np.ndarray) -> bool:
    """Whether M = I + W' Psi^-1 W loses digits that count: its inverse has the rounding of its largest eigenvalue."""
    return bool((np.square(W).sum(1) / Psi).sum() > MOST_CONDITION)


def latent_gains(patterns: np.ndarray, W: np.ndarray, Psi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gain M^-1 W' Psi^-1 (P, Z, D), by which E[z] = gain (x - mu), and what ``latent_covariances`` returns.

    By A = Q R, where A is Psi^-1/2 W over I, and M = A' A = R' R: half as many digits are lost.
    """
    D, Z = W.shape
    root = np.sqrt(Psi)
    A = np.empty((len(patterns), D + Z, Z))
    A[:, :D], A[:, D:] = patterns[:, :, None] * (W / root[:, None]), np.eye(Z)
    Q, R = np.linalg.qr(A)
    gain = np.linalg.solve(R, np.swapaxes(Q[:, :D], 1, 2) / root)
    inverse = np.linalg.inv(R)
    log_det = 2 * np.log(np.abs(np.diagonal(R, axis1=1, axis2=2))).sum(1)
    return gain, inverse @ np.swapaxes(inverse, 1, 2), log_det
