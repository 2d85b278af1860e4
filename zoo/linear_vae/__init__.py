"""The linear VAE: a variational autoencoder whose decoder is a matrix, so that its likelihood is known exactly.

    z_n ~ Normal(0, I)                   [N Z]  code of row n
    x_n ~ Normal(W z_n + mu, sigma2 I)   [N D]  the row

W [D Z], mu [D] and sigma2 are learned, by maximum likelihood: the model is probabilistic PCA without priors, and its
exact log-likelihood is known. With the linear encoder of the guide "linear_vae" the ELBO is at its highest where the
likelihood is (where the columns of W are orthogonal), and equal to it; it has no other stable stationary point (Lucas
et al. 2019). A missing value (NaN) is left out, which is exact where values are missing at random.
"""

import numpy as np

from zoo.cards import Card
from zoo.checks import check_whole
from zoo.data.moments import location_and_spread
from zoo.probabilistic_pca import linear


def priors(data, settings):
    """Keywords: loc [D], the mean of each column, where mu begins; spread, the root of the mean of their variances.

    Raises ZooError for columns that are constant or entirely missing, one row, or as many latent dimensions as columns.
    """
    loc, sd = location_and_spread(data["x"], settings["Z"])
    return {"loc": loc, "spread": float(np.sqrt((sd**2).mean()))}


def check(keywords):
    """Raise ZooError unless the code has a dimension."""
    check_whole(1, Z=keywords["Z"])


CARD = Card(
    name="linear_vae",
    title="Linear variational autoencoder",
    citation="Lucas, J., Tucker, G., Grosse, R. and Norouzi, M. (2019). Don't blame the ELBO! A linear VAE perspective "
    "on posterior collapse. Advances in Neural Information Processing Systems 32.",
    latents={"z": "real [N Z]"},
    observed={"x": "real [N D]"},
    learned={"W": "real [D Z]", "mu": "real [D]", "sigma2": "positive"},
    sizes={"N": 50, "D": 5, "Z": 2},
    priors=priors,
    empirical=("loc", "spread"),
    check=check,
    symmetries={"Z": "rotation"},
    linear=linear,
    missing=("x",),
    exact=("marginal", "posterior"),
    tags=("factors", "continuous", "missing data"),
    shown_on="iris",
)
