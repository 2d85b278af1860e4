"""Probabilistic PCA: rows lie about a plane of Z dimensions, with the same noise in every column.

    W_dj   ~ Normal(0, spread)                   [D Z]  directions of the plane, times how far rows spread along them
    mu_d   ~ Normal(loc_d, scale)                [D]    its centre
    sigma2 ~ InverseGamma(2, spread^2 / 2)       []     variance of the noise about the plane
    z_n    ~ Normal(0, I)                        [N Z]  where row n lies in the plane
    x_n    ~ Normal(W z_n + mu, sigma2 I)        [N D]  the row

The columns of the maximum likelihood W span the principal subspace, and as sigma2 goes to 0 the posterior mean of W z
is the projection of PCA. Columns share one unit: standardise those that do not. A missing value (NaN) is left out,
which is exact where values are missing at random.
"""

import numpy as np

from zoo.cards import Card
from zoo.data.moments import location_and_spread
from zoo.linear import Linear


def priors(data, settings, weights=None):
    """Weakly informative keywords: loc, spread and scale.

    loc [D] is the mean of each column; spread the root of the mean of their variances; scale twice that.

    Raises ZooError for columns that are constant or entirely missing, one row, or as many latent dimensions as columns.
    """
    loc, sd = location_and_spread(data["x"], settings["Z"], weights)
    spread = float(np.sqrt((sd**2).mean()))
    return {"loc": loc, "scale": 2 * spread, "spread": spread}


def linear(params, settings):
    return Linear.single(params["W"], params["mu"], params["sigma2"][..., None] * np.ones(params["mu"].shape[-1]))


CARD = Card(
    name="probabilistic_pca",
    title="Probabilistic principal component analysis",
    citation="Tipping, M. E. and Bishop, C. M. (1999). Probabilistic principal component analysis. Journal of the "
    "Royal Statistical Society B 61, 611-622.",
    latents={"W": "real [D Z]", "mu": "real [D]", "sigma2": "positive", "z": "real [N Z]"},
    observed={"x": "real [N D]"},
    sizes={"N": 50, "D": 5, "Z": 2},
    priors=priors,
    empirical=("loc", "scale", "spread"),
    symmetries={"Z": "rotation"},
    linear=linear,
    missing=("x",),
    exact=("marginal", "posterior"),
    tags=("factors", "continuous", "missing data"),
    shown_on="iris",
)
