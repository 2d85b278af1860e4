import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import Distribution, constraints
from numpyro.util import is_prng_key

from zoo._distributions.counts.in_numpyro import Poisson
from zoo._distributions.in_numpyro import LOG_2PI, observed_difference
from zoo._distributions.mixed_columns import MIN_SCALE, layout


class MixedColumns(Distribution):
    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
        "rate": constraints.independent(constraints.positive, 1),
        "logits": constraints.real_vector,
    }
    support = constraints.real_vector  # of categories whole numbers below their levels: elsewhere the density is 0
    pytree_data_fields = ("loc", "scale", "rate", "logits", "covariates")
    pytree_aux_fields = ("columns",)

    def __init__(self, loc, scale, rate, logits, columns, covariates=None, *, validate_args=None):
        self.loc, self.scale, self.rate, self.logits = loc, scale, rate, logits
        self.columns, self.covariates = columns, covariates
        given = () if covariates is None else jnp.shape(covariates)[:-1]
        shape = lax.broadcast_shapes(*(jnp.shape(v)[:-1] for v in (loc, scale, rate, logits)), given)
        super().__init__(shape, (len(columns),), validate_args=validate_args)

    @property
    def mean(self):
        """The mean of numbers and counts, and the most probable level of categories."""
        return self.in_order(self.loc, self.padded_logits().argmax(-1), self.rate, self.batch_shape)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        key_number, key_category, key_count = jax.random.split(key, 3)
        positions, shape = layout(self.columns), (*sample_shape, *self.batch_shape)
        noise = jax.random.normal(key_number, (*shape, len(positions.numbers)), jnp.result_type(self.loc))
        levels = jax.random.categorical(key_category, self.padded_logits(), shape=(*shape, len(positions.sizes)))
        counts = self.rate  # without columns there is nothing to draw, and the sampler is slow to compile
        if len(positions.counts):
            counts = jax.random.poisson(key_count, self.rate, (*shape, len(positions.counts)))
        return self.in_order(self.loc + self.scale * noise, levels, counts, shape)

    def log_prob(self, value):
        at = layout(self.columns)  # the parts of kinds that the row does not have are not compiled
        total = jnp.zeros(jnp.broadcast_shapes(self.batch_shape, jnp.shape(value)[:-1]), jnp.result_type(self.loc))
        if len(at.numbers):
            total = total + self.number_log_probs(value[..., at.numbers]).sum(-1)
        if len(at.categories):
            total = total + self.category_log_probs(value[..., at.categories]).sum(-1)
        if len(at.counts):
            total = total + self.count_log_probs(value[..., at.counts]).sum(-1)
        return total

    def number_log_probs(self, numbers):
        """log p of each number, 0 where missing, (..., C)."""
        observed, difference = observed_difference(numbers, self.loc)
        log_probs = -0.5 * ((difference / self.scale) ** 2 + LOG_2PI) - jnp.log(self.scale)
        return jnp.where(observed, log_probs, 0.0)

    def category_log_probs(self, codes):
        """log p of the level of each category, 0 where missing, (..., K)."""
        level = jnp.clip(jnp.nan_to_num(codes), 0, layout(self.columns).sizes - 1).astype(int)
        log_probs = jnp.where(level == codes, self.level_log_probs(level), -jnp.inf)
        return jnp.where(jnp.isnan(codes), 0.0, log_probs)

    def count_log_probs(self, counts):
        """log p of each count, 0 where missing, (..., R)."""
        whole = jnp.maximum(jnp.round(jnp.nan_to_num(counts)), 0.0)
        log_probs = jnp.where(whole == counts, Poisson(self.rate).log_prob(whole), -jnp.inf)
        return jnp.where(jnp.isnan(counts), 0.0, log_probs)

    def level_log_probs(self, level):
        """log p of one level of each category, (..., K)."""
        positions, logits = layout(self.columns), self.logits
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

    def padded_logits(self):
        """The logits of each category, (..., K, largest number of levels), -inf beyond its own levels."""
        positions = layout(self.columns)
        has_level = jnp.arange(positions.members.shape[-1]) < positions.sizes[:, None]
        return jnp.where(has_level, self.logits[..., positions.members], -jnp.inf)

    def in_order(self, numbers, categories, counts, shape):
        """Numbers (..., C), categories (..., K), counts (..., R) and the covariates as rows (*shape, D)."""
        given = jnp.zeros((0,)) if self.covariates is None else self.covariates
        dtype = jnp.result_type(float)
        parts = [
            jnp.broadcast_to(v, (*shape, jnp.shape(v)[-1])).astype(dtype) for v in (numbers, categories, counts, given)
        ]
        return jnp.concatenate(parts, -1)[..., layout(self.columns).order]


def decoded_columns(outputs, loc, spread, columns):
    numbers = layout(columns).numbers
    C = len(numbers)
    loc, spread = (jnp.broadcast_to(jnp.asarray(v), (len(columns),))[numbers] for v in (loc, spread))
    scale = spread * (MIN_SCALE + jax.nn.softplus(outputs[..., C : 2 * C]))
    return MixedColumns(loc + spread * outputs[..., :C], scale, outputs[..., :0], outputs[..., 2 * C :], columns)


def encode_columns(x, columns, loc, spread):
    positions = layout(columns)
    loc, spread = (jnp.broadcast_to(jnp.asarray(v), (len(columns),))[positions.numbers] for v in (loc, spread))
    observed, difference = observed_difference(x[..., positions.numbers], loc)
    levels = jnp.arange(len(positions.owners)) - positions.starts[positions.owners]
    is_level = x[..., positions.categories][..., positions.owners] == levels  # False where missing
    return jnp.concatenate([difference / spread, ~observed, is_level], -1, dtype=x.dtype)
