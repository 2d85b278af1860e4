"""Three kinds of reference values, and the arithmetic that several of them share.

``Moments`` are the exact posterior means and standard deviations of sites, in closed form or by quadrature over one to
three dimensions. ``LogDensity`` is the log density of latent values and data jointly, in nats, at stated values, with
all discrete latents summed out. ``MaximumLikelihood`` is for parameters that have no prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from tests.user_programs import data


@dataclass(frozen=True)
class Moments:
    """Posterior means and standard deviations.

    Attributes
    ----------
    mean, sd
        By site: an array of the site's shape.
    log_evidence
        Log density of the data in nats, or None where it is not known (an improper or unnormalised prior has none).
    tolerance
        Relative error of the quadrature in units of a posterior standard deviation.
    """

    mean: Mapping[str, np.ndarray]
    sd: Mapping[str, np.ndarray]
    log_evidence: float | None = None
    tolerance: float = 1e-6


@dataclass(frozen=True)
class LogDensity:
    """Log density of data and latents.

    Attributes
    ----------
    arguments
        Positional arguments and keywords of the program, which may be fewer data than the table's.
    latents
        By continuous site: the value at which the density is evaluated.
    value
        Log p(data, latents) in nats; discrete latents are summed out.
    """

    arguments: data.Arguments
    latents: Mapping[str, np.ndarray]
    value: float


@dataclass(frozen=True)
class MaximumLikelihood:
    """Parameters without a prior where they maximise the likelihood, latents integrated out.

    Attributes
    ----------
    parameters
        By parameter: its value at the maximum.
    mean, sd
        By latent site: its posterior mean and standard deviation given those parameters.
    log_likelihood
        Log density of the data in nats at the maximum.
    """

    parameters: Mapping[str, np.ndarray]
    mean: Mapping[str, np.ndarray]
    sd: Mapping[str, np.ndarray]
    log_likelihood: float


def normal_regression(
    X: np.ndarray, y: np.ndarray, prior_sd: np.ndarray, noise: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Posterior mean, covariance and log evidence of independent normal coefficients with a known noise."""
    noise = np.broadcast_to(np.asarray(noise, float), y.shape)
    precision = np.diag(prior_sd**-2.0) + X.T @ (X / noise[:, None] ** 2)
    covariance = np.linalg.inv(precision)
    mean = covariance @ (X.T @ (y / noise**2))
    residual = y - X @ mean
    log_evidence = (
        stats.norm.logpdf(residual, 0, noise).sum()
        + stats.norm.logpdf(mean, 0, prior_sd).sum()
        + 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    return mean, covariance, float(log_evidence)


def average(log_weights: np.ndarray, means: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a mixture with weights (M,), means (M, ...) and variances (M, ...)."""
    weights = np.exp(log_weights - logsumexp(log_weights)).reshape(-1, *[1] * (means.ndim - 1))
    mean = (weights * means).sum(0)
    return mean, np.sqrt((weights * (variances + (means - mean) ** 2)).sum(0))


def log_density(arguments: data.Arguments, latents: Mapping[str, Any], value: float) -> LogDensity:
    """A reference whose latents are arrays."""
    return LogDensity(arguments, {name: np.asarray(v, float) for name, v in latents.items()}, float(value))
