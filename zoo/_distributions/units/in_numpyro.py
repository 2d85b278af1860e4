import jax.numpy as jnp
from numpyro.distributions import biject_to, constraints
from numpyro.distributions.transforms import AffineTransform


class InUnits(constraints.Constraint):
    def __init__(self, loc, scale):
        self.loc, self.scale = jnp.asarray(loc), jnp.asarray(scale)

    def __call__(self, x):
        return jnp.isfinite(x)

    def feasible_like(self, prototype):
        return jnp.broadcast_to(self.loc, jnp.shape(prototype))

    def tree_flatten(self):
        return (self.loc, self.scale), (("loc", "scale"), {})


in_units = InUnits


@biject_to.register(InUnits)
def affine(constraint):
    return AffineTransform(constraint.loc, constraint.scale)
