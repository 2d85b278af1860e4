import torch
from pyro import param, plate, sample
from pyro.distributions import Normal, constraints

from zoo._distributions.in_pyro import DiagonalNormal
from zoo._distributions.units.in_pyro import in_units


def model(x=None, *, N, D, Z, loc=0.0, spread=1.0):
    # half of the variance begins in the plane, half about it
    W = param("W", lambda: spread * torch.randn(D, Z) / (2 * Z) ** 0.5, constraint=in_units(0.0, spread))
    mu = param("mu", lambda: torch.as_tensor(loc).expand(D).clone(), constraint=in_units(loc, spread))
    sigma2 = param("sigma2", lambda: torch.tensor(spread**2 / 2), constraint=constraints.positive)
    with plate("N", N):
        z = sample("z", Normal(torch.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, sigma2.expand(D)), obs=x)
