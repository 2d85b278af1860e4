import jax.numpy as jnp
from numpyro import param

from guides.in_numpyro import FromMode


def guide(program, start=None):
    return FromMode(program, start, at_one_place, jacobian=False)


def at_one_place(mode):
    return mode.centre + mode.sd * param("guide_loc", jnp.zeros_like(mode.centre))
