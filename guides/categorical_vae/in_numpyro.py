import jax.numpy as jnp
from numpyro import plate, sample

from zoo._distributions.one_hot.in_numpyro import OneHotCategorical
from zoo._networks import in_numpyro as networks


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, M, K, network, width, depth, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, M * K))
    with plate("N", N):
        logits = encoder(jnp.nan_to_num(x))
        sample("z", OneHotCategorical(logits=logits.reshape(*logits.shape[:-1], M, K)).to_event(1))
