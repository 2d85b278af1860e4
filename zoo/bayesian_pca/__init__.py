"""Bayesian PCA: probabilistic PCA that selects its own dimension by automatic relevance determination.

    alpha_j ~ Gamma(1, shrink spread^2)           [Z]    relevance: 1 / the expected squared length of column j
    W_dj    ~ Normal(0, alpha_j^-1/2)             [D Z]  directions; those with a large alpha are switched off
    mu_d    ~ Normal(loc_d, scale)                [D]    centre of the plane
    sigma2  ~ InverseGamma(2, spread^2 / 2)       []     variance of the noise about it
    z_n     ~ Normal(0, I)                        [N Z]  where row n lies in the plane
    x_n     ~ Normal(W z_n + mu, sigma2 I)        [N D]  the row

Give more dimensions Z than are needed: automatic relevance determination shrinks the others to zero.
"""

from zoo.cards import Card
from zoo.probabilistic_pca import linear, priors

CARD = Card(
    name="bayesian_pca",
    title="Bayesian principal component analysis",
    citation="Bishop, C. M. (1999). Bayesian PCA. Advances in Neural Information Processing Systems 11, 382-388.",
    latents={
        "alpha": "positive [Z]",
        "W": "real [D Z]",
        "mu": "real [D]",
        "sigma2": "positive",
        "z": "real [N Z]",
    },
    observed={"x": "real [N D]"},
    sizes={"N": 50, "D": 5, "Z": 3},
    priors=priors,
    empirical=("loc", "scale", "spread"),
    hyper=("alpha",),
    symmetries={"Z": "signed permutation"},
    linear=linear,
    missing=("x",),
    exact=("marginal", "posterior"),
    tags=("factors", "continuous", "missing data", "dimension learned"),
    shown_on="iris",
)
