import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import log_sigmoid
from numpyro.distributions import Distribution, constraints


class DiscretisedLogistic(Distribution):
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative_integer  # and below ``levels``: beyond it the density is 0
    pytree_aux_fields = ("levels",)

    def __init__(self, loc, scale, levels, *, validate_args=None):
        self.loc, self.scale, self.levels = loc, scale, levels
        super().__init__(lax.broadcast_shapes(jnp.shape(loc), jnp.shape(scale)), validate_args=validate_args)

    @property
    def mean(self):
        # of a count the sum of P(x >= k), one after another: all at once would fill the memory
        def add_tail(k, sum_):
            return sum_ + jax.nn.sigmoid((self.loc - k + 0.5) / self.scale)

        return lax.fori_loop(1, self.levels, add_tail, jnp.zeros(self.batch_shape))

    def sample(self, key, sample_shape=()):
        value = self.loc + self.scale * jax.random.logistic(key, sample_shape + self.batch_shape)
        return jnp.clip(jnp.round(value), 0, self.levels - 1)

    def log_prob(self, value):
        rate = 1 / self.scale
        has_lower_edge, has_upper_edge = (
            value > 0,
            value < self.levels - 1,
        )  # whether there is an edge below, and one above
        edges = jnp.where(has_upper_edge, log_sigmoid((value + 0.5 - self.loc) * rate), 0.0)
        edges += jnp.where(has_lower_edge, log_sigmoid((self.loc - value + 0.5) * rate), 0.0)
        inner = edges + jnp.where(has_lower_edge & has_upper_edge, jnp.log(-jnp.expm1(-rate)), 0.0)
        return jnp.where((value >= 0) & (value <= self.levels - 1), inner, -jnp.inf)
