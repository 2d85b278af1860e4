from pyro import plate, sample
from pyro.distributions import OneHotCategorical

from zoo._networks import in_pyro as networks
from zoo.vae.in_pyro import encoder_pixels


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, M, K, network, width, depth, loc, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, M * K))
    with plate("N", N):
        logits = encoder(encoder_pixels(x, "bernoulli", loc, 1.0)).unflatten(-1, (M, K))
        sample("z", OneHotCategorical(logits=logits).to_event(1))
