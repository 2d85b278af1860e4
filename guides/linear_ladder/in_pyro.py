import torch
from pyro import param, plate, sample
from pyro.distributions import MultivariateNormal, constraints

from guides._shared import by_encoder
from guides._shared.in_pyro import SharedGuide


def guide(program, start=None):
    return by_encoder(ladder=SharedGuide(program, posterior, messages), bottom_up=bottom_up)


def messages(x, D, L, Z, loc, spread):
    """The messages of the layers by name: h (N, Z) and M (Z, Z)."""
    H, b = param("encoder.weight", lambda: torch.randn(L, D, Z) / D**0.5), bias(L, Z)
    R = param("encoder.root", lambda: torch.eye(Z).repeat(L, 1, 1))
    y = ((x - loc) / spread).nan_to_num()
    return {f"z{i + 1}": (y @ H[i] + b[i], R[i] @ R[i].T) for i in range(L)}


def posterior(name, prior, features, encoding):
    h, M = encoding[name]
    precision = 1 / prior.variance[..., :1, :]  # the same in every row
    covariance = torch.linalg.inv(precision[..., None] * torch.eye(len(M)) + M)
    loc = torch.einsum("...zy,...y->...z", covariance, prior.mean * precision + h)
    return MultivariateNormal(loc, covariance)


def bottom_up(x, *, N, D, L, Z, loc, spread, **others):
    H, b = param("encoder.weight", lambda: torch.randn(D, Z) / D**0.5), bias(L, Z)
    A = param("encoder.layers", lambda: torch.eye(Z).repeat(L - 1, 1, 1) / 2**0.5)
    T = param("encoder.scale", lambda: torch.eye(Z).repeat(L, 1, 1), constraint=constraints.lower_cholesky)
    with plate("N", N):
        y = ((x - loc) / spread).nan_to_num()
        z = sample("z1", MultivariateNormal(y @ H + b[0], scale_tril=T[0]))
        for i in range(1, L):
            z = sample(f"z{i + 1}", MultivariateNormal(z @ A[i - 1] + b[i], scale_tril=T[i]))


def bias(L, Z):
    return param("encoder.bias", lambda: torch.zeros(L, Z))
