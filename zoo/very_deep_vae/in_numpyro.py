import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Normal

from zoo._distributions.logistic_mixture.in_numpyro import LogisticMixture
from zoo._networks import in_numpyro as networks
from zoo._networks.residual.in_numpyro import (
    Pointwise,
    TopDown,
    activation_dtype,
    depth_to_space,
    full,
    positive,
)
from zoo.vae.in_numpyro import pixel_scale, sample_pixels
from zoo.very_deep_vae import MIN_PIXEL_SCALE, Layout, num_outputs


def model(
    x=None,
    *,
    N,
    D,
    layout="1x2,2x2,4x4",
    width=32,
    bottleneck=8,
    channels=4,
    likelihood="bernoulli",
    mixtures=5,
    shape=None,
    loc=0.0,
    spread=1.0,
    sigma=None,
    levels=17,
    bfloat16=False,
    residual=True,  # this keyword and that below are for the guide
    depth=2,
):
    design = Layout.read(layout, D, shape)
    names, h = iter(design.latents(channels)), None
    outputs = design.factor**2 * num_outputs(likelihood, design.colours, mixtures)
    readout = networks.network("decoder.x", Pointwise, width, outputs)
    if likelihood == "gaussian":  # the components of a mixture have scales of their own
        sigma = pixel_scale(sigma, likelihood, spread)
    with plate("N", N):
        for side, count in design.stages:
            stage = networks.network(f"decoder.{side}", TopDown, side, count, width, bottleneck, channels, design.total)
            h, blocks = stage(h, activation_dtype(bfloat16))
            for prior, merge in blocks:
                m, s, h, active = prior(h)
                z = sample(next(names), Normal(m, s).to_event(1), infer={"features": (active, m, s)})
                h = merge(h, z)
        out = depth_to_space(readout(full(h)), design.factor)
        if likelihood == "discretised_logistic":
            sample("x", mixture(out, mixtures, design.colours, loc, spread, levels), obs=x)
            return
        sample_pixels(x, out.reshape(*out.shape[:-2], D), D, likelihood, loc, spread, sigma, levels)


def mixture(out, mixtures, colours, loc, spread, levels):
    """The distribution of the pixels (..., P C), by what they are read out to (..., P, M (1 + 2 C))."""
    logits, rest = out[..., :mixtures], out[..., mixtures:]
    shifts, scales = jnp.moveaxis(rest.reshape(*rest.shape[:-1], 2, colours, mixtures), -3, 0)
    means = jnp.broadcast_to(loc, (out.shape[-2] * colours,)).reshape(-1, colours, 1)
    return LogisticMixture(logits, means + spread * shifts, spread * positive(scales, MIN_PIXEL_SCALE), levels)
