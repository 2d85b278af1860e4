import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import gammaln

from zoo._distributions.counts import LARGEST_RATIO, NUM_TERMS, STIRLING, STIRLING_FROM

LOG_2PI = 1.8378770664093453


class Poisson(dist.Poisson):
    def log_prob(self, value):
        x = jnp.asarray(value, jnp.result_type(float))
        positive = jnp.where(x > 0, x, 1.0)
        at_positive = -half_deviance(positive, self.rate) - stirling_error(positive)
        return jnp.where(x > 0, at_positive - 0.5 * (LOG_2PI + jnp.log(positive)), -self.rate)


def half_deviance(x, rate):
    """x log(x / rate) + rate - x, for x > 0."""
    difference = x - rate
    ratio = difference / (x + rate)
    is_near = jnp.abs(ratio) < LARGEST_RATIO
    v = jnp.where(is_near, ratio, 0.0)
    series = jnp.zeros_like(v)
    for j in range(NUM_TERMS, 0, -1):
        series = v**2 * (1 / (2 * j + 1) + series)
    near = difference * v + 2 * x * v * series
    far_rate = jnp.where(is_near, x, rate)
    return jnp.where(is_near, near, x * jnp.log(x / far_rate) - difference)


def stirling_error(x):
    """log x! - (x log x - x + log(2 pi x) / 2), for x > 0."""
    is_small = x < STIRLING_FROM
    small = jnp.where(is_small, x, 1.0)
    exact = gammaln(small + 1) - (small * jnp.log(small) - small + 0.5 * (LOG_2PI + jnp.log(small)))
    large = jnp.where(is_small, STIRLING_FROM, x)
    series = jnp.zeros_like(x)
    for coefficient in reversed(STIRLING):
        series = coefficient + series / large**2
    return jnp.where(is_small, exact, series / large)
