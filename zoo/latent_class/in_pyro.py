import torch
from pyro import plate, sample
from pyro.distributions import Bernoulli, Beta, Categorical, Dirichlet


def model(x=None, *, N, J, K, a=1.0, b=1.0):
    pi = sample("pi", Dirichlet(torch.ones(K)))
    with plate("K", K):
        theta = sample("theta", Beta(torch.full((J,), a), b).to_event(1))
    with plate("N", N):
        z = sample("z", Categorical(pi))
        sample("x", answers(theta[z], x), obs=None if x is None else x.nan_to_num())


def answers(theta, x):
    items = Bernoulli(theta)
    return (items if x is None else items.mask(~x.isnan())).to_event(1)
