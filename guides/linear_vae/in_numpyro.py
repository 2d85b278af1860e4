import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import Normal, constraints

from zoo._networks.in_numpyro import MLP, network


def guide(program, start=None):
    return amortised


def amortised(x, *, N, D, Z, loc, spread):
    encoder = network("encoder", MLP, D, (), Z)
    scale = param("encoder.scale", jnp.ones(Z), constraint=constraints.positive)
    with plate("N", N):
        sample("z", Normal(encoder(jnp.nan_to_num((x - loc) / spread)), scale).to_event(1))
