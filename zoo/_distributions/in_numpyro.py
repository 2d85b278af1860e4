import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import solve_triangular
from numpyro.distributions import Distribution, Normal, constraints
from numpyro.util import is_prng_key

LOG_2PI = 1.8378770664093453


class DiagonalNormal(Distribution):
    arg_constraints = {"loc": constraints.real_vector, "cov_diag": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.real_vector
    reparametrized_params = ["loc", "cov_diag"]  # noqa: RUF012

    def __init__(self, loc, cov_diag, *, validate_args=None):
        shape = lax.broadcast_shapes(jnp.shape(loc), jnp.shape(cov_diag))
        self.loc, self.cov_diag = loc, cov_diag
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

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

    def __init__(self, loc, cov_factor, cov_diag, *, validate_args=None):
        shape = lax.broadcast_shapes(jnp.shape(loc), jnp.shape(cov_factor)[:-1], jnp.shape(cov_diag))
        self.loc, self.cov_factor, self.cov_diag = loc, cov_factor, cov_diag
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        assert is_prng_key(key)
        D, Z = jnp.shape(self.cov_factor)[-2:]
        both = Normal(0.0, 1.0).sample(key, (*sample_shape, *self.batch_shape, D + Z))
        systematic = jnp.einsum("...dz,...z->...d", self.cov_factor, both[..., D:])
        return self.loc + systematic + jnp.sqrt(self.cov_diag) * both[..., :D]

    def log_prob(self, value):
        # rows alike share one M: only where something is missing does each need its own
        return lax.cond(jnp.isnan(value).any(), self.partly_seen, self.wholly_seen, value)

    def wholly_seen(self, value):
        scaled = self.cov_factor / self.cov_diag[..., None]
        return self.density(value - self.loc, jnp.ones(()), jnp.einsum("...dz,...dy->...zy", scaled, self.cov_factor))

    def partly_seen(self, value):
        seen, rest = residual(value, self.loc)
        products = (self.cov_factor / self.cov_diag[..., None])[..., None] * self.cov_factor[..., None, :]
        return self.density(rest, seen * 1.0, jnp.einsum("...d,...dzy->...zy", seen * 1.0, products))

    def density(self, rest, seen, inner):
        root = jnp.linalg.cholesky(jnp.eye(inner.shape[-1]) + inner)
        inverse = solve_triangular(root, jnp.broadcast_to(jnp.eye(inner.shape[-1]), inner.shape), lower=True)
        along = jnp.einsum("...d,...dz->...z", rest / self.cov_diag, self.cov_factor)
        within = jnp.einsum("...zy,...y->...z", inverse, along)
        mean = jnp.einsum("...zy,...z->...y", inverse, within)
        left = rest - seen * jnp.einsum("...dz,...z->...d", self.cov_factor, mean)
        noise = (left**2 / self.cov_diag + seen * (jnp.log(self.cov_diag) + LOG_2PI)).sum(-1)
        log_det = 2 * jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
        return -0.5 * (noise + log_det + (mean**2).sum(-1))


def residual(value, loc):
    """Which entries were seen, and how far they are from ``loc``: 0 where unseen, with a gradient of 0."""
    seen = ~jnp.isnan(value)
    return seen, jnp.where(seen, jnp.where(seen, value, 0.0) - loc, 0.0)
