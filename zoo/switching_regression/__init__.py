"""Switching regression: among K states, each with a regression of what is observed at a step on covariates of the step.

    pi       ~ Dirichlet(1, ..., 1)                           [K]      probabilities of the first state
    A_k      ~ Dirichlet(concentration + stickiness at k)     [K K]    probabilities of the state after k
    beta_kc  ~ Normal(loc, scale), Normal(0, scale / sd_p)    [K C Q]  level, and effect of covariate p, in state k
    Lambda_k ~ Gamma around 1 / spread^2                      [K C]    precisions of the noise of numbers, 1 / Sigma
    z_n      ~ Chain(pi, A)                                   [N T]    the states of sequence n
    x_nt     ~ Normal(beta_z (1, w_nt - covariate_mean), Sigma_z)     [N T D]  the responses at step t, and covariates

The columns of x are C responses and P = Q - 1 covariates w. The setting ``columns`` has for each column 0 for a
response or "covariate"; unless given, the first column is the response, and the others are covariates. It may also be
what ``zoo.columns.read`` returns, with the names of the covariates. The level beta_kc0 is the mean of response c at the
mean covariates, and beta_kcp its change with covariate p, in the units of both.

A response may also be 0 or 1, with 2 in ``columns``, or a whole number from 0 up, with "count". With o = beta_zc (1,
w_nt - covariate_mean) it is 1 with probability 1 / (1 + exp(-o)), or Poisson(exp(o)): levels and effects are of the
log odds, or of the log rate, with scale 2 in their prior. beta has numbers first, then these, then counts.

Transitions ``constant``: A is the same at all steps. ``covariates``: they move with w~_np = (w_np - covariate_mean) /
covariate_sd, the covariates of the step that is entered, by a multinomial logistic regression,

    p(z_nt = k | z_n,t-1 = j)  proportional to  A_0jk prod_p A_pjk^w~_np,    A_pj ~ Dirichlet(1, ..., 1)    [Q K K]

so that A_0 has the probabilities at the mean covariates, and log A_p the effects of covariate p.

NaN marks a missing response, which is left out; covariates are complete up to the end of a sequence. Sequences of
different lengths are a list of arrays or tables, or NaN after the end of each. The program reads covariates off x, and
they have no density. Without data they are the setting ``covariates`` (N, T, P), or else draws from normals.
"""

import numpy as np

from zoo._distributions.mixed_columns import layout
from zoo.cards import Card
from zoo.data.column_kinds import check_columns, column_levels
from zoo.data.columns import COUNT, COVARIATE
from zoo.data.moments import location_and_spread
from zoo.errors import ColumnError, ZooError
from zoo.hidden_markov import check as check_transitions
from zoo.hidden_markov import covariance
from zoo.regression import Regression
from zoo.sites import Derived

WORDS = (COUNT, COVARIATE)
SCALE_OF_LINKS = 2.0  # of the prior of log odds and log rates


def default_columns(D):
    """The first column is the response, the others are covariates.

    >>> default_columns(3)
    (0, 'covariate', 'covariate')
    """
    return (0, *(COVARIATE,) * (D - 1))


def kinds_of(columns, D):
    """The kind of each of D columns by the setting; raises ZooError for kinds that the model does not have."""
    kinds = default_columns(D) if columns is None else check_columns(column_levels(columns, D), D, WORDS)
    if any(kind not in (0, 2, *WORDS) for kind in kinds):
        raise ZooError(
            'columns has 0, 2 or "count" for a response that is a number, 0 or 1, or a count, and "covariate": recode '
            "a category of more levels as indicators, as get_dummies makes"
        )
    if set(kinds) == {COVARIATE}:
        raise ZooError(
            'all columns are covariates, and none is a response: columns has 0 for a response, or "covariate"'
        )
    return kinds


def responses_of(at):
    """The columns of the responses: numbers, then those of 0 and 1, then counts; at: the ``Layout`` of the columns."""
    return np.concatenate([at.numbers, at.categories, at.counts])


def groups(settings):
    """The lines of the latents: D letters where the setting of the columns is not given, numbers where it is.

    >>> groups({"columns": (0, 0, "covariate")})["beta"]
    'real [K 2 2]'
    """
    columns, C, Q, num_numbers = settings.get("columns"), 1, "D", 1
    if columns is not None:
        kinds = column_levels(columns, 0)
        C, Q, num_numbers = len(kinds) - kinds.count(COVARIATE), 1 + kinds.count(COVARIATE), kinds.count(0)
    by_covariates = settings.get("transitions", "constant") == "covariates"
    lines = {
        "pi": "simplex [K]",
        "A": f"simplex [{Q} K K]" if by_covariates else "simplex [K K]",
        "beta": f"real [K {C} {Q}]",
        "Lambda": f"positive [K {num_numbers}]",
        "z": "category [N T]",
    }
    return lines if num_numbers else {n: line for n, line in lines.items() if n != "Lambda"}


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc [C], the mean of the responses, its log odds or logarithm; scale [C], twice their standard deviation, or 2;
    spread, the standard deviation of the numbers among them over the root K^(1/C); covariate_mean and covariate_sd [P],
    the moments of the covariates. Raises ZooError for sequences of one step, and for constant columns.
    """
    x = data["x"]
    if x.shape[1] == 1:
        raise ZooError(
            "T=1: sequences of one step have no transition; give more steps, or fit a mixture to rows that do not "
            "follow each other"
        )
    at = layout(kinds_of(settings.get("columns"), x.shape[-1]))
    steps = x.reshape(-1, x.shape[-1])
    weights = None if weights is None else np.repeat(weights, x.shape[1])
    loc, sd = moments(steps, responses_of(at), weights)
    C, B = len(at.numbers), len(at.categories)
    odds, rates = loc[C : C + B] / (1 - loc[C : C + B]), loc[C + B :]
    scale = np.concatenate([2 * sd[:C], np.full(len(sd) - C, SCALE_OF_LINKS)])
    keywords = {"loc": np.concatenate([loc[:C], np.log(odds), np.log(rates)]), "scale": scale}
    if C:
        keywords["spread"] = sd[:C] / settings["K"] ** (1 / C)
    if len(at.covariates):
        keywords["covariate_mean"], keywords["covariate_sd"] = moments(steps, at.covariates, weights)
    return keywords


def moments(x, columns, weights):
    """Mean and standard deviation of some columns; an error names them by their positions in x."""
    try:
        return location_and_spread(x[:, columns], 0, weights)
    except ColumnError as error:
        raise ColumnError(error.text, columns[error.columns]) from error


def check(keywords):
    """Raise ZooError for priors and columns that are none, and for covariates of another shape."""
    check_transitions(keywords)
    kinds = kinds_of(keywords["columns"], keywords["D"])
    expected, covariates = (keywords["N"], keywords["T"], kinds.count(COVARIATE)), keywords["covariates"]
    if covariates is not None and np.shape(covariates) != expected:
        raise ZooError(
            f"covariates has the covariates of each step of N={expected[0]} sequences, shape {expected}; given shape "
            f"{np.shape(covariates)}"
        )


def regression(x, keywords):
    """The responses by the kind of their columns, and 1 and the covariates in units of their standard deviation."""
    at = layout(kinds_of(keywords["columns"], x.shape[-1]))
    w = np.nan_to_num((x[..., at.covariates] - keywords["covariate_mean"]) / keywords["covariate_sd"])
    return Regression(x[..., responses_of(at)], np.concatenate([np.ones((*x.shape[:2], 1)), w], axis=-1))


def labels(settings, names):
    """The names of the columns along the axes of parameters."""
    at = layout(kinds_of(settings.get("columns"), len(names)))
    groups = (responses_of(at), at.covariates, at.numbers)
    responses, covariates, numbers = (tuple(names[d] for d in indices) for indices in groups)
    by_covariates = settings.get("transitions", "constant") == "covariates"
    of_covariates = ("mean", *covariates)
    return {
        "beta": {1: responses, 2: of_covariates},
        "Lambda": {1: numbers},
        "Sigma": {1: numbers},
        **({"A": {0: of_covariates}} if by_covariates else {}),
    }


CARD = Card(
    name="switching_regression",
    title="Switching regression",
    citation="Goldfeld, S. M. and Quandt, R. E. (1973). A Markov model for switching regressions. Journal of "
    "Econometrics 1, 3-15. Diebold, F. X., Lee, J.-H. and Weinbach, G. C. (1994). Regime switching with time-varying "
    "transition probabilities. In Nonstationary Time Series Analysis and Cointegration, Oxford University Press, "
    "283-302.",
    latents=groups({}),
    groups=groups,
    observed={"x": "real [N T D]"},
    enumerated=("z",),
    sizes={"N": 8, "T": 8, "D": 2, "K": 2},
    variants={"transitions": {"constant": {}, "covariates": {}}},
    priors=priors,
    check=check,
    regression=regression,
    empirical=("loc", "scale", "spread", "covariate_mean", "covariate_sd"),
    derived={"Sigma": Derived(("Lambda",), covariance)},
    columns="columns",
    column_words=WORDS,
    default_columns=default_columns,
    labels=labels,
    missing=("x",),
    exact=("enumeration", "posterior"),
    tags=("sequences", "continuous", "discrete", "counts", "covariates", "missing data"),
    shown_on="faithful",
)
