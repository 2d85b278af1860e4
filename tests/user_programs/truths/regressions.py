"""Reference values of the regressions: closed forms and quadrature."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from tests.user_programs import data
from tests.user_programs.truths.reference import LogDensity, Moments, average, log_density, normal_regression


def linear_regression() -> Moments:
    """The coefficients are normal given the noise, which is integrated out on a grid of its logarithm."""
    (X, y), _ = data.linear_regression()
    design, prior_sd = np.column_stack([np.ones(len(y)), X]), np.array([5.0, 2.0, 2.0, 2.0])
    log_sigma = np.linspace(-2.5, 2.0, 601)
    conditionals = [normal_regression(design, y, prior_sd, np.exp(s)) for s in log_sigma]
    log_weights = np.array([c[2] for c in conditionals]) + stats.expon.logpdf(np.exp(log_sigma)) + log_sigma
    mean, sd = average(
        log_weights, np.array([c[0] for c in conditionals]), np.array([np.diag(c[1]) for c in conditionals])
    )
    sigma, sigma_sd = average(log_weights, np.exp(log_sigma), np.zeros(601))
    return Moments(
        {"alpha": mean[0], "beta": mean[1:], "sigma": sigma},
        {"alpha": sd[0], "beta": sd[1:], "sigma": sigma_sd},
        float(logsumexp(log_weights) + np.log(log_sigma[1] - log_sigma[0])),
    )


def plated_regression() -> Moments:
    """Closed form: normal coefficients and a known noise."""
    (x,), observed = data.plated_regression()
    mean, covariance, log_evidence = normal_regression(x, observed["y"], np.ones(3), 0.5)
    return Moments({"b": mean}, {"b": np.sqrt(np.diag(covariance))}, log_evidence)


def flat_regression() -> Moments:
    """Closed form: Student's t for the coefficients, and an inverse gamma for the variance."""
    (X, y), _ = data.flat_regression()
    degrees = len(y) - X.shape[1]
    coefs, (residual,), _, _ = np.linalg.lstsq(X, y)
    sd = np.sqrt(np.diag(np.linalg.inv(X.T @ X)) * residual / (degrees - 2))
    precision = stats.gamma(degrees / 2, scale=2 / residual)
    scale, square = precision.expect(lambda t: t**-0.5), precision.expect(lambda t: 1 / t)
    return Moments(
        {"coefs": coefs, "scale": np.array(scale)}, {"coefs": sd, "scale": np.sqrt(square - scale**2)}, tolerance=1e-4
    )


def logistic_regression() -> Moments:
    """Three coefficients on a grid of 61 points each, which is wide enough for the trapezoid rule to be exact."""
    (features,), observed = data.logistic_regression()
    y = observed["switched"]
    intercept, first, second = np.linspace(-2.5, 3.5, 61), np.linspace(-2.0, 5.0, 61), np.linspace(-4.0, 3.0, 61)
    grid = np.stack(np.meshgrid(intercept, first, second, indexing="ij"), -1).reshape(-1, 3)
    logits = grid[:, :1] + grid[:, 1:] @ features.T
    log_weights = stats.norm.logpdf(grid, 0, [2.5, 1.5, 1.5]).sum(1) - np.logaddexp(0, (1 - 2 * y) * logits).sum(1)
    mean, sd = average(log_weights, grid, np.zeros_like(grid))
    log_cell = np.log((6 / 60) * (7 / 60) ** 2)
    return Moments(
        {"intercept": mean[0], "weights": mean[1:]},
        {"intercept": sd[0], "weights": sd[1:]},
        float(logsumexp(log_weights) + log_cell),
        tolerance=1e-3,
    )


def zero_inflated_poisson() -> LogDensity:
    """The two ways to a zero added for each unit."""
    (nitrogen, exposure), observed = arguments = data.zero_inflated_poisson()
    latents = {"a": 0.7, "b": 0.3, "g0": -0.5, "g1": 0.4}
    y = observed["counts"]
    gate = 1 / (1 + np.exp(0.5 - 0.4 * nitrogen))
    poisson = stats.poisson.pmf(y, exposure * np.exp(0.7 + 0.3 * nitrogen))
    prior = stats.norm.logpdf([0.7, 0.3, -0.5, 0.4], 0, [1, 1, 1.5, 1]).sum()
    return log_density(arguments, latents, prior + np.log(gate * (y == 0) + (1 - gate) * poisson).sum())


def poisson_gamma() -> Moments:
    """The rates are gamma given the scale, which is integrated out on a grid of its logarithm."""
    (failures, hours), _ = data.poisson_gamma()
    log_beta = np.linspace(-6.0, 4.0, 2001)
    beta = np.exp(log_beta)[:, None]
    log_weights = (
        stats.gamma.logpdf(beta[:, 0], 0.5)
        + log_beta
        + stats.nbinom.logpmf(failures, 1.8, beta / (beta + hours)).sum(1)
    )
    shape, scale = 1.8 + failures, 1 / (beta + hours)
    rate, rate_sd = average(log_weights, shape * scale, shape * scale**2)
    mean, sd = average(log_weights, beta[:, 0], np.zeros(2001))
    log_evidence = float(logsumexp(log_weights) + np.log(log_beta[1] - log_beta[0]))
    return Moments({"beta": mean, "rate": rate}, {"beta": sd, "rate": rate_sd}, log_evidence)
