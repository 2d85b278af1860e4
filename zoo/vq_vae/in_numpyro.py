import jax
import jax.numpy as jnp
from numpyro import deterministic, param, plate, sample
from numpyro.distributions import Bernoulli, Categorical, constraints

from zoo._distributions.autoregressive.in_numpyro import AutoregressiveCategorical, CategoryNetwork
from zoo._distributions.in_numpyro import DiagonalNormal
from zoo._networks import in_numpyro as networks
from zoo._networks.grid.in_numpyro import decoder
from zoo.vae.in_numpyro import mask_missing
from zoo.vq_vae import scalar_grid


def model(
    x=None,
    *,
    N,
    D,
    M=16,
    K=64,
    Z=16,
    prior="uniform",
    network="mlp",
    likelihood="bernoulli",
    width=200,
    depth=2,
    loc=0.0,
    spread=1.0,
    sigma=None,
    quantiser="codebook",
    codebook_update="moving_average",  # this keyword and those below are for the guide
    decay=0.99,
    restart_below=0.03,
    commitment=0.25,
    rotation=False,
):
    codebook = codewords_of(quantiser, K, Z, initial_codebook(K, Z))
    decode = networks.network("decoder.x", *decoder(network, Z, M, width, depth, D))
    if sigma is None and likelihood == "gaussian":
        sigma = param("sigma", jnp.asarray(spread / 2), constraint=constraints.positive)
    codes = code_prior(prior, M, K, width, depth)
    with plate("N", N):
        z = sample("z", codes)
        codewords = deterministic("codewords", codebook[z])
        out = decode(codewords.reshape(*codewords.shape[:-2], M * Z))
        if likelihood == "gaussian":
            sample("x", DiagonalNormal(loc + spread * out, jnp.full(D, jnp.asarray(sigma) ** 2)), obs=x)
        else:
            pixels, x = mask_missing(Bernoulli(logits=loc + out), x)
            sample("x", pixels.to_event(1), obs=x)


def codewords_of(quantiser, K, Z, initial):
    """The codewords (K, Z): learned from ``initial`` on, or a fixed grid."""
    return jnp.asarray(scalar_grid(K, Z), jnp.zeros(()).dtype) if quantiser == "fsq" else param("codebook", initial)


def initial_codebook(K, Z):
    """What a param statement takes: small numbers, as van den Oord et al. (2017) start with."""
    return lambda key: jax.random.uniform(key, (K, Z), minval=-1 / K, maxval=1 / K)


def code_prior(prior, M, K, width, depth):
    """The distribution of M categories of K values each."""
    if prior == "autoregressive":
        return AutoregressiveCategorical(networks.network("decoder.z", CategoryNetwork, M, K, width, depth), M, K)
    logits = param("decoder.z.logits", jnp.zeros((M, K))) if prior == "positions" else jnp.zeros((M, K))
    return Categorical(logits=logits).to_event(1)
