"""Closed-form EM for factor analysis: see ``em/linear_gaussian``."""

import numpy as np
from scipy.stats import invgamma, norm

from inference.engines.em.linear_gaussian import Prior

KIND = "linear_gaussian"


def noise_type(keywords):
    return "own"


def prior(keywords, params):
    loc, scale, spread = (np.broadcast_to(keywords[name], keywords["D"]) for name in ("loc", "scale", "spread"))
    return Prior(spread[:, None] ** -2.0, loc, scale**-2.0, 2.0, spread**2 / 2)


def log_prior(params, keywords):
    spread = np.broadcast_to(keywords["spread"], keywords["D"])
    return (
        norm.logpdf(params["W"], scale=spread[:, None]).sum()
        + norm.logpdf(params["mu"], keywords["loc"], keywords["scale"]).sum()
        + invgamma.logpdf(params["Psi"], 2.0, scale=spread**2 / 2).sum()
    )


def to_params(linear, keywords):
    return {"W": linear.W[0], "mu": linear.mu[0], "Psi": linear.Psi[0]}


def hyperparameters(linear, keywords):
    return {}
