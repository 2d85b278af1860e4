import jax
import jax.numpy as jnp
from numpyro.distributions import Distribution, constraints


class OneHot(type(constraints.simplex)):
    """The constraint of vectors with one element that is 1, and others that are 0."""

    event_dim = 1
    is_discrete = True
    kind = "one_hot"

    def __call__(self, x):
        return jnp.all((x == 0) | (x == 1), axis=-1) & (x.sum(-1) == 1)


class OneHotCategorical(Distribution):
    """A one-hot vector of K categories.

    Parameters
    ----------
    probs, logits : array, (..., K)
        Probabilities, or logits, which need not be normalised: one of the two.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012
    pytree_data_fields = ("logits",)
    support = OneHot()
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, *, validate_args=None):
        if (probs is None) == (logits is None):
            raise ValueError("OneHotCategorical has either probs or logits")
        self.logits = jax.nn.log_softmax(jnp.asarray(logits) if probs is None else jnp.log(probs))
        shape = jnp.shape(self.logits)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def probs(self):
        return jnp.exp(self.logits)

    @property
    def mean(self):
        return self.probs

    @property
    def variance(self):
        return self.probs * (1 - self.probs)

    def sample(self, key, sample_shape=()):
        index = jax.random.categorical(key, self.logits, shape=(*sample_shape, *self.batch_shape))
        return jax.nn.one_hot(index, self.event_shape[0], dtype=int)

    def log_prob(self, value):
        # a category without probability counts for nothing where it is not chosen
        return jnp.where(value == 0, 0.0, value * self.logits).sum(-1)

    def enumerate_support(self, expand=True):
        K = self.event_shape[0]
        values = jnp.eye(K, dtype=int).reshape(K, *(1,) * len(self.batch_shape), K)
        return jnp.broadcast_to(values, (K, *self.batch_shape, K)) if expand else values
