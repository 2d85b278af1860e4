import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import cho_solve, solve_triangular
from numpyro.distributions import Distribution, constraints
from numpyro.util import is_prng_key

from zoo._distributions.gaussian_chain import NEARLY_INFINITE, check_loading, check_shapes

LOG_2PI = 1.8378770664093453


class GaussianChain(Distribution):
    """A linear-Gaussian chain of T steps in Z dimensions.

    Parameters
    ----------
    loc : array, (..., Z)
        Mean of the first step.
    scale_tril : array, (..., Z, Z)
        Lower triangular root of the covariance of the first step.
    transition : array, (..., Z, Z)
        The linear map from each step to the next.
    noise_tril : array, (..., Z, Z)
        Lower triangular root of the covariance of what is added at each step.
    T : int
        The number of steps.
    offset : array, (..., T - 1, Z) or (..., 1, Z), optional
        What is added to each step but the first; 0 unless given.

    Raises
    ------
    ZooError
        Where the shapes do not fit.
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
        "transition": constraints.real_matrix,
        "noise_tril": constraints.lower_cholesky,
        "offset": constraints.real_matrix,
    }
    support = constraints.real_matrix
    reparametrized_params = ["loc", "scale_tril", "transition", "noise_tril", "offset"]  # noqa: RUF012
    pytree_data_fields = ("loc", "scale_tril", "transition", "noise_tril", "offset")
    pytree_aux_fields = ("T",)

    def __init__(self, loc, scale_tril, transition, noise_tril, T, offset=None, *, validate_args=None):
        offset = jnp.zeros((1, *jnp.shape(loc)[-1:])) if offset is None else offset
        parts = (jnp.asarray(v, jnp.result_type(float)) for v in (loc, scale_tril, transition, noise_tril, offset))
        self.loc, self.scale_tril, self.transition, self.noise_tril, self.offset = parts
        check_shapes(
            self.loc.shape, self.scale_tril.shape, self.transition.shape, self.noise_tril.shape, self.offset.shape, T
        )
        self.T = int(T)
        matrices = (m.shape[:-2] for m in (self.scale_tril, self.transition, self.noise_tril, self.offset))
        batch = lax.broadcast_shapes(self.loc.shape[:-1], *matrices)
        super().__init__(batch, (self.T, self.loc.shape[-1]), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        noise = jnp.moveaxis(jax.random.normal(key, self.shape(sample_shape), self.loc.dtype), -2, 0)
        first = self.loc + apply(self.scale_tril, noise[0])

        innovations = apply(self.noise_tril, noise[1:]) + self.offsets(noise.shape[1:-1])
        transition = jnp.broadcast_to(self.transition, (len(innovations), *self.transition.shape))
        later = later_states(first, transition, innovations)
        return jnp.moveaxis(jnp.concatenate([first[None], later]), 0, -2)

    def offsets(self, batch):
        """The offset of each step but the first, (T - 1, *batch, Z)."""
        steps = jnp.broadcast_to(self.offset, (*batch, self.T - 1, self.loc.shape[-1]))
        return jnp.moveaxis(steps, -2, 0)

    def log_prob(self, value):
        first = log_normal(value[..., 0, :] - self.loc, self.scale_tril)
        change = value[..., 1:, :] - apply(self.transition[..., None, :, :], value[..., :-1, :])
        return first + log_normal(change - self.offset, self.noise_tril[..., None, :, :]).sum(-1)


class GaussianChainRows(Distribution):
    """Observations of a linear-Gaussian chain, with the chain integrated out by a Kalman filter.

    Parameters
    ----------
    chain : GaussianChain
        The latent chain.
    loading : array, (..., D, Z)
        The linear map from the chain to the columns.
    loc : array, (..., D)
        What is added to the columns.
    cov_diag : array, (..., D)
        Variances of the noise of the columns.

    Raises
    ------
    ZooError
        Where the shapes do not fit.
    """

    arg_constraints = {"loc": constraints.real_vector, "cov_diag": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.real_matrix
    reparametrized_params = ["loading", "loc", "cov_diag"]  # noqa: RUF012
    pytree_data_fields = ("chain", "loading", "loc", "cov_diag")

    def __init__(self, chain, loading, loc, cov_diag, *, validate_args=None):
        check_loading(jnp.shape(loading), jnp.shape(loc), jnp.shape(cov_diag), chain.event_shape[-1])
        self.chain, self.loading = chain, jnp.asarray(loading)
        D = self.loading.shape[-2]
        self.loc, self.cov_diag = (jnp.broadcast_to(v, (*jnp.shape(v)[:-1], D)) for v in (loc, cov_diag))
        rows = (self.loc.shape[:-1], self.cov_diag.shape[:-1])
        batch = lax.broadcast_shapes(chain.batch_shape, self.loading.shape[:-2], *rows)
        super().__init__(batch, (chain.T, D), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        first, second = jax.random.split(key)
        z = self.chain.expand(self.batch_shape).sample(first, sample_shape)
        noise = jax.random.normal(second, self.shape(sample_shape), z.dtype)
        mean = apply(self.loading[..., None, :, :], z) + self.loc[..., None, :]
        return mean + jnp.sqrt(self.cov_diag)[..., None, :] * noise

    def log_prob(self, value):
        chain = self.chain
        Z = chain.loc.shape[-1]
        batch = lax.broadcast_shapes(value.shape[:-2], self.batch_shape)
        observed = ~jnp.isnan(value)
        residuals = jnp.where(observed, value - self.loc[..., None, :], 0.0)
        weights = observed / self.cov_diag[..., None, :]
        constants = -0.5 * jnp.where(observed, jnp.log(self.cov_diag)[..., None, :] + LOG_2PI, 0.0).sum(-1)
        inputs = [jnp.moveaxis(jnp.broadcast_to(v, (*batch, *self.event_shape)), -2, 0) for v in (residuals, weights)]
        inputs.append(jnp.concatenate([chain.offsets(batch), jnp.zeros((1, *batch, Z))]))

        def step(state, inputs):
            mean, root = state  # of z_t given the steps before: its covariance is root root'
            residual, weight, offset = inputs
            factor = self.loading @ root
            shift = residual - apply(self.loading, mean)
            scaled = jnp.swapaxes(factor, -1, -2) * weight[..., None, :]
            tril = jnp.linalg.cholesky(jnp.eye(Z) + scaled @ factor)
            unit = cho_solve((tril, True), apply(scaled, shift)[..., None])[..., 0]
            rest = shift - apply(factor, unit)
            quadratic = (weight * rest**2).sum(-1) + (unit**2).sum(-1)
            log_p = -0.5 * quadratic - jnp.log(jnp.diagonal(tril, axis1=-2, axis2=-1)).sum(-1)
            mean = apply(chain.transition, mean + apply(root, unit)) + offset
            transposed = solve_triangular(tril, jnp.swapaxes(chain.transition @ root, -1, -2), lower=True)
            noise = jnp.swapaxes(chain.noise_tril, -1, -2)
            noise = jnp.broadcast_to(noise, (*transposed.shape[:-2], *noise.shape[-2:]))
            upper = jnp.linalg.qr(jnp.concatenate([transposed, noise], axis=-2), mode="r")
            return (mean, jnp.swapaxes(upper, -1, -2)), log_p

        mean = jnp.broadcast_to(chain.loc, (*batch, Z))
        start = mean, jnp.broadcast_to(chain.scale_tril, (*batch, Z, Z))
        log_p = (lax.scan(step, start, tuple(inputs))[1]).sum(0) + constants.sum(-1)
        is_far = (weights * residuals**2).sum(-1).max(-1) > NEARLY_INFINITE * jnp.finfo(log_p.dtype).max
        return jnp.where(jnp.isnan(log_p) & is_far, -jnp.inf, log_p)


@jax.jit  # a scan alone would be compiled anew for each draw
def later_states(first, transition, innovations):
    """States (T - 1, ..., Z) after the first; ``transition`` and ``innovations`` have steps first."""

    def step(z, inputs):
        transition, innovation = inputs
        z = apply(transition, z) + innovation
        return z, z

    return lax.scan(step, first, (transition, innovations))[1]


def apply(matrix, vector):
    """``matrix @ vector``, with any dimensions before them."""
    return (matrix @ vector[..., None])[..., 0]


def log_normal(deviation, tril):
    """Log density of a normal vector with mean 0 and the root ``tril`` of its covariance."""
    shape = lax.broadcast_shapes(deviation.shape[:-1], tril.shape[:-2])
    tril = jnp.broadcast_to(tril, (*shape, *tril.shape[-2:]))
    deviation = jnp.broadcast_to(deviation, (*shape, deviation.shape[-1]))
    unit = solve_triangular(tril, deviation[..., None], lower=True)[..., 0]
    log_determinant = jnp.log(jnp.diagonal(tril, axis1=-2, axis2=-1)).sum(-1)
    return -0.5 * ((unit**2).sum(-1) + unit.shape[-1] * LOG_2PI) - log_determinant
