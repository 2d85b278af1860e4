"""A mixture of normal vectors, and the laws of its parts: marginal, conditional, quantiles, draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr

from inference.exact.gaussian.rows import LOG_2PI
from zoo import ZooError

HALVINGS = 60  # of the interval in which a quantile is sought


@dataclass(frozen=True)
class Mixture:
    """weight (S,), mean (S, D), covariance (S, D, D): the law of a row, over components, and draws where there are."""

    weight: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray

    def marginal(self, columns: ArrayLike) -> Mixture:
        """The law of some columns, by number."""
        at = np.asarray(columns)
        return Mixture(self.weight, self.mean[:, at], self.covariance[:, at[:, None], at])

    def given(self, row: np.ndarray) -> Mixture:
        """The law of the columns that are NaN in ``row`` (D,), given the values of the others.

        The conditional of each normal, reweighed by how likely it makes what is given (Bishop 2006, equations 2.81 and
        2.82).
        """
        row = np.asarray(row, float)
        known, unknown = np.flatnonzero(~np.isnan(row)), np.flatnonzero(np.isnan(row))
        if not known.size:
            return self
        here = self.marginal(known)
        rest = row[known] - here.mean
        across = self.covariance[:, unknown[:, None], known]
        gain = np.linalg.solve(here.covariance, np.swapaxes(across, 1, 2))  # (S, known, unknown)
        log = np.log(self.weight) + here.log_densities(row[known][None])[0]
        return Mixture(
            np.exp(log - logsumexp(log)),
            self.mean[:, unknown] + np.einsum("sku,sk->su", gain, rest),
            self.covariance[:, unknown[:, None], unknown] - across @ gain,
        )

    def log_densities(self, x: np.ndarray) -> np.ndarray:
        """log density of each normal at x (N, D), in nats: (N, S)."""
        root = np.linalg.cholesky(self.covariance)
        rest = np.linalg.solve(root, np.moveaxis(x[:, None] - self.mean, 0, -1))  # (S, D, N)
        log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        return -0.5 * ((rest**2).sum(1).T + log_det + x.shape[1] * LOG_2PI)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """log p(x) in nats, (N,), at x (N, D)."""
        return logsumexp(self.log_densities(np.asarray(x, float)) + np.log(self.weight), axis=1)

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (D,) and covariance (D, D) of the whole."""
        mean = self.weight @ self.mean
        away = self.mean - mean
        within = np.einsum("s,sij->ij", self.weight, self.covariance)
        return mean, within + np.einsum("s,si,sj->ij", self.weight, away, away)

    def quantile(self, probability: float) -> np.ndarray:
        """The quantile of each column by itself, (D,)."""
        sd = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        return quantile(self.weight[:, None], self.mean, sd, probability)

    def sample(self, size: int, seed: int = 0) -> np.ndarray:
        """Independent draws, (size, D)."""
        rng = np.random.default_rng(seed)
        which = rng.choice(len(self.weight), size, p=self.weight)
        root = np.linalg.cholesky(self.covariance)
        noise = rng.normal(size=(size, self.mean.shape[1]))
        return self.mean[which] + np.einsum("nij,nj->ni", root[which], noise)


def quantile(weight: np.ndarray, mean: np.ndarray, sd: np.ndarray, probability: float) -> np.ndarray:
    """Quantiles of mixtures of normals along axis 0, by halving: (S, ...) broadcast to each other -> (...)."""
    if not 0 < probability < 1:
        raise ZooError(f"a quantile is at a probability between 0 and 1; given {probability!r}")
    low, high = (mean - 40 * sd).min(0), (mean + 40 * sd).max(0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = (weight * ndtr((middle - mean) / sd)).sum(0) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
