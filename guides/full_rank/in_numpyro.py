import jax.numpy as jnp
from numpyro import param, sample
from numpyro.distributions import MultivariateNormal, constraints

from guides.in_numpyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, full_rank)


def full_rank(mode):
    loc = param("guide_loc", jnp.zeros_like(mode.centre))
    tril = param("guide_tril", jnp.eye(mode.centre.size), constraint=constraints.lower_cholesky)
    q = MultivariateNormal(mode.centre + mode.root @ loc, scale_tril=mode.root @ tril)
    return sample("guide_free", q, infer={"is_auxiliary": True})
