"""Reference values of programs with discrete latents: sums over every configuration of a few data."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from tests.user_programs import data
from tests.user_programs.truths.reference import LogDensity, log_density


def dawid_skene() -> LogDensity:
    """The sum over the 243 categorisations of five items."""
    (annotations,), _ = arguments = data.dawid_skene(5)
    rng = np.random.default_rng(3)
    beta, pi = rng.dirichlet([2, 2, 2], (4, 3)), np.array([0.5, 0.3, 0.2])
    concentration = np.ones(3) + 3 * np.eye(3)
    prior = stats.dirichlet.logpdf(pi, np.ones(3))
    prior += sum(stats.dirichlet.logpdf(beta[j, k], concentration[k]) for j in range(4) for k in range(3))
    terms = [
        np.log(pi[list(c)]).sum() + sum(np.log(beta[j, c[i], annotations[i, j]]) for i in range(5) for j in range(4))
        for c in product(range(3), repeat=5)
    ]
    return log_density(arguments, {"beta": beta, "pi": pi}, prior + logsumexp(terms))


def coal_mining() -> LogDensity:
    """The sum over the 40 years in which the rate may change."""
    (disasters,), _ = arguments = data.coal_mining()
    terms = [
        stats.poisson.logpmf(disasters, np.where(np.arange(40) < tau, 2.5, 0.8)).sum() - np.log(40) for tau in range(40)
    ]
    return log_density(arguments, {"early": 2.5, "late": 0.8}, logsumexp(terms) - 2.5 - 0.8)


def occupancy() -> LogDensity:
    """The sum over the 256 ways in which eight sites are occupied."""
    (elevation, visits), observed = arguments = data.occupancy(8)
    psi = 1 / (1 + np.exp(-(0.3 + 0.8 * elevation)))
    terms = [
        stats.bernoulli.logpmf(z, psi).sum()
        + stats.binom.logpmf(observed["detections"], visits, np.array(z) * 0.35).sum()
        for z in product(range(2), repeat=8)
    ]
    prior = stats.norm.logpdf([0.3, 0.8], 0, 1.5).sum()
    return log_density(arguments, {"alpha": 0.3, "beta": 0.8, "p_detect": 0.35}, prior + logsumexp(terms))


def capture_recapture() -> LogDensity:
    """The sum over the 256 subsets of eight animals that are real."""
    (captures, occasions), _ = arguments = data.capture_recapture(8)
    terms = [
        stats.bernoulli.logpmf(real, 0.55).sum() + stats.binom.logpmf(captures, occasions, np.array(real) * 0.3).sum()
        for real in product(range(2), repeat=8)
    ]
    return log_density(arguments, {"omega": 0.55, "p": 0.3}, logsumexp(terms))


def capture_histories() -> LogDensity:
    """For each animal the sum over the last occasion at which it is alive."""
    (history, first), _ = arguments = data.capture_histories()
    phi, rho, last_occasion = 0.75, 0.55, history.shape[1] - 1
    value = 0.0
    for captured, start in zip(history, first, strict=True):
        terms = []
        for last in range(start, last_occasion + 1):
            survival = phi ** (last - start) * (1 - phi if last < last_occasion else 1.0)
            alive, dead = captured[start + 1 : last + 1], captured[last + 1 :]
            terms.append(survival * np.where(alive, rho, 1 - rho).prod() * (not dead.any()))
        value += np.log(sum(terms))
    return log_density(arguments, {"phi": phi, "rho": rho}, value)


def dirichlet_process() -> LogDensity:
    """The sum over the 1024 assignments of five points to four components."""
    (points,), _ = arguments = data.dirichlet_process(5)
    beta, mu = np.array([0.4, 0.5, 0.3]), np.array([-2.5, 0.3, 3.0, 1.0])
    weights = np.array([0.4, 0.6 * 0.5, 0.3 * 0.3, 0.3 * 0.7])
    terms = [
        np.log(weights[list(z)]).sum() + stats.norm.logpdf(points, mu[list(z)], 0.9).sum()
        for z in product(range(4), repeat=5)
    ]
    prior = stats.gamma.logpdf(1.3, 2, scale=0.5) + stats.beta.logpdf(beta, 1, 1.3).sum()
    prior += stats.norm.logpdf(mu, 0, 5).sum() + stats.lognorm.logpdf(0.9, 0.5)
    latents = {"alpha": 1.3, "beta": beta, "mu": mu, "scale": 0.9}
    return log_density(arguments, latents, prior + logsumexp(terms))


def mixture_of_regressions() -> LogDensity:
    """The sum over the 512 assignments of nine points to two lines."""
    (x,), observed = arguments = data.mixture_of_regressions(9)
    weights, intercept, slope = np.array([0.6, 0.4]), np.array([0.8, -1.2]), np.array([1.5, -0.7])
    terms = [
        np.log(weights[list(line)]).sum()
        + stats.norm.logpdf(observed["y"], intercept[list(line)] + slope[list(line)] * x, 0.5).sum()
        for line in product(range(2), repeat=9)
    ]
    prior = stats.dirichlet.logpdf(weights, [2, 2]) + stats.norm.logpdf([*intercept, *slope], 0, 3).sum()
    prior += stats.halfnorm.logpdf(0.5)
    latents = {"weights": weights, "intercept": intercept, "slope": slope, "sigma": 0.5}
    return log_density(arguments, latents, prior + logsumexp(terms))


def ordered_mixture() -> LogDensity:
    """The sum over the 729 assignments of six points to three components; the prior of the means is not normalised."""
    (points,), _ = arguments = data.ordered_mixture(6)
    p, means = np.array([0.5, 0.2, 0.3]), np.array([-1.5, 0.7, 2.5])
    terms = [
        np.log(p[list(kind)]).sum() + stats.norm.logpdf(points, means[list(kind)], 0.7).sum()
        for kind in product(range(3), repeat=6)
    ]
    prior = stats.dirichlet.logpdf(p, np.ones(3)) + stats.norm.logpdf(means, 0, 3).sum()
    prior += stats.halfnorm.logpdf(0.7, scale=2)
    return log_density(arguments, {"p": p, "means": means, "sd": 0.7}, prior + logsumexp(terms))
