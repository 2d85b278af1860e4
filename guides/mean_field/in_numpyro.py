import jax.numpy as jnp
from numpyro import param, sample
from numpyro.distributions import Normal, constraints

from guides.in_numpyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, mean_field, lambda mode: mode.sd)


def mean_field(at):
    loc = param("guide_loc", jnp.zeros_like(at.centre))
    scale = param("guide_scale", jnp.ones_like(at.centre), constraint=constraints.positive)
    q = Normal(at.centre + at.unit * loc, at.unit * scale).to_event(1)
    return sample("guide_free", q, infer={"is_auxiliary": True})
