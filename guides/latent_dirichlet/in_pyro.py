import torch
from pyro import param, plate, sample
from pyro.distributions import constraints

from guides.latent_dirichlet import WIDTHS
from zoo._distributions.dirichlet.in_pyro import Dirichlet
from zoo._distributions.logistic_normal.in_pyro import LogisticNormal
from zoo._distributions.words.in_pyro import to_counts
from zoo._networks.in_pyro import MLP, network


def guide(program, start=None):
    return amortised


def amortised(w, *, N, V, K, **others):
    bag = to_counts(w, V)

    def initial_concentration():  # the corpus, divided among the topics at random
        return 1 + torch.empty(K, V).exponential_() * bag.sum(0) * (N / len(bag) / K)

    concentration = param("phi.concentration", initial_concentration, constraint=constraints.positive)
    with plate("K", K):
        sample("phi", Dirichlet(concentration))
    encoder = network("encoder", MLP, V, WIDTHS, 2 * max(K - 1, 1))  # with one topic the output is not used
    with plate("N", N):
        loc, log_scale = encoder(bag.log1p()).chunk(2, -1)
        sample("theta", LogisticNormal(loc[..., : K - 1], log_scale[..., : K - 1].exp()))
