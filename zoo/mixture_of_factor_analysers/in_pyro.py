import torch
from pyro import plate, sample
from pyro.distributions import Categorical, Dirichlet, InverseGamma, Normal

from zoo._distributions.in_pyro import DiagonalNormal, LowRankNormal


def model(x=None, *, N, D, K, Z, uniqueness="own", loc=0.0, scale=2.0, spread=1.0):
    pi, mu, W, Psi = parameters(D, K, Z, uniqueness, loc, scale, spread)
    with plate("N", N):
        c = sample("c", Categorical(pi))
        z = sample("z", Normal(torch.zeros(Z), 1.0).to_event(1))
        sample("x", DiagonalNormal(torch.einsum("...dz,...z->...d", W[c], z) + mu[c], Psi[c]), obs=x)


def collapsed(x=None, *, N, D, K, Z, uniqueness="own", loc=0.0, scale=2.0, spread=1.0):
    pi, mu, W, Psi = parameters(D, K, Z, uniqueness, loc, scale, spread)
    with plate("N", N):
        c = sample("c", Categorical(pi))
        sample("x", LowRankNormal(mu[c], W[c], Psi[c]), obs=x)


def parameters(D, K, Z, uniqueness, loc, scale, spread):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    noise = InverseGamma(2.0, spread**2 / 2).to_event(1)
    pi = sample("pi", Dirichlet(torch.ones(K)))
    Psi = sample("Psi", noise).expand(K, D) if uniqueness == "shared" else None
    with plate("K", K):
        mu = sample("mu", Normal(loc, scale).to_event(1))
        W = sample("W", Normal(torch.zeros(D, Z), spread[:, None]).to_event(2))
        if Psi is None:
            Psi = sample("Psi", noise)
    return pi, mu, W, Psi
