# torch's Wishart has no bijection to unconstrained space, so neither NUTS nor a guide can use it, and its sampler
# mistakes valid draws for singular ones and warns. This class corrects both; the density is torch's own.
import math

import torch
from pyro import distributions
from torch.distributions import biject_to, constraints, transform_to
from torch.distributions.transforms import Transform


class Precision(type(constraints.positive_definite)):
    """Symmetric positive definite matrices, as a separate class so that a bijection can be registered."""


class CholeskyVector(Transform):
    """D(D+1)/2 unconstrained numbers to a positive definite matrix: the rows of its Cholesky factor, log diagonal."""

    domain = constraints.independent(constraints.real, 1)
    codomain = Precision()
    bijective = True

    def _call(self, x):
        D = int((math.isqrt(8 * x.shape[-1] + 1) - 1) // 2)
        rows, columns = torch.tril_indices(D, D)
        L = x.new_zeros(*x.shape[:-1], D, D)
        L[..., rows, columns] = torch.where(rows == columns, x.exp(), x)
        return L @ L.mT

    def _inverse(self, y):
        L = torch.linalg.cholesky(y)
        rows, columns = torch.tril_indices(L.shape[-1], L.shape[-1])
        unconstrained = L[..., rows, columns]
        return torch.where(rows == columns, unconstrained.abs().log(), unconstrained)

    def log_abs_det_jacobian(self, x, y):
        diagonal = torch.linalg.cholesky(y).diagonal(dim1=-2, dim2=-1).log()
        D = diagonal.shape[-1]
        # of L -> LL' it is 2^D prod L_ii^(D-i+1), of exp on the diagonal prod L_ii
        powers = torch.arange(D, 0, -1, dtype=y.dtype, device=y.device) + 1
        return D * math.log(2) + (powers * diagonal).sum(-1)

    def forward_shape(self, shape):
        D = int((math.isqrt(8 * shape[-1] + 1) - 1) // 2)
        return torch.Size([*shape[:-1], D, D])

    def inverse_shape(self, shape):
        D = shape[-1]
        return torch.Size([*shape[:-2], D * (D + 1) // 2])


@biject_to.register(Precision)
@transform_to.register(Precision)
def _bijection(constraint):
    return CholeskyVector()


class Wishart(distributions.Wishart):
    support = Precision()

    def rsample(self, sample_shape=()):
        return self._bartlett_sampling(torch.Size(sample_shape))
