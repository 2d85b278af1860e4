import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import Normal, constraints

from zoo._distributions.in_numpyro import DiagonalNormal, LowRankNormal
from zoo._distributions.units.in_numpyro import in_units


def model(x=None, *, N, D, L=3, Z=2, loc=0.0, spread=1.0, encoder="ladder"):
    W, mu, Psi, V, s = parameters(D, L, Z, loc, spread)
    with plate("N", N):
        z = sample(f"z{L}", Normal(jnp.zeros(Z), 1.0).to_event(1))
        for i in range(L - 1, 0, -1):
            z = sample(f"z{i}", Normal(z @ V[i - 1].T, s[i - 1]).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, Psi), obs=x)


def collapsed(x=None, *, N, D, L=3, Z=2, loc=0.0, spread=1.0, encoder="ladder"):
    W, mu, Psi, V, s = parameters(D, L, Z, loc, spread)
    covariance = jnp.eye(Z)  # of the layer
    for i in range(L - 1, 0, -1):
        covariance = V[i - 1] @ covariance @ V[i - 1].T + jnp.diag(s[i - 1] ** 2)
    with plate("N", N):
        sample("x", LowRankNormal(mu, W @ jnp.linalg.cholesky(covariance), Psi), obs=x)


def parameters(D, L, Z, loc, spread):
    loc, spread = (jnp.broadcast_to(jnp.asarray(v), (D,)) for v in (loc, spread))
    # half of each variance begins in the layer above, half about it
    unit = spread[:, None]
    W = param("W", lambda key: unit * jax.random.normal(key, (D, Z)) / (2 * Z) ** 0.5, constraint=in_units(0.0, unit))
    mu = param("mu", loc, constraint=in_units(loc, spread))
    Psi = param("Psi", spread**2 / 2, constraint=constraints.positive)
    V = param("ladder.weight", lambda key: jax.random.orthogonal(key, Z, (L - 1,)) / 2**0.5)
    s = param("ladder.scale", jnp.full((L - 1, Z), 0.5**0.5), constraint=constraints.positive)
    return W, mu, Psi, V, s
