"""The variational autoencoder: a network, the decoder, maps a code of Z normal numbers to an image.

    z_n  ~ Normal(0, I)              [N Z]  the code of image n
    x_nd ~ Bernoulli(logit = o_nd)   [N D]  its pixels, where o_n = loc + decoder(z_n)

With ``likelihood="gaussian"`` x_nd ~ Normal(o_nd, sigma), and with "discretised_logistic" x_nd is a whole number from
0 to levels - 1, P(x_nd = k) the mass of a logistic distribution with that location and scale between k - 1/2 and
k + 1/2, the tails to the outer two; there o_n = loc + spread decoder(z_n), in the units of x. One sigma for all pixels
is learned, or fixed by the setting ``sigma=0.1``.

The decoder is an MLP with ``depth`` layers of ``width`` tanh units, or, with ``network="convolutional"``, one such
layer and two convolutions for square images. Its weights and sigma are learned by maximum likelihood. A missing pixel
(NaN) is left out, which is exact where pixels are missing at random. The guide "vae" is the encoder.
"""

import numpy as np

from zoo._networks import check_network
from zoo.cards import Card
from zoo.checks import is_whole
from zoo.data.moments import log_odds, mean_and_spread
from zoo.errors import ZooError


def priors(data, settings):
    """Keywords: loc, spread and levels, as of ``pixel_priors``.

    Raises ZooError for images or sizes that the network cannot have, a sigma that is not above 0, and pixels beyond the
    levels set.
    """
    check_network(settings, data["x"].shape[1])
    check_sigma(settings.get("sigma"))
    return pixel_priors(data, settings)


def pixel_priors(data, settings):
    """Keywords: loc, spread and levels, of any model whose pixels have one of these likelihoods.

    loc [D] is the log-odds of each pixel's mean, or the mean; spread the root of the mean of the pixels' variances;
    levels one more than the largest pixel.

    Raises ZooError for pixels beyond the levels set.
    """
    x = data["x"]
    if settings["likelihood"] == "bernoulli":
        return {"loc": log_odds(x)}
    loc, spread = mean_and_spread(x)
    if settings["likelihood"] == "gaussian":
        return {"loc": loc, "spread": spread}
    largest = int(np.nanmax(x))
    levels = settings.get("levels", largest + 1)
    if not is_whole(levels) or levels < 1 or largest >= levels:
        raise ZooError(f"levels={levels!r} but x has a pixel of {largest}: give levels={largest + 1} or more")
    return {"loc": loc, "spread": spread, "levels": levels}


def check_sigma(sigma):
    """Raise ZooError unless the scale of pixels is a number above 0, or None where it is learned."""
    if sigma is not None and not (np.ndim(sigma) == 0 and sigma > 0):
        raise ZooError(f"sigma is a number above 0, or None to learn it; given {sigma!r}")


CARD = Card(
    name="vae",
    title="Variational autoencoder",
    citation="Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. International Conference on "
    "Learning Representations. Rezende, D. J., Mohamed, S. and Wierstra, D. (2014). Stochastic backpropagation and "
    "approximate inference in deep generative models. International Conference on Machine Learning.",
    latents={"z": "real [N Z]"},
    observed={"x": "binary [N D]"},
    sizes={"N": 12, "D": 16, "Z": 2},
    variants={
        "likelihood": {
            "bernoulli": {},
            "gaussian": {"x": "real [N D]", "sigma": "positive"},
            "discretised_logistic": {"x": "count [N D]", "sigma": "positive"},
        },
        "network": {"mlp": {}, "convolutional": {}},
    },
    priors=priors,
    empirical=("loc", "spread", "levels"),
    networks=("decoder",),
    levels="levels",
    missing=("x",),
    tags=("deep", "continuous", "images", "missing data"),
    shown_on="digits_dynamic",
)
