"""Gaussian mixture: each row comes from one of K normal components in D dimensions.

    pi      ~ Dirichlet(1, ..., 1)              [K]      weights of the components
    mu_k    ~ Normal(loc, scale)                [K D]    their means
    Lambda_k ~ Wishart or Gamma around spread   [K D D]  their precisions, Sigma = Lambda^-1
    z_n     ~ Categorical(pi)                   [N]      which component row n is from
    x_n     ~ Normal(mu_z, Sigma_z)             [N D]    the row

Covariance ``full``: a Wishart of D + 2 degrees of freedom with E[Sigma_k] = diag(spread^2); ``tied``: one
for all components; ``diag``, ``tied_diag`` and ``spherical``: its one-dimensional case, Gamma(3/2, spread^2/2), for
each component and column, for each column, and for each component.
"""

import numpy as np

from zoo.cards import Card
from zoo.data.moments import location_and_spread
from zoo.sites import Derived


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data (after Fraley and Raftery 2007, section 4).

    loc [D]: the mean of the columns; scale [D]: twice their standard deviation; spread [D]: their standard
    deviation over K^(1/D), the width at which K components tile the data. Raises ZooError for constant columns.
    """
    loc, sd = location_and_spread(data["x"], 0, weights)
    return {"loc": loc, "scale": 2 * sd, "spread": sd / settings["K"] ** (1 / len(sd))}


def covariance(precision, site):
    """Sigma from Lambda: the inverse of a matrix, the reciprocal of a number."""
    return np.linalg.inv(precision) if site.kind == "precision" else 1 / precision


CARD = Card(
    name="gaussian_mixture",
    title="Gaussian mixture",
    citation="Fraley, C. and Raftery, A. E. (2007). Bayesian regularization for normal mixture estimation and "
    "model-based clustering. Journal of Classification 24, 155-181.",
    latents={
        "pi": "simplex [K]",
        "mu": "real [K D]",
        "Lambda": "precision [K D D]",
        "z": "category [N]",
    },
    observed={"x": "real [N D]"},
    enumerated=("z",),
    sizes={"N": 60, "D": 2, "K": 3},
    variants={
        "covariance": {
            "full": {"Lambda": "precision [K D D]"},
            "tied": {"Lambda": "precision [D D]"},
            "diag": {"Lambda": "positive [K D]"},
            "tied_diag": {"Lambda": "positive [D]"},
            "spherical": {"Lambda": "positive [K]"},
        }
    },
    priors=priors,
    empirical=("loc", "scale", "spread"),
    derived={"Sigma": Derived(("Lambda",), covariance)},
    exact=("enumeration", "posterior"),
    tags=("mixture", "continuous"),
    shown_on="faithful",
)
