"""Closed-form EM for Bayesian PCA: that of probabilistic PCA with a learned prior for each column of W.

The mode of alpha_j given its column is (D / 2) / (shrink spread^2 + |w_j|^2 / 2), which is Bishop's D / |w_j|^2 with an
upper bound: a column that the data does not support shrinks until alpha reaches the bound. Only MAP determines alpha.
"""

import numpy as np
from scipy.stats import gamma, norm

from inference.engines.em import probabilistic_pca
from inference.engines.em.probabilistic_pca import noise_type, to_params

__all__ = ["KIND", "hyperparameters", "log_prior", "noise_type", "prior", "to_params"]

KIND = "linear_gaussian"


def prior(keywords, params):
    precision = np.broadcast_to(params["alpha"], (keywords["D"], keywords["Z"]))
    return probabilistic_pca.prior(keywords, params)._replace(W_precision=precision)


def log_prior(params, keywords):
    return (
        gamma.logpdf(params["alpha"], 1.0, scale=1 / rate(keywords)).sum()
        + norm.logpdf(params["W"], scale=params["alpha"] ** -0.5).sum()
        + probabilistic_pca.log_prior_without_W(params, keywords)
    )


def hyperparameters(linear, keywords):
    return {"alpha": (keywords["D"] / 2) / (rate(keywords) + (linear.W[0] ** 2).sum(0) / 2)}


def rate(keywords):
    """The rate of the gamma prior of alpha."""
    return keywords["shrink"] * np.square(keywords["spread"])
