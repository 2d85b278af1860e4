"""Autoregressive hidden Markov model: among K states, each with a regression of a step on the P steps before.

    pi       ~ Dirichlet(1, ..., 1)                            [K]        probabilities of the first state
    A_k      ~ Dirichlet(concentration + stickiness at k)      [K K]      probabilities of the state after k
    mu_k     ~ Normal(loc, scale)                              [K D]      mean of a step after steps at loc, in state k
    W_kp     ~ Normal(0, slope scale_d / scale_e)              [K P D D]  coefficients of the step p steps before
    Lambda_k ~ Gamma around 1 / spread^2                       [K D]      precisions of the noise, Sigma = 1 / Lambda
    z_n      ~ Chain(pi, A)                                    [N T]      the states of sequence n
    x_nt     ~ Normal(mu_z + sum_p W_zp (x_n,t-p - loc), Sigma_z)    [N T D]    what is observed at step t > P

The intercept of state k is mu_k - sum_p W_kp loc. Noise ``diagonal``: independent columns; ``full``: a covariance in
each state, where Lambda_k is a Wishart of D + 2 degrees of freedom around spread.

The first P steps of a sequence have no P steps before them. They are Normal(loc, scale) in every state, a density
without a parameter, so that every fit is the one given their values. With the setting ``before`` (N, P, D), the values
before the first steps, all steps regress.

A value that is missing cannot be a regressor: sequences are complete, and where they have different lengths, a list of
arrays, or NaN after the end of each. With stickiness above 0 a state tends to last.
"""

import numpy as np

from zoo.cards import Card
from zoo.data.moments import location_and_spread
from zoo.data.sequences import observed_steps
from zoo.errors import ZooError
from zoo.hidden_markov import check as check_transitions
from zoo.hidden_markov import covariance
from zoo.regression import Regression
from zoo.sites import Derived


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc [D], the mean of the columns; scale [D], twice their standard deviation; spread [D], their standard deviation
    over K^(1/D). Raises ZooError unless a sequence has more than P steps, and for constant columns.
    """
    if settings.get("before") is not None:
        raise ZooError("before is for simulations: give the steps before as the first steps of x")
    x, P = data["x"], settings.get("P", 1)
    longest = int(np.diff(observed_steps(x).starts).max())
    if longest <= P:
        raise ZooError(
            f"P={P}: a step regresses on the P steps before, and the longest sequence has {longest}: give sequences of "
            "more steps, or set a smaller P"
        )
    steps = x.reshape(-1, x.shape[-1])
    loc, sd = location_and_spread(steps, 0, None if weights is None else np.repeat(weights, x.shape[1]))
    return {"loc": loc, "scale": 2 * sd, "spread": sd / settings["K"] ** (1 / len(sd))}


def check(keywords):
    """Raise ZooError for priors that are none, and for values before the first steps of another shape."""
    check_transitions(keywords)
    slope = np.asarray(keywords["slope"], float)
    if slope.ndim or not 0 < slope < np.inf:
        raise ZooError(
            f"slope is a number above 0, the standard deviation of W in units of the columns: not {keywords['slope']!r}"
        )
    expected, before = tuple(keywords[n] for n in "NPD"), keywords["before"]
    if before is not None and (np.shape(before) != expected or not np.isfinite(before).all()):
        raise ZooError(
            f"before has the P={expected[1]} steps before each of N={expected[0]} sequences, numbers of shape "
            f"{expected}; given shape {np.shape(before)}"
        )


def regression(x, keywords):
    """The steps after the first P, and the P steps before each, in units of scale about loc."""
    P, y = keywords["P"], np.nan_to_num((x - keywords["loc"]) / keywords["scale"])
    lags = np.zeros((*x.shape[:2], P, x.shape[2]))
    for p in range(1, P + 1):
        lags[:, p:, p - 1] = y[:, :-p]
    ones = np.ones((*x.shape[:2], 1))
    responses = np.where(np.arange(x.shape[1])[:, None] < P, np.nan, x)
    return Regression(responses, np.concatenate([ones, lags.reshape(*x.shape[:2], -1)], axis=-1))


def continued(keywords, x):
    """The keywords for the steps after the last one of each sequence: ``before``, its last P steps."""
    P, (_, starts, _) = keywords["P"], observed_steps(x)
    lengths = np.diff(starts)
    is_short = (lengths < P) | np.isnan(x[:, 0]).any(-1)
    if is_short.any():
        raise ZooError(
            f"sequence {is_short.argmax()} has fewer than P={P} steps, on which its next one regresses: leave it out"
        )
    before = np.stack([x_n[length - P : length] for x_n, length in zip(x, lengths, strict=True)])
    return {"before": before}


CARD = Card(
    name="autoregressive_hmm",
    title="Autoregressive hidden Markov model",
    citation="Hamilton, J. D. (1989). A new approach to the economic analysis of nonstationary time series and the "
    "business cycle. Econometrica 57, 357-384. Poritz, A. B. (1982). Linear predictive hidden Markov models and the "
    "speech signal. Proceedings of ICASSP 7, 1291-1294.",
    latents={
        "pi": "simplex [K]",
        "A": "simplex [K K]",
        "mu": "real [K D]",
        "W": "real [K P D D]",
        "Lambda": "positive [K D]",
        "z": "category [N T]",
    },
    observed={"x": "real [N T D]"},
    enumerated=("z",),
    sizes={"N": 8, "T": 8, "D": 2, "K": 2, "P": 1},
    variants={"noise": {"diagonal": {}, "full": {"Lambda": "precision [K D D]"}}},
    priors=priors,
    check=check,
    continued=continued,
    regression=regression,
    empirical=("loc", "scale", "spread"),
    derived={"Sigma": Derived(("Lambda",), covariance)},
    ragged=("x",),
    exact=("enumeration", "posterior"),
    tags=("sequences", "continuous"),
    shown_on="faithful",
)
