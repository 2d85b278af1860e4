import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import Distribution, constraints
from numpyro.util import is_prng_key

from zoo._distributions.in_numpyro import LOG_2PI, observed_difference
from zoo._distributions.mixed_columns import MIN_SCALE, layout


class MixedColumns(Distribution):
    arg_constraints = {"outputs": constraints.real_vector}  # noqa: RUF012
    support = constraints.real_vector  # of categories whole numbers below their levels: elsewhere the density is 0
    pytree_data_fields = ("outputs", "loc", "spread")
    pytree_aux_fields = ("columns",)

    def __init__(self, outputs, loc, spread, columns, *, validate_args=None):
        self.outputs, self.columns = outputs, columns
        self.loc, self.spread = (jnp.broadcast_to(jnp.asarray(v), (len(columns),)) for v in (loc, spread))
        super().__init__(jnp.shape(outputs)[:-1], (len(columns),), validate_args=validate_args)

    @property
    def parameters(self):
        """Location and standard deviation of each number, (..., C), and the logits, (..., T)."""
        numbers = layout(self.columns).numbers
        C, spread = len(numbers), self.spread[numbers]
        loc = self.loc[numbers] + spread * self.outputs[..., :C]
        return loc, spread * (MIN_SCALE + jax.nn.softplus(self.outputs[..., C : 2 * C])), self.outputs[..., 2 * C :]

    @property
    def mean(self):
        """The mean of numbers, and the most probable level of categories."""
        loc, _, logits = self.parameters
        return self.in_order(loc, self.padded(logits).argmax(-1))

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        key_number, key_category = jax.random.split(key)
        loc, scale, logits = self.parameters
        noise = jax.random.normal(key_number, (*sample_shape, *loc.shape), loc.dtype)
        shape = (*sample_shape, *logits.shape[:-1], len(layout(self.columns).sizes))
        levels = jax.random.categorical(key_category, self.padded(logits), shape=shape)
        return self.in_order(loc + scale * noise, levels)

    def log_prob(self, value):
        positions = layout(self.columns)
        loc, scale, logits = self.parameters
        observed, difference = observed_difference(value[..., positions.numbers], loc)
        numbers = -0.5 * ((difference / scale) ** 2 + LOG_2PI) - jnp.log(scale)
        codes = value[..., positions.categories]
        level = jnp.clip(jnp.nan_to_num(codes), 0, positions.sizes - 1).astype(int)
        categories = jnp.where(level == codes, self.level_log_probs(logits, level), -jnp.inf)
        categories = jnp.where(jnp.isnan(codes), 0.0, categories)
        return jnp.where(observed, numbers, 0.0).sum(-1) + categories.sum(-1)

    def level_log_probs(self, logits, level):
        """log p of one level of each category, (..., K)."""
        positions = layout(self.columns)
        # the largest logit of each category is subtracted, a constant for gradients: sums by a product with the
        # indicator then have one term per level, where a padded softmax has the largest number of levels for each
        largest = lax.stop_gradient(logits[..., positions.members].max(-1))
        powers = jnp.exp(logits - largest[..., positions.owners])
        total = jnp.matmul(powers, positions.indicator.astype(powers.dtype), precision=lax.Precision.HIGHEST)
        shape = jnp.broadcast_shapes(logits.shape[:-1], level.shape[:-1])
        own = jnp.take_along_axis(
            jnp.broadcast_to(logits, (*shape, logits.shape[-1])),
            jnp.broadcast_to(level + positions.starts, (*shape, level.shape[-1])),
            -1,
        )
        return own - largest - jnp.log(total)

    def padded(self, logits):
        """The logits of each category, (..., K, largest number of levels), -inf beyond its own levels."""
        positions = layout(self.columns)
        has_level = jnp.arange(positions.members.shape[-1]) < positions.sizes[:, None]
        return jnp.where(has_level, logits[..., positions.members], -jnp.inf)

    def in_order(self, numbers, categories):
        """Numbers (..., C) and categories (..., K) as rows (..., D)."""
        return jnp.concatenate([numbers, categories.astype(numbers.dtype)], -1)[..., layout(self.columns).order]


def encode_columns(x, columns, loc, spread):
    positions = layout(columns)
    loc, spread = (jnp.broadcast_to(jnp.asarray(v), (len(columns),))[positions.numbers] for v in (loc, spread))
    observed, difference = observed_difference(x[..., positions.numbers], loc)
    levels = jnp.arange(len(positions.owners)) - positions.starts[positions.owners]
    is_level = x[..., positions.categories][..., positions.owners] == levels  # False where missing
    return jnp.concatenate([difference / spread, ~observed, is_level], -1, dtype=x.dtype)
