import jax
import jax.numpy as jnp
from numpyro import param, plate, sample
from numpyro.distributions import Bernoulli, Normal, constraints

from zoo._distributions.discretised_logistic.in_numpyro import DiscretisedLogistic
from zoo._distributions.in_numpyro import DiagonalNormal
from zoo._networks import in_numpyro as networks


def model(
    x=None,
    *,
    N,
    D,
    Z=20,
    likelihood="bernoulli",
    network="mlp",
    width=200,
    depth=2,
    loc=0.0,
    spread=1.0,
    sigma=None,
    levels=17,
):
    decoder = networks.network("decoder", *networks.decoder(network, Z, width, depth, D))
    sigma = pixel_scale(sigma, likelihood, spread)
    with plate("N", N):
        z = sample("z", Normal(jnp.zeros(Z), 1.0).to_event(1))
        sample_pixels(x, decoder(z), D, likelihood, loc, spread, sigma, levels)


def pixel_scale(sigma, likelihood, spread):
    """The scale of pixels that have one: learned, unless it is fixed."""
    if sigma is None and likelihood != "bernoulli":
        return param("sigma", jnp.asarray(spread / 2), constraint=constraints.positive)
    return sigma


def sample_pixels(x, out, D, likelihood, loc, spread, sigma, levels):
    """The statement of x, whose logits or locations are a network's output in units of ``spread``, about ``loc``."""
    if likelihood == "gaussian":
        sample("x", DiagonalNormal(loc + spread * out, jnp.full(D, jnp.asarray(sigma) ** 2)), obs=x)
        return
    binary = likelihood == "bernoulli"
    pixels = Bernoulli(logits=loc + out) if binary else DiscretisedLogistic(loc + spread * out, sigma, levels)
    pixels, x = mask_missing(pixels, x)
    sample("x", pixels.to_event(1), obs=x)


def centred_pixels(x, likelihood, loc, spread):
    """Pixels about their mean, for an encoder; 0 where missing."""
    return jnp.nan_to_num(x - jax.nn.sigmoid(loc) if likelihood == "bernoulli" else (x - loc) / spread)


def encoder_pixels(x, likelihood, loc, spread):
    """Pixels for an encoder: binary ones as they are, their mean where missing, and others by ``centred_pixels``."""
    if likelihood == "bernoulli":
        return jnp.where(jnp.isnan(x), jax.nn.sigmoid(loc), x)
    return centred_pixels(x, likelihood, loc, spread)


def mask_missing(pixels, x):
    """The distribution with missing pixels masked out, and their values with 0 where missing."""
    return (pixels, x) if x is None else (pixels.mask(~jnp.isnan(x)), jnp.nan_to_num(x))
