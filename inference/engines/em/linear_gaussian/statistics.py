"""The E-step: the sufficient statistics of the regression of the rows on their latents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.exact.gaussian.rows import LOG_2PI, IncompleteRows, LatentPosterior, latent_covariances

BLOCK_SIZE = 4096  # rows whose outer products are in memory at a time
FEW_PATTERNS = 64  # up to which the rows of each pattern are summed together


class Statistics(NamedTuple):
    """Expected sums over rows, counted by their weights.

    With z~ = (z, 1), y = x - origin and expectations under p(z | x), for each column d over the rows in which it was
    observed:

    Attributes
    ----------
    square
        sum y_d^2, (D,).
    cross
        sum y_d E[z~], (D, Z + 1).
    inner
        sum E[z~ z~'], (D, Z + 1, Z + 1).
    num_rows
        Number of rows, (D,).
    total
        sum E[z~ z~'] over all rows, (Z + 1, Z + 1).
    log_likelihood
        In nats.
    origin
        (D,).
    """

    square: np.ndarray
    cross: np.ndarray
    inner: np.ndarray
    num_rows: np.ndarray
    total: np.ndarray
    log_likelihood: float
    origin: np.ndarray


def row_statistics(
    rows: IncompleteRows, posterior: LatentPosterior, weights: np.ndarray, origin: np.ndarray
) -> Statistics:
    """The statistics from single rows and their posterior.

    A component's own mean as the origin saves the digits of a component that is narrow beside its distance from zero.
    """
    N, Z = posterior.mean.shape
    D = rows.patterns.shape[1]
    with_one = np.concatenate([posterior.mean, np.ones((N, 1))], axis=1)
    observed = np.ones((1, D)) if rows.observed is None else rows.observed
    weighted = with_one * weights[:, None]
    count = np.bincount(rows.pattern_of_row, weights, minlength=len(rows.patterns))
    covariance = np.zeros((Z + 1, Z + 1, len(rows.patterns)))
    covariance[:Z, :Z] = np.moveaxis(posterior.covariance, 0, -1) * count
    sums = covariance @ rows.patterns  # (Z + 1, Z + 1, D)
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
    y = (rows.values - origin) * observed
    return Statistics(
        square=np.square(y).T @ weights,
        cross=y.T @ weighted,
        inner=np.moveaxis(sums, -1, 0),
        num_rows=count @ rows.patterns,
        total=total,
        log_likelihood=float(weights @ posterior.log_density),
        origin=origin,
    )


class Moments(NamedTuple):
    """The moments of rows by their pattern of observed columns: sufficient for EM with one component.

    patterns: (P, D), 1 or 0. num_rows: (P,). mean: (P, D), 0 where not observed. scatter: (P, D, D), the sum of
    (x - mean)(x - mean)'.
    """

    patterns: np.ndarray
    num_rows: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    def statistics(self, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> Statistics:
        """The statistics at parameters W (D, Z), mu (D,), Psi (D,)."""
        Z = W.shape[1]
        n = self.num_rows[:, None]
        covariance, log_det = latent_covariances(self.patterns, W, Psi)
        gain = covariance @ (self.patterns[:, None, :] * (W / Psi[:, None]).T)  # (P, Z, D): E[z] = gain (x - mu)
        offset = (self.mean - mu) * self.patterns
        second = self.scatter + n[:, :, None] * offset[:, :, None] * offset[:, None, :]  # sums of squares about mu
        latent_cross = gain @ second  # (P, Z, D): sum E[z] (x - mu)'
        latent_sum = n * np.einsum("pzd,pd->pz", gain, offset)  # sum E[z]
        T = np.empty((len(n), Z + 1, Z + 1))
        T[:, :Z, :Z] = n[:, :, None] * covariance + latent_cross @ np.swapaxes(gain, 1, 2)
        T[:, :Z, Z] = T[:, Z, :Z] = latent_sum
        T[:, Z, Z] = self.num_rows
        cross = np.concatenate(
            [
                latent_cross.sum(0).T + (latent_sum.T @ self.patterns).T * mu[:, None],
                (n * self.mean).sum(0)[:, None],
            ],
            axis=1,
        )
        diagonal = np.diagonal(self.scatter, axis1=1, axis2=2)
        # sums of |Psi^-1/2 (x - mu - W E[z])|^2 + |E[z]|^2, as in IncompleteRows
        noise = second - self.patterns[:, :, None] * (W @ latent_cross)  # (P, D, D): sum (x - mu - W E[z]) (x - mu)'
        squares = np.diagonal(noise, axis1=1, axis2=2) - np.einsum("pdz,dz->pd", noise @ np.swapaxes(gain, 1, 2), W)
        quadratic = (squares * self.patterns / Psi).sum() + np.einsum("pzd,pzd->", latent_cross, gain)
        constant = self.num_rows @ (log_det + self.patterns @ (np.log(Psi) + LOG_2PI))
        return Statistics(
            square=(diagonal + n * self.mean**2).sum(0),
            cross=cross,
            inner=np.tensordot(self.patterns.T, T, axes=1),
            num_rows=self.num_rows @ self.patterns,
            total=T.sum(0),
            log_likelihood=float(-0.5 * (quadratic + constant)),
            origin=np.zeros_like(mu),
        )
