"""Poisson mixture: each count comes from one of K regimes with a rate of its own.

    pi     ~ Dirichlet(1, ..., 1)           [K]  weights of the regimes
    rate_k ~ Gamma(shape, shape / mean)     [K]  expected count in regime k
    z_n    ~ Categorical(pi)                [N]  the regime of observation n
    x_n    ~ Poisson(rate_z)                [N]  the count

The variance of a mixture's counts exceeds their mean; that of one regime's counts equals it.
"""

import numpy as np

from zoo.cards import Card


def priors(data, settings, weights=None):
    """mean: the average count, so that the prior of the rates covers the data (half a count if all are zero)."""
    return {"mean": max(float(np.average(data["x"], weights=weights)), 0.5)}


CARD = Card(
    name="poisson_mixture",
    title="Poisson mixture",
    citation="Karlis, D. and Xekalaki, E. (2005). Mixed Poisson distributions. "
    "International Statistical Review 73, 35-58.",
    latents={"pi": "simplex [K]", "rate": "positive [K]", "z": "category [N]"},
    observed={"x": "count [N]"},
    enumerated=("z",),
    sizes={"N": 100, "K": 2},
    priors=priors,
    empirical=("mean",),
    exact=("enumeration", "posterior"),
    tags=("mixture", "counts"),
    shown_on="earthquakes",
)
