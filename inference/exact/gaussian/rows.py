"""Rows with holes under one linear-Gaussian component: their densities and the posterior of their latents."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

LOG_2PI = np.log(2 * np.pi)


class Posterior(NamedTuple):
    """p(z_n | x_n) is normal with these moments; rows with the same columns seen share a covariance."""

    mean: np.ndarray  # (N, Z)
    covariance: np.ndarray  # (P, Z, Z), one for each pattern
    log_density: np.ndarray  # (N,): log p(x_n seen), in nats


class Rows:
    """x (N, D) with NaN where nobody saw a value, and the P patterns of columns seen together.

    values: x with 0 in the holes. seen: (N, D), 1 or 0. patterns: (P, D), 1 or 0. which: (N,), the pattern of each row.
    """

    def __init__(self, x: np.ndarray):
        holes = np.isnan(x)
        if not holes.any():
            self.values, self.seen = x, None  # ones need not be multiplied by
            self.patterns, self.which = np.ones((1, x.shape[1])), np.zeros(len(x), dtype=np.intp)
            return
        self.values, self.seen = np.where(holes, 0.0, x), (~holes).astype(float)
        # a row of bits as one string of bytes: quick to sort
        packed = np.packbits(~holes, axis=1)
        _, first, which = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True)
        self.patterns, self.which = self.seen[first], which.reshape(-1)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def alike(self) -> list[np.ndarray]:
        """The rows of each pattern, by number."""
        order = np.argsort(self.which, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.which, minlength=len(self.patterns)))[:-1])

    def posterior(self, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> Posterior:
        """For W (D, Z), mu (D,), Psi (D,), over the columns seen: the precision is M = I + W' Psi^-1 W, the mean
        M^-1 W' Psi^-1 (x - mu).

        With Psi = sigma2 I these are sigma2 (sigma2 I + W'W)^-1 and its like (Bishop 2006, equations 12.41 and 12.42;
        for a part of the columns Ghahramani and Jordan 1994).
        """
        covariance, log_det = inner(self.patterns, W, Psi)
        rest = self.values - mu
        if self.seen is not None:
            rest *= self.seen
        along = rest @ (W / Psi[:, None])
        if len(self.patterns) == 1:
            mean = along @ covariance[0]
        else:
            mean = np.einsum("nzy,ny->nz", covariance[self.which], along)
        constant = log_det + self.patterns @ (np.log(Psi) + LOG_2PI)
        # |Psi^-1/2 (x - mu - W mean)|^2 + |mean|^2: the difference of two squares would lose digits where Psi is small
        left = mean @ W.T
        np.subtract(rest, left if self.seen is None else np.multiply(left, self.seen, out=left), out=left)
        quadratic = np.square(left, out=left) @ (1 / Psi) + np.einsum("nz,nz->n", mean, mean)
        return Posterior(mean, covariance, -0.5 * (quadratic + constant[self.which]))


def inner(patterns: np.ndarray, W: np.ndarray, Psi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse (P, Z, Z) and log-determinant (P,) of M = I + W' Psi^-1 W over the columns of each pattern."""
    D, Z = W.shape
    products = (W / Psi[:, None])[:, :, None] * W[:, None, :]
    M = np.eye(Z) + (patterns @ products.reshape(D, Z * Z)).reshape(len(patterns), Z, Z)
    log_det = 2 * np.log(np.diagonal(np.linalg.cholesky(M), axis1=1, axis2=2)).sum(1)
    return np.linalg.inv(M), log_det
