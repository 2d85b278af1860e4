import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Dirichlet, Gamma, MultivariateNormal, Normal, Wishart

from zoo._distributions.chain.in_numpyro import Chain
from zoo._distributions.lagged_normal.in_numpyro import LaggedNormal


def model(
    x=None,
    *,
    N,
    T,
    D,
    K,
    P=1,
    noise="diagonal",
    concentration=1.0,
    stickiness=0.0,
    slope=0.5,
    loc=0.0,
    scale=2.0,
    spread=1.0,
    before=None,
):
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    is_full = noise == "full"
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    with plate("K", K):
        A = sample("A", Dirichlet(concentration + stickiness * jnp.eye(K)))
        mu = sample("mu", Normal(loc, scale).to_event(1))
        W = sample("W", Normal(jnp.zeros((P, D, D)), slope * scale[:, None] / scale).to_event(3))
        if is_full:
            Lambda = sample("Lambda", Wishart(D + 2.0, rate_matrix=jnp.diag(spread**2)))
            noise = MultivariateNormal(precision_matrix=Lambda).scale_tril
        else:
            noise = 1 / sample("Lambda", Gamma(1.5, spread**2 / 2).to_event(1))
    with plate("N", N, dim=-2):
        z = sample("z", Chain(pi, A, T))
        with plate("T", T, dim=-1):
            sample("x", LaggedNormal(mu[z], W[z], noise[z], loc, scale, T, before, is_full), obs=x)
