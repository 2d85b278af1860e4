import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Bernoulli, Beta, Categorical, Dirichlet


def model(x=None, *, N, J, K, a=1.0, b=1.0):
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    with plate("K", K):
        theta = sample("theta", Beta(jnp.full(J, a), b).to_event(1))
    with plate("N", N):
        z = sample("z", Categorical(pi))
        sample("x", answers(theta[z], x), obs=None if x is None else jnp.nan_to_num(x))


def answers(theta, x):
    items = Bernoulli(theta)
    return (items if x is None else items.mask(~jnp.isnan(x))).to_event(1)
