"""Closed-form EM for probabilistic PCA: see ``em/linear_gaussian``; and its maximum by eigenvectors."""

import numpy as np
from scipy.stats import invgamma, norm

from inference.engines.em.linear_gaussian import Prior
from inference.unconstrained.principal_axes import principal_axes

KIND = "linear_gaussian"


def noise_type(keywords):
    return "isotropic"


def prior(keywords, params):
    spread = np.asarray(keywords["spread"])
    return Prior(
        np.broadcast_to(spread**-2.0, (keywords["D"], 1)),
        np.broadcast_to(keywords["loc"], keywords["D"]),
        np.broadcast_to(np.asarray(keywords["scale"]) ** -2.0, keywords["D"]),
        2.0,
        np.broadcast_to(spread**2 / 2, keywords["D"]),
    )


def log_prior(params, keywords):
    return norm.logpdf(params["W"], scale=keywords["spread"]).sum() + log_prior_without_W(params, keywords)


def log_prior_without_W(params, keywords):
    """log p of mu and sigma2."""
    mu = norm.logpdf(params["mu"], keywords["loc"], keywords["scale"]).sum()
    return mu + invgamma.logpdf(params["sigma2"], 2.0, scale=keywords["spread"] ** 2 / 2)


def to_params(linear, keywords):
    return {"W": linear.W[0], "mu": linear.mu[0], "sigma2": linear.Psi[0, 0]}


def hyperparameters(linear, keywords):
    return {}


def maximum_likelihood(covariance, Z):
    """The maximum likelihood W (D, Z) and sigma2 for a covariance (D, D) of rows without missing values.

    W = U (Lambda - sigma2 I)^1/2 of the Z largest eigenvalues, sigma2 the mean of the others (Tipping and Bishop 1999,
    equations 7 and 8). EM begins here where nothing is missing, and converges at once.
    """
    W, noise = principal_axes(covariance, Z, isotropic=True, min_signal=0.0)
    return W, noise[0]
