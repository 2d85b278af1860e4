import torch
from pyro import plate, sample
from pyro.distributions import HalfNormal, InverseGamma, Normal

from zoo._distributions.gaussian_chain.in_pyro import GaussianChain, GaussianChainRows
from zoo._distributions.in_pyro import DiagonalNormal
from zoo.linear_dynamical_system import STEP_OF_A


def model(
    x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0, initial_loc=0.0, initial_scale=1.0,
    move_scale=1.0, move_cov=None, fixed_A=None, fixed_W=None, fixed_mu=None, fixed_move_sd=None, fixed_level_sd=None,
    fixed_slope_sd=None, fixed_Psi=None,
):  # fmt: skip
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    first_loc, first_sd, unit = (torch.as_tensor(v).expand(Z) for v in (initial_loc, initial_scale, move_scale))
    if structure == "general":
        fixed = {"A": fixed_A, "W": fixed_W, "mu": fixed_mu, "move_sd": fixed_move_sd, "Psi": fixed_Psi}
        chain, W, mu, Psi = factors(T, D, Z, fixed, move_cov, first_loc, first_sd, unit, loc, scale, spread)
        with plate("N", N):
            z = sample("z", chain)
            sample("x", DiagonalNormal(z @ W.mT + mu[..., None, :], Psi[..., None, :]).to_event(1), obs=x)
        return
    sd, Psi = trend_parameters(D, structure, fixed_level_sd, fixed_slope_sd, fixed_Psi, spread)
    with plate("N", N):
        offset = None
        if "slope_sd" in sd:
            walk = GaussianChain(torch.zeros(D), spread.diag(), torch.eye(D), sd["slope_sd"].diag_embed(), T)
            slope = sample("slope", walk)
            offset = slope[..., : T - 1, :] if T > 1 else slope
        walk = GaussianChain(loc, scale.diag(), torch.eye(D), sd["level_sd"].diag_embed(), T, offset)
        level = sample("level", walk)
        sample("x", DiagonalNormal(level, Psi[..., None, :]).to_event(1), obs=x)


def collapsed(
    x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0, initial_loc=0.0, initial_scale=1.0,
    move_scale=1.0, move_cov=None, fixed_A=None, fixed_W=None, fixed_mu=None, fixed_move_sd=None, fixed_level_sd=None,
    fixed_slope_sd=None, fixed_Psi=None,
):  # fmt: skip
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    first_loc, first_sd, unit = (torch.as_tensor(v).expand(Z) for v in (initial_loc, initial_scale, move_scale))
    if structure == "general":
        fixed = {"A": fixed_A, "W": fixed_W, "mu": fixed_mu, "move_sd": fixed_move_sd, "Psi": fixed_Psi}
        chain, W, mu, Psi = factors(T, D, Z, fixed, move_cov, first_loc, first_sd, unit, loc, scale, spread)
    else:
        sd, Psi = trend_parameters(D, structure, fixed_level_sd, fixed_slope_sd, fixed_Psi, spread)
        W, mu, A, first, moves, means = torch.eye(D), torch.zeros(D), torch.eye(D), scale, sd["level_sd"], loc
        if "slope_sd" in sd:  # levels, then slopes
            zero = torch.zeros(D, D)
            W, A = torch.cat([W, zero], -1), torch.cat([torch.cat([A, A], -1), torch.cat([zero, A], -1)])
            first, means = torch.cat([first, spread]), torch.cat([means, mu])
            moves = torch.cat(torch.broadcast_tensors(moves, sd["slope_sd"]), -1)  # draws of one, where one is fixed
        chain = GaussianChain(means, first.diag(), A, moves.diag_embed(), T)
    with plate("N", N):
        sample("x", GaussianChainRows(chain, W, mu, Psi), obs=x)


def factors(T, D, Z, fixed, move_cov, initial_loc, initial_scale, move_scale, loc, scale, spread):
    def part(name, prior):
        return sample(name, prior) if fixed[name] is None else torch.as_tensor(fixed[name])

    A = part("A", Normal(torch.zeros(Z, Z), STEP_OF_A).to_event(2))
    with plate("D", D):
        W = part("W", Normal(torch.zeros(D, Z), spread[:, None]).to_event(1))
        mu = part("mu", Normal(loc, scale))
        Psi = part("Psi", InverseGamma(2.0, spread**2 / 2))
    moves = torch.eye(Z)
    if move_cov is not None:
        moves = torch.linalg.cholesky(torch.as_tensor(move_cov))
    elif fixed["W"] is not None:
        with plate("Z", Z):
            moves = part("move_sd", HalfNormal(move_scale)).diag_embed()
    return GaussianChain(initial_loc, initial_scale.diag(), A, moves, T), W, mu, Psi


def trend_parameters(D, structure, level_sd, slope_sd, Psi, spread):
    sd = {"level_sd": level_sd, "slope_sd": slope_sd} if structure == "local_trend" else {"level_sd": level_sd}
    with plate("D", D):
        sd = {n: sample(n, HalfNormal(spread)) if given is None else torch.as_tensor(given) for n, given in sd.items()}
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2)) if Psi is None else torch.as_tensor(Psi)
    return sd, Psi
