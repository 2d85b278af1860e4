import torch
from pyro import plate, sample
from pyro.distributions import Dirichlet, Gamma, Normal

from zoo._distributions.chain.in_pyro import Chain
from zoo._distributions.mixed_columns import layout
from zoo._distributions.mixed_columns.in_pyro import MixedColumns
from zoo.switching_regression import kinds_of


def model(
    x=None,
    *,
    N,
    T,
    D,
    K,
    columns=None,
    transitions="constant",
    concentration=1.0,
    stickiness=0.0,
    loc=0.0,
    scale=2.0,
    spread=1.0,
    covariate_mean=0.0,
    covariate_sd=1.0,
    covariates=None,
):
    columns = kinds_of(columns, D)
    at = layout(columns)
    G, B, P = len(at.numbers), len(at.categories), len(at.covariates)
    C = G + B + len(at.counts)
    loc, scale = (torch.as_tensor(v).expand(C) for v in (loc, scale))
    mean, sd = (torch.as_tensor(v).expand(P) for v in (covariate_mean, covariate_sd))
    prior_of_A = concentration + stickiness * torch.eye(K)
    beta_loc = torch.cat([loc[:, None], torch.zeros(C, P)], -1)
    beta_scale = scale[:, None] / torch.cat([torch.ones(1), sd])
    pi = sample("pi", Dirichlet(torch.ones(K)))
    prior_of_moves = torch.cat([prior_of_A[None], torch.ones(P, K, K)])
    A = sample("A", Dirichlet(prior_of_moves).to_event(2)) if transitions == "covariates" else None
    Lambda = None
    with plate("K", K):
        if A is None:
            A = sample("A", Dirichlet(prior_of_A))
        beta = sample("beta", Normal(beta_loc, beta_scale).to_event(2))
        if G:
            Lambda = sample("Lambda", Gamma(1.5, torch.as_tensor(spread).expand(G) ** 2 / 2).to_event(1))
    with plate("N", N, dim=-2):
        w = covariate_values(x, covariates, at.covariates, (N, T, P), mean, sd)
        centred = (w - mean).nan_to_num()  # after the end of a sequence
        if transitions == "covariates":
            logits = A[0].log() + torch.einsum("...p,pjk->...jk", centred[..., 1:, :] / sd, A[1:].log())
            A = logits.softmax(-1)
        z = sample("z", Chain(pi, A, T))
        u = torch.cat([torch.ones(*centred.shape[:-1], 1), centred], -1)
        with plate("T", T, dim=-1):
            o = torch.einsum("...cq,...q->...c", beta[z], u)
            sd = Lambda[z] ** -0.5 if Lambda is not None else torch.zeros(1, 1, 0)
            log_odds = o[..., G : G + B, None] * torch.arange(2.0)  # of 0, which are 0, and of 1
            log_odds, rate = log_odds.reshape(*o.shape[:-1], 2 * B), o[..., G + B :].exp()
            sample("x", MixedColumns(o[..., :G], sd, rate, log_odds, columns, w), obs=x)


def covariate_values(x, setting, columns, shape, mean, sd):
    """The covariates (N, T, P): those of the data, or of the setting, or draws."""
    if x is not None:
        return x[..., columns]
    if setting is not None:
        return setting
    return mean + sd * torch.randn(shape)
