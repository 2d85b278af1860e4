import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from numpyro.distributions import Dirichlet as Plain

from zoo._distributions.dirichlet import BOOST, PROPOSALS


class Dirichlet(Plain):
    def sample(self, key, sample_shape=()):
        log = log_gamma(key, jnp.broadcast_to(self.concentration, self.shape(sample_shape)))
        draws = jax.nn.softmax(log)
        return jnp.maximum(draws, jnp.finfo(draws.dtype).tiny)


def log_gamma(key, shape):
    """The logarithm of a draw from Gamma(shape, 1), for shapes of any size above 0."""
    for_normal, for_test, for_boost = jax.random.split(key, 3)
    d = shape + BOOST - 1 / 3
    x = jax.random.normal(for_normal, (PROPOSALS, *shape.shape), shape.dtype)
    log_uniform = jnp.log(jax.random.uniform(for_test, x.shape, x.dtype))
    root = 1 + x / jnp.sqrt(9 * stop_gradient(d))
    cube = root**3
    is_accepted = (root > 0) & (
        log_uniform < x**2 / 2 + stop_gradient(d) * (1 - cube + jnp.log(jnp.where(root > 0, cube, 1)))
    )
    x = jnp.take_along_axis(x, is_accepted.argmax(0)[None], 0)[0]  # the first that passes
    log = jnp.log(d) + 3 * jnp.log(jnp.maximum(1 + x / jnp.sqrt(9 * d), 1e-3))
    log_u = jnp.log1p(-jax.random.uniform(for_boost, (BOOST, *shape.shape), shape.dtype))
    return log + sum(log_u[i] / (shape + i) for i in range(BOOST))
