import torch
from pyro import plate, sample
from pyro.distributions import HalfNormal, InverseGamma, Normal

from zoo._distributions.gaussian_chain.in_pyro import GaussianChain, GaussianChainRows
from zoo._distributions.in_pyro import DiagonalNormal
from zoo.linear_dynamical_system import STEP_OF_A


def model(x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    if structure == "general":
        A, W, mu, Psi = factor_parameters(D, Z, loc, scale, spread)
        with plate("N", N):
            z = sample("z", GaussianChain(torch.zeros(Z), torch.eye(Z), A, torch.eye(Z), T))
            sample("x", DiagonalNormal(z @ W.mT + mu[..., None, :], Psi[..., None, :]).to_event(1), obs=x)
        return
    sd, Psi = trend_parameters(D, structure, spread)
    with plate("N", N):
        offset = None
        if "slope_sd" in sd:
            walk = GaussianChain(torch.zeros(D), spread.diag(), torch.eye(D), sd["slope_sd"].diag_embed(), T)
            slope = sample("slope", walk)
            offset = slope[..., : T - 1, :] if T > 1 else slope
        walk = GaussianChain(loc, scale.diag(), torch.eye(D), sd["level_sd"].diag_embed(), T, offset)
        level = sample("level", walk)
        sample("x", DiagonalNormal(level, Psi[..., None, :]).to_event(1), obs=x)


def collapsed(x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    if structure == "general":
        A, W, mu, Psi = factor_parameters(D, Z, loc, scale, spread)
        chain = GaussianChain(torch.zeros(Z), torch.eye(Z), A, torch.eye(Z), T)
    else:
        sd, Psi = trend_parameters(D, structure, spread)
        W, mu, A, first, moves, means = torch.eye(D), torch.zeros(D), torch.eye(D), scale, sd["level_sd"], loc
        if "slope_sd" in sd:  # levels, then slopes
            zero = torch.zeros(D, D)
            W, A = torch.cat([W, zero], -1), torch.cat([torch.cat([A, A], -1), torch.cat([zero, A], -1)])
            first, moves = torch.cat([first, spread]), torch.cat([moves, sd["slope_sd"]], -1)
            means = torch.cat([means, mu])
        chain = GaussianChain(means, first.diag(), A, moves.diag_embed(), T)
    with plate("N", N):
        sample("x", GaussianChainRows(chain, W, mu, Psi), obs=x)


def factor_parameters(D, Z, loc, scale, spread):
    A = sample("A", Normal(torch.zeros(Z, Z), STEP_OF_A).to_event(2))
    with plate("D", D):
        W = sample("W", Normal(torch.zeros(D, Z), spread[:, None]).to_event(1))
        mu = sample("mu", Normal(loc, scale))
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    return A, W, mu, Psi


def trend_parameters(D, structure, spread):
    with plate("D", D):
        names = ("level_sd", "slope_sd") if structure == "local_trend" else ("level_sd",)
        sd = {name: sample(name, HalfNormal(spread)) for name in names}
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    return sd, Psi
