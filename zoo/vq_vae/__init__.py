"""The VQ-VAE: an image is M positions, each with one of K codewords, vectors of Z numbers that a decoder maps to it.

    z_nm ~ Categorical(p_m)          [N M]  the codeword of image n at position m
    x_nd ~ Bernoulli(logit = o_nd)   [N D]  its pixels, where o_n = loc + decoder(codewords_n)

The codewords of an image, codewords_nm = codebook[z_nm], are M Z numbers of the codebook [K Z]. With
``network="convolutional"`` the positions are a square grid, a half or a quarter of the image on each side; the decoder
is three convolutions and, at each position, a layer of ``width`` tanh units. With "mlp" it has ``depth`` such layers
for all positions together. With ``likelihood="gaussian"`` x_nd ~ Normal(loc_d + spread decoder(...)_d, sigma), sigma
learned or fixed. A missing pixel (NaN) is left out, which is exact where pixels are missing at random.

With ``quantiser="fsq"`` the codebook is fixed: all vectors of Z numbers, each one of L equally spaced from -1 to 1, so
that K = L^Z (finite scalar quantisation).

The prior of z is uniform; of each position its own, p_m = softmax(a_m), with ``prior="positions"``; or, with
"autoregressive", p(z_nm | z_n1, ..., z_n,m-1) by a network, in row-major order, with which draws look like the data.

The guide "vq_vae", an encoder and the nearest codeword, is a point, so the bound is the log likelihood less the rate,
-log p(z_n): M ln K nats for a uniform prior. The keywords from ``codebook_update`` on are the guide's alone:
``guides.about("vq_vae")`` describes them. Here K counts codewords, whose labels are not aligned.
"""

import numpy as np

from zoo._networks import check_network
from zoo._networks.grid import halvings
from zoo.cards import Card
from zoo.checks import check_whole
from zoo.data.moments import log_odds, mean_and_spread
from zoo.errors import ZooError, unknown

DEFAULTS = {"M": 16, "K": 64}  # of the programs
WORDS = {"quantiser": ("codebook", "fsq"), "codebook_update": ("moving_average", "gradient")}


def priors(data, settings):
    """Keywords: loc and spread.

    loc [D] is the log-odds of each pixel's mean, or the mean; spread the root of the mean of the pixels' variances.

    Raises ZooError for more codewords than the rows have positions.
    """
    x = data["x"]
    M, K = (settings.get(size, default) for size, default in DEFAULTS.items())
    if len(x) * M < K:
        raise ZooError(f"K={K} codewords for {len(x)} rows of M={M} positions: set K to {len(x) * M} or less")
    if settings["likelihood"] == "bernoulli":
        return {"loc": log_odds(x)}
    loc, spread = mean_and_spread(x)
    return {"loc": loc, "spread": spread}


def check(keywords):
    """Raise ZooError for sizes and settings that neither the networks nor the guide can have."""
    check_network({**keywords, "network": "mlp"}, keywords["D"])
    check_whole(1, M=keywords["M"], K=keywords["K"])
    if keywords["network"] == "convolutional":
        halvings(keywords["D"], keywords["M"])
    for name, words in WORDS.items():
        if keywords[name] not in words:
            raise unknown(name, keywords[name], words)
    if keywords["quantiser"] == "fsq":
        scalar_grid(keywords["K"], keywords["Z"])
    for name, high in (("commitment", np.inf), ("decay", 1), ("restart_below", 1)):
        if not is_number(keywords[name]) or not 0 <= keywords[name] < high:
            below = f" and below {high}" if np.isfinite(high) else ""
            raise ZooError(f"{name} is a number from 0 up{below}; given {keywords[name]!r}")
    sigma = keywords["sigma"]
    if sigma is not None and not (is_number(sigma) and sigma > 0):
        raise ZooError(f"sigma is a number above 0, or None to learn it; given {sigma!r}")


def scalar_grid(K, Z):
    """The codewords of finite scalar quantisation, (K, Z): a grid of equally many numbers from -1 to 1 in each of Z.

    Raises ZooError where K is not a whole number from 2 up to the power of Z.

    >>> scalar_grid(4, 2).tolist()
    [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    levels = round(K ** (1 / Z)) if Z else 0
    if levels < 2 or levels**Z != K:
        raise ZooError(f"fsq has K = L^Z codewords, L from 2 up, such as K=64 with Z=2, 3 or 6; given K={K}, Z={Z}")
    return np.stack(np.meshgrid(*[np.linspace(-1, 1, levels)] * Z, indexing="ij"), -1).reshape(K, Z)


def is_number(value):
    """Whether a value is one number."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


CARD = Card(
    name="vq_vae",
    title="Vector-quantised variational autoencoder (VQ-VAE)",
    citation="van den Oord, A., Vinyals, O. and Kavukcuoglu, K. (2017). Neural discrete representation learning. "
    "Advances in Neural Information Processing Systems 30. Razavi, A., van den Oord, A. and Vinyals, O. (2019). "
    "Generating diverse high-fidelity images with VQ-VAE-2. Advances in Neural Information Processing Systems 32. "
    "Mentzer, F., Minnen, D., Agustsson, E. and Tschannen, M. (2024). Finite scalar quantization: VQ-VAE made simple. "
    "International Conference on Learning Representations.",
    latents={"z": "category [N M]"},
    observed={"x": "binary [N D]"},
    sampled=("z",),
    sizes={"N": 12, "D": 16, "M": 4, "K": 3, "Z": 2},
    variants={
        "prior": {"uniform": {}, "positions": {}, "autoregressive": {}},
        "network": {"mlp": {}, "convolutional": {}},
        "likelihood": {"bernoulli": {}, "gaussian": {"x": "real [N D]", "sigma": "positive"}},
    },
    priors=priors,
    empirical=("loc", "spread"),
    check=check,
    networks=("decoder", "codebook"),  # too many numbers, without an order, to be listed in a summary
    missing=("x",),
    exchangeable=(),
    tags=("deep", "discrete", "images", "missing data"),
    shown_on="digits_dynamic",
)
