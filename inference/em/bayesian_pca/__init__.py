"""Closed-form EM for Bayesian PCA: that of probabilistic PCA with a prior for each column, itself learned.

The mode of alpha_j given its column is (D / 2) / (shrink spread^2 + |w_j|^2 / 2), which is Bishop's D / |w_j|^2 kept
from infinity: a column the data does not want shrinks until alpha stands at that bound. Only MAP knows alpha.
"""

import numpy as np
from scipy.stats import gamma, invgamma, norm

from inference.em.linear_gaussian import Prior


def noise(keywords):
    return "isotropic"


def prior(keywords, further):
    spread, D = np.asarray(keywords["spread"]), keywords["D"]
    return Prior(
        np.broadcast_to(further["alpha"], (D, keywords["Z"])),
        np.broadcast_to(keywords["loc"], D),
        np.broadcast_to(np.asarray(keywords["scale"]) ** -2.0, D),
        2.0,
        np.broadcast_to(spread**2 / 2, D),
    )


def log_prior(params, keywords):
    spread = keywords["spread"]
    return (
        gamma.logpdf(params["alpha"], 1.0, scale=1 / rate(keywords)).sum()
        + norm.logpdf(params["W"], scale=params["alpha"] ** -0.5).sum()
        + norm.logpdf(params["mu"], keywords["loc"], keywords["scale"]).sum()
        + invgamma.logpdf(params["sigma2"], 2.0, scale=spread**2 / 2)
    )


def params(linear, keywords):
    return {"W": linear.W[0], "mu": linear.mu[0], "sigma2": linear.Psi[0, 0]}


def further(linear, keywords):
    return {"alpha": (keywords["D"] / 2) / (rate(keywords) + (linear.W[0] ** 2).sum(0) / 2)}


def rate(keywords):
    return keywords["shrink"] * np.square(keywords["spread"])
