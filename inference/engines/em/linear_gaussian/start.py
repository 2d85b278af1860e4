"""Where EM begins on a linear-Gaussian model: the principal axes of each group of rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.engines.em.linear_gaussian import NoiseType
from inference.engines.em.linear_gaussian.statistics import Moments
from inference.exact.gaussian.rows import IncompleteRows
from inference.unconstrained.principal_axes import pairwise_covariance, principal_axes
from zoo.linear import Linear


class Groups(NamedTuple):
    """Weight, mean (D,) and covariance (D, D) of the rows of each component, in columns of mean 0 and variance 1."""

    weights: list[float]
    means: list[np.ndarray]
    covariances: list[np.ndarray]


def group_moments(moments: Moments) -> Groups:
    """All rows as one group."""
    m = moments
    second = (m.scatter + m.num_rows[:, None, None] * m.mean[:, :, None] * m.mean[:, None, :]).sum(0)
    counts = (m.patterns.T * m.num_rows) @ m.patterns
    return Groups([1.0], [np.zeros(m.mean.shape[1])], [pairwise_covariance(second, counts)])


def group_rows(rows: IncompleteRows, labels: np.ndarray, K: int, weights: np.ndarray) -> Groups:
    """The rows of each label from 0 to K - 1, counted by their weights (N,)."""
    D = rows.values.shape[1]
    observed = np.ones((len(rows), D)) if rows.observed is None else rows.observed
    w = weights[:, None]
    pooled = pairwise_covariance(rows.values.T @ (w * rows.values), observed.T @ (w * observed))
    groups = Groups([], [], [])
    for k in range(K):
        values_k, observed_k, w_k = rows.values[labels == k], observed[labels == k], weights[labels == k]
        count = w_k @ observed_k
        mean = w_k @ values_k / np.where(count > 0, count, 1.0)
        residual = (values_k - mean) * observed_k
        # a group of few rows is drawn towards all of them
        products = residual.T @ (w_k[:, None] * residual) + D / K * pooled
        groups.weights.append(w_k.sum() + 1.0)
        groups.means.append(mean)
        groups.covariances.append(pairwise_covariance(products, observed_k.T @ (w_k[:, None] * observed_k) + D))
    return groups


def initial_parameters(
    groups: Groups, Z: int, noise: NoiseType, floor: float, random: np.random.Generator | None
) -> Linear:
    """Parameters at the principal axes of the groups; with ``random`` other noise, and axes rotated at random."""
    axes = [principal_axes(S, Z, noise == "isotropic", random) for S in groups.covariances]
    Psi = np.array([psi for _, psi in axes])
    if noise == "shared":
        Psi = np.broadcast_to(Psi.mean(0), Psi.shape)
    pi = np.array(groups.weights) / sum(groups.weights)
    return Linear(pi, np.array([W for W, _ in axes]), np.array(groups.means), np.maximum(Psi, floor))
