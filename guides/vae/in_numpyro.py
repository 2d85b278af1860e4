import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Normal

from zoo._networks import in_numpyro as networks


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, Z, network, width, depth, **others):
    encoder = networks.network("encoder", *networks.encoder(network, D, width, depth, 2 * Z))
    with plate("N", N):
        loc, log_scale = jnp.split(encoder(jnp.nan_to_num(x)), 2, axis=-1)
        sample("z", Normal(loc, jnp.exp(log_scale)).to_event(1))
