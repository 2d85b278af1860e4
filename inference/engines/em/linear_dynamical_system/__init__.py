"""Closed-form EM for linear dynamical systems, local levels and local trends: see ``em/linear_chain``.

Parts that the settings fix are in no dict of parameters here; ``linear_chain`` puts them in their places.

MAP has the mode of the density of the parameters on the card: of a standard deviation with a half-normal prior of scale
tau, n moves and the sum of squares R it is the root of s^4 / tau^2 + n s^2 - R = 0, and of a variance with the prior
InverseGamma(a, b) the mode is (R / 2 + b) / (n / 2 + a + 1).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import halfnorm, invgamma, norm

from inference.alignment.commuting import commuting_basis, commuting_frame, num_rotations
from inference.engines.em.linear_chain import ChainMoments
from inference.engines.em.linear_gaussian.solution import ZERO_NOISE
from inference.exact.kalman import smooth
from zoo.linear_chain import LinearChain
from zoo.linear_dynamical_system import CARD, STEP_OF_A, linear_chain
from zoo.types import Keywords

KIND = "linear_chain"
SHAPE = 2.0  # of the inverse gamma prior of Psi
START_OF_A = 0.5
NUM_AXES = 20  # that are tried where A is fixed
RANDOM_STEP = 0.5  # of further starts, in the logs of variances and in the units of loadings

Params = dict[str, np.ndarray]


def column_units(keywords: Keywords) -> np.ndarray:
    """The unit of each column, (D,)."""
    return np.broadcast_to(np.asarray(keywords["spread"], float), keywords["D"])


def move_units(keywords: Keywords) -> np.ndarray:
    """The unit of the moves of each factor, (Z,)."""
    return np.broadcast_to(np.asarray(keywords["move_scale"], float), keywords["Z"])


def units(keywords: Keywords) -> Params:
    """The unit of loadings and means."""
    unit = column_units(keywords)
    return {"W": unit[:, None], "mu": unit}


def least(keywords: Keywords, floor: float) -> Params:
    """The least value of each positive parameter; moves of less than ``ZERO_NOISE`` are none, with any prior."""
    square, zero_moves = column_units(keywords) ** 2, np.sqrt(max(floor, ZERO_NOISE))
    sd = zero_moves * column_units(keywords)
    psi = np.maximum(floor * square, np.finfo(float).tiny)
    return {"Psi": psi, "level_sd": sd, "slope_sd": sd, "move_sd": zero_moves * move_units(keywords)}


def start(x: np.ndarray, weights: np.ndarray, keywords: Keywords, random: np.random.Generator | None) -> Params:
    """Principal axes of the steps with moderate dynamics, or variances that are halves of those of the steps."""
    spread, D = column_units(keywords), keywords["D"]
    rng = random or np.random.default_rng(0)
    factor = np.ones((3, D)) if random is None else np.exp(RANDOM_STEP * rng.standard_normal((3, D)))
    learned = CARD.parameters(keywords)
    if keywords["structure"] != "general":
        params = {
            "level_sd": spread / 2 * factor[0],
            "slope_sd": spread / 4 * factor[1],
            "Psi": spread**2 / 4 * factor[2],
        }
        return {n: params[n] for n in learned}
    Z, steps = keywords["Z"], x.reshape(-1, D)
    counted = ~np.isnan(steps) * np.repeat(weights, x.shape[1])[:, None]
    mean = np.nansum(counted * steps, 0) / np.maximum(counted.sum(0), 1e-300)
    scaled = np.where(np.isnan(steps), 0.0, (steps - mean) / spread) * np.sqrt(counted)
    values, axes = np.linalg.eigh(scaled.T @ scaled / np.maximum(counted.sum(), 1e-300) * D)
    largest = np.argsort(values)[::-1][:Z]
    loadings = np.zeros((D, Z))
    loadings[:, : len(largest)] = axes[:, largest] * np.sqrt(np.maximum(values[largest], 1e-3) / 2)
    moves = move_units(keywords) / 2
    if random is not None:
        loadings += RANDOM_STEP * random.standard_normal((D, Z))
        moves = moves * np.exp(RANDOM_STEP * random.standard_normal(Z))
    stationary = 1 / (1 - START_OF_A**2)  # variance of the latents
    params = {
        "A": START_OF_A * np.eye(Z),
        "W": spread[:, None] * loadings / np.sqrt(stationary),
        "mu": mean,
        "move_sd": moves,
        "Psi": spread**2 / 2 * factor[0],
    }
    params = {n: params[n] for n in learned}
    return with_axes(params, x, weights, keywords, rng) if "W" in params and "A" not in params else params


def with_axes(
    params: Params, x: np.ndarray, weights: np.ndarray, keywords: Keywords, rng: np.random.Generator
) -> Params:
    """The start on axes, of some at random, that suit a fixed A: EM does not leave those of another orientation."""
    Z, best, highest = keywords["Z"], params, -np.inf
    for turn in [np.eye(Z), *np.linalg.qr(rng.standard_normal((NUM_AXES, Z, Z)))[0]]:
        other = {**params, "W": params["W"] @ turn}
        log_p = weights @ smooth(linear_chain(other, keywords), x).log_p
        if log_p > highest:
            best, highest = other, log_p
    return best


def maximise(moments: ChainMoments, params: Params, keywords: Keywords, is_map: bool, floor: float) -> Params:
    """The M-step: dynamics at the moves before, then moves; loadings and means at the noise before, then noise."""
    spread, lowest = column_units(keywords), least(keywords, floor)
    better = dict(params)
    if "A" in params:
        before = linear_chain(params, keywords)
        better["A"] = dynamics(moments, before, STEP_OF_A**-2.0 if is_map else 0.0)
    chain, count = linear_chain(better, keywords), float(moments.moves.sum())
    if count:
        squares = moments.move_squares(chain.A)
        for name, part in moves_of(params, len(spread)).items():
            tau = move_units(keywords) if name == "move_sd" else spread
            better[name] = move_scale(squares[part], count, tau, is_map)
    if "W" in params or "mu" in params:
        better |= loadings(moments, params, keywords, is_map)
    if "Psi" in params:
        chain = linear_chain(better, keywords)
        better["Psi"] = noise(moments, chain.W, chain.mu, spread, is_map)
    return {n: np.maximum(v, lowest[n]) if n in lowest else v for n, v in better.items()}


def moves_of(params: Params, D: int) -> dict[str, slice]:
    """The standard deviations of moves that are learned, and the latents of each: of a trend levels, then slopes."""
    parts = {"move_sd": slice(None), "level_sd": slice(D), "slope_sd": slice(D, None)}
    return {n: part for n, part in parts.items() if n in params}


def dynamics(moments: ChainMoments, chain: LinearChain, precision: float) -> np.ndarray:
    """A: the regression of each step on the one before, with a normal prior of this precision."""
    if not moments.moves.sum():
        return chain.A if precision == 0 else np.zeros_like(chain.A)
    S00, S01 = moments.neighbours()
    if precision == 0:
        return np.linalg.solve(S00, S01).T
    # Q^-1 A S00 + precision A = Q^-1 S01', as equations of the rows of A
    cov, Z = chain.Q @ chain.Q.T, len(chain.A)
    return np.linalg.solve(np.kron(np.eye(Z), S00) + precision * np.kron(cov, np.eye(Z)), S01.T.ravel()).reshape(Z, Z)


def loadings(moments: ChainMoments, params: Params, keywords: Keywords, is_map: bool) -> Params:
    """W and mu, as far as learned: the regression of each column on the latents and a constant."""
    chain, spread, Z = linear_chain(params, keywords), column_units(keywords), moments.mean.shape[-1]
    gram, target = moments.regressions(chain.mu)  # in deviations from mu before
    if is_map:
        loc, scale = (np.broadcast_to(keywords[n], len(spread)) for n in ("loc", "scale"))
        precision = np.concatenate([np.repeat(spread[:, None] ** -2.0, Z, 1), scale[:, None] ** -2.0], 1)
        precision *= chain.Psi[:, None]
        gram += precision[:, :, None] * np.eye(Z + 1)
        target[:, Z] += precision[:, Z] * (loc - chain.mu)
    if "W" not in params:
        return {"mu": chain.mu + (target[:, Z] - (gram[:, Z, :Z] * chain.W).sum(1)) / gram[:, Z, Z]}
    if "mu" not in params:
        return {"W": np.linalg.solve(gram[:, :Z, :Z], target[:, :Z, None])[..., 0]}
    solution = np.linalg.solve(gram, target[..., None])[..., 0]
    return {"W": solution[:, :Z], "mu": chain.mu + solution[:, Z]}


def noise(moments: ChainMoments, W: np.ndarray, mu: np.ndarray, spread: np.ndarray, is_map: bool) -> np.ndarray:
    """Psi, (D,)."""
    squares, count = moments.residual_squares(W, mu), moments.counted.sum((0, 1))
    return (squares + spread**2) / (count + 2 * (SHAPE + 1)) if is_map else squares / count


def move_scale(squares: np.ndarray, count: float, tau: np.ndarray, is_map: bool) -> np.ndarray:
    """The standard deviation of the moves, (D,), from the sum of their squares."""
    if not is_map:
        return np.sqrt(squares / count)
    # the positive root without a difference of large numbers
    return np.sqrt(2 * squares / (count + np.sqrt(count**2 + 4 * squares / tau**2)))


def score(moments: ChainMoments, params: Params, keywords: Keywords, is_map: bool) -> Params:
    """The derivatives of the objective, which are those of the expected log joint (Fisher's identity)."""
    spread, chain, slopes = column_units(keywords), linear_chain(params, keywords), {}
    Psi, Z = chain.Psi, len(chain.A)
    if "Psi" in params:
        squares, count = moments.residual_squares(chain.W, chain.mu), moments.counted.sum((0, 1))
        slopes["Psi"] = 0.5 * (squares / Psi - count)
    for name, part in moves_of(params, len(spread)).items():
        slopes[name] = moments.move_squares(chain.A)[part] / params[name] ** 2 - moments.moves.sum()
    if "A" in params:
        S00, S01 = moments.neighbours()
        slopes["A"] = np.linalg.solve(chain.Q @ chain.Q.T, S01.T - chain.A @ S00)
    if "W" in params or "mu" in params:
        gram, target = moments.regressions(chain.mu)
        of_rows = (target - np.einsum("dij,dj->di", gram[:, :, :Z], chain.W)) / Psi[:, None]
        slopes |= {n: v for n, v in (("W", of_rows[:, :Z]), ("mu", of_rows[:, Z])) if n in params}
    if is_map:
        for name, slope in prior_slopes(params, keywords).items():
            slopes[name] = slopes[name] + slope
    return slopes


def prior_slopes(params: Params, keywords: Keywords) -> Params:
    """The derivatives of the log prior of each parameter, as of ``score``."""
    spread, loc, scale = column_units(keywords), keywords["loc"], np.asarray(keywords["scale"])
    functions = {
        "A": lambda A: -A / STEP_OF_A**2,
        "W": lambda W: -W / spread[:, None] ** 2,
        "mu": lambda mu: -(mu - loc) / scale**2,
        "Psi": lambda Psi: spread**2 / 2 / Psi - (SHAPE + 1),
        "level_sd": lambda sd: -((sd / spread) ** 2),
        "slope_sd": lambda sd: -((sd / spread) ** 2),
        "move_sd": lambda sd: -((sd / move_units(keywords)) ** 2),
    }
    return {n: functions[n](v) for n, v in params.items()}


def log_prior(params: Params, keywords: Keywords) -> float:
    """log p of all parameters, in nats."""
    spread, loc, scale = column_units(keywords), keywords["loc"], keywords["scale"]
    priors = {
        "A": norm(scale=STEP_OF_A),
        "W": norm(scale=spread[:, None]),
        "mu": norm(loc, scale),
        "Psi": invgamma(SHAPE, scale=spread**2 / 2),
        "level_sd": halfnorm(scale=spread),
        "slope_sd": halfnorm(scale=spread),
        "move_sd": halfnorm(scale=move_units(keywords)),
    }
    return float(sum(priors[n].logpdf(v).sum() for n, v in params.items()))


def canonical(params: Params, keywords: Keywords) -> Params:
    """The same likelihood with W' Psi^-1 W diagonal and decreasing, and the sum of each column of W positive.

    Where A is fixed, the axes are the nearest to these that leave it as it is.
    """
    if "W" not in params:
        return params
    W, Z = params["W"], params["W"].shape[1]
    _, _, axes = np.linalg.svd(W / np.sqrt(linear_chain(params, keywords).Psi)[:, None], full_matrices=True)
    turn = axes[:Z].T * np.where((W @ axes[:Z].T).sum(0) < 0, -1.0, 1.0)
    if "A" not in params:
        return {**params, "W": W @ commuting_frame(W, turn, commuting_basis([keywords["fixed_A"]]))}
    return {**params, "W": W @ turn, "A": turn.T @ params["A"] @ turn}


def num_parameters(keywords: Keywords) -> int:
    """How many numbers the likelihood determines; a rotation of the latents changes nothing."""
    learned, Z = CARD.parameters(keywords), keywords["Z"]
    total = sum(math.prod(site.shape(keywords)) for site in learned.values())
    if "W" not in learned:
        return total
    return total - (Z * (Z - 1) // 2 if "A" in learned else num_rotations(commuting_basis([keywords["fixed_A"]])))
