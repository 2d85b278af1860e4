from contextvars import ContextVar
from functools import cached_property, wraps

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular
from numpyro.distributions import Distribution, Normal, constraints
from numpyro.util import is_prng_key

LOG_2PI = 1.8378770664093453


class MissingPattern:
    """Which columns of each row are observed, (N, D); the distinct patterns are found when they are first needed."""

    def __init__(self, observed):
        self.observed, self.is_complete = observed, bool(observed.all())

    @cached_property
    def patterns(self):
        """The columns that are observed together, (P, D) of 1 or 0, and the index of the pattern of each row, (N,)."""
        patterns, pattern_of_row = np.unique(self.observed, axis=0, return_inverse=True)
        return patterns * 1.0, pattern_of_row


MISSING: ContextVar[MissingPattern | None] = ContextVar("known", default=None)


def with_missing_pattern(program, table):
    """The program with the missing entries of a table declared, since compiled code cannot look them up.

    Rows with the same missing columns then share their matrices: a gradient costs a sixth, and its value is the same.
    """
    if len(table) != 1 or not isinstance(x := next(iter(table.values())), np.ndarray):
        return program
    missing = MissingPattern(~np.isnan(x))

    @wraps(program)
    def with_missing(*args, **keywords):
        before = MISSING.set(missing)
        try:
            return program(*args, **keywords)
        finally:
            MISSING.reset(before)

    return with_missing


class DiagonalNormal(Distribution):
    arg_constraints = {"loc": constraints.real_vector, "cov_diag": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.real_vector
    reparametrized_params = ["loc", "cov_diag"]  # noqa: RUF012

    def __init__(self, loc, cov_diag, *, validate_args=None):
        shape = lax.broadcast_shapes(jnp.shape(loc), jnp.shape(cov_diag))
        self.loc, self.cov_diag = loc, cov_diag
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self):
        return jnp.broadcast_to(self.loc, self.shape())

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        noise = Normal(0.0, 1.0).sample(key, (*sample_shape, *self.batch_shape, *self.event_shape))
        return self.loc + jnp.sqrt(self.cov_diag) * noise

    def log_prob(self, value):
        observed, difference = observed_difference(value, self.loc)
        return -0.5 * jnp.where(observed, difference**2 / self.cov_diag + jnp.log(self.cov_diag) + LOG_2PI, 0.0).sum(-1)


class FullNormal(Distribution):
    arg_constraints = {"loc": constraints.real_vector, "scale_tril": constraints.lower_cholesky}  # noqa: RUF012
    support = constraints.real_vector
    reparametrized_params = ["loc", "scale_tril"]  # noqa: RUF012

    def __init__(self, loc, scale_tril, *, validate_args=None):
        shape = lax.broadcast_shapes(jnp.shape(loc), jnp.shape(scale_tril)[:-1])
        self.loc, self.scale_tril, self.missing = loc, scale_tril, MISSING.get()
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        noise = Normal(0.0, 1.0).sample(key, (*sample_shape, *self.batch_shape, *self.event_shape))
        return self.loc + jnp.einsum("...ij,...j->...i", self.scale_tril, noise)

    def log_prob(self, value):
        if self.missing is None:
            return lax.cond(jnp.isnan(value).any(), self.log_prob_by_row, self.log_prob_complete, value)
        return self.log_prob_complete(value) if self.missing.is_complete else self.log_prob_by_row(value)

    def log_prob_complete(self, value):
        return self.density(self.scale_tril, *observed_difference(value, self.loc))

    def log_prob_by_row(self, value):
        observed, difference = observed_difference(value, self.loc)
        covariance = self.scale_tril @ self.scale_tril.mT
        # a missing entry is one of variance 1 that equals its mean
        is_pair = observed[..., None] & observed[..., None, :]
        root = jnp.linalg.cholesky(jnp.where(is_pair, covariance, jnp.eye(covariance.shape[-1])))
        return self.density(root, observed, difference)

    def density(self, root, observed, difference):
        unit = jnp.broadcast_to(jnp.eye(root.shape[-1]), root.shape)
        half = jnp.einsum("...ij,...j->...i", solve_triangular(root, unit, lower=True), difference)
        log_det = 2 * jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
        return -0.5 * ((half**2).sum(-1) + log_det + LOG_2PI * observed.sum(-1))


class LowRankNormal(Distribution):
    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    reparametrized_params = ["loc", "cov_factor", "cov_diag"]  # noqa: RUF012
    pytree_aux_fields = ("holes",)

    def __init__(self, loc, cov_factor, cov_diag, *, validate_args=None):
        shape = lax.broadcast_shapes(jnp.shape(loc), jnp.shape(cov_factor)[:-1], jnp.shape(cov_diag))
        self.loc, self.cov_factor, self.cov_diag, self.missing = loc, cov_factor, cov_diag, MISSING.get()
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        D, Z = jnp.shape(self.cov_factor)[-2:]
        noise = Normal(0.0, 1.0).sample(key, (*sample_shape, *self.batch_shape, D + Z))
        systematic = jnp.einsum("...dz,...z->...d", self.cov_factor, noise[..., D:])
        return self.loc + systematic + jnp.sqrt(self.cov_diag) * noise[..., :D]

    def log_prob(self, value):
        if self.missing is None:  # rows alike share one M: only where something is missing does each need its own
            return lax.cond(jnp.isnan(value).any(), self.log_prob_by_row, self.log_prob_complete, value)
        if self.missing.is_complete:
            return self.log_prob_complete(value)
        if value.shape[-2:-1] != self.missing.observed.shape[:1]:  # of some of the rows
            return self.log_prob_by_row(value)
        return self.log_prob_by_pattern(value, *self.missing.patterns)

    @property
    def scaled_factor(self):
        return self.cov_factor / self.cov_diag[..., None]

    @property
    def constants(self):
        return jnp.log(self.cov_diag) + LOG_2PI

    def log_prob_complete(self, value):
        gram = jnp.einsum("...dz,...dy->...zy", self.scaled_factor, self.cov_factor)
        covariance, log_det = posterior(gram)
        difference = value - self.loc
        mean = jnp.einsum("...d,...dz->...z", difference, self.scaled_factor @ covariance)
        return self.density(difference, 1.0, mean, self.constants.sum(-1) + log_det)

    def log_prob_by_row(self, value):
        observed, difference = observed_difference(value, self.loc)
        products = self.scaled_factor[..., None] * self.cov_factor[..., None, :]
        covariance, log_det = posterior(jnp.einsum("...d,...dzy->...zy", observed * 1.0, products))
        return self.density(
            difference,
            observed,
            self.posterior_mean(difference, covariance),
            (observed * self.constants).sum(-1) + log_det,
        )

    def log_prob_by_pattern(self, value, patterns, pattern_of_row):
        observed, difference = observed_difference(value, self.loc)
        products = self.scaled_factor[..., None] * self.cov_factor[..., None, :]
        constants = self.constants
        if products.ndim > 3:  # the batch of rows, of which there is one parameter
            products = products[..., 0, :, :, :]
        if constants.ndim > 1:
            constants = constants[..., 0, :]
        covariance, log_det = posterior(jnp.einsum("pd,...dzy->...pzy", patterns, products))
        constant = constants @ patterns.T + log_det
        return self.density(
            difference,
            observed,
            self.posterior_mean(difference, covariance[..., pattern_of_row, :, :]),
            constant[..., pattern_of_row],
        )

    def posterior_mean(self, difference, covariance):
        return jnp.einsum(
            "...z,...zy->...y", jnp.einsum("...d,...dz->...z", difference, self.scaled_factor), covariance
        )

    def density(self, difference, observed, mean, constant):
        residuals = difference - observed * jnp.einsum("...dz,...z->...d", self.cov_factor, mean)
        # a sum of squares, and not a difference of two that may be far larger than it
        return -0.5 * ((residuals**2 / self.cov_diag).sum(-1) + (mean**2).sum(-1) + constant)


def posterior(gram):
    """Covariance of the latents given the row, M^-1, and log |M|, for M = I + inner."""
    unit = jnp.eye(gram.shape[-1])
    root = jnp.linalg.cholesky(unit + gram)
    half = solve_triangular(root, jnp.broadcast_to(unit, gram.shape), lower=True)
    log_det = 2 * jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
    return jnp.einsum("...kz,...ky->...zy", half, half), log_det


def observed_difference(value, loc):
    """Which entries are observed, and their differences from ``loc``: 0 where missing, with a gradient of 0."""
    observed = ~jnp.isnan(value)
    return observed, jnp.where(observed, jnp.where(observed, value, 0.0) - loc, 0.0)
