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
level_sd). ``spread`` is the standard deviation of a column, or of its steps where it has a level.

The likelihood determines the factors only up to a rotation. A missing value (NaN) is left out, anywhere, which is exact
where values are missing at random; a sequence that is shorter than others is NaN after its end. Forecasts are the steps
of a sequence that are missing at its end.
"""

import numpy as np

from zoo.cards import Card
from zoo.checks import check_whole
from zoo.data.moments import location_and_spread
from zoo.linear_chain import LinearChain

STEP_OF_A = 0.5  # scale of the prior of A
FACTORS = ("A", "W", "mu", "z")  # latents of the structure "general" alone
TRENDS = ("level_sd", "slope_sd", "level", "slope")  # of the others


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc [D]: mean of the observed values of each column; scale [D]: twice their standard deviation; spread [D]: the
    latter, or the root mean square of the differences between neighbouring steps where the model has levels. Raises
    ZooError for columns that are constant or entirely missing, and for one value.
    """
    x = data["x"]
    steps = x.reshape(-1, x.shape[-1])
    of_steps = None if weights is None else np.repeat(weights, x.shape[1])
    loc, sd = location_and_spread(steps, settings.get("Z", 2) if settings["structure"] == "general" else 0, of_steps)
    spread = sd if settings["structure"] == "general" else np.minimum(step_size(x, weights, sd), sd)
    return {"loc": loc, "scale": 2 * sd, "spread": spread}


def step_size(x, weights, sd):
    """Root mean square of the differences between neighbouring steps, (D,); ``sd`` of a column that has none."""
    squares = np.diff(x, axis=1) ** 2
    counted = ~np.isnan(squares) * (1.0 if weights is None else weights[:, None, None])
    total, count = np.nansum(squares * counted, (0, 1)), counted.sum((0, 1))
    size = np.sqrt(total / np.maximum(count, 1e-300))
    return np.where((count > 0) & (size > 0), size, sd)


def check(keywords):
    """Raise ZooError for a number of factors that is none."""
    check_whole(1, Z=keywords["Z"])


def linear_chain(params, settings):
    """The parameters of the chain, by structure; of a trend the latents are the levels, then the slopes."""
    loc, scale, spread = (np.broadcast_to(settings[n], settings["D"]) for n in ("loc", "scale", "spread"))
    Psi = params["Psi"]
    if "A" in params:
        unit = np.eye(len(params["A"]))
        return LinearChain(np.zeros(len(unit)), unit, params["A"], unit, params["W"], params["mu"], Psi)
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
    latents={
        "A": "real [Z Z]",
        "W": "real [D Z]",
        "mu": "real [D]",
        "level_sd": "positive [D]",
        "slope_sd": "positive [D]",
        "Psi": "positive [D]",
        "z": "real [N T Z]",
        "level": "real [N T D]",
        "slope": "real [N T D]",
    },
    observed={"x": "real [N T D]"},
    sizes={"N": 8, "T": 6, "D": 3, "Z": 2},
    variants={
        "structure": {
            "general": dict.fromkeys(TRENDS),
            "local_level": dict.fromkeys((*FACTORS, "slope_sd", "slope")),
            "local_trend": dict.fromkeys(FACTORS),
        }
    },
    priors=priors,
    check=check,
    empirical=("loc", "scale", "spread"),
    symmetries={"Z": "rotation"},
    linear_chain=linear_chain,
    missing=("x",),
    exact=("marginal",),
    tags=("sequences", "factors", "continuous", "missing data"),
    shown_on="faithful",
)
