import jax
import jax.numpy as jnp
import numpyro
from jax import random
from numpyro import plate, sample
from numpyro.distributions import Dirichlet, Gamma, Normal

from zoo._distributions.chain.in_numpyro import Chain
from zoo._distributions.mixed_columns import layout
from zoo._distributions.mixed_columns.in_numpyro import MixedColumns
from zoo.switching_regression import kinds_of


def model(
    x=None,
    *,
    N,
    T,
    D,
    K,
    columns=None,
    transitions="constant",
    concentration=1.0,
    stickiness=0.0,
    loc=0.0,
    scale=2.0,
    spread=1.0,
    covariate_mean=0.0,
    covariate_sd=1.0,
    covariates=None,
):
    columns = kinds_of(columns, D)
    at = layout(columns)
    G, B, P = len(at.numbers), len(at.categories), len(at.covariates)
    C = G + B + len(at.counts)
    loc, scale = (jnp.broadcast_to(v, C) for v in (loc, scale))
    mean, sd = (jnp.broadcast_to(v, P) for v in (covariate_mean, covariate_sd))
    prior_of_A = concentration + stickiness * jnp.eye(K)
    beta_loc = jnp.concatenate([loc[:, None], jnp.zeros((C, P))], -1)
    beta_scale = scale[:, None] / jnp.concatenate([jnp.ones(1), sd])
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    prior_of_moves = jnp.concatenate([prior_of_A[None], jnp.ones((P, K, K))])
    A = sample("A", Dirichlet(prior_of_moves).to_event(2)) if transitions == "covariates" else None
    Lambda = None
    with plate("K", K):
        if A is None:
            A = sample("A", Dirichlet(prior_of_A))
        beta = sample("beta", Normal(beta_loc, beta_scale).to_event(2))
        if G:
            Lambda = sample("Lambda", Gamma(1.5, jnp.broadcast_to(spread, G) ** 2 / 2).to_event(1))
    with plate("N", N, dim=-2):
        w = covariate_values(x, covariates, at.covariates, (N, T, P), mean, sd)
        centred = jnp.nan_to_num(w - mean)  # after the end of a sequence
        if transitions == "covariates":
            logits = jnp.log(A[0]) + jnp.einsum("...p,pjk->...jk", centred[..., 1:, :] / sd, jnp.log(A[1:]))
            A = jax.nn.softmax(logits, -1)
        z = sample("z", Chain(pi, A, T))
        u = jnp.concatenate([jnp.ones((*centred.shape[:-1], 1)), centred], -1)
        with plate("T", T, dim=-1):
            o = jnp.einsum("...cq,...q->...c", beta[z], u)
            sd = Lambda[z] ** -0.5 if Lambda is not None else jnp.zeros((1, 1, 0))
            log_odds = o[..., G : G + B, None] * jnp.arange(2.0)  # of 0, which are 0, and of 1
            log_odds, rate = log_odds.reshape(*o.shape[:-1], 2 * B), jnp.exp(o[..., G + B :])
            sample("x", MixedColumns(o[..., :G], sd, rate, log_odds, columns, w), obs=x)


def covariate_values(x, setting, columns, shape, mean, sd):
    """The covariates (N, T, P): those of the data, or of the setting, or draws."""
    if x is not None:
        return x[..., columns]
    if setting is not None:
        return setting
    return mean + sd * random.normal(numpyro.prng_key(), shape)
