import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import Normal, constraints

from zoo._distributions.in_numpyro import DiagonalNormal
from zoo._distributions.units.in_numpyro import in_units


def model(x=None, *, N, D, Z, loc=0.0, spread=1.0):
    # half of the variance begins in the plane, half about it
    half = (2 * Z) ** 0.5
    W = param("W", lambda key: spread * jax.random.normal(key, (D, Z)) / half, constraint=in_units(0.0, spread))
    mu = param("mu", jnp.broadcast_to(jnp.asarray(loc), (D,)), constraint=in_units(loc, spread))
    sigma2 = param("sigma2", jnp.asarray(spread**2 / 2), constraint=constraints.positive)
    with plate("N", N):
        z = sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, jnp.full(D, sigma2)), obs=x)
