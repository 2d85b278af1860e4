from pyro import plate, sample
from pyro.distributions import Normal

from zoo._networks import in_pyro as networks
from zoo.vae.in_pyro import encoder_pixels


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, Z, network, width, depth, likelihood, loc, spread, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, 2 * Z))
    with plate("N", N):
        mean, log_scale = encoder(encoder_pixels(x, likelihood, loc, spread)).chunk(2, -1)
        sample("z", Normal(mean, log_scale.exp()).to_event(1))
