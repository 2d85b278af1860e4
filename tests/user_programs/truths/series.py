"""Reference values of the time series, the Gaussian process, and the programs with handlers."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from tests.user_programs import data
from tests.user_programs.truths.reference import (
    LogDensity,
    MaximumLikelihood,
    Moments,
    average,
    log_density,
    normal_regression,
)


def hidden_markov() -> LogDensity:
    """The sum over all 128 paths of seven steps from state 0."""
    (y,), _ = arguments = data.hidden_markov(7)
    transition, location = np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([-1.5, 1.0])
    prior = stats.dirichlet.logpdf(transition[0], [1, 1]) + stats.dirichlet.logpdf(transition[1], [1, 1])
    prior += stats.norm.logpdf(location, 0, 3).sum()
    paths = [
        sum(np.log(transition[i, j]) for i, j in zip((0, *path), path, strict=False))
        + stats.norm.logpdf(y, location[list(path)], 1).sum()
        for path in product(range(2), repeat=7)
    ]
    return log_density(arguments, {"transition": transition, "location": location}, prior + logsumexp(paths))


def local_level() -> Moments:
    """Levels are normal given both scales, which are integrated out on a grid of their logarithms."""
    (y,), _ = data.local_level()
    steps = np.minimum.outer(np.arange(21.0), np.arange(21.0))  # of the start and 20 levels
    log_scales = np.linspace(-9.0, 1.8, 163)
    noise = np.exp(log_scales)
    means, variances, log_weights = [], [], []
    for level in noise:
        prior = 25.0 + level**2 * steps
        covariance = prior[1:, 1:] + noise[:, None, None] ** 2 * np.eye(20)
        gain = np.swapaxes(np.linalg.solve(covariance, prior[1:]), 1, 2)
        scales = np.column_stack([np.full_like(noise, level), noise])
        means.append(np.column_stack([scales, gain @ y]))
        variances.append(np.column_stack([0 * scales, np.diag(prior) - (gain * prior[:, 1:]).sum(-1)]))
        log_weights.append(
            stats.halfnorm.logpdf(scales).sum(1)
            + np.log(level * noise)
            - 0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + np.linalg.solve(covariance, y[:, None])[..., 0] @ y)
        )
    mean, sd = average(np.concatenate(log_weights), np.concatenate(means), np.concatenate(variances))
    return Moments(
        {"sigma_level": mean[0], "sigma_obs": mean[1], "start": mean[2], "level": mean[3:]},
        {"sigma_level": sd[0], "sigma_obs": sd[1], "start": sd[2], "level": sd[3:]},
        float(logsumexp(log_weights) + 2 * np.log(log_scales[1] - log_scales[0])),
        tolerance=1e-3,  # scales below exp(-9) are left out
    )


def stochastic_volatility() -> LogDensity:
    """Every step's log density at one point."""
    (returns,), _ = arguments = data.stochastic_volatility()
    s = 0.1 * np.cumsum(np.random.default_rng(2).standard_normal(20))
    value = stats.expon.logpdf(0.15, scale=0.1) + stats.expon.logpdf(8.0, scale=10)
    value += stats.norm.logpdf(np.diff(s, prepend=0.0), 0, 0.15).sum()
    value += stats.t.logpdf(returns, 8.0, 0, np.exp(s)).sum()
    return log_density(arguments, {"sigma": 0.15, "s": s, "nu": 8.0}, value)


def autoregression() -> Moments:
    """A regression on the values before: normal given the noise, which is integrated out on a grid of its logarithm."""
    (series,), _ = data.autoregression()
    design = np.column_stack([np.ones(30), series[:-1]])
    log_sigma = np.linspace(-2.5, 1.5, 601)
    conditionals = [normal_regression(design, series[1:], np.array([2.0, 1.0]), np.exp(s)) for s in log_sigma]
    log_weights = np.array([c[2] for c in conditionals]) + stats.halfnorm.logpdf(np.exp(log_sigma)) + log_sigma
    mean, sd = average(
        log_weights, np.array([c[0] for c in conditionals]), np.array([np.diag(c[1]) for c in conditionals])
    )
    sigma, sigma_sd = average(log_weights, np.exp(log_sigma), np.zeros(601))
    return Moments(
        {"c": mean[0], "phi": mean[1], "sigma": sigma},
        {"c": sd[0], "phi": sd[1], "sigma": sigma_sd},
        float(logsumexp(log_weights) + np.log(log_sigma[1] - log_sigma[0])),
    )


def gaussian_process() -> LogDensity:
    """Log marginal likelihood and prior at one set of hyperparameters."""
    (X,), observed = arguments = data.gaussian_process()
    covariance = 1.2 * np.exp(-0.5 * np.subtract.outer(X, X) ** 2 / 0.8**2) + (0.1 + 1e-6) * np.eye(15)
    value = stats.multivariate_normal(np.zeros(15), covariance).logpdf(observed["Y"])
    value += stats.lognorm.logpdf([1.2, 0.8, 0.1], 1.0).sum()
    return log_density(arguments, {"kernel_var": 1.2, "kernel_length": 0.8, "kernel_noise": 0.1}, value)


def subsampled_regression() -> Moments:
    """Closed form of the posterior given all rows."""
    (x, y), _ = data.subsampled_regression()
    return slope(x, y)


def masked_regression() -> Moments:
    """Closed form of the posterior given the rows that are present."""
    (x, y, is_present), _ = data.masked_regression()
    return slope(x[is_present], y[is_present])


def slope(x: np.ndarray, y: np.ndarray) -> Moments:
    """A normal slope with a known noise of one."""
    mean, covariance, log_evidence = normal_regression(x[:, None], y, np.array([2.0]), 1.0)
    return Moments({"slope": mean[0]}, {"slope": np.sqrt(covariance[0, 0])}, log_evidence)


def weighted_mean() -> Moments:
    """Closed form: precisions are added as often as the weights say."""
    (y, weight), _ = data.weighted_mean()
    variance = 1 / (0.01 + weight.sum())
    return Moments({"mu": variance * (weight @ y)}, {"mu": np.sqrt(variance)})


def empirical_bayes() -> MaximumLikelihood:
    """Closed form of a balanced random-effects model: the variance of the group means exceeds the noise of a mean."""
    (y,), _ = data.empirical_bayes()
    num_repeats = y.shape[1]
    mu, variance = y.mean(), y.mean(1).var()
    assert variance > 1 / num_repeats
    tau = np.sqrt(variance - 1 / num_repeats)
    covariance = tau**2 + np.eye(num_repeats)
    effect_variance = 1 / (1 / tau**2 + num_repeats)
    effect = effect_variance * (mu / tau**2 + y.sum(1, keepdims=True))
    return MaximumLikelihood(
        {"mu": np.array(mu), "tau": np.array(tau)},
        {"effect": effect},
        {"effect": np.full((len(y), 1), np.sqrt(effect_variance))},
        float(stats.multivariate_normal(np.full(num_repeats, mu), covariance).logpdf(y).sum()),
    )
