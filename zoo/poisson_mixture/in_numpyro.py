import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Categorical, Dirichlet, Gamma

from zoo._distributions.counts.in_numpyro import Poisson


def model(x=None, *, N, K, shape=2.0, mean=10.0):
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    with plate("K", K):
        rate = sample("rate", Gamma(shape, shape / mean))
    with plate("N", N):
        z = sample("z", Categorical(pi))
        sample("x", Poisson(rate[z]), obs=x)
