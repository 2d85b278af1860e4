import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, constraints

from zoo._distributions.discretised_logistic.in_numpyro import DiscretisedLogistic


class LogisticMixture(Distribution):
    arg_constraints = {  # noqa: RUF012
        "logits": constraints.real_vector,
        "loc": constraints.independent(constraints.real, 3),
        "scale": constraints.independent(constraints.positive, 3),
    }
    support = constraints.independent(constraints.nonnegative_integer, 1)  # and below ``levels``
    pytree_aux_fields = ("levels",)

    def __init__(self, logits, loc, scale, levels, *, validate_args=None):
        self.logits, self.loc, self.scale, self.levels = logits, loc, scale, levels
        *rows, P, C, _ = jnp.shape(loc)
        super().__init__(tuple(rows), (P * C,), validate_args=validate_args)

    @property
    def components(self):
        return DiscretisedLogistic(self.loc, self.scale, self.levels)

    @property
    def mean(self):
        weights = jax.nn.softmax(self.logits)[..., None, :]
        return (weights * self.components.mean).sum(-1).reshape(*self.batch_shape, -1)

    def sample(self, key, sample_shape=()):
        component_key, value_key = jax.random.split(key)
        shape = (*sample_shape, *self.logits.shape[:-1])
        component = jax.random.categorical(component_key, self.logits, shape=shape)[..., None, None]
        values = self.components.sample(value_key, sample_shape)  # of every component, and one of them is chosen
        chosen = jnp.take_along_axis(values, component, axis=-1)
        return chosen.reshape(*sample_shape, *self.batch_shape, *self.event_shape)

    def log_prob(self, value):
        observed = ~jnp.isnan(value)
        colours = (*jnp.shape(value)[:-1], *self.loc.shape[-3:-1], 1)
        observed, x = (v.reshape(colours) for v in (observed, jnp.where(observed, value, 0.0)))
        terms = jnp.where(observed, self.components.log_prob(x), 0.0).sum(-2)
        return jax.nn.logsumexp(jax.nn.log_softmax(self.logits) + terms, axis=-1).sum(-1)
