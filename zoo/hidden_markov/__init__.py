"""Hidden Markov model: each sequence moves among K states, and what is observed at a step depends on its state.

    pi       ~ Dirichlet(1, ..., 1)                          [K]      probabilities of the first state
    A_k      ~ Dirichlet(concentration + stickiness at k)    [K K]    probabilities of the state after k
    mu_k     ~ Normal(loc, scale)                            [K D]    the means in state k
    Lambda_k ~ Gamma around 1 / spread^2                     [K D]    their precisions, Sigma = 1 / Lambda
    z_n      ~ Chain(pi, A)                                  [N T]    the states of sequence n
    x_nt     ~ Normal(mu_z, Sigma_z)                         [N T D]  what is observed at step t

Emission ``normal``: independent columns; ``full_normal``: a covariance in each state, where Lambda_k is a Wishart of
D + 2 degrees of freedom around spread; ``tied_normal``: one covariance for all states. Without Lambda, ``bernoulli``:
yes-or-no items, mu_k ~ Beta(1, 1); ``poisson``: counts, mu_k ~ Gamma(shape, shape / mean); ``categorical``: in each
column one of V symbols, numbered from 0, of which mu_k are the probabilities, mu_kd ~ Dirichlet(1, ..., 1).

NaN marks a missing value, anywhere. Sequences of different lengths are a list of arrays, or NaN after the end of each.
With stickiness above 0 a state tends to last.
"""

import numpy as np

from zoo.cards import Card
from zoo.data.moments import location_and_spread
from zoo.errors import ZooError
from zoo.sites import Derived


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    Of normal emissions loc [D], the mean of the columns; scale [D], twice their standard deviation; spread [D], their
    standard deviation over K^(1/D). Of counts mean [D], their mean, at least half a count. Of symbols V, their number.
    Raises ZooError for sequences of one step, for constant columns of numbers, and for symbols that are no numbering.
    """
    x = data["x"]
    if x.shape[1] == 1:
        raise ZooError(
            "T=1: sequences of one step have no transition; give more steps, or fit a mixture, as gaussian_mixture, "
            "to rows that do not follow each other"
        )
    steps = x.reshape(-1, x.shape[-1])
    weights = None if weights is None else np.repeat(weights, x.shape[1])
    match settings["emission"]:
        case "poisson":
            observed = ~np.isnan(steps)
            counted = observed if weights is None else observed * weights[:, None]
            return {"mean": np.maximum(np.nansum(steps * counted, 0) / np.maximum(counted.sum(0), 1e-300), 0.5)}
        case "categorical":
            return {"V": number_of_symbols(x)}
        case "bernoulli":
            return {}
    loc, sd = location_and_spread(steps, 0, weights)
    return {"loc": loc, "scale": 2 * sd, "spread": sd / settings["K"] ** (1 / len(sd))}


def number_of_symbols(x):
    """V: one more than the largest symbol; raises ZooError where there are more symbols than values."""
    largest, count = int(np.nanmax(x)), int((~np.isnan(x)).sum())
    if largest >= count:
        raise ZooError(
            f"x has the symbol {largest} and only {count} values: number the symbols from 0 without gaps, as "
            "numpy.unique(x, return_inverse=True) does, or set V"
        )
    return max(largest + 1, 2)


def check(keywords):
    """Raise ZooError for a prior of the transitions that is none."""
    for name, least in (("concentration", 0.0), ("stickiness", -1e-300)):
        value = np.asarray(keywords[name], float)
        if value.ndim or not least < value < np.inf:
            allowed = "above 0" if name == "concentration" else "from 0 up"
            raise ZooError(f"{name} is a number {allowed}, of the Dirichlet prior of A: not {keywords[name]!r}")


def covariance(precision, site):
    """Sigma from Lambda: the inverse of a matrix, the reciprocal of a number."""
    return np.linalg.inv(precision) if site.kind == "precision" else 1 / precision


CARD = Card(
    name="hidden_markov",
    title="Hidden Markov model",
    citation="Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications in speech "
    "recognition. Proceedings of the IEEE 77, 257-286.",
    latents={
        "pi": "simplex [K]",
        "A": "simplex [K K]",
        "mu": "real [K D]",
        "Lambda": "positive [K D]",
        "z": "category [N T]",
    },
    observed={"x": "real [N T D]"},
    enumerated=("z",),
    sizes={"N": 8, "T": 10, "D": 2, "K": 2, "V": 3},
    variants={
        "emission": {
            "normal": {},
            "full_normal": {"Lambda": "precision [K D D]"},
            "tied_normal": {"Lambda": "precision [D D]"},
            "bernoulli": {"mu": "unit [K D]", "Lambda": None, "x": "binary [N T D]"},
            "poisson": {"mu": "positive [K D]", "Lambda": None, "x": "count [N T D]"},
            "categorical": {"mu": "simplex [K D V]", "Lambda": None, "x": "category [N T D]"},
        }
    },
    priors=priors,
    check=check,
    empirical=("loc", "scale", "spread", "mean", "V"),
    derived={"Sigma": Derived(("Lambda",), covariance)},
    classes="V",
    missing=("x",),
    exact=("enumeration", "posterior"),
    tags=("sequences", "continuous", "discrete", "counts", "missing data"),
    shown_on="faithful",
)
