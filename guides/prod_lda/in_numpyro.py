import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Normal

from zoo._distributions.words.in_numpyro import to_counts
from zoo._networks import in_numpyro as networks


def guide(program, start=None):
    return amortised


def amortised(w, *, N, V, K, width, depth, **others):
    encoder = networks.network("encoder", *networks.encoder("mlp", V, width, depth, 2 * K))
    with plate("N", N):
        loc, log_scale = jnp.split(encoder(jnp.log1p(to_counts(w, V))), 2, axis=-1)
        sample("z", Normal(loc, jnp.exp(log_scale)).to_event(1))
