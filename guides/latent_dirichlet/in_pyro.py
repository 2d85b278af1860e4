import torch
from pyro import param, plate, sample
from pyro.distributions import constraints

from guides.latent_dirichlet import WIDTHS
from zoo._distributions.logistic_normal.in_pyro import LogisticNormal
from zoo._distributions.words.in_pyro import as_bag
from zoo._networks.in_pyro import MLP, network


def guide(program, start=None):
    return amortised


def amortised(w, *, N, V, K, **others):
    loc = param("phi.loc", lambda: 0.1 * torch.randn(K, V - 1))
    scale = param("phi.scale", lambda: torch.full((K, V - 1), 0.1), constraint=constraints.positive)
    with plate("K", K):
        sample("phi", LogisticNormal(loc, scale))
    encoder = network("encoder", MLP, V, WIDTHS, 2 * (K - 1))
    with plate("N", N):
        loc, log_scale = encoder(as_bag(w, V).log1p()).chunk(2, -1)
        sample("theta", LogisticNormal(loc, log_scale.exp()))
