"""Closed-form EM for mixtures of factor analysers: see ``em/linear_gaussian``."""

from scipy.special import gammaln

from inference.engines.em import factor_analysis
from inference.engines.em.factor_analysis import hyperparameters, prior

__all__ = ["KIND", "hyperparameters", "log_prior", "noise_type", "prior", "to_params"]

KIND = "linear_gaussian"


def noise_type(keywords):
    return keywords["uniqueness"]


def log_prior(params, keywords):
    # the prior of the weights is uniform; each component has the priors of factor analysis
    return gammaln(keywords["K"]) + factor_analysis.log_prior(params, keywords)


def to_params(linear, keywords):
    Psi = linear.Psi if keywords["uniqueness"] == "own" else linear.Psi[0]
    return {"pi": linear.pi, "mu": linear.mu, "W": linear.W, "Psi": Psi}
