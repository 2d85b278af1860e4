import jax
import jax.numpy as jnp

from zoo._backend.in_numpyro import kind_of

__all__ = ["as_value", "concatenate", "kind_of", "logits_of", "next_key", "sigmoid", "uniform", "within"]


def concatenate(arrays):
    return jnp.concatenate(arrays)


def within(distribution):
    """The distribution without ``to_event``, masks and expansions."""
    while hasattr(distribution, "base_dist"):
        distribution = distribution.base_dist
    return distribution


def logits_of(distribution):
    """The logits of Bernoulli numbers, with the shape of their draws."""
    inner = within(distribution)
    logits = inner.logits if hasattr(inner, "logits") else jnp.log(inner.probs) - jnp.log1p(-inner.probs)
    return jnp.broadcast_to(logits, distribution.shape())


def uniform(key, number, shape):
    return jax.random.uniform(jax.random.fold_in(key, number), shape, jnp.zeros(()).dtype)


def next_key(key, number):
    """Another key, by its number."""
    return jax.random.fold_in(key, number + 1)


def sigmoid(array):
    return jax.nn.sigmoid(array)


def as_value(array):
    """Zeros and ones as draws of the backend are."""
    return array.astype(int)
