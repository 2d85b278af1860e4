import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import HalfNormal, InverseGamma, Normal

from zoo._distributions.gaussian_chain.in_numpyro import GaussianChain, GaussianChainRows
from zoo._distributions.in_numpyro import DiagonalNormal
from zoo.linear_dynamical_system import STEP_OF_A


def model(
    x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0, initial_loc=0.0, initial_scale=1.0,
    move_scale=1.0, move_cov=None, fixed_A=None, fixed_W=None, fixed_mu=None, fixed_move_sd=None, fixed_level_sd=None,
    fixed_slope_sd=None, fixed_Psi=None,
):  # fmt: skip
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    first_loc, first_sd, unit = (jnp.broadcast_to(v, (Z,)) for v in (initial_loc, initial_scale, move_scale))
    if structure == "general":
        fixed = {"A": fixed_A, "W": fixed_W, "mu": fixed_mu, "move_sd": fixed_move_sd, "Psi": fixed_Psi}
        chain, W, mu, Psi = factors(T, D, Z, fixed, move_cov, first_loc, first_sd, unit, loc, scale, spread)
        with plate("N", N):
            z = sample("z", chain)
            sample("x", DiagonalNormal(z @ W.T + mu, Psi).to_event(1), obs=x)
        return
    sd, Psi = trend_parameters(D, structure, fixed_level_sd, fixed_slope_sd, fixed_Psi, spread)
    with plate("N", N):
        offset = None
        if "slope_sd" in sd:
            walk = GaussianChain(jnp.zeros(D), jnp.diag(spread), jnp.eye(D), jnp.diag(sd["slope_sd"]), T)
            offset = sample("slope", walk)[..., : T - 1, :] if T > 1 else sample("slope", walk)
        walk = GaussianChain(loc, jnp.diag(scale), jnp.eye(D), jnp.diag(sd["level_sd"]), T, offset)
        level = sample("level", walk)
        sample("x", DiagonalNormal(level, Psi).to_event(1), obs=x)


def collapsed(
    x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0, initial_loc=0.0, initial_scale=1.0,
    move_scale=1.0, move_cov=None, fixed_A=None, fixed_W=None, fixed_mu=None, fixed_move_sd=None, fixed_level_sd=None,
    fixed_slope_sd=None, fixed_Psi=None,
):  # fmt: skip
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    first_loc, first_sd, unit = (jnp.broadcast_to(v, (Z,)) for v in (initial_loc, initial_scale, move_scale))
    if structure == "general":
        fixed = {"A": fixed_A, "W": fixed_W, "mu": fixed_mu, "move_sd": fixed_move_sd, "Psi": fixed_Psi}
        chain, W, mu, Psi = factors(T, D, Z, fixed, move_cov, first_loc, first_sd, unit, loc, scale, spread)
    else:
        sd, Psi = trend_parameters(D, structure, fixed_level_sd, fixed_slope_sd, fixed_Psi, spread)
        W, mu, A, first, moves, means = jnp.eye(D), jnp.zeros(D), jnp.eye(D), scale, sd["level_sd"], loc
        if "slope_sd" in sd:  # levels, then slopes
            zero = jnp.zeros((D, D))
            W, A = jnp.block([W, zero]), jnp.block([[A, A], [zero, A]])
            first, moves = jnp.concatenate([first, spread]), jnp.concatenate([moves, sd["slope_sd"]])
            means = jnp.concatenate([means, mu])
        chain = GaussianChain(means, jnp.diag(first), A, jnp.diag(moves), T)
    with plate("N", N):
        sample("x", GaussianChainRows(chain, W, mu, Psi), obs=x)


def factors(T, D, Z, fixed, move_cov, initial_loc, initial_scale, move_scale, loc, scale, spread):
    def part(name, prior):
        return sample(name, prior) if fixed[name] is None else jnp.asarray(fixed[name])

    A = part("A", Normal(jnp.zeros((Z, Z)), STEP_OF_A).to_event(2))
    with plate("D", D):
        W = part("W", Normal(jnp.zeros((D, Z)), spread[:, None]).to_event(1))
        mu = part("mu", Normal(loc, scale))
        Psi = part("Psi", InverseGamma(2.0, spread**2 / 2))
    moves = jnp.eye(Z)
    if move_cov is not None:
        moves = jnp.linalg.cholesky(jnp.asarray(move_cov))
    elif fixed["W"] is not None:
        with plate("Z", Z):
            moves = jnp.diag(part("move_sd", HalfNormal(move_scale)))
    return GaussianChain(initial_loc, jnp.diag(initial_scale), A, moves, T), W, mu, Psi


def trend_parameters(D, structure, level_sd, slope_sd, Psi, spread):
    sd = {"level_sd": level_sd, "slope_sd": slope_sd} if structure == "local_trend" else {"level_sd": level_sd}
    with plate("D", D):
        sd = {n: sample(n, HalfNormal(spread)) if given is None else jnp.asarray(given) for n, given in sd.items()}
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2)) if Psi is None else jnp.asarray(Psi)
    return sd, Psi
