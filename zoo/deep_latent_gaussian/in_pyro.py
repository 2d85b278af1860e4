from math import expm1, log

import torch
from pyro import plate, sample
from pyro.distributions import Normal
from torch.nn.functional import softplus

from zoo._networks.in_pyro import MLP, network
from zoo.deep_latent_gaussian import LEAST_SCALE, WIDTHS, hidden_widths, read_widths
from zoo.vae.in_pyro import pixel_scale, sample_pixels


def model(
    x=None,
    *,
    N,
    D,
    widths=WIDTHS,
    width=256,
    depth=2,
    likelihood="bernoulli",
    loc=0.0,
    spread=1.0,
    sigma=None,
    levels=17,
    encoder="ladder",  # of the guide
):
    sizes = read_widths(widths)
    hidden = hidden_widths(sizes, width, depth)
    L, sigma = len(sizes), pixel_scale(sigma, likelihood, spread)
    pixels = network("decoder.x", MLP, sizes[0], hidden[0], D, "leaky_relu")
    layers = [network(f"decoder.z{i}", MLP, sizes[i], hidden[i], 2 * sizes[i - 1], "leaky_relu") for i in range(1, L)]
    with plate("N", N):
        z = sample(f"z{L}", Normal(torch.zeros(sizes[-1]), 1.0).to_event(1))
        for i in range(L - 1, 0, -1):
            z = sample(f"z{i}", Normal(*loc_and_scale(layers[i - 1](z))).to_event(1))
        sample_pixels(x, pixels(z), D, likelihood, loc, spread, sigma, levels)


def loc_and_scale(out):
    """Mean and standard deviation, 1 where the network gives 0."""
    loc, raw = out.chunk(2, -1)
    return loc, softplus(raw + log(expm1(1.0))) + LEAST_SCALE
