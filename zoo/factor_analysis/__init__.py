"""Factor analysis: columns share a few common factors, and each has its own noise variance.

    W_dj  ~ Normal(0, spread_d)                  [D Z]  loadings: what a unit of factor j adds to column d
    mu_d  ~ Normal(loc_d, scale_d)               [D]    means
    Psi_d ~ InverseGamma(2, spread_d^2 / 2)      [D]    uniquenesses: variances that no factor explains
    z_n   ~ Normal(0, I)                         [N Z]  factors of row n (scores)
    x_n   ~ Normal(W z_n + mu, diag(Psi))        [N D]  the row

The likelihood determines W only up to a rotation of the factors: W W' + diag(Psi) is the covariance of a row. A missing
value (NaN) is left out, which is exact where values are missing at random.
"""

from zoo.cards import Card
from zoo.data.moments import location_and_spread
from zoo.linear import Linear
from zoo.sites import Derived


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc, spread [D]: mean and standard deviation of the observed values of each column; scale [D]: twice the
    latter. Raises ZooError for columns that are constant or entirely missing, one row, or as many factors as columns.
    """
    loc, spread = location_and_spread(data["x"], settings["Z"], weights)
    return {"loc": loc, "scale": 2 * spread, "spread": spread}


def linear(params, settings):
    return Linear.single(params["W"], params["mu"], params["Psi"])


def communality(W, Psi, site):
    """The part of each column's variance that the factors explain, (..., D)."""
    shared = (W**2).sum(-1)
    return shared / (shared + Psi)


CARD = Card(
    name="factor_analysis",
    title="Factor analysis",
    citation="Lawley, D. N. and Maxwell, A. E. (1971). Factor Analysis as a Statistical Method. 2nd edition. "
    "Butterworths; Rubin, D. B. and Thayer, D. T. (1982). EM algorithms for ML factor analysis. Psychometrika 47, "
    "69-76.",
    latents={"W": "real [D Z]", "mu": "real [D]", "Psi": "positive [D]", "z": "real [N Z]"},
    observed={"x": "real [N D]"},
    sizes={"N": 50, "D": 5, "Z": 2},
    priors=priors,
    empirical=("loc", "scale", "spread"),
    derived={"communality": Derived(("W", "Psi"), communality, "unit [D]")},
    symmetries={"Z": "rotation"},
    linear=linear,
    missing=("x",),
    exact=("marginal", "posterior"),
    tags=("factors", "continuous", "missing data"),
    shown_on="holzinger_swineford_1939",
)
