from numpyro.distributions import Normal

from guides._shared.in_numpyro import SharedGuide
from zoo._networks import in_numpyro as networks
from zoo._networks.residual.in_numpyro import BottomUp, Pointwise, activation_dtype, space_to_depth
from zoo.vae.in_numpyro import centred_pixels
from zoo.very_deep_vae import Layout


def guide(program, start=None):
    return SharedGuide(program, posterior, encoder)


def encoder(x, D, layout, width, bottleneck, channels, likelihood, shape, loc, spread, depth, bfloat16):
    """The networks of the posteriors, by name of the latent: functions of the program's activations."""
    design = Layout.read(layout, D, shape)
    centred = centred_pixels(x, likelihood, loc, spread)
    pixels = space_to_depth(centred, design.stages[-1][0], design.colours)
    h = networks.network("encoder.x", Pointwise, design.factor**2 * design.colours, width)(pixels)
    h, posteriors = h.astype(activation_dtype(bfloat16)), []
    for side, count in design.stages[::-1]:
        stage = networks.network(
            f"encoder.{side}", BottomUp, side, count, depth, width, bottleneck, channels, design.total
        )
        h, at_side = stage(h)
        posteriors = at_side + posteriors
    return dict(zip(design.latents(channels), posteriors, strict=True))


def posterior(name, prior, features, encoding, residual):
    active, prior_loc, prior_scale = features
    loc, scale = encoding[name](active)
    return Normal(prior_loc + loc, prior_scale * scale).to_event(1) if residual else Normal(loc, scale).to_event(1)
