"""Switching linear dynamical system: a sequence follows latent numbers, whose dynamics change with a hidden state.

    pi           ~ Dirichlet(1, ..., 1)                       [K]      probabilities of the first state
    transition_k ~ Dirichlet(1 + stickiness at k)             [K K]    probabilities of the state after k
    A_kij        ~ Normal(0, 1/2)                             [K Z Z]  the dynamics in state k
    b_k          ~ Normal(0, I)                               [K Z]    what is added at each step in state k
    W_dj         ~ Normal(0, spread_d)                        [D Z]    loadings: what factor j adds to column d
    mu_d         ~ Normal(loc_d, scale_d)                     [D]      means
    Psi_d        ~ InverseGamma(2, spread_d^2 / 2)            [D]      variances of the noise of the columns
    s_n          ~ Chain(pi, transition)                      [N T]    the states of sequence n
    z_n1         ~ Normal(0, I)                               [N T Z]  the factors of sequence n at the first step
    z_nt         ~ Normal(A_s z_n(t-1) + b_s, I),  s = s_nt            and at the others
    x_nt         ~ Normal(W z_nt + mu, diag(Psi))             [N T D]  the values at step t

With K = 1 and b = 0 it is ``linear_dynamical_system``. The sum over states and the integral over factors together have
no closed form (their posterior is a mixture of K^T normals): engines sum the states out given the factors, by a forward
pass, and a guide or a chain has the factors of every step.

The likelihood determines the factors only up to a rotation. A missing value (NaN) is left out, anywhere, which is exact
where values are missing at random; a sequence that is shorter than others is NaN after its end.
"""

import numpy as np

from zoo.cards import Card
from zoo.checks import check_whole
from zoo.data.moments import location_and_spread
from zoo.errors import ZooError

STEP_OF_A = 0.5  # scale of the prior of A


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc [D]: mean of the observed values of each column; scale [D]: twice their standard deviation; spread [D]: the
    latter. Raises ZooError for columns that are constant or entirely missing, and for sequences of one step.
    """
    x = data["x"]
    if x.shape[1] == 1:
        raise ZooError(
            "T=1: sequences of one step have no dynamics; give more steps, or fit a factor model, as factor_analysis, "
            "to rows that do not follow each other"
        )
    steps = x.reshape(-1, x.shape[-1])
    of_steps = None if weights is None else np.repeat(weights, x.shape[1])
    loc, sd = location_and_spread(steps, settings.get("Z", 1), of_steps)
    return {"loc": loc, "scale": 2 * sd, "spread": sd}


def check(keywords):
    """Raise ZooError for a number of factors that is none, and for a prior of the transitions that is none."""
    check_whole(1, Z=keywords["Z"])
    value = np.asarray(keywords["stickiness"], float)
    if value.ndim or not 0 <= value < np.inf:
        raise ZooError(
            f"stickiness is a number from 0 up, of the Dirichlet prior of transition: not {keywords['stickiness']!r}"
        )


CARD = Card(
    name="switching_lds",
    title="Switching linear dynamical system",
    citation="Ghahramani, Z. and Hinton, G. E. (2000). Variational learning for switching state-space models. Neural "
    "Computation 12, 831-864. Linderman, S. W., Johnson, M. J., Miller, A. C., Adams, R. P., Blei, D. M. and Paninski, "
    "L. (2017). Bayesian learning and inference in recurrent switching linear dynamical systems. AISTATS.",
    latents={
        "pi": "simplex [K]",
        "transition": "simplex [K K]",
        "A": "real [K Z Z]",
        "b": "real [K Z]",
        "W": "real [D Z]",
        "mu": "real [D]",
        "Psi": "positive [D]",
        "s": "category [N T]",
        "z": "real [N T Z]",
    },
    observed={"x": "real [N T D]"},
    enumerated=("s",),
    sizes={"N": 4, "T": 4, "D": 2, "K": 2, "Z": 1},
    priors=priors,
    check=check,
    empirical=("loc", "scale", "spread"),
    symmetries={"Z": "rotation"},
    missing=("x",),
    tags=("sequences", "factors", "continuous", "missing data"),
    shown_on="faithful",
)
