import torch
from pyro import plate, sample
from pyro.distributions import Bernoulli, Beta, Categorical, Dirichlet, Gamma, MultivariateNormal, Normal

from zoo._distributions.chain.in_pyro import Chain
from zoo._distributions.counts.in_pyro import Poisson
from zoo._distributions.in_pyro import DiagonalNormal, FullNormal
from zoo._distributions.wishart.in_pyro import Wishart


def model(
    x=None,
    *,
    N,
    T,
    D,
    K,
    V=2,
    emission="normal",
    concentration=1.0,
    stickiness=0.0,
    loc=0.0,
    scale=5.0,
    spread=1.0,
    mean=10.0,
    shape=2.0,
):
    loc, scale, spread, mean = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread, mean))
    pi = sample("pi", Dirichlet(torch.ones(K)))
    Lambda = sample("Lambda", precision(emission, spread, D)) if emission == "tied_normal" else None
    with plate("K", K):
        A = sample("A", Dirichlet(concentration + stickiness * torch.eye(K)))
        mu = sample("mu", parameter(emission, D, V, loc, scale, mean, shape))
        if emission in ("normal", "full_normal"):
            Lambda = sample("Lambda", precision(emission, spread, D))
    with plate("N", N, dim=-2):
        z = sample("z", Chain(pi, A, T))
        with plate("T", T, dim=-1):
            if Lambda is not None:
                sample("x", state_normal(emission, mu, Lambda, z), obs=x)
            else:
                sample("x", state_items(emission, mu, z, x), obs=None if x is None else values(emission, x))


def parameter(emission, D, V, loc, scale, mean, shape):
    match emission:
        case "bernoulli":
            return Beta(torch.ones(D), 1.0).to_event(1)
        case "poisson":
            return Gamma(shape, shape / mean).to_event(1)
        case "categorical":
            return Dirichlet(torch.ones(D, V)).to_event(1)
    return Normal(loc, scale).to_event(1)


def precision(emission, spread, D):
    if emission == "normal":
        return Gamma(1.5, spread**2 / 2).to_event(1)
    return Wishart(D + 2.0, precision_matrix=torch.diag(spread**2))


def state_normal(emission, mu, Lambda, z):
    match emission:
        case "normal":
            return DiagonalNormal(mu[z], 1 / Lambda[z])
        case "full_normal":
            return FullNormal(mu[z], root(Lambda)[z])
        case "tied_normal":
            return FullNormal(mu[z], root(Lambda))


def root(Lambda):
    # the Cholesky factor of Sigma, once for each state and not once for each step
    return MultivariateNormal(Lambda.new_zeros(Lambda.shape[-1]), precision_matrix=Lambda).scale_tril


def state_items(emission, mu, z, x):
    items = {"bernoulli": Bernoulli, "poisson": Poisson, "categorical": Categorical}[emission](mu[z])
    return (items if x is None else items.mask(~x.isnan())).to_event(1)


def values(emission, x):
    return x.nan_to_num().long() if emission == "categorical" else x.nan_to_num()
