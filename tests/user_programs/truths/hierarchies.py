"""Reference values of the hierarchies: quadrature over the scales, and log densities at stated latents."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import betaln, gammaln, logsumexp

from tests.user_programs import data
from tests.user_programs.truths.reference import LogDensity, Moments, average, log_density, normal_regression


def eight_schools() -> Moments:
    """The mean and the effects are normal given tau, which is integrated out on a grid of its logarithm."""
    (_, sigma), observed = data.eight_schools()
    y = observed["y"]
    log_tau = np.linspace(-9.0, 7.0, 1601)
    means, variances, log_weights = [], [], []
    for tau in np.exp(log_tau):
        design = np.column_stack([np.ones(8), tau * np.eye(8)])  # of mu and theta_tilde
        mean, covariance, log_evidence = normal_regression(design, y, np.array([5.0, *np.ones(8)]), sigma)
        means.append(np.concatenate([mean, design @ mean]))
        variances.append(np.concatenate([np.diag(covariance), np.diag(design @ covariance @ design.T)]))
        log_weights.append(log_evidence + stats.halfcauchy.logpdf(tau, scale=5) + np.log(tau))
    mean, sd = average(np.array(log_weights), np.array(means), np.array(variances))
    tau, tau_sd = average(np.array(log_weights), np.exp(log_tau), np.zeros(len(log_tau)))
    return Moments(
        {"mu": mean[0], "tau": tau, "theta_tilde": mean[1:9], "theta": mean[9:]},
        {"mu": sd[0], "tau": tau_sd, "theta_tilde": sd[1:9], "theta": sd[9:]},
        float(logsumexp(log_weights) + np.log(log_tau[1] - log_tau[0])),
    )


def school_effects() -> Moments:
    """As the eight schools: normal given tau. The site of the reparameterised effect is its decentred form."""
    (school, score), _ = data.school_effects()
    log_tau = np.linspace(-6.0, 6.0, 1201)
    means, variances, log_weights = [], [], []
    for tau in np.exp(log_tau):
        scales = np.column_stack([np.ones(5), tau * np.eye(5)])
        mean, covariance, log_evidence = normal_regression(scales[school], score, np.array([10.0, *np.ones(5)]), 1.0)
        means.append(np.concatenate([mean, scales @ mean]))
        variances.append(np.concatenate([np.diag(covariance), np.diag(scales @ covariance @ scales.T)]))
        log_weights.append(log_evidence + stats.lognorm.logpdf(tau, 1.0) + np.log(tau))
    mean, sd = average(np.array(log_weights), np.array(means), np.array(variances))
    tau, tau_sd = average(np.array(log_weights), np.exp(log_tau), np.zeros(len(log_tau)))
    return Moments(
        {"mu": mean[0], "tau": tau, "effect_decentered": mean[1:6], "effect": mean[6:]},
        {"mu": sd[0], "tau": tau_sd, "effect_decentered": sd[1:6], "effect": sd[6:]},
        float(logsumexp(log_weights) + np.log(log_tau[1] - log_tau[0])),
    )


def rat_tumours() -> Moments:
    """The rates are beta given a and b, which are integrated out on a grid of their logarithms."""
    (deaths, totals), _ = data.rat_tumours()
    log_a, log_b = np.linspace(-4.0, 5.0, 301), np.linspace(-4.0, 7.0, 361)
    a, b = (grid.reshape(-1, 1) for grid in np.meshgrid(np.exp(log_a), np.exp(log_b), indexing="ij"))
    log_choose = gammaln(totals + 1) - gammaln(deaths + 1) - gammaln(totals - deaths + 1)
    log_weights = (log_choose + betaln(a + deaths, b + totals - deaths) - betaln(a, b)).sum(1) + (
        stats.expon.logpdf(a, scale=5) + stats.expon.logpdf(b, scale=20) - 2.5 * np.log(a + b) + np.log(a * b)
    )[:, 0]
    theta = stats.beta(a + deaths, b + totals - deaths)
    mean, sd = average(log_weights, np.hstack([a, b, theta.mean()]), np.hstack([0 * a, 0 * b, theta.var()]))
    return Moments(
        {"a": mean[0], "b": mean[1], "theta": mean[2:]}, {"a": sd[0], "b": sd[1], "theta": sd[2:]}, tolerance=1e-4
    )


def radon() -> LogDensity:
    """Every site's log density at one point."""
    (county, floor), observed = arguments = data.radon()
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 0.5, 6), rng.normal(-0.5, 0.5, 6)
    prior = (
        stats.norm.logpdf([1.0, -0.5], 0, 2).sum()
        + stats.halfnorm.logpdf([0.5, 0.6]).sum()
        + stats.halfcauchy.logpdf(0.7, scale=2)
        + stats.norm.logpdf(a, 1.0, 0.5).sum()
        + stats.norm.logpdf(b, -0.5, 0.6).sum()
    )
    likelihood = stats.norm.logpdf(observed["log_radon"], a[county] + b[county] * floor, 0.7).sum()
    scalars = {"mu_a": 1.0, "sigma_a": 0.5, "mu_b": -0.5, "sigma_b": 0.6, "sigma_y": 0.7}
    return log_density(arguments, {**scalars, "a": a, "b": b}, prior + likelihood)


def rats() -> LogDensity:
    """Intercepts and slopes of all rats integrated out would leave five scalars; this is the joint at one point."""
    (age, weight), _ = arguments = data.rats()
    rng = np.random.default_rng(1)
    alpha, beta = rng.normal(245, 12, (6, 1)), rng.normal(6, 0.7, (6, 1))
    value = (
        stats.norm.logpdf(245, 250, 50)
        + stats.norm.logpdf(6, 5, 5)
        + stats.halfnorm.logpdf([12, 0.7, 7], scale=[20, 2, 10]).sum()
        + stats.norm.logpdf(alpha, 245, 12).sum()
        + stats.norm.logpdf(beta, 6, 0.7).sum()
        + stats.norm.logpdf(weight, alpha + beta * (age - 22), 7).sum()
    )
    scalars = {"alpha_mean": 245, "beta_mean": 6, "alpha_sd": 12, "beta_sd": 0.7, "noise": 7}
    return log_density(arguments, {**scalars, "alpha": alpha, "beta": beta}, value)
