"""Closed-form EM for mixtures of factor analysers: see ``em/linear_gaussian``; group and factors in one E-step."""

from scipy.special import gammaln

from inference.engines.em import factor_analysis
from inference.engines.em.factor_analysis import further, prior

__all__ = ["further", "log_prior", "noise", "params", "prior"]


def noise(keywords):
    return keywords["uniqueness"]


def log_prior(params, keywords):
    # the weights of the groups are uniform; each group has the priors of factor analysis
    return gammaln(keywords["K"]) + factor_analysis.log_prior(params, keywords)


def params(linear, keywords):
    Psi = linear.Psi if keywords["uniqueness"] == "own" else linear.Psi[0]
    return {"pi": linear.pi, "mu": linear.mu, "W": linear.W, "Psi": Psi}
