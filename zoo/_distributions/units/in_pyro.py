import torch
from pyro.distributions import constraints
from torch.distributions import AffineTransform, biject_to, transform_to


class InUnits(constraints.Constraint):
    def __init__(self, loc, scale):
        self.loc, self.scale = torch.as_tensor(loc), torch.as_tensor(scale)

    def check(self, value):
        return value.isfinite()


in_units = InUnits


@biject_to.register(InUnits)
@transform_to.register(InUnits)
def affine(constraint):
    return AffineTransform(constraint.loc, constraint.scale)
