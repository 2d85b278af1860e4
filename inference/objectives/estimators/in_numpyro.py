import math

import jax
import jax.numpy as jnp

from zoo._backend.in_numpyro import kind_of

__all__ = [
    "detach",
    "exp",
    "kind_of",
    "log",
    "log_softmax",
    "maximum",
    "sigmoid",
    "sin",
    "softplus",
    "stack",
    "tanh",
    "where",
]

detach, log_softmax, sigmoid, softplus = jax.lax.stop_gradient, jax.nn.log_softmax, jax.nn.sigmoid, jax.nn.softplus
exp, log, maximum, sin, stack, tanh, where = jnp.exp, jnp.log, jnp.maximum, jnp.sin, jnp.stack, jnp.tanh, jnp.where
broadcast_to, concatenate, zeros = jnp.broadcast_to, jnp.concatenate, jnp.zeros


def array(values):
    """Numbers of NumPy in the backend's precision."""
    return jnp.asarray(values, jnp.zeros(()).dtype)


def log_mean_exp(array):
    """Over the first dimension."""
    return jax.nn.logsumexp(array, axis=0) - math.log(len(array))


def within(distribution):
    """The distribution without ``to_event``, masks and expansions."""
    while hasattr(distribution, "base_dist"):
        distribution = distribution.base_dist
    return distribution


def logits_of(distribution):
    """The logits of zeros and ones or of one-hot vectors, with the shape of their draws."""
    inner = within(distribution)
    logits = inner.logits if hasattr(inner, "logits") else jnp.log(inner.probs) - jnp.log1p(-inner.probs)
    return jnp.broadcast_to(logits, distribution.shape())


def uniform(key, number, shape):
    """Numbers above 0 and below 1."""
    dtype = jnp.zeros(()).dtype
    return jax.random.uniform(jax.random.fold_in(key, number), shape, dtype, minval=jnp.finfo(dtype).tiny)


def normal(key, number, shape):
    return jax.random.normal(jax.random.fold_in(key, number), shape, jnp.zeros(()).dtype)


def shuffle_columns(key, number, array):
    """The rows of each column in an order of its own."""
    return jax.random.permutation(jax.random.fold_in(key, number), array, axis=0, independent=True)


def shuffle_rows(key, number, array):
    """The rows in another order."""
    return jax.random.permutation(jax.random.fold_in(key, number), array, axis=0)


def next_key(key, number):
    """Another key, by its number."""
    return jax.random.fold_in(key, number + 1)


def one_hot_of_largest(array):
    return jax.nn.one_hot(array.argmax(-1), array.shape[-1], dtype=array.dtype)


def as_value(array):
    """Zeros and ones as draws of the backend are."""
    return array.astype(int)


def rows_first(array, axis):
    """(B, F): an array with the axis of its B rows first, and its other numbers in one dimension."""
    array = jnp.moveaxis(array, axis, 0)
    return jnp.nan_to_num(array.reshape(len(array), -1).astype(jnp.zeros(()).dtype))


def value_and_slope(function, z):
    """The function's value, and the derivative of its sum."""

    def total(z):
        value = function(z)
        return value.sum(), value

    slope, value = jax.grad(total, has_aux=True)(z)
    return value, slope


def slopes(function, values):
    """The derivatives of a scalar by each array of a dict."""
    return jax.grad(function)(values)
