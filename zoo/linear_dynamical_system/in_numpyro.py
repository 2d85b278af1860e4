import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import HalfNormal, InverseGamma, Normal

from zoo._distributions.gaussian_chain.in_numpyro import GaussianChain, GaussianChainRows
from zoo._distributions.in_numpyro import DiagonalNormal
from zoo.linear_dynamical_system import STEP_OF_A


def model(x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0):
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    if structure == "general":
        A, W, mu, Psi = factor_parameters(D, Z, loc, scale, spread)
        with plate("N", N):
            z = sample("z", GaussianChain(jnp.zeros(Z), jnp.eye(Z), A, jnp.eye(Z), T))
            sample("x", DiagonalNormal(z @ W.T + mu, Psi).to_event(1), obs=x)
        return
    sd, Psi = trend_parameters(D, structure, spread)
    with plate("N", N):
        offset = None
        if "slope_sd" in sd:
            walk = GaussianChain(jnp.zeros(D), jnp.diag(spread), jnp.eye(D), jnp.diag(sd["slope_sd"]), T)
            offset = sample("slope", walk)[..., : T - 1, :] if T > 1 else sample("slope", walk)
        walk = GaussianChain(loc, jnp.diag(scale), jnp.eye(D), jnp.diag(sd["level_sd"]), T, offset)
        level = sample("level", walk)
        sample("x", DiagonalNormal(level, Psi).to_event(1), obs=x)


def collapsed(x=None, *, N, T, D, Z=2, structure="general", loc=0.0, scale=2.0, spread=1.0):
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    if structure == "general":
        A, W, mu, Psi = factor_parameters(D, Z, loc, scale, spread)
        chain = GaussianChain(jnp.zeros(Z), jnp.eye(Z), A, jnp.eye(Z), T)
    else:
        sd, Psi = trend_parameters(D, structure, spread)
        W, mu, A, first, moves, means = jnp.eye(D), jnp.zeros(D), jnp.eye(D), scale, sd["level_sd"], loc
        if "slope_sd" in sd:  # levels, then slopes
            zero = jnp.zeros((D, D))
            W, A = jnp.block([W, zero]), jnp.block([[A, A], [zero, A]])
            first, moves = jnp.concatenate([first, spread]), jnp.concatenate([moves, sd["slope_sd"]])
            means = jnp.concatenate([means, mu])
        chain = GaussianChain(means, jnp.diag(first), A, jnp.diag(moves), T)
    with plate("N", N):
        sample("x", GaussianChainRows(chain, W, mu, Psi), obs=x)


def factor_parameters(D, Z, loc, scale, spread):
    A = sample("A", Normal(jnp.zeros((Z, Z)), STEP_OF_A).to_event(2))
    with plate("D", D):
        W = sample("W", Normal(jnp.zeros((D, Z)), spread[:, None]).to_event(1))
        mu = sample("mu", Normal(loc, scale))
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    return A, W, mu, Psi


def trend_parameters(D, structure, spread):
    with plate("D", D):
        names = ("level_sd", "slope_sd") if structure == "local_trend" else ("level_sd",)
        sd = {name: sample(name, HalfNormal(spread)) for name in names}
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    return sd, Psi
