"""The E-step: what the regression of rows on their latents needs to know of them.

With z~ = (z, 1) and expectations under p(z | x), for each column d over the rows in which it was seen

    square[d]     sum x_d^2           (D,)
    cross[d]      sum x_d E[z~]       (D, Z + 1)
    inner[d]      sum E[z~ z~']       (D, Z + 1, Z + 1)
    count[d]      how many            (D,)

and over all rows, whole: sum E[z~ z~'], (Z + 1, Z + 1); the log-likelihood in nats. Rows are counted by weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.exact.gaussian.rows import LOG_2PI, Posterior, Rows, inner

BLOCK = 4096  # rows whose outer products are held at a time
FEW = 64  # patterns, up to which the rows of each are taken together


class Statistics(NamedTuple):
    """See above."""

    square: np.ndarray
    cross: np.ndarray
    inner: np.ndarray
    count: np.ndarray
    whole: np.ndarray
    log_likelihood: float


def of_rows(rows: Rows, p: Posterior, weights: np.ndarray) -> Statistics:
    """The statistics of rows, one at a time, given their posterior."""
    N, Z = p.mean.shape
    D = rows.patterns.shape[1]
    with_one = np.concatenate([p.mean, np.ones((N, 1))], axis=1)
    seen = np.ones((1, D)) if rows.seen is None else rows.seen
    weighted = with_one * weights[:, None]
    total = np.bincount(rows.which, weights, minlength=len(rows.patterns))
    spread = np.zeros((Z + 1, Z + 1, len(rows.patterns)))
    spread[:Z, :Z] = np.moveaxis(p.covariance, 0, -1) * total
    sums = spread @ rows.patterns  # (Z + 1, Z + 1, D)
    whole = spread.sum(-1) + weighted.T @ with_one
    if len(rows.patterns) <= FEW:
        for rows_alike, pattern in zip(rows.alike, rows.patterns, strict=True):
            sums += (weighted[rows_alike].T @ with_one[rows_alike])[:, :, None] * pattern
    else:
        i, j = np.triu_indices(Z + 1)
        half = sum(
            ((weighted[b][:, i] * with_one[b][:, j]).T @ seen[b] for b in slices(N, BLOCK)), np.zeros((len(i), D))
        )
        sums[i, j] += half
        sums[j, i] = sums[i, j]
    return Statistics(
        square=np.square(rows.values).T @ weights,
        cross=rows.values.T @ weighted,
        inner=np.moveaxis(sums, -1, 0),
        count=total @ rows.patterns,
        whole=whole,
        log_likelihood=float(weights @ p.log_density),
    )


class Moments(NamedTuple):
    """Rows by the pattern of their columns seen: all that EM with one component needs, whatever their number."""

    patterns: np.ndarray  # (P, D), 1 or 0
    count: np.ndarray  # (P,)
    mean: np.ndarray  # (P, D), 0 where not seen
    scatter: np.ndarray  # (P, D, D): sum of (x - mean)(x - mean)'

    def statistics(self, W: np.ndarray, mu: np.ndarray, Psi: np.ndarray) -> Statistics:
        """The statistics at parameters W (D, Z), mu (D,), Psi (D,)."""
        Z = W.shape[1]
        n = self.count[:, None]
        covariance, log_det = inner(self.patterns, W, Psi)
        gain = covariance @ (self.patterns[:, None, :] * (W / Psi[:, None]).T)  # (P, Z, D): E[z] = gain (x - mu)
        away = (self.mean - mu) * self.patterns
        about = self.scatter + n[:, :, None] * away[:, :, None] * away[:, None, :]  # sums of squares about mu
        along = gain @ about  # (P, Z, D): sum E[z] (x - mu)'
        expected = n * np.einsum("pzd,pd->pz", gain, away)  # sum E[z]
        T = np.empty((len(n), Z + 1, Z + 1))
        T[:, :Z, :Z] = n[:, :, None] * covariance + along @ np.swapaxes(gain, 1, 2)
        T[:, :Z, Z] = T[:, Z, :Z] = expected
        T[:, Z, Z] = self.count
        cross = np.concatenate(
            [
                along.sum(0).T + (expected.T @ self.patterns).T * mu[:, None],
                (n * self.mean).sum(0)[:, None],
            ],
            axis=1,
        )
        diagonal = np.diagonal(self.scatter, axis1=1, axis2=2)
        # sums of |Psi^-1/2 (x - mu - W E[z])|^2 + |E[z]|^2, as in Rows
        left = about - self.patterns[:, :, None] * (W @ along)  # (P, D, D): sum (x - mu - W E[z]) (x - mu)'
        squares = np.diagonal(left, axis1=1, axis2=2) - np.einsum("pdz,dz->pd", left @ np.swapaxes(gain, 1, 2), W)
        quadratic = (squares * self.patterns / Psi).sum() + np.einsum("pzd,pzd->", along, gain)
        constant = self.count @ (log_det + self.patterns @ (np.log(Psi) + LOG_2PI))
        return Statistics(
            square=(diagonal + n * self.mean**2).sum(0),
            cross=cross,
            inner=np.tensordot(self.patterns.T, T, axes=1),
            count=self.count @ self.patterns,
            whole=T.sum(0),
            log_likelihood=float(-0.5 * (quadratic + constant)),
        )


def slices(N: int, size: int) -> list[slice]:
    return [slice(i, min(i + size, N)) for i in range(0, N, size)]
