"""The evidence of probabilistic PCA by Laplace's method (Minka 2001, "Automatic choice of dimensionality for PCA").

The mean and the axes U, variances and noise of the plane are integrated out of the likelihood of N rows about the
maximum. With the eigenvalues l_1 >= ... >= l_D of the covariance, v the mean of the last D - Z and
m = D Z - Z (Z + 1) / 2 the dimensions of U,

    log p(x | Z)  =  log p(x | maximum)  +  log p(U)  +  (m + Z)/2 log 2 pi  -  1/2 log |A|  -  Z/2 log N

    log p(U)  =  - Z log 2  +  sum_i<=Z  log Gamma((D - i + 1)/2)  -  (D - i + 1)/2 log pi       the axes: uniform
    log |A|   =  sum_i<=Z sum_j>i  log( (1/h_j - 1/h_i) (l_i - l_j) N ),   h = (l_1, ..., l_Z, v, ..., v)

Left out, as Minka leaves it out, is what stays bounded as rows grow many: the vague prior of the variances and of the
mean, and Z log 2, for the 2^Z equal maxima that differ by signs of the axes, of which one is counted. So these are
log-likelihoods in nats, to be compared over Z on the same rows, and no probabilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import zoo
from inference.engines.em.linear_gaussian.gather import about
from zoo import Model, ZooError

if TYPE_CHECKING:
    from inference.result import Fit

TIED = 1e-12  # of the largest eigenvalue: a difference that is rounding


def declines(model: Model) -> str:
    """Why the model has no such evidence, or nothing."""
    if model.card == zoo.card("probabilistic_pca"):
        return ""
    return f"laplace is the evidence of probabilistic_pca, known in closed form, and the model is {model.name}"


def evidence(fits: dict[int, Fit]) -> dict[int, dict[str, float | str]]:
    """The log evidence at each size, in nats; raises ZooError where the model or missing values forbid it."""
    any_fit = next(iter(fits.values()))
    if reason := declines(any_fit.model):
        raise ZooError(reason)
    (x,) = any_fit.data.values()
    weights = any_fit.options["sample_weight"]
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    gathered = about(any_fit.params["mu"], x, weights)
    if gathered is None or not gathered.moments.patterns.all():
        raise ZooError("laplace needs the covariance of complete rows, and values are missing")
    (N,), (scatter,) = gathered.moments.count, gathered.moments.scatter
    S = scatter / N
    values = log_evidence(np.linalg.eigvalsh(S), N)
    tied = "laplace: eigenvalues of the covariance are equal at this Z, so that its axes are not known"
    return {Z: {"laplace": values[Z], "note": "" if np.isfinite(values[Z]) else tied} for Z in fits}


def log_evidence(eigenvalues: np.ndarray, N: float) -> np.ndarray:
    """The log evidence of Z = 0, ..., D - 1 in nats, (D,), by the eigenvalues (D,) of the covariance of N rows.

    The covariance has N below, not N - 1. NaN where an axis within the plane has the variance of one beyond it.
    """
    l = np.sort(np.asarray(eigenvalues, float))[::-1]  # noqa: E741
    return np.array([one(l, Z, N) for Z in range(len(l))])


def one(l: np.ndarray, Z: int, N: float) -> float:  # noqa: E741
    from scipy.special import gammaln

    D = len(l)
    v = l[Z:].mean()
    h = np.concatenate([l[:Z], np.full(D - Z, v)])
    i, j = np.triu_indices(D, 1)
    i, j = i[i < Z], j[i < Z]
    apart = l[i] - l[j]
    if v <= TIED * l[0] or (apart <= TIED * l[0]).any():
        return np.nan
    log_likelihood = -N / 2 * (np.log(h).sum() + D * (1 + np.log(2 * np.pi)))
    half = (D - np.arange(Z)) / 2
    log_p_axes = (gammaln(half) - half * np.log(np.pi)).sum() - Z * np.log(2)
    log_curvature = np.log((1 / h[j] - 1 / h[i]) * apart * N).sum()
    m = D * Z - Z * (Z + 1) // 2
    return float(log_likelihood + log_p_axes + (m + Z) / 2 * np.log(2 * np.pi) - (log_curvature + Z * np.log(N)) / 2)
