import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Normal

from zoo._networks import in_numpyro as networks
from zoo.vae.in_numpyro import encoder_pixels


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, Z, network, width, depth, likelihood, loc, spread, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, 2 * Z))
    with plate("N", N):
        mean, log_scale = jnp.split(encoder(encoder_pixels(x, likelihood, loc, spread)), 2, axis=-1)
        sample("z", Normal(mean, jnp.exp(log_scale)).to_event(1))
