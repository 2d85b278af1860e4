"""Closed-form EM for linear dynamical systems, local levels and local trends: see ``em/linear_chain``.

MAP has the mode of the density of the parameters on the card: of a standard deviation with a half-normal prior of scale
tau, n moves and the sum of squares R it is the root of s^4 / tau^2 + n s^2 - R = 0, and of a variance with the prior
InverseGamma(a, b) the mode is (R / 2 + b) / (n / 2 + a + 1).
"""

from __future__ import annotations

import numpy as np
from scipy.stats import halfnorm, invgamma, norm

from inference.engines.em.linear_chain import ChainMoments
from inference.engines.em.linear_gaussian.solution import ZERO_NOISE
from zoo.linear_dynamical_system import STEP_OF_A, linear_chain
from zoo.types import Keywords

KIND = "linear_chain"
SHAPE = 2.0  # of the inverse gamma prior of Psi
START_OF_A = 0.5
RANDOM_STEP = 0.5  # of further starts, in the logs of variances and in the units of loadings

Params = dict[str, np.ndarray]


def column_units(keywords: Keywords) -> np.ndarray:
    """The unit of each column, (D,)."""
    return np.broadcast_to(np.asarray(keywords["spread"], float), keywords["D"])


def units(keywords: Keywords) -> Params:
    """The unit of loadings and means."""
    unit = column_units(keywords)
    return {"W": unit[:, None], "mu": unit}


def least(keywords: Keywords, floor: float) -> Params:
    """The least value of each positive parameter; moves of less than ``ZERO_NOISE`` are none, with any prior."""
    square = column_units(keywords) ** 2
    sd = np.sqrt(max(floor, ZERO_NOISE) * square)
    return {"Psi": np.maximum(floor * square, np.finfo(float).tiny), "level_sd": sd, "slope_sd": sd}


def start(x: np.ndarray, weights: np.ndarray, keywords: Keywords, random: np.random.Generator | None) -> Params:
    """Principal axes of the steps with moderate dynamics, or variances that are halves of those of the steps."""
    spread, D = column_units(keywords), keywords["D"]
    rng = random or np.random.default_rng(0)
    factor = np.ones((3, D)) if random is None else np.exp(RANDOM_STEP * rng.standard_normal((3, D)))
    if keywords["structure"] != "general":
        params = {
            "level_sd": spread / 2 * factor[0],
            "slope_sd": spread / 4 * factor[1],
            "Psi": spread**2 / 4 * factor[2],
        }
        return params if keywords["structure"] == "local_trend" else {n: params[n] for n in ("level_sd", "Psi")}
    Z, steps = keywords["Z"], x.reshape(-1, D)
    counted = ~np.isnan(steps) * np.repeat(weights, x.shape[1])[:, None]
    mean = np.nansum(counted * steps, 0) / np.maximum(counted.sum(0), 1e-300)
    scaled = np.where(np.isnan(steps), 0.0, (steps - mean) / spread) * np.sqrt(counted)
    values, axes = np.linalg.eigh(scaled.T @ scaled / np.maximum(counted.sum(), 1e-300) * D)
    largest = np.argsort(values)[::-1][:Z]
    loadings = np.zeros((D, Z))
    loadings[:, : len(largest)] = axes[:, largest] * np.sqrt(np.maximum(values[largest], 1e-3) / 2)
    if random is not None:
        loadings += RANDOM_STEP * random.standard_normal((D, Z))
    stationary = 1 / (1 - START_OF_A**2)  # variance of the latents
    return {
        "A": START_OF_A * np.eye(Z),
        "W": spread[:, None] * loadings / np.sqrt(stationary),
        "mu": mean,
        "Psi": spread**2 / 2 * factor[0],
    }


def maximise(moments: ChainMoments, params: Params, keywords: Keywords, is_map: bool, floor: float) -> Params:
    """The M-step; the columns' regressions at the noise before, then the noise."""
    spread, lowest = column_units(keywords), least(keywords, floor)
    chain = linear_chain(params, keywords)
    if "A" in params:
        A = dynamics(moments, STEP_OF_A**-2.0 if is_map else 0.0, params["A"])
        W, mu = loadings(moments, params, keywords, is_map)
        better = {"A": A, "W": W, "mu": mu}
    else:
        W, mu, count = chain.W, chain.mu, float(moments.moves.sum())
        squares = np.split(moments.move_squares(chain.A), len(chain.A) // len(spread))
        better = dict(zip(("level_sd", "slope_sd"), squares, strict=False))
        better = {n: move_scale(s, count, spread, is_map) if count else params[n] for n, s in better.items()}
    better["Psi"] = noise(moments, W, mu, spread, is_map)
    return {n: np.maximum(v, lowest[n]) if n in lowest else v for n, v in better.items()}


def dynamics(moments: ChainMoments, precision: float, before: np.ndarray) -> np.ndarray:
    """A: the regression of each step on the one before, with a normal prior of this precision."""
    if not moments.moves.sum():
        return before if precision == 0 else np.zeros_like(before)
    S00, S01 = moments.neighbours()
    return np.linalg.solve(S00 + precision * np.eye(len(S00)), S01).T


def loadings(moments: ChainMoments, params: Params, keywords: Keywords, is_map: bool) -> tuple[np.ndarray, np.ndarray]:
    """W and mu: the regression of each column on the latents and a constant, in deviations from mu before."""
    spread, Z = column_units(keywords), moments.mean.shape[-1]
    gram, target = moments.regressions(params["mu"])
    if is_map:
        loc, scale = (np.broadcast_to(keywords[n], len(spread)) for n in ("loc", "scale"))
        precision = np.concatenate([np.repeat(spread[:, None] ** -2.0, Z, 1), scale[:, None] ** -2.0], 1)
        precision *= params["Psi"][:, None]
        gram += precision[:, :, None] * np.eye(Z + 1)
        target[:, Z] += precision[:, Z] * (loc - params["mu"])
    solution = np.linalg.solve(gram, target[..., None])[..., 0]
    return solution[:, :Z], params["mu"] + solution[:, Z]


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
    spread, chain, Psi = column_units(keywords), linear_chain(params, keywords), params["Psi"]
    squares, count = moments.residual_squares(chain.W, chain.mu), moments.counted.sum((0, 1))
    slopes = {"Psi": 0.5 * (squares / Psi - count)}
    if is_map:
        slopes["Psi"] += spread**2 / 2 / Psi - (SHAPE + 1)
    if "A" not in params:
        parts = np.split(moments.move_squares(chain.A), len(chain.A) // len(spread))
        for name, part in zip(("level_sd", "slope_sd"), parts, strict=False):
            slopes[name] = part / params[name] ** 2 - moments.moves.sum()
            if is_map:
                slopes[name] -= (params[name] / spread) ** 2
        return slopes
    S00, S01 = moments.neighbours()
    gram, target = moments.regressions(params["mu"])
    Z = len(chain.A)
    of_rows = (target - np.einsum("dij,dj->di", gram[:, :, :Z], params["W"])) / Psi[:, None]
    slopes |= {"A": S01.T - chain.A @ S00, "W": of_rows[:, :Z], "mu": of_rows[:, Z]}
    if is_map:
        slopes["A"] -= chain.A / STEP_OF_A**2
        slopes["W"] -= params["W"] / spread[:, None] ** 2
        slopes["mu"] -= (params["mu"] - keywords["loc"]) / np.asarray(keywords["scale"]) ** 2
    return slopes


def log_prior(params: Params, keywords: Keywords) -> float:
    """log p of all parameters, in nats."""
    spread = column_units(keywords)
    total = invgamma.logpdf(params["Psi"], SHAPE, scale=spread**2 / 2).sum()
    for name in ("level_sd", "slope_sd"):
        if name in params:
            total += halfnorm.logpdf(params[name], scale=spread).sum()
    if "A" in params:
        total += norm.logpdf(params["A"], scale=STEP_OF_A).sum()
        total += norm.logpdf(params["W"], scale=spread[:, None]).sum()
        total += norm.logpdf(params["mu"], keywords["loc"], keywords["scale"]).sum()
    return float(total)


def canonical(params: Params) -> Params:
    """The same likelihood with W' Psi^-1 W diagonal and decreasing, and the sum of each column of W positive."""
    if "A" not in params:
        return params
    W, Z = params["W"], params["W"].shape[1]
    _, _, axes = np.linalg.svd(W / np.sqrt(params["Psi"])[:, None], full_matrices=True)
    turn = axes[:Z].T * np.where((W @ axes[:Z].T).sum(0) < 0, -1.0, 1.0)
    return {**params, "W": W @ turn, "A": turn.T @ params["A"] @ turn}


def num_parameters(keywords: Keywords) -> int:
    """How many numbers the likelihood determines; a rotation of the latents changes nothing."""
    D, Z = keywords["D"], keywords["Z"]
    return {"general": Z * Z + D * Z - Z * (Z - 1) // 2 + 2 * D, "local_level": 2 * D, "local_trend": 3 * D}[
        keywords["structure"]
    ]
