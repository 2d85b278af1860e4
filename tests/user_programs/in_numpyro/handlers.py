"""Subsampling, weights of rows, missing outcomes, and parameters without a prior."""

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.handlers import scale


def subsampled_regression(x, y, batch_size=10):
    """The program draws minibatches by itself."""
    slope = numpyro.sample("slope", dist.Normal(0.0, 2.0))
    with numpyro.plate("data", x.shape[0], subsample_size=batch_size) as index:
        numpyro.sample("y", dist.Normal(slope * x[index], 1.0), obs=y[index])


def weighted_mean(y, weight):
    """Every observation counts as often as its weight says."""
    mu = numpyro.sample("mu", dist.Normal(0.0, 10.0))
    with numpyro.plate("people", y.shape[0]), scale(scale=weight):
        numpyro.sample("y", dist.Normal(mu, 1.0), obs=y)


def masked_regression(x, y, is_present):
    """Outcomes that are missing have a mask, and a value that does not matter."""
    slope = numpyro.sample("slope", dist.Normal(0.0, 2.0))
    with numpyro.plate("data", x.shape[0]):
        numpyro.sample("y", dist.Normal(slope * x, 1.0).mask(is_present), obs=y)


def empirical_bayes(y):
    """The mean and spread of the group effects are learned; the effects have a prior."""
    mu = numpyro.param("mu", 0.0)
    tau = numpyro.param("tau", jnp.array(1.0), constraint=dist.constraints.positive)
    with numpyro.plate("groups", y.shape[0], dim=-2):
        effect = numpyro.sample("effect", dist.Normal(mu, tau))
        with numpyro.plate("repeats", y.shape[1], dim=-1):
            numpyro.sample("y", dist.Normal(effect, 1.0), obs=y)
