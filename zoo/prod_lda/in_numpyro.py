import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import Normal

from zoo._distributions.words.in_numpyro import Words


def model(w=None, *, N, T, V, K, width=100, depth=2, alpha=0.1, loc=0.0):
    beta = param("beta", lambda key: 0.1 * jax.random.normal(key, (K, V)))
    scale = jnp.sqrt((1 - 1 / K) / alpha)
    with plate("N", N):
        z = sample("z", Normal(jnp.zeros(K), jnp.maximum(scale, 1e-3)).to_event(1))
        sample("w", Words(loc + jax.nn.softmax(z) @ beta, T, w), obs=w)
