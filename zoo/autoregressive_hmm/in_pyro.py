import torch
from pyro import plate, sample
from pyro.distributions import Dirichlet, Gamma, MultivariateNormal, Normal

from zoo._distributions.chain.in_pyro import Chain
from zoo._distributions.lagged_normal.in_pyro import LaggedNormal
from zoo._distributions.wishart.in_pyro import Wishart


def model(
    x=None,
    *,
    N,
    T,
    D,
    K,
    P=1,
    noise="diagonal",
    concentration=1.0,
    stickiness=0.0,
    slope=0.5,
    loc=0.0,
    scale=2.0,
    spread=1.0,
    before=None,
):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    is_full = noise == "full"
    pi = sample("pi", Dirichlet(torch.ones(K)))
    with plate("K", K):
        A = sample("A", Dirichlet(concentration + stickiness * torch.eye(K)))
        mu = sample("mu", Normal(loc, scale).to_event(1))
        W = sample("W", Normal(torch.zeros(P, D, D), slope * scale[:, None] / scale).to_event(3))
        if is_full:
            Lambda = sample("Lambda", Wishart(D + 2.0, precision_matrix=torch.diag(spread**2)))
            noise = MultivariateNormal(Lambda.new_zeros(D), precision_matrix=Lambda).scale_tril
        else:
            noise = 1 / sample("Lambda", Gamma(1.5, spread**2 / 2).to_event(1))
    with plate("N", N, dim=-2):
        z = sample("z", Chain(pi, A, T))
        with plate("T", T, dim=-1):
            sample("x", LaggedNormal(mu[z], W[z], noise[z], loc, scale, T, before, is_full), obs=x)
