import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import constraints

from guides.latent_dirichlet import WIDTHS
from zoo._distributions.logistic_normal.in_numpyro import LogisticNormal
from zoo._distributions.words.in_numpyro import as_bag
from zoo._networks.in_numpyro import MLP, network


def guide(program, start=None):
    return amortised


def amortised(w, *, N, V, K, **others):
    loc = param("phi.loc", lambda key: 0.1 * jax.random.normal(key, (K, V - 1)))
    scale = param("phi.scale", jnp.full((K, V - 1), 0.1), constraint=constraints.positive)
    with plate("K", K):
        sample("phi", LogisticNormal(loc, scale))
    encoder = network("encoder", MLP, V, WIDTHS, 2 * (K - 1))
    with plate("N", N):
        loc, log_scale = jnp.split(encoder(jnp.log1p(as_bag(w, V))), 2, axis=-1)
        sample("theta", LogisticNormal(loc, jnp.exp(log_scale)))
