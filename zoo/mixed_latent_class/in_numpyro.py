import jax.numpy as jnp
import numpyro
from jax import random
from numpyro import plate, sample
from numpyro.distributions import Categorical, Dirichlet, Gamma, Normal

from zoo._distributions.mixed_columns import layout
from zoo._distributions.mixed_columns.in_numpyro import MixedColumns
from zoo.data.column_kinds import column_levels


def model(
    x=None,
    *,
    N,
    D,
    K,
    columns=None,
    loc=0.0,
    scale=5.0,
    spread=1.0,
    shape=2.0,
    mean=10.0,
    covariate_mean=0.0,
    covariate_sd=1.0,
    covariates=None,
):
    columns = column_levels(columns, D)
    at = layout(columns)
    C, R, P = len(at.numbers), len(at.counts), len(at.covariates)
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    odds = sample("odds", Dirichlet(jnp.ones((P, K))).to_event(1)) if P else jnp.ones((0, K))
    mu, Lambda, rate, logits = jnp.zeros((K, 0)), jnp.ones((K, 0)), jnp.ones((K, 0)), [jnp.zeros((K, 0))]
    with plate("K", K):
        if C:
            mu = sample("mu", Normal(jnp.broadcast_to(loc, C), scale).to_event(1))
            Lambda = sample("Lambda", Gamma(1.5, jnp.broadcast_to(spread, C) ** 2 / 2).to_event(1))
        if R:
            rate = sample("rate", Gamma(shape, shape / jnp.broadcast_to(mean, R)).to_event(1))
        for d, size in zip(at.categories, at.sizes, strict=True):
            logits.append(jnp.log(sample(f"theta{d}", Dirichlet(jnp.ones(size)))))
    logits = jnp.concatenate(logits, -1)
    with plate("N", N):
        w, membership = None, Categorical(pi)
        if P:
            w = covariate_values(x, covariates, at.covariates, N, covariate_mean, covariate_sd)
            membership = Categorical(logits=jnp.log(pi) + (w - covariate_mean) / covariate_sd @ jnp.log(odds))
        z = sample("z", membership)
        values = MixedColumns(mu[z], Lambda[z] ** -0.5, rate[z], logits[z], columns, w)
        sample("x", values, obs=x)


def covariate_values(x, setting, columns, N, mean, sd):
    """The covariates of each row (N, P): those of the data, or of the setting, or draws."""
    if x is not None:
        return x[..., columns]
    if setting is not None:
        return setting
    return mean + sd * random.normal(numpyro.prng_key(), (N, len(columns)))
