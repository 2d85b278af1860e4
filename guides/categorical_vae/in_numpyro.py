from numpyro import plate, sample

from zoo._distributions.one_hot.in_numpyro import OneHotCategorical
from zoo._networks import in_numpyro as networks
from zoo.vae.in_numpyro import encoder_pixels


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, M, K, network, width, depth, loc, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, M * K))
    with plate("N", N):
        logits = encoder(encoder_pixels(x, "bernoulli", loc, 1.0))
        sample("z", OneHotCategorical(logits=logits.reshape(*logits.shape[:-1], M, K)).to_event(1))
