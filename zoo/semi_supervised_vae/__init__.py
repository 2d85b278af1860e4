"""The semi-supervised VAE (M2): the decoder maps the class and the style, a code, to an image.

    y_n     ~ Categorical(1/C, ..., 1/C)    [N]    the class of image n
    z_n     ~ Normal(0, I)                  [N Z]  its style
    x_nd    ~ Bernoulli(logit = o_nd)       [N D]  its pixels, where o_n = loc + decoder(z_n, y_n)
    label_n ~ Categorical(1 at y_n)         [N]    its label: the class itself, where it is known

The label of an image without one is NaN: there y is summed over. Images with and without a label share batches. The
decoder is an MLP with ``depth`` layers of ``width`` tanh units, learned by maximum likelihood. A missing pixel (NaN) is
left out. The guide "semi_supervised_vae" is the classifier and the encoder; the labels name the classes, so unlike
components they cannot be permuted.
"""

import numpy as np

from zoo._networks import check_network
from zoo.cards import Card
from zoo.data.moments import log_odds

ALPHA = 0.1  # as published


def priors(data, settings):
    """Keywords: loc and alpha.

    loc [D] is the log-odds of each pixel's mean; alpha the weight of log q(label | x) of a row in training,
    0.1 N / (rows with a label) (Kingma et al. 2014).

    Raises ZooError for sizes that the network cannot have.
    """
    x, label = data["x"], data["label"]
    check_network(settings, x.shape[1])
    has_label = ~np.isnan(label)
    return {"loc": log_odds(x), "alpha": ALPHA * len(label) / max(1, has_label.sum())}


CARD = Card(
    name="semi_supervised_vae",
    title="Semi-supervised variational autoencoder (M2)",
    citation="Kingma, D. P., Rezende, D. J., Mohamed, S. and Welling, M. (2014). Semi-supervised learning with deep "
    "generative models. Advances in Neural Information Processing Systems 27.",
    latents={"y": "category [N]", "z": "real [N Z]"},
    observed={"x": "binary [N D]", "label": "category [N]"},
    enumerated=("y",),
    sizes={"N": 12, "D": 16, "Z": 2, "C": 3},
    priors=priors,
    empirical=("loc", "alpha"),
    networks=("decoder",),
    classes="C",
    missing=("x", "label"),
    tags=("deep", "continuous", "discrete", "images", "missing data"),
    shown_on="digits_labelled",
)
