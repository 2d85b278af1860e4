import torch
from pyro import plate, sample
from pyro.distributions import InverseGamma, Normal

from zoo._distributions.in_pyro import DiagonalNormal, LowRankNormal


def model(x=None, *, N, D, Z, loc=0.0, scale=2.0, spread=1.0):
    W, mu, sigma2 = parameters(D, Z, loc, scale, spread)
    with plate("N", N):
        z = sample("z", Normal(torch.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, sigma2.expand(D)), obs=x)


def collapsed(x=None, *, N, D, Z, loc=0.0, scale=2.0, spread=1.0):
    W, mu, sigma2 = parameters(D, Z, loc, scale, spread)
    with plate("N", N):
        sample("x", LowRankNormal(mu, W, sigma2.expand(D)), obs=x)


def parameters(D, Z, loc, scale, spread):
    with plate("D", D):
        W = sample("W", Normal(torch.zeros(D, Z), spread).to_event(1))
        mu = sample("mu", Normal(torch.as_tensor(loc).expand(D), scale))
    sigma2 = sample("sigma2", InverseGamma(torch.tensor(2.0), spread**2 / 2))
    return W, mu, sigma2
