import jax.numpy as jnp
from numpyro import param, sample
from numpyro.distributions import MultivariateNormal, constraints

from guides.in_numpyro import ModeCentredGuide


def guide(program, start=None):
    return ModeCentredGuide(program, start, full_rank, lambda mode: mode.root)


def full_rank(at):
    loc = param("guide_loc", jnp.zeros_like(at.centre))
    tril = param("guide_tril", jnp.eye(at.centre.size), constraint=constraints.lower_cholesky)
    q = MultivariateNormal(at.centre + at.unit @ loc, scale_tril=at.unit @ tril)
    return sample("guide_free", q, infer={"is_auxiliary": True})
