import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import Normal, constraints

from zoo._distributions.in_numpyro import DiagonalNormal


def model(x=None, *, N, D, Z, loc=0.0, spread=1.0):
    # half of the variance begins in the plane, half about it
    W = param("W", lambda key: spread * jax.random.normal(key, (D, Z)) / (2 * Z) ** 0.5)
    mu = param("mu", jnp.broadcast_to(jnp.asarray(loc), (D,)))
    sigma2 = param("sigma2", jnp.asarray(spread**2 / 2), constraint=constraints.positive)
    with plate("N", N):
        z = sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, jnp.full(D, sigma2)), obs=x)
