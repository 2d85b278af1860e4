"""The categorical VAE: a network, the decoder, maps a code of M categories, each one of K, to an image.

    z_nm ~ OneHotCategorical(1/K, ..., 1/K)    [N M K]  the category of image n in group m: a vector with a single 1
    x_nd ~ Bernoulli(logit = o_nd)             [N D]    its pixels, where o_n = loc + decoder(z_n)

The decoder takes the M vectors as one. It is an MLP with ``depth`` layers of ``width`` tanh units, or, with
``network="convolutional"``, one such layer and two convolutions for square images, learned by maximum likelihood. A
missing pixel (NaN) is left out, which is exact where pixels are missing at random.

The K^M codes are too many to be summed out: the guide "categorical_vae", an encoder, draws them. Since a network takes
any numbers in the place of zeros and ones, relaxed gradient estimators can be used. Here K counts the categories of a
group: a category of one group is no other group's, and labels are not aligned.
"""

from zoo._networks import check_network
from zoo.cards import Card
from zoo.data.moments import log_odds


def priors(data, settings):
    """Keyword: loc [D], the log-odds of each pixel's mean.

    Raises ZooError for images or sizes that the network cannot have.
    """
    check_network(settings, data["x"].shape[1])
    return {"loc": log_odds(data["x"])}


CARD = Card(
    name="categorical_vae",
    title="Categorical variational autoencoder",
    citation="Jang, E., Gu, S. and Poole, B. (2017). Categorical reparameterization with Gumbel-softmax. International "
    "Conference on Learning Representations. Maddison, C. J., Mnih, A. and Teh, Y. W. (2017). The concrete "
    "distribution: a continuous relaxation of discrete random variables. International Conference on Learning "
    "Representations.",
    latents={"z": "one_hot [N M K]"},
    observed={"x": "binary [N D]"},
    sampled=("z",),
    sizes={"N": 12, "D": 16, "M": 2, "K": 3},
    variants={"network": {"mlp": {}, "convolutional": {}}},
    priors=priors,
    empirical=("loc",),
    networks=("decoder",),
    missing=("x",),
    exchangeable=(),
    tags=("deep", "discrete", "images", "missing data"),
    shown_on="digits_dynamic",
)
