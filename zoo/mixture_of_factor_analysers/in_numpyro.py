import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Categorical, Dirichlet, InverseGamma, Normal

from zoo._distributions.in_numpyro import DiagonalNormal, LowRankNormal


def model(x=None, *, N, D, K, Z, uniqueness="own", loc=0.0, scale=2.0, spread=1.0):
    pi, mu, W, Psi = parameters(D, K, Z, uniqueness, loc, scale, spread)
    with plate("N", N):
        c = sample("c", Categorical(pi))
        z = sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(jnp.einsum("...dz,...z->...d", W[c], z) + mu[c], Psi[c]), obs=x)


def collapsed(x=None, *, N, D, K, Z, uniqueness="own", loc=0.0, scale=2.0, spread=1.0):
    pi, mu, W, Psi = parameters(D, K, Z, uniqueness, loc, scale, spread)
    with plate("N", N):
        c = sample("c", Categorical(pi))
        sample("x", LowRankNormal(mu[c], W[c], Psi[c]), obs=x)


def parameters(D, K, Z, uniqueness, loc, scale, spread):
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    noise = InverseGamma(2.0, spread**2 / 2).to_event(1)
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    Psi = jnp.broadcast_to(sample("Psi", noise), (K, D)) if uniqueness == "shared" else None
    with plate("K", K):
        mu = sample("mu", Normal(loc, scale).to_event(1))
        W = sample("W", Normal(jnp.zeros((D, Z)), spread[:, None]).to_event(2))
        if Psi is None:
            Psi = sample("Psi", noise)
    return pi, mu, W, Psi
