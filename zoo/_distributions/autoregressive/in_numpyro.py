from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from numpyro.distributions import Categorical, Distribution, constraints
from numpyro.util import is_prng_key

from zoo._distributions.autoregressive import EMBEDDING, masks


class CategoryNetwork(nnx.Module):
    def __init__(self, M, K, width, depth, *, rngs):
        self.sizes = M, width, depth
        widths = (M * EMBEDDING, *(width,) * depth, M * EMBEDDING)
        self.embedding = nnx.Linear(K, EMBEDDING, rngs=rngs)
        self.layers = nnx.List([nnx.Linear(i, o, rngs=rngs) for i, o in pairwise(widths)])
        self.logits = nnx.Linear(EMBEDDING, K, rngs=rngs)

    def __call__(self, z):
        x = jnp.asarray(self.embedding.kernel)[z] + jnp.asarray(self.embedding.bias)
        x = x.reshape(*z.shape[:-1], -1)
        for i, (layer, mask) in enumerate(zip(self.layers, masks(*self.sizes), strict=True)):
            x = x if i == 0 else jnp.tanh(x)
            x = x @ (jnp.asarray(layer.kernel) * mask.astype(x.dtype)) + jnp.asarray(layer.bias)
        return self.logits(x.reshape(*z.shape, EMBEDDING))


class AutoregressiveCategorical(Distribution):
    arg_constraints = {}  # noqa: RUF012
    pytree_aux_fields = ("logits_of", "M", "K")

    def __init__(self, logits_of, M, K, *, validate_args=None):
        self.logits_of, self.M, self.K = logits_of, M, K
        super().__init__((), (M,), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.independent(constraints.integer_interval(0, self.K - 1), 1)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)

        def draw(m, z):
            logits = self.logits_of(z)[..., m, :]
            return z.at[..., m].set(jax.random.categorical(jax.random.fold_in(key, m), logits))

        return lax.fori_loop(0, self.M, draw, jnp.zeros((*sample_shape, self.M), int))

    def log_prob(self, value):
        return Categorical(logits=self.logits_of(value)).log_prob(value).sum(-1)
