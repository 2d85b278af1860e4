"""Mixture of factor analysers: rows come from K groups, and each group has a few factors of its own.

    pi    ~ Dirichlet(1, ..., 1)                    [K]      weights of the groups
    mu_k  ~ Normal(loc, scale)                      [K D]    their centres
    W_k   ~ Normal(0, spread)                       [K D Z]  their loadings
    Psi_k ~ InverseGamma(2, spread^2 / 2)           [K D]    their uniquenesses, or one set [D] shared by all
    c_n   ~ Categorical(pi)                         [N]      the group of row n
    z_n   ~ Normal(0, I)                            [N Z]    its factors within the group
    x_n   ~ Normal(W_c z_n + mu_c, diag(Psi_c))     [N D]    the row

Between a diagonal (Z = 0) and a full Gaussian mixture: each covariance W_k W_k' + diag(Psi_k) takes about D Z numbers
and not D^2/2. A missing value (NaN) is left out, which is exact where values are missing at random.
"""

import numpy as np

from zoo.cards import Card
from zoo.data.moments import location_and_spread
from zoo.factor_analysis import communality
from zoo.linear import Linear
from zoo.sites import Derived


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc [D]: the mean of each column; scale [D]: twice its standard deviation; spread [D]: its standard deviation over
    K^(1/D), the width at which K groups tile the data. Raises ZooError for columns that are constant or entirely
    missing, one row, or as many factors as columns.
    """
    loc, sd = location_and_spread(data["x"], settings["Z"], weights)
    return {"loc": loc, "scale": 2 * sd, "spread": sd / settings["K"] ** (1 / len(sd))}


def linear(params, settings):
    return Linear(params["pi"], params["W"], params["mu"], psi_by_group(params["W"], params["Psi"]))


def psi_by_group(W, Psi):
    """The uniquenesses of each group, (..., K, D), where they may be shared."""
    return np.broadcast_to(Psi if Psi.ndim == W.ndim - 1 else Psi[..., None, :], W.shape[:-1])


def communalities(W, Psi, site):
    """The part of each column's variance within each group that its factors explain, (..., K, D)."""
    return communality(W, psi_by_group(W, Psi), site)


CARD = Card(
    name="mixture_of_factor_analysers",
    title="Mixture of factor analysers",
    citation="Ghahramani, Z. and Hinton, G. E. (1996). The EM algorithm for mixtures of factor analyzers. Technical "
    "report CRG-TR-96-1, University of Toronto; McLachlan, G. and Peel, D. (2000). Finite Mixture Models, chapter 8.",
    latents={
        "pi": "simplex [K]",
        "mu": "real [K D]",
        "W": "real [K D Z]",
        "Psi": "positive [K D]",
        "c": "category [N]",
        "z": "real [N Z]",
    },
    observed={"x": "real [N D]"},
    enumerated=("c",),
    sizes={"N": 60, "D": 4, "K": 2, "Z": 1},
    variants={"uniqueness": {"own": {"Psi": "positive [K D]"}, "shared": {"Psi": "positive [D]"}}},
    priors=priors,
    empirical=("loc", "scale", "spread"),
    derived={"communality": Derived(("W", "Psi"), communalities, "unit [K D]")},
    symmetries={"Z": "rotation"},
    linear=linear,
    missing=("x",),
    exact=("enumeration", "marginal", "posterior"),
    tags=("mixture", "factors", "continuous", "missing data"),
    shown_on="wine",
)
