import jax.numpy as jnp
from numpyro import param, sample
from numpyro.distributions import Normal, constraints

from guides.in_numpyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, mean_field)


def mean_field(mode):
    loc = param("guide_loc", jnp.zeros_like(mode.centre))
    scale = param("guide_scale", jnp.ones_like(mode.centre), constraint=constraints.positive)
    q = Normal(mode.centre + mode.sd * loc, mode.sd * scale).to_event(1)
    return sample("guide_free", q, infer={"is_auxiliary": True})
