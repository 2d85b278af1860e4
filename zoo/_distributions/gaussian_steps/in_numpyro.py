import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import Distribution, constraints
from numpyro.util import is_prng_key

from zoo._distributions.gaussian_chain.in_numpyro import apply, later_states, log_normal
from zoo._distributions.gaussian_steps import check_shapes


class GaussianSteps(Distribution):
    """Steps of a linear-Gaussian chain in Z dimensions, each with a density of its own.

    Parameters
    ----------
    loc : array, (Z) or (..., 1, Z)
        Mean of the first step.
    scale_tril : array, (Z, Z) or (..., 1, Z, Z)
        Lower triangular root of the covariance of the first step.
    transition : array, (..., T, Z, Z) or (..., 1, Z, Z)
        The linear map to each step from the one before.
    offset : array, (..., T, Z) or (..., 1, Z)
        What is added at each step but the first.
    noise_tril : array, (Z, Z), (..., T, Z, Z) or (..., 1, Z, Z)
        Lower triangular root of the covariance of the noise.
    T : int
        The number of steps.

    Raises
    ------
    ZooError
        Where the shapes do not fit.
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
        "transition": constraints.real_matrix,
        "offset": constraints.real_vector,
        "noise_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    reparametrized_params = ["loc", "scale_tril", "transition", "offset", "noise_tril"]  # noqa: RUF012
    pytree_data_fields = ("loc", "scale_tril", "transition", "offset", "noise_tril")
    pytree_aux_fields = ("T",)

    def __init__(self, loc, scale_tril, transition, offset, noise_tril, T, *, validate_args=None):
        parts = [jnp.asarray(v, jnp.result_type(float)) for v in (loc, scale_tril, transition, offset, noise_tril)]
        loc, scale_tril, transition, offset, noise_tril = (v.shape for v in parts)
        check_shapes(loc, scale_tril, transition, offset, noise_tril, T)
        event_dims = (1, 2, 2, 1, 2)  # with a dimension of time before them
        parts = [v if v.ndim > n else v[None] for v, n in zip(parts, event_dims, strict=True)]
        self.loc, self.scale_tril, self.transition, self.offset, self.noise_tril = parts
        self.T = int(T)
        batches = (v.shape[: v.ndim - n] for v, n in zip(parts, event_dims, strict=True))
        super().__init__(lax.broadcast_shapes((self.T,), *batches), self.loc.shape[-1:], validate_args=validate_args)

    def later_steps(self):
        """The transition, offset and noise of all steps but the first, or those of every step with time 1."""
        for value, n in ((self.transition, 2), (self.offset, 1), (self.noise_tril, 2)):
            yield value if value.shape[-n - 1] == 1 else lax.slice_in_dim(value, 1, self.T, axis=value.ndim - n - 1)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        noise = jax.random.normal(key, self.shape(sample_shape), self.loc.dtype)
        A, b, Q = self.later_steps()
        first = (self.loc + apply(self.scale_tril, noise[..., :1, :]))[..., 0, :]
        innovations = jnp.moveaxis(apply(Q, noise[..., 1:, :]) + b, -2, 0)
        A = jnp.moveaxis(jnp.broadcast_to(A, (*A.shape[:-3], self.T - 1, *A.shape[-2:])), -3, 0)

        later = later_states(first, A, innovations)
        return jnp.moveaxis(jnp.concatenate([first[None], later]), 0, -2)

    def log_prob(self, value):
        A, b, Q = self.later_steps()
        first = log_normal(value[..., :1, :] - self.loc, self.scale_tril)
        later = log_normal(value[..., 1:, :] - apply(A, value[..., :-1, :]) - b, Q)
        batch = lax.broadcast_shapes(first.shape[:-1], later.shape[:-1], self.batch_shape[:-1])
        parts = (jnp.broadcast_to(log, (*batch, log.shape[-1])) for log in (first, later))
        return jnp.concatenate(list(parts), -1)
