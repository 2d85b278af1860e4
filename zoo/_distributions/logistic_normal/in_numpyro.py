import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, Normal, constraints


class LogisticNormal(Distribution):
    arg_constraints = {"loc": constraints.real_vector, "scale": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.simplex
    reparametrized_params = ["loc", "scale"]  # noqa: RUF012

    def __init__(self, loc, scale, *, validate_args=None):
        self.loc, self.scale = loc, scale
        super().__init__(jnp.shape(loc)[:-1], (jnp.shape(loc)[-1] + 1,), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        noise = jax.random.normal(key, (*sample_shape, *jnp.shape(self.loc)))
        y = self.loc + self.scale * noise
        values = jax.nn.softmax(jnp.concatenate([y, jnp.zeros((*y.shape[:-1], 1), y.dtype)], -1))
        return jnp.maximum(values, jnp.finfo(values.dtype).tiny)  # so that it has a logarithm

    def log_prob(self, value):
        log = jnp.log(value)
        return Normal(self.loc, self.scale).log_prob(log[..., :-1] - log[..., -1:]).sum(-1) - log.sum(-1)
