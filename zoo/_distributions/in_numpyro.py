from contextvars import ContextVar
from functools import cached_property, wraps

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular
from numpyro.distributions import Distribution, Normal, constraints
from numpyro.util import is_prng_key

LOG_2PI = 1.8378770664093453


class Holes:
    """Which columns of each row were seen, (N, D); rows with the same holes are sought once they are asked for."""

    def __init__(self, seen):
        self.seen, self.none = seen, bool(seen.all())

    @cached_property
    def patterns(self):
        """The columns seen together, (P, D) of 1 or 0, and the pattern of each row, (N,)."""
        patterns, which = np.unique(self.seen, axis=0, return_inverse=True)
        return patterns * 1.0, which


KNOWN: ContextVar[Holes | None] = ContextVar("known", default=None)


def with_missing_pattern(program, table):
    """The program for a table of which it is known what is missing, which compiled code cannot look up by itself.

    Rows with the same holes then share their matrices. The answers are the same; the time is not.
    """
    if len(table) != 1 or not isinstance(x := next(iter(table.values())), np.ndarray):
        return program
    holes = Holes(~np.isnan(x))

    @wraps(program)
    def known(*args, **keywords):
        before = KNOWN.set(holes)
        try:
            return program(*args, **keywords)
        finally:
            KNOWN.reset(before)

    return known


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
        seen, rest = residual(value, self.loc)
        return -0.5 * jnp.where(seen, rest**2 / self.cov_diag + jnp.log(self.cov_diag) + LOG_2PI, 0.0).sum(-1)


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
        self.loc, self.cov_factor, self.cov_diag, self.holes = loc, cov_factor, cov_diag, KNOWN.get()
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        D, Z = jnp.shape(self.cov_factor)[-2:]
        both = Normal(0.0, 1.0).sample(key, (*sample_shape, *self.batch_shape, D + Z))
        systematic = jnp.einsum("...dz,...z->...d", self.cov_factor, both[..., D:])
        return self.loc + systematic + jnp.sqrt(self.cov_diag) * both[..., :D]

    def log_prob(self, value):
        if self.holes is None:  # rows alike share one M: only where something is missing does each need its own
            return lax.cond(jnp.isnan(value).any(), self.partly_seen, self.wholly_seen, value)
        if self.holes.none:
            return self.wholly_seen(value)
        if value.shape[-2:-1] != self.holes.seen.shape[:1]:  # of some of the rows
            return self.partly_seen(value)
        return self.seen_in_patterns(value, *self.holes.patterns)

    @property
    def scaled(self):
        return self.cov_factor / self.cov_diag[..., None]

    @property
    def constants(self):
        return jnp.log(self.cov_diag) + LOG_2PI

    def wholly_seen(self, value):
        inner = jnp.einsum("...dz,...dy->...zy", self.scaled, self.cov_factor)
        covariance, log_det = posterior(inner)
        rest = value - self.loc
        mean = jnp.einsum("...d,...dz->...z", rest, self.scaled @ covariance)
        return self.density(rest, 1.0, mean, self.constants.sum(-1) + log_det)

    def partly_seen(self, value):
        seen, rest = residual(value, self.loc)
        products = self.scaled[..., None] * self.cov_factor[..., None, :]
        covariance, log_det = posterior(jnp.einsum("...d,...dzy->...zy", seen * 1.0, products))
        return self.density(rest, seen, self.along(rest, covariance), (seen * self.constants).sum(-1) + log_det)

    def seen_in_patterns(self, value, patterns, which):
        seen, rest = residual(value, self.loc)
        products = self.scaled[..., None] * self.cov_factor[..., None, :]
        constants = self.constants
        if products.ndim > 3:  # the batch of rows, of which there is one parameter
            products = products[..., 0, :, :, :]
        if constants.ndim > 1:
            constants = constants[..., 0, :]
        covariance, log_det = posterior(jnp.einsum("pd,...dzy->...pzy", patterns, products))
        constant = constants @ patterns.T + log_det
        return self.density(rest, seen, self.along(rest, covariance[..., which, :, :]), constant[..., which])

    def along(self, rest, covariance):
        return jnp.einsum("...z,...zy->...y", jnp.einsum("...d,...dz->...z", rest, self.scaled), covariance)

    def density(self, rest, seen, mean, constant):
        left = rest - seen * jnp.einsum("...dz,...z->...d", self.cov_factor, mean)
        # a sum of squares, and not a difference of two that may be far larger than it
        return -0.5 * ((left**2 / self.cov_diag).sum(-1) + (mean**2).sum(-1) + constant)


def posterior(inner):
    """Covariance of the latents given the row, M^-1, and log |M|, for M = I + inner."""
    unit = jnp.eye(inner.shape[-1])
    root = jnp.linalg.cholesky(unit + inner)
    half = solve_triangular(root, jnp.broadcast_to(unit, inner.shape), lower=True)
    log_det = 2 * jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
    return jnp.einsum("...kz,...ky->...zy", half, half), log_det


def residual(value, loc):
    """Which entries were seen, and how far they are from ``loc``: 0 where unseen, with a gradient of 0."""
    seen = ~jnp.isnan(value)
    return seen, jnp.where(seen, jnp.where(seen, value, 0.0) - loc, 0.0)
