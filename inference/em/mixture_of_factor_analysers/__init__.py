"""Closed-form EM for mixtures of factor analysers: see ``em/linear_gaussian``; group and factors in one E-step."""

import numpy as np
from scipy.special import gammaln
from scipy.stats import invgamma, norm

from inference.em.linear_gaussian import Prior


def noise(keywords):
    return keywords["uniqueness"]


def prior(keywords, further):
    loc, scale, spread = (np.broadcast_to(keywords[word], keywords["D"]) for word in ("loc", "scale", "spread"))
    return Prior(spread[:, None] ** -2.0, loc, scale**-2.0, 2.0, spread**2 / 2)


def log_prior(params, keywords):
    spread = np.broadcast_to(keywords["spread"], keywords["D"])
    return (
        gammaln(keywords["K"])  # a uniform Dirichlet
        + norm.logpdf(params["W"], scale=spread[:, None]).sum()
        + norm.logpdf(params["mu"], keywords["loc"], keywords["scale"]).sum()
        + invgamma.logpdf(params["Psi"], 2.0, scale=spread**2 / 2).sum()
    )


def params(linear, keywords):
    Psi = linear.Psi if keywords["uniqueness"] == "own" else linear.Psi[0]
    return {"pi": linear.pi, "mu": linear.mu, "W": linear.W, "Psi": Psi}


def further(linear, keywords):
    return {}
