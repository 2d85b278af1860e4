"""The E-step: the sufficient statistics of the regression of the rows on their latents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from inference.exact.gaussian.rows import (
    LOG_2PI,
    IncompleteRows,
    LatentPosterior,
    is_ill_conditioned,
    latent_covariances,
    latent_gains,
)

BLOCK_SIZE = 4096  # rows whose outer products are in memory at a time
FEW_PATTERNS = 64  # up to which the rows of each pattern are summed together


class Statistics(NamedTuple):
    """Expected sums over rows, counted by their weights.

    With z~ = (z, 1), the residual r = x - W z - mu at the parameters of the E-step, and expectations under p(z | x),
    for each column d over the rows in which it was observed. Residuals have the digits that sums of squares of x and of
    W z would lose, where the noise is small beside them.

    Attributes
    ----------
    square
        sum E[r_d^2], (D,).
    cross
        sum E[r_d z~], (D, Z + 1).
    inner
        sum E[z~ z~'], (D, Z + 1, Z + 1).
    num_rows
        Number of rows, (D,).
    total
        sum E[z~ z~'] over all rows, (Z + 1, Z + 1).
    log_likelihood
        In nats.
    """

    square: np.ndarray
    cross: np.ndarray
    inner: np.ndarray
    num_rows: np.ndarray
    total: np.ndarray
    log_likelihood: float


def row_statistics(
    rows: IncompleteRows, posterior: LatentPosterior, weights: np.ndarray, W: np.ndarray, mu: np.ndarray
) -> Statistics:
    """The statistics from single rows and their posterior at W (D, Z) and mu (D,)."""
    N, Z = posterior.mean.shape
    D = rows.patterns.shape[1]
    with_one = np.concatenate([posterior.mean, np.ones((N, 1))], axis=1)
    observed = np.ones((1, D)) if rows.observed is None else rows.observed
    weighted = with_one * weights[:, None]
    count = np.bincount(rows.pattern_of_row, weights, minlength=len(rows.patterns))
    covariance = np.zeros((Z + 1, Z + 1, len(rows.patterns)))
    covariance[:Z, :Z] = np.moveaxis(posterior.covariance, 0, -1) * count
    sums = covariance @ rows.patterns  # (Z + 1, Z + 1, D)
    uncertainty = np.einsum("zyd,dy->dz", sums[:, :Z], W)  # (D, Z + 1): sum Cov[z~] W_d, 0 for the constant
    total = covariance.sum(-1) + weighted.T @ with_one
    if len(rows.patterns) <= FEW_PATTERNS:
        for index, pattern in zip(rows.rows_by_pattern, rows.patterns, strict=True):
            sums += (weighted[index].T @ with_one[index])[:, :, None] * pattern
    else:
        i, j = np.triu_indices(Z + 1)
        blocks = [slice(start, min(start + BLOCK_SIZE, N)) for start in range(0, N, BLOCK_SIZE)]
        upper = sum(((weighted[b][:, i] * with_one[b][:, j]).T @ observed[b] for b in blocks), np.zeros((len(i), D)))
        sums[i, j] += upper
        sums[j, i] = sums[i, j]
    residual = rows.values - mu
    residual -= posterior.mean @ W.T
    if rows.observed is not None:
        residual *= observed
    cross = residual.T @ weighted - uncertainty
    return Statistics(
        square=np.square(residual, out=residual).T @ weights + np.einsum("dz,dz->d", uncertainty[:, :Z], W),
        cross=cross,
        inner=np.moveaxis(sums, -1, 0),
        num_rows=count @ rows.patterns,
        total=total,
        log_likelihood=float(weights @ posterior.log_density),
    )


@dataclass(frozen=True)
class Moments:
    """The moments of rows by their pattern of observed columns: sufficient for EM with one component.

    patterns: (P, D), 1 or 0. num_rows: (P,). mean: (P, D), 0 where not observed. scatter: (P, D, D), the sum of
    (x - mean)(x - mean)'.
    """

    patterns: np.ndarray
    num_rows: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @cached_property
    def scatter_root(self) -> np.ndarray:
        """R with R R' = scatter, (P, D, D)."""
        values, vectors = np.linalg.eigh(self.scatter)
        return self.patterns[:, :, None] * vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]

    def statistics(self, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> Statistics:
        """The statistics at parameters W (D, Z), mu (D,), Psi (D,)."""
        Z = W.shape[1]
        n = self.num_rows[:, None]
        offset, observed = (self.mean - mu) * self.patterns, self.patterns[:, :, None]
        # gain (P, Z, D): m = E[z] = gain (x - mu); r = x - mu - W m. Sums: z_sum (P, Z) of m, z_square (P, Z, Z) of
        # m m', r_sum (P, D) of r, r_square (P, D) of its squares, r_cross (P, D, Z) of r m'
        if is_ill_conditioned(W, Psi):
            gain, covariance, log_det = latent_gains(self.patterns, W, Psi)
            root = np.concatenate([self.scatter_root, (np.sqrt(n) * offset)[:, :, None]], axis=2)  # of squares about mu
            z_root = gain @ root
            r_root = root - observed * (W @ z_root)
            z_sum, z_square = np.sqrt(n) * z_root[:, :, -1], z_root @ np.swapaxes(z_root, 1, 2)
            r_sum, r_square = np.sqrt(n) * r_root[:, :, -1], np.square(r_root).sum(2)
            r_cross = r_root @ np.swapaxes(z_root, 1, 2)
        else:
            covariance, log_det = latent_covariances(self.patterns, W, Psi)
            gain = covariance @ (observed * (W / Psi[:, None])).swapaxes(1, 2)
            second = self.scatter + n[:, :, None] * offset[:, :, None] * offset[:, None, :]  # sums of squares about mu
            z_mean, z_cross = np.einsum("pzd,pd->pz", gain, offset), gain @ second
            noise = second - observed * (W @ z_cross)  # (P, D, D): sum r (x - mu)'
            z_sum, z_square = n * z_mean, z_cross @ np.swapaxes(gain, 1, 2)
            r_sum, r_cross = n * (offset - self.patterns * (z_mean @ W.T)), noise @ np.swapaxes(gain, 1, 2)
            r_square = np.diagonal(noise, axis1=1, axis2=2) - np.einsum("pdz,dz->pd", r_cross, W)
        T = np.empty((len(n), Z + 1, Z + 1))
        T[:, :Z, :Z] = n[:, :, None] * covariance + z_square
        T[:, :Z, Z] = T[:, Z, :Z] = z_sum
        T[:, Z, Z] = self.num_rows
        uncertainty = np.tensordot(self.num_rows, observed * (W @ covariance), axes=1)  # (D, Z): sum Cov[z] W_d
        quadratic = (r_square * self.patterns / Psi).sum() + np.einsum("pzz->", z_square)
        constant = self.num_rows @ (log_det + self.patterns @ (np.log(Psi) + LOG_2PI))
        return Statistics(
            square=(r_square * self.patterns).sum(0) + np.einsum("dz,dz->d", uncertainty, W),
            cross=np.concatenate([r_cross.sum(0) - uncertainty, r_sum.sum(0)[:, None]], axis=1),
            inner=np.tensordot(self.patterns.T, T, axes=1),
            num_rows=self.num_rows @ self.patterns,
            total=T.sum(0),
            log_likelihood=float(-0.5 * (quadratic + constant)),
        )
