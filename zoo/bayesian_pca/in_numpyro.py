import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Gamma, InverseGamma, Normal

from zoo._distributions.in_numpyro import DiagonalNormal, LowRankNormal


def model(x=None, *, N, D, Z, loc=0.0, scale=2.0, spread=1.0, shrink=1e-3):
    W, mu, sigma2 = parameters(D, Z, loc, scale, spread, shrink)
    with plate("N", N):
        z = sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, jnp.full(D, sigma2)), obs=x)


def collapsed(x=None, *, N, D, Z, loc=0.0, scale=2.0, spread=1.0, shrink=1e-3):
    W, mu, sigma2 = parameters(D, Z, loc, scale, spread, shrink)
    with plate("N", N):
        sample("x", LowRankNormal(mu, W, jnp.full(D, sigma2)), obs=x)


def parameters(D, Z, loc, scale, spread, shrink):
    alpha = sample("alpha", Gamma(jnp.ones(Z), shrink * jnp.square(spread)).to_event(1))
    with plate("D", D):
        W = sample("W", Normal(jnp.zeros((D, Z)), alpha**-0.5).to_event(1))
        mu = sample("mu", Normal(jnp.broadcast_to(loc, (D,)), scale))
    sigma2 = sample("sigma2", InverseGamma(2.0, jnp.square(spread) / 2))
    return W, mu, sigma2
