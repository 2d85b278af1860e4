"""The log evidence of probabilistic PCA by Laplace's method (Minka 2001, "Automatic choice of dimensionality for PCA").

The mean and the axes U, variances and noise of the plane are integrated out of the likelihood of N rows about the
maximum. With the eigenvalues l_1 >= ... >= l_D of the covariance, v the mean of the last D - Z and
m = D Z - Z (Z + 1) / 2 the dimensions of U,

    log p(x | Z)  =  log p(x | maximum)  +  log p(U)  +  (m + Z)/2 log 2 pi  -  1/2 log |A|  -  Z/2 log N

    log p(U)  =  - Z log 2  +  sum_i<=Z  log Gamma((D - i + 1)/2)  -  (D - i + 1)/2 log pi       the axes: uniform
    log |A|   =  sum_i<=Z sum_j>i  log( (1/h_j - 1/h_i) (l_i - l_j) N ),   h = (l_1, ..., l_Z, v, ..., v)

As in Minka, terms that stay bounded as the number of rows grows are omitted: the vague prior of the variances and of
the mean, and Z log 2, for the 2^Z equal maxima that differ by the signs of the axes, of which one is counted. The
values are log-likelihoods in nats, comparable over Z on the same rows; they are not probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

import zoo
from inference.engines.em.linear_gaussian.moments import moments_about
from inference.result import Fit
from zoo import Model, ZooError

TIED = 1e-12  # relative to the largest eigenvalue: a smaller difference is rounding


def unavailable_reason(model: Model) -> str:
    """Why the model has no such evidence, or "" where it has."""
    if model.card == zoo.card("probabilistic_pca"):
        return ""
    return f"laplace is the evidence of probabilistic_pca, known in closed form, and the model is {model.name}"


def compute_evidence(fits: Mapping[int, Fit]) -> dict[int, dict[str, float | str]]:
    """The log evidence at each size, in nats; raises ZooError where the model or missing values forbid it."""
    example = next(iter(fits.values()))
    if reason := unavailable_reason(example.model):
        raise ZooError(reason)
    (x,) = example.data.values()
    weights = example.options["sample_weight"]
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    shifted = moments_about(example.params["mu"], x, weights)
    if shifted is None or not shifted.moments.patterns.all():
        raise ZooError("laplace needs the covariance of complete rows, and values are missing")
    (N,), (scatter,) = shifted.moments.num_rows, shifted.moments.scatter
    S = scatter / N
    values = log_evidence(np.linalg.eigvalsh(S), N)
    tied = "laplace: eigenvalues of the covariance are equal at this Z, so that its axes are not identified"
    return {Z: {"laplace": values[Z], "note": "" if np.isfinite(values[Z]) else tied} for Z in fits}


def log_evidence(eigenvalues: np.ndarray, N: float) -> np.ndarray:
    """The log evidence of Z = 0, ..., D - 1 in nats, (D,), from the eigenvalues (D,) of the covariance of N rows.

    The covariance is divided by N, not N - 1. NaN where an axis within the plane has the variance of one outside it.

    >>> log_evidence(np.array([4.0, 1.0, 0.5]), 100).argmax()
    np.int64(2)
    """
    l = np.sort(np.asarray(eigenvalues, float))[::-1]  # noqa: E741
    return np.array([log_evidence_at(l, Z, N) for Z in range(len(l))])


def log_evidence_at(l: np.ndarray, Z: int, N: float) -> float:  # noqa: E741
    """The log evidence of one Z, for eigenvalues in decreasing order."""
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
