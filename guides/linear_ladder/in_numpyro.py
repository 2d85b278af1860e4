import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import MultivariateNormal, constraints

from guides._shared import by_encoder
from guides._shared.in_numpyro import SharedGuide


def guide(program, start=None):
    return by_encoder(ladder=SharedGuide(program, posterior, messages), bottom_up=bottom_up)


def messages(x, D, L, Z, loc, spread):
    """The messages of the layers by name: h (N, Z) and M (Z, Z)."""
    H, b = param("encoder.weight", lambda key: jax.random.normal(key, (L, D, Z)) / D**0.5), bias(L, Z)
    R = param("encoder.root", jnp.broadcast_to(jnp.eye(Z), (L, Z, Z)))
    y = jnp.nan_to_num((x - loc) / spread)
    return {f"z{i + 1}": (y @ H[i] + b[i], R[i] @ R[i].T) for i in range(L)}


def posterior(name, prior, features, encoding):
    h, M = encoding[name]
    precision = 1 / prior.variance[..., :1, :]  # the same in every row
    covariance = jnp.linalg.inv(precision[..., None] * jnp.eye(len(M)) + M)
    loc = jnp.einsum("...zy,...y->...z", covariance, prior.mean * precision + h)
    return MultivariateNormal(loc, covariance)


def bottom_up(x, *, N, D, L, Z, loc, spread, **others):
    H, b = param("encoder.weight", lambda key: jax.random.normal(key, (D, Z)) / D**0.5), bias(L, Z)
    A = param("encoder.layers", jnp.broadcast_to(jnp.eye(Z) / 2**0.5, (L - 1, Z, Z)))
    T = param("encoder.scale", jnp.broadcast_to(jnp.eye(Z), (L, Z, Z)), constraint=constraints.lower_cholesky)
    with plate("N", N):
        y = jnp.nan_to_num((x - loc) / spread)
        z = sample("z1", MultivariateNormal(y @ H + b[0], scale_tril=T[0]))
        for i in range(1, L):
            z = sample(f"z{i + 1}", MultivariateNormal(z @ A[i - 1] + b[i], scale_tril=T[i]))


def bias(L, Z):
    return param("encoder.bias", jnp.zeros((L, Z)))
