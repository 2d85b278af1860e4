import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Bernoulli

from zoo._distributions.one_hot.in_numpyro import OneHotCategorical
from zoo._networks import in_numpyro as networks
from zoo.vae.in_numpyro import mask_missing


def model(x=None, *, N, D, M=20, K=10, network="mlp", width=200, depth=2, loc=0.0):
    decoder = networks.network("decoder", *networks.decoder(network, M * K, width, depth, D))
    with plate("N", N):
        z = sample("z", OneHotCategorical(logits=jnp.zeros((M, K))).to_event(1))
        pixels, x = mask_missing(Bernoulli(logits=loc + decoder(z.reshape(*z.shape[:-2], M * K))), x)
        sample("x", pixels.to_event(1), obs=x)
