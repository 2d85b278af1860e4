"""Closed-form EM for Bayesian PCA: that of probabilistic PCA with a prior for each column, itself learned.

The mode of alpha_j given its column is (D / 2) / (shrink spread^2 + |w_j|^2 / 2), which is Bishop's D / |w_j|^2 kept
from infinity: a column the data does not want shrinks until alpha stands at that bound. Only MAP knows alpha.
"""

import numpy as np
from scipy.stats import gamma, norm

from inference.engines.em import probabilistic_pca
from inference.engines.em.probabilistic_pca import noise, params

__all__ = ["further", "log_prior", "noise", "params", "prior"]


def prior(keywords, further):
    precision = np.broadcast_to(further["alpha"], (keywords["D"], keywords["Z"]))
    return probabilistic_pca.prior(keywords, further)._replace(W_precision=precision)


def log_prior(params, keywords):
    return (
        gamma.logpdf(params["alpha"], 1.0, scale=1 / rate(keywords)).sum()
        + norm.logpdf(params["W"], scale=params["alpha"] ** -0.5).sum()
        + probabilistic_pca.log_prior_but_W(params, keywords)
    )


def further(linear, keywords):
    return {"alpha": (keywords["D"] / 2) / (rate(keywords) + (linear.W[0] ** 2).sum(0) / 2)}


def rate(keywords):
    return keywords["shrink"] * np.square(keywords["spread"])
