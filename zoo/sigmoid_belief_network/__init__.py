"""The sigmoid belief network: one or two layers of Z binary units above the pixels of an image.

    z2_n ~ Bernoulli(logit = logits)                      [N Z]  the units of the upper layer, where L = 2
    z1_n ~ Bernoulli(logit = o_n)                         [N Z]  those of the lower layer, o_n = decoder.z1(2 z2_n - 1)
    x_nd ~ Bernoulli(logit = loc_d + decoder.x(...)_d)    [N D]  the pixels, by the network of 2 z1_n - 1

With L = 1 there is no z2, and z1_n ~ Bernoulli(logit = logits). The logits [Z] of the top layer and the networks
``decoder.x`` and ``decoder.z1`` are learned by maximum likelihood. With ``depth=0`` a network is linear (Neal 1992);
else it has ``depth`` layers of ``width`` units, whose ``activation`` is "tanh", "relu" or "leaky_relu" with slope 0.3.
That of Dong, Mnih and Tucker (2020) has L = 1 and depth = 2.

The 2^Z values of a layer are too many to be summed out: the guide "sigmoid_belief_network", an encoder, draws them. The
units have no order, and their labels are not aligned. A missing pixel (NaN) is left out, which is exact where pixels
are missing at random.
"""

from zoo._networks import check_network
from zoo.cards import Card
from zoo.data.moments import log_odds


def priors(data, settings):
    """Keyword: loc [D], the log-odds of each pixel's mean.

    Raises ZooError for sizes and an activation that the networks cannot have.
    """
    check_network(settings, data["x"].shape[1])
    return {"loc": log_odds(data["x"])}


CARD = Card(
    name="sigmoid_belief_network",
    title="Sigmoid belief network",
    citation="Neal, R. M. (1992). Connectionist learning of belief networks. Artificial Intelligence 56, 71-113. Mnih, "
    "A. and Gregor, K. (2014). Neural variational inference and learning in belief networks. International Conference "
    "on Machine Learning. Dong, Z., Mnih, A. and Tucker, G. (2020). DisARM: an antithetic gradient estimator for binary "
    "latent variables. Advances in Neural Information Processing Systems 33.",
    latents={"z2": "binary [N Z]", "z1": "binary [N Z]"},
    observed={"x": "binary [N D]"},
    sampled=("z2", "z1"),
    sizes={"N": 12, "D": 16, "Z": 3},
    variants={"L": {2: {}, 1: {"z2": None}}},
    priors=priors,
    empirical=("loc",),
    learned={"logits": "real [Z]"},
    networks=("decoder",),
    missing=("x",),
    exchangeable=(),
    tags=("deep", "discrete", "images", "missing data"),
    shown_on="digits_dynamic",
)
