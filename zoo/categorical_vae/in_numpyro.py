import jax.numpy as jnp
from jax.nn import one_hot
from numpyro import plate, sample
from numpyro.distributions import Bernoulli, Categorical

from zoo._networks import in_numpyro as networks
from zoo.vae.in_numpyro import mask_missing


def model(x=None, *, N, D, M=20, K=10, network="mlp", width=200, depth=2, loc=0.0):
    decoder = networks.network("decoder", *networks.decoder(network, M * K, width, depth, D))
    with plate("N", N):
        z = sample("z", Categorical(logits=jnp.zeros((M, K))).to_event(1))
        code = one_hot(z, K).reshape(*z.shape[:-1], M * K)
        pixels, x = mask_missing(Bernoulli(logits=loc + decoder(code)), x)
        sample("x", pixels.to_event(1), obs=x)
