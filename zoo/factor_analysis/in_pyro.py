import torch
from pyro import plate, sample
from pyro.distributions import InverseGamma, Normal

from zoo._distributions.in_pyro import DiagonalNormal, LowRankNormal


def model(x=None, *, N, D, Z, loc=0.0, scale=2.0, spread=1.0):
    W, mu, Psi = parameters(D, Z, loc, scale, spread)
    with plate("N", N):
        z = sample("z", Normal(torch.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, Psi), obs=x)


def collapsed(x=None, *, N, D, Z, loc=0.0, scale=2.0, spread=1.0):
    W, mu, Psi = parameters(D, Z, loc, scale, spread)
    with plate("N", N):
        sample("x", LowRankNormal(mu, W, Psi), obs=x)


def parameters(D, Z, loc, scale, spread):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    with plate("D", D):
        W = sample("W", Normal(torch.zeros(D, Z), spread[:, None]).to_event(1))
        mu = sample("mu", Normal(loc, scale))
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    return W, mu, Psi
