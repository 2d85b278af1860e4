"""The sigmoid belief network: one or two layers of Z binary units above the pixels of an image.

    z2_n ~ Bernoulli(logit = logits)   [N Z]  units of the upper layer, which is left out where L = 1
    z1_n ~ Bernoulli(logit = a_n)      [N Z]  units of the lower layer, where a_n = decoder.z1(2 z2_n - 1)
    x_nd ~ Bernoulli(logit = o_nd)     [N D]  pixels of image n, where o_n = loc + decoder.x(2 z1_n - 1)

With L = 1 the lower layer is the top one: z1_n ~ Bernoulli(logit = logits). The logits [Z] of the top layer and the
networks are learned by maximum likelihood. With ``depth=0`` a network is linear (Neal 1992); else it has ``depth``
layers of ``width`` units, whose ``activation`` is "tanh", "relu" or "leaky_relu". The nonlinear network of Dong, Mnih
and Tucker (2020) is L=1, Z=200, width=200, depth=2, activation="leaky_relu", and their linear one has depth=0.

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
    citation="Neal, R. M. (1992). Connectionist learning of belief networks. Artificial Intelligence 56, 71-113. "
    "Mnih, A. and Gregor, K. (2014). Neural variational inference and learning in belief networks. International "
    "Conference on Machine Learning. Dong, Z., Mnih, A. and Tucker, G. (2020). DisARM: an antithetic gradient "
    "estimator for binary latent variables. Advances in Neural Information Processing Systems 33.",
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
