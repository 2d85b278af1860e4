from pyro import plate, sample
from pyro.distributions import Normal
from torch.nn.functional import leaky_relu

from guides._shared import by_encoder
from guides._shared.in_pyro import SharedGuide
from zoo._networks import LEAKY_SLOPE
from zoo._networks.in_pyro import MLP, network
from zoo.deep_latent_gaussian import hidden_widths, read_widths
from zoo.deep_latent_gaussian.in_pyro import loc_and_scale
from zoo.vae.in_pyro import centred_pixels


def guide(program, start=None):
    return by_encoder(ladder=SharedGuide(program, posterior, messages), bottom_up=bottom_up)


def messages(x, D, widths, width, depth, likelihood, loc, spread):
    """The message of the image to each layer, by name: mean and standard deviation."""
    sizes, h, encoding = read_widths(widths), centred_pixels(x, likelihood, loc, spread), {}
    for i, hidden in enumerate(hidden_widths(sizes, width, depth)):
        features = hidden[-1] if hidden else h.shape[-1]
        if hidden:
            up = network(f"encoder.up{i + 1}", MLP, h.shape[-1], hidden[:-1], features, "leaky_relu")
            h = leaky_relu(up(h), LEAKY_SLOPE)
        encoding[f"z{i + 1}"] = loc_and_scale(network(f"encoder.z{i + 1}", MLP, features, (), 2 * sizes[i])(h))
    return encoding


def posterior(name, prior, features, encoding):
    loc, scale = encoding[name]
    prior_precision, precision = 1 / prior.variance, 1 / scale**2
    total = prior_precision + precision
    return Normal((prior.mean * prior_precision + loc * precision) / total, total**-0.5).to_event(1)


def bottom_up(x, *, N, D, widths, width, depth, likelihood, loc, spread, **others):
    sizes, z = read_widths(widths), centred_pixels(x, likelihood, loc, spread)
    with plate("N", N):
        for i, hidden in enumerate(hidden_widths(sizes, width, depth)):
            up = network(f"encoder.z{i + 1}", MLP, z.shape[-1], hidden, 2 * sizes[i], "leaky_relu")
            z = sample(f"z{i + 1}", Normal(*loc_and_scale(up(z))).to_event(1))
