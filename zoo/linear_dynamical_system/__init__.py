"""Linear dynamical system: a sequence follows latent numbers that move by a linear map and noise, as do trends.

    A_ij  ~ Normal(0, 1/2)                        [Z Z]    the dynamics: what factor j adds to factor i a step later
    W_dj  ~ Normal(0, spread_d)                   [D Z]    loadings: what a unit of factor j adds to column d
    mu_d  ~ Normal(loc_d, scale_d)                [D]      means
    Psi_d ~ InverseGamma(2, spread_d^2 / 2)       [D]      variances of the noise of the columns
    z_n1  ~ Normal(0, I)                          [N T Z]  the factors of sequence n at the first step
    z_nt  ~ Normal(A z_n(t-1), I)                          and at the others
    x_nt  ~ Normal(W z_nt + mu, diag(Psi))        [N T D]  the values at step t

With ``structure="local_level"`` each column is a random walk and noise: in place of A, W, mu and z it has

    level_sd_d ~ HalfNormal(spread_d)             [D]      how far the level moves in a step
    level_n1   ~ Normal(loc, scale)               [N T D]  the first level of sequence n
    level_nt   ~ Normal(level_n(t-1), level_sd)
    x_nt       ~ Normal(level_nt, diag(Psi))

and with "local_trend" a level with a slope, which is a random walk too: slope_n1 ~ Normal(0, spread), slope_nt ~
Normal(slope_n(t-1), slope_sd), slope_sd_d ~ HalfNormal(spread_d), level_nt ~ Normal(level_n(t-1) + slope_n(t-1),
level_sd). ``spread`` is the standard deviation of a column, or of its steps where it has a level or W is fixed.

Settings fix what is known, as ``fixed_A``, ``fixed_W``, ``fixed_mu``, ``fixed_Psi``, ``fixed_level_sd``: the model does
not have that latent then, and what is left is learned. With ``fixed_W`` the factors have units of their own, as the
position and velocity of a target, and so has the noise with which they move:

    move_sd_j ~ HalfNormal(move_scale_j)                           [Z]      how far factor j moves in a step
    z_n1      ~ Normal(initial_loc, initial_scale)                 [N T Z]
    z_nt      ~ Normal(A z_n(t-1), diag(move_sd^2)), or with the covariance ``move_cov`` [Z Z] where it is given

Moves may be fixed at 0: ``fixed_level_sd=0`` is a smooth trend, ``fixed_slope_sd=0`` a random walk with drift.

``initial_loc``, ``initial_scale`` and ``move_scale`` [Z] are computed from the columns through W unless they are given.

The likelihood determines the factors only up to a rotation, which commutes with A where A is fixed; with ``fixed_W`` it
determines them. A missing value (NaN) is left out, anywhere, which is exact where values are missing at random; a
sequence that is shorter than others is NaN after its end. Forecasts are the steps of a sequence that are missing at its
end.
"""

import numpy as np

from zoo.cards import FIXED, Card
from zoo.checks import check_whole
from zoo.data.moments import location_and_spread
from zoo.errors import ZooError
from zoo.linear_chain import LinearChain
from zoo.sites import Site

STEP_OF_A = 0.5  # scale of the prior of A
MOVES = ("move_sd", "level_sd", "slope_sd")
FIXABLE = ("A", "W", "mu", *MOVES, "Psi")


def latents(settings):
    """The lines of the latents under the structure, before those that are fixed are left out."""
    structure = settings.get("structure", "general")
    if structure == "general":
        has_move_sd = settings.get("fixed_W") is not None and settings.get("move_cov") is None
        moves = {"move_sd": "positive [Z]"} if has_move_sd else {}
        return {"A": "real [Z Z]", "W": "real [D Z]", "mu": "real [D]", **moves, "Psi": "positive [D]"} | {
            "z": "real [N T Z]"
        }
    names = {"local_level": ("level",), "local_trend": ("level", "slope")}[structure]
    lines = {f"{name}_sd": "positive [D]" for name in names}
    return {**lines, "Psi": "positive [D]", **dict.fromkeys(names, "real [N T D]")}


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc [D]: mean of the observed values of each column; scale [D]: twice their standard deviation; spread [D]: the
    latter, or the root mean square of the differences between neighbouring steps where the model has levels or W is
    fixed: then also initial_loc, initial_scale and move_scale [Z], of the factors. Raises ZooError for columns that are
    constant or entirely missing, for one value, and where every part is fixed.
    """
    lines = latents(settings)
    if not any("N" not in Site.parse(line).dims and settings.get(FIXED + n) is None for n, line in lines.items()):
        raise ZooError(
            "every part is fixed, so that there is nothing to fit: leave one out, or smooth with a known chain by "
            "inference.exact.kalman.smooth"
        )
    x, W = data["x"], settings.get("fixed_W")
    steps = x.reshape(-1, x.shape[-1])
    of_steps = None if weights is None else np.repeat(weights, x.shape[1])
    num_factors = settings.get("Z", 2) if settings["structure"] == "general" and W is None else 0
    loc, sd = location_and_spread(steps, num_factors, of_steps)
    spread = sd if num_factors else np.minimum(step_size(x, weights, sd), sd)
    known = {"loc": loc, "scale": 2 * sd, "spread": spread}
    if W is None:
        return known
    inverse, mu = np.linalg.pinv(W), settings.get("fixed_mu")
    initial_loc = np.zeros(len(inverse)) if mu is None else inverse @ (loc - mu)
    units = {"initial_scale": factor_scale(inverse, 2 * sd), "move_scale": factor_scale(inverse, spread)}
    return {**known, "initial_loc": initial_loc, **units}


def factor_scale(inverse, scale):
    """The scale of each factor, (Z,), where the columns have these; inverse (Z, D): that of W.

    A factor that no column shows, as a velocity, has the largest scale of the others.
    """
    factors = np.sqrt((inverse**2) @ scale**2)
    largest = factors.max() or 1.0
    return np.where(factors > 1e-9 * largest, factors, largest)


def step_size(x, weights, sd):
    """Root mean square of the differences between neighbouring steps, (D,); ``sd`` of a column that has none."""
    squares = np.diff(x, axis=1) ** 2
    counted = ~np.isnan(squares) * (1.0 if weights is None else weights[:, None, None])
    total, count = np.nansum(squares * counted, (0, 1)), counted.sum((0, 1))
    size = np.sqrt(total / np.maximum(count, 1e-300))
    return np.where((count > 0) & (size > 0), size, sd)


def check(keywords):
    """Raise ZooError for a number of factors that is none, and for moves and first factors that no chain can have."""
    check_whole(1, Z=keywords["Z"])
    Z, move_cov = keywords["Z"], keywords["move_cov"]
    units = {n: np.asarray(keywords[n], float) for n in ("initial_loc", "initial_scale", "move_scale")}
    has_defaults = all((units[n] == value).all() for n, value in zip(units, (0, 1, 1), strict=True))
    if keywords["fixed_W"] is None and not (move_cov is None and has_defaults):
        raise ZooError(f"move_cov, {', '.join(units)} are in the units of factors, which fixed_W gives: give it too")
    for name, value in units.items():
        if value.shape not in ((), (Z,)) or not np.isfinite(value).all():
            raise ZooError(f"{name} has Z={Z} finite numbers, or is one for all; given the shape {value.shape}")
        if name != "initial_loc" and (value <= 0).any():
            raise ZooError(f"{name} must be above 0: its least value is {value.min():g}")
    move_sd = keywords["fixed_move_sd"]
    if keywords["fixed_A"] is None and move_sd is not None and (np.asarray(move_sd) == 0).any():
        raise ZooError(
            "fixed_move_sd has 0, of a factor without noise, whose dynamics are not learned: give fixed_A too"
        )
    if move_cov is not None and not is_covariance(move_cov, Z):
        raise ZooError(f"move_cov is a symmetric positive definite matrix of numbers, [Z Z] = ({Z}, {Z})")


def is_covariance(matrix, Z):
    """Whether a value is a matrix (Z, Z), symmetric and positive definite."""
    try:
        matrix = np.asarray(matrix, float)
    except (TypeError, ValueError):  # rows of several lengths, or text
        return False
    if matrix.shape != (Z, Z) or not np.isfinite(matrix).all():
        return False
    return bool(np.allclose(matrix, matrix.T, rtol=1e-8, atol=0) and (np.linalg.eigvalsh(matrix) > 0).all())


def linear_chain(params, settings):
    """The parameters of the chain, by structure; of a trend the latents are the levels, then the slopes."""
    params = {**CARD.fixed_values(settings), **params}
    loc, scale, spread = (np.broadcast_to(settings[n], settings["D"]) for n in ("loc", "scale", "spread"))
    Psi = params["Psi"]
    if "A" in params:
        first, initial_scale = (np.broadcast_to(settings[n], settings["Z"]) for n in ("initial_loc", "initial_scale"))
        move_cov, sd = settings["move_cov"], params.get("move_sd", np.ones(settings["Z"]))
        Q = np.diag(sd) if move_cov is None else np.linalg.cholesky(move_cov)
        return LinearChain(first, np.diag(initial_scale), params["A"], Q, params["W"], params["mu"], Psi)
    none, unit = np.zeros(len(loc)), np.eye(len(loc))
    if "slope_sd" not in params:
        return LinearChain(loc, np.diag(scale), unit, np.diag(params["level_sd"]), unit, none, Psi)
    return LinearChain(
        np.concatenate([loc, none]),
        np.diag(np.concatenate([scale, spread])),
        np.block([[unit, unit], [np.zeros_like(unit), unit]]),
        np.diag(np.concatenate([params["level_sd"], params["slope_sd"]])),
        np.hstack([unit, np.zeros_like(unit)]),
        none,
        Psi,
    )


CARD = Card(
    name="linear_dynamical_system",
    title="Linear dynamical system",
    citation="Ghahramani, Z. and Hinton, G. E. (1996). Parameter estimation for linear dynamical systems. Technical "
    "Report CRG-TR-96-2, University of Toronto. Harvey, A. C. (1989). Forecasting, Structural Time Series Models and "
    "the Kalman Filter. Cambridge University Press.",
    latents=latents({}),
    groups=latents,
    observed={"x": "real [N T D]"},
    sizes={"N": 8, "T": 6, "D": 3, "Z": 2},
    variants={"structure": {"general": {}, "local_level": {}, "local_trend": {}}},
    fixable=FIXABLE,
    fixable_at_zero=MOVES,
    priors=priors,
    check=check,
    empirical=("loc", "scale", "spread", "initial_loc", "initial_scale", "move_scale"),
    symmetries={"Z": "rotation"},
    linear_chain=linear_chain,
    missing=("x",),
    exact=("marginal",),
    tags=("sequences", "factors", "continuous", "missing data"),
    shown_on="faithful",
)
