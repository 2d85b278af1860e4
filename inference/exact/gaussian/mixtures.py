"""Mixtures of normal vectors: marginals, conditionals, quantiles and draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr

from inference.exact.gaussian.rows import LOG_2PI
from zoo import ZooError

NUM_BISECTIONS = 60  # of the interval that contains a quantile


@dataclass(frozen=True)
class NormalMixture:
    """A mixture of S normal distributions of a vector.

    Parameters
    ----------
    weight : numpy.ndarray
        (S,), with sum 1.
    mean : numpy.ndarray
        (S, D).
    covariance : numpy.ndarray
        (S, D, D).

    Examples
    --------
    >>> mixture = NormalMixture(np.ones(1), np.zeros((1, 2)), np.array([[[1.0, 0.5], [0.5, 1.0]]]))
    >>> mixture.condition(np.array([2.0, np.nan])).mean
    array([[1.]])
    """

    weight: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray

    def marginal(self, columns: ArrayLike) -> NormalMixture:
        """The distribution of some columns.

        Parameters
        ----------
        columns : array_like
            Indices of the columns, in the order to return.

        Returns
        -------
        NormalMixture
        """
        index = np.asarray(columns)
        return NormalMixture(self.weight, self.mean[:, index], self.covariance[:, index[:, None], index])

    def condition(self, row: np.ndarray) -> NormalMixture:
        """The distribution of the missing columns of a row given the values of the others.

        The conditional of each normal, weighted by the density of the values under it (Bishop 2006, equations 2.81 and
        2.82).

        Parameters
        ----------
        row : numpy.ndarray
            (D,), NaN where missing.

        Returns
        -------
        NormalMixture
        """
        row = np.asarray(row, float)
        known, unknown = np.flatnonzero(~np.isnan(row)), np.flatnonzero(np.isnan(row))
        if not known.size:
            return self
        marginal = self.marginal(known)
        residual = row[known] - marginal.mean
        cross = self.covariance[:, unknown[:, None], known]
        gain = np.linalg.solve(marginal.covariance, np.swapaxes(cross, 1, 2))  # (S, known, unknown)
        log_weight = np.log(self.weight) + marginal.component_log_densities(row[known][None])[0]
        return NormalMixture(
            np.exp(log_weight - logsumexp(log_weight)),
            self.mean[:, unknown] + np.einsum("sku,sk->su", gain, residual),
            self.covariance[:, unknown[:, None], unknown] - cross @ gain,
        )

    def component_log_densities(self, x: np.ndarray) -> np.ndarray:
        """Log density of each normal.

        Parameters
        ----------
        x : numpy.ndarray
            (N, D).

        Returns
        -------
        numpy.ndarray
            In nats, (N, S).
        """
        root = np.linalg.cholesky(self.covariance)
        residual = np.linalg.solve(root, np.moveaxis(x[:, None] - self.mean, 0, -1))  # (S, D, N)
        log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        return -0.5 * ((residual**2).sum(1).T + log_det + x.shape[1] * LOG_2PI)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density of the mixture.

        Parameters
        ----------
        x : numpy.ndarray
            (N, D).

        Returns
        -------
        numpy.ndarray
            In nats, (N,).
        """
        return logsumexp(self.component_log_densities(np.asarray(x, float)) + np.log(self.weight), axis=1)

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (D,) and covariance (D, D) of the mixture."""
        mean = self.weight @ self.mean
        offset = self.mean - mean
        within = np.einsum("s,sij->ij", self.weight, self.covariance)
        return mean, within + np.einsum("s,si,sj->ij", self.weight, offset, offset)

    def quantile(self, probability: float) -> np.ndarray:
        """The quantile of the marginal of each column.

        Parameters
        ----------
        probability : float
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            (D,).
        """
        sd = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        return mixture_quantile(self.weight[:, None], self.mean, sd, probability)

    def sample(self, size: int, seed: int = 0) -> np.ndarray:
        """Independent draws.

        Parameters
        ----------
        size : int
        seed : int

        Returns
        -------
        numpy.ndarray
            (size, D).
        """
        rng = np.random.default_rng(seed)
        component = rng.choice(len(self.weight), size, p=self.weight)
        root = np.linalg.cholesky(self.covariance)
        noise = rng.normal(size=(size, self.mean.shape[1]))
        return self.mean[component] + np.einsum("nij,nj->ni", root[component], noise)


def mixture_quantile(weight: np.ndarray, mean: np.ndarray, sd: np.ndarray, probability: float) -> np.ndarray:
    """Quantiles of mixtures of normals along axis 0, by bisection: arrays (S, ...) that broadcast to (...).

    >>> mixture_quantile(np.array([0.5, 0.5]), np.array([-1.0, 1.0]), np.ones(2), 0.5).round(6)
    np.float64(-0.0)
    """
    if not 0 < probability < 1:
        raise ZooError(f"a quantile is at a probability between 0 and 1; given {probability!r}")
    low, high = (mean - 40 * sd).min(0), (mean + 40 * sd).max(0)
    for _ in range(NUM_BISECTIONS):
        middle = (low + high) / 2
        below = (weight * ndtr((middle - mean) / sd)).sum(0) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
