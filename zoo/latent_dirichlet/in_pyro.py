import torch
from pyro import plate, sample
from pyro.distributions import Categorical, Dirichlet

from zoo._distributions.words.in_pyro import Topics, Word, to_tokens


def model(w=None, *, N, T, V, K, alpha=0.1, eta=0.01):
    with plate("K", K):
        phi = sample("phi", Dirichlet(torch.full((V,), eta)))
    with plate("N", N):
        theta = sample("theta", Dirichlet(torch.as_tensor(alpha).expand(K)))
        with plate("T", T):
            z = sample("z", Categorical(theta))
            sample("w", Word(phi[z]), obs=None if w is None else to_tokens(w, T))


def collapsed(w=None, *, N, T, V, K, alpha=0.1, eta=0.01):
    with plate("K", K):
        phi = sample("phi", Dirichlet(torch.full((V,), eta)))
    with plate("N", N):
        theta = sample("theta", Dirichlet(torch.as_tensor(alpha).expand(K)))
        sample("w", Topics(theta, phi, T, w), obs=w)
