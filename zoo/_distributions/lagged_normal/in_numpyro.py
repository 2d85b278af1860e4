from functools import partial

import jax
import jax.numpy as jnp
from jax import lax, random
from numpyro.distributions import Distribution, constraints

from zoo._distributions.in_numpyro import DiagonalNormal, FullNormal


class LaggedNormal(Distribution):
    """Steps (..., T, D), each normal given the P steps before.

    Parameters
    ----------
    mean : array, (..., T or 1, D)
        Of a step whose steps before are at ``loc``.
    W : array, (..., T or 1, P, D, D)
        Coefficients of the steps before, the nearest first.
    noise : array, (..., T or 1, D) or (..., T or 1, D, D)
        Variances; with ``is_full`` Cholesky factors of covariances.
    loc, scale : array, (D,)
        Mean and standard deviation of the first P steps.
    T : int
        The number of steps.
    before : array, (..., P, D), optional
        The values before the first step, in order of time.
    is_full : bool, default False
    """

    support = constraints.real_vector

    def __init__(self, mean, W, noise, loc, scale, T, before=None, is_full=False, *, validate_args=None):
        self.step_mean, self.W, self.noise = mean, W, noise
        self.loc, self.scale, self.before, self.is_full = loc, scale, before, is_full
        self.P, D = W.shape[-3:-1]
        shapes = [mean.shape[:-1], W.shape[:-3], noise.shape[: -2 if is_full else -1], (T,)]
        shapes += [] if before is None else [(*before.shape[:-2], 1)]
        super().__init__(lax.broadcast_shapes(*shapes), (D,), validate_args=validate_args)

    def is_first(self, t):
        """Whether steps have fewer than P steps before them."""
        return (t < self.P) & (self.before is None)

    @property
    def first_lags(self):
        """The values before the first step, less ``loc``, in order of time: 0 unless given."""
        return jnp.zeros((self.P, *self.event_shape)) if self.before is None else self.before - self.loc

    def log_prob(self, value):
        T = value.shape[-2]
        y = jnp.nan_to_num(value - self.loc)  # what is missing at the end of a sequence has a gradient of 0
        first = self.first_lags
        batch = lax.broadcast_shapes(y.shape[:-2], first.shape[:-2])
        y = jnp.concatenate([jnp.broadcast_to(a, (*batch, *a.shape[-2:])) for a in (first, y)], axis=-2)
        lags = jnp.stack([y[..., self.P - p : self.P - p + T, :] for p in range(1, self.P + 1)], axis=-2)
        is_first = self.is_first(jnp.arange(T))
        parameters = self.step_mean, self.W, self.noise, lags, is_first, self.loc, self.scale, self.is_full
        return given_lags(*parameters).log_prob(value)

    def sample(self, key, sample_shape=()):
        (*batch, T), (D,) = self.batch_shape, self.event_shape
        batch = (*sample_shape, *batch)
        events = [(D,), (self.P, D, D), (D, D) if self.is_full else (D,)]
        inputs = [
            jnp.moveaxis(jnp.broadcast_to(a, (*batch, T, *event)), len(batch), 0)
            for a, event in zip((self.step_mean, self.W, self.noise), events, strict=True)
        ]
        lags = jnp.broadcast_to(self.first_lags[..., ::-1, :], (*batch, self.P, D))
        is_first = self.is_first(jnp.arange(T))
        x = draw_steps(random.split(key, T), is_first, *inputs, lags, self.loc, self.scale, is_full=self.is_full)
        return jnp.moveaxis(x, 0, -2)


def given_lags(mean, W, noise, lags, is_first, loc, scale, is_full):
    """The distribution of steps given the P steps before, less ``loc``, (..., P, D)."""
    is_first = jnp.asarray(is_first)[..., None]
    mean = jnp.where(is_first, loc, mean + jnp.einsum("...pde,...pe->...d", W, lags))
    if is_full:
        return FullNormal(mean, jnp.where(is_first[..., None], jnp.diag(scale), noise))
    return DiagonalNormal(mean, jnp.where(is_first, scale**2, noise))


@partial(jax.jit, static_argnames="is_full")  # a scan alone would be compiled anew for each draw
def draw_steps(keys, is_first, mean, W, noise, lags, loc, scale, is_full):
    """Steps (T, ..., D) one after another; all but ``lags``, ``loc`` and ``scale`` have T first."""

    def draw(lags, inputs):
        key, is_first, mean, W, noise = inputs
        x = given_lags(mean, W, noise, lags, is_first, loc, scale, is_full).sample(key)
        return jnp.concatenate([(x - loc)[..., None, :], lags[..., :-1, :]], axis=-2), x

    return lax.scan(draw, lags, (keys, is_first, mean, W, noise))[1]
