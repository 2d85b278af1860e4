"""Latent classes of rows whose columns are categories, numbers and counts; covariates may predict the class.

    pi         ~ Dirichlet(1, ..., 1)          [K]    sizes of the classes, at the mean covariates
    odds_p     ~ Dirichlet(1, ..., 1)          [K]    effect of covariate p on each class
    theta<d>_k ~ Dirichlet(1, ..., 1)          [K]    probabilities of the levels of column d in class k
    mu_kd      ~ Normal(loc, scale)            [K]    mean of column d, a number
    Lambda_kd  ~ Gamma(3/2, spread^2/2)        [K]    its precision, Sigma = 1 / Lambda
    rate_kd    ~ Gamma(shape, shape / mean)    [K]    mean of column d, a count
    z_n        ~ Categorical(p_n)              [N]    the class of row n, p_nk proportional to pi_k prod_p odds_pk^w_np
    x_nd       ~ Categorical(theta<d>_z), Normal(mu_zd, Sigma_zd) or Poisson(rate_zd)    [N D]    column d of row n

The columns of a row are independent given its class. The setting ``columns`` has for each column 0 for a number, the
number of levels of a category, "count" or "covariate"; unless given, all are numbers. It may also be what
``zoo.columns.read`` returns; then the model takes DataFrames with words as they are. theta2 is of column 2, counted
from 0, and mu, Lambda and rate have an entry for each column of their kind. A missing value (NaN) is left out, which is
exact where values are missing at random; covariates are complete.

With w_np covariate p in units of its standard deviation, ``covariate_sd``, about its mean, ``covariate_mean``,

    log p(z_n = k) - log p(z_n = l)  =  log(pi_k / pi_l) + sum_p w_np (beta_pk - beta_pl),    beta = log odds

a multinomial logistic regression (Dayton and Macready 1988). beta is reported with mean 0 over the classes. The program
reads covariates off the data, and they have no density. Without data they are the setting ``covariates`` (N, P), or
else drawn from normals with these moments.
"""

import numpy as np

from zoo._distributions.mixed_columns import layout
from zoo.cards import Card
from zoo.data.column_kinds import check_columns, column_levels
from zoo.data.columns import COUNT, COVARIATE, Columns
from zoo.data.moments import column_sums, location_and_spread
from zoo.errors import ColumnError, ZooError
from zoo.items import Items
from zoo.sites import Derived

WORDS = (COUNT, COVARIATE)
MIN_MEAN = 0.5  # of a count, for its prior: half a count where all are zero


def positions(settings):
    """Where the columns of each kind are; None where the setting says nothing of them, and all are numbers."""
    columns = settings.get("columns")
    if columns is None:
        return None
    kinds = column_levels(columns, 0) if isinstance(columns, str) else getattr(columns, "levels", columns)
    return layout(check_columns(kinds, np.size(kinds), WORDS))


def groups(settings):
    """The lines of the latents, by the kinds of the columns.

    >>> groups({"columns": (3, 0, "count")})["theta0"]
    'simplex [K 3]'
    """
    at = positions(settings)
    if at is None:
        return {"pi": "simplex [K]", "mu": "real [K D]", "Lambda": "positive [K D]", "z": "category [N]"}
    lines = {"pi": "simplex [K]"}
    if len(at.covariates):
        lines["odds"] = f"simplex [{len(at.covariates)} K]"
    if len(at.numbers):
        lines |= {"mu": f"real [K {len(at.numbers)}]", "Lambda": f"positive [K {len(at.numbers)}]"}
    if len(at.counts):
        lines["rate"] = f"positive [K {len(at.counts)}]"
    lines |= {f"theta{d}": f"simplex [K {size}]" for d, size in zip(at.categories, at.sizes, strict=True)}
    return {**lines, "z": "category [N]"}


def priors(data, settings, weights=None):
    """Weakly informative keywords, in the units of the data.

    loc, scale and spread are those of ``gaussian_mixture``, for each number; mean is the average of each count;
    covariate_mean and covariate_sd are the moments of each covariate. Raises ZooError for constant columns.
    """
    x = data["x"]
    at = layout(check_columns(column_levels(settings.get("columns"), x.shape[1]), x.shape[1], WORDS))
    keywords = {}
    if len(at.numbers):
        loc, sd = moments(x, at.numbers, weights)
        keywords |= {"loc": loc, "scale": 2 * sd, "spread": sd / settings["K"] ** (1 / len(sd))}
    if len(at.counts):
        count, total, _ = column_sums(x[:, at.counts], np.zeros(len(at.counts)), weights)
        keywords["mean"] = np.maximum(total / np.maximum(count, np.finfo(float).tiny), MIN_MEAN)
    if len(at.covariates):
        keywords["covariate_mean"], keywords["covariate_sd"] = moments(x, at.covariates, weights)
    return keywords


def moments(x, columns, weights):
    """Mean and standard deviation of some columns; an error names them by their positions in x."""
    try:
        return location_and_spread(x[:, columns], 0, weights)
    except ColumnError as error:
        raise ColumnError(error.text, columns[error.columns]) from error


def check(keywords):
    """Raise ZooError unless the columns have one that is no covariate, and for covariates of another shape."""
    kinds = check_columns(column_levels(keywords["columns"], keywords["D"]), keywords["D"], WORDS)
    if set(kinds) == {COVARIATE}:
        raise ZooError("all columns are covariates, and none depends on the class: give a category, number or count")
    expected, covariates = (keywords["N"], kinds.count(COVARIATE)), keywords["covariates"]
    if covariates is not None and np.shape(covariates) != expected:
        raise ZooError(
            f"covariates has a row for each of N={expected[0]} rows and a column for each covariate, shape "
            f"{expected}; given {np.shape(covariates)}"
        )


def variance(precision, site):
    """Sigma from Lambda."""
    return 1 / precision


def effects(odds, site):
    """beta from odds: their logarithms, with mean 0 over the classes."""
    logs = np.log(odds)
    return logs - logs.mean(-1, keepdims=True)


def labels(settings, names):
    """Names of columns, and of levels as "work=private", along the axes of parameters."""
    columns = settings.get("columns")
    at = positions(settings)
    if at is None:
        return {}

    def named(indices):
        return tuple(names[d] for d in indices)

    sizes = dict(zip(at.categories, at.sizes, strict=True))
    levels = columns.categories if isinstance(columns, Columns) else {d: range(size) for d, size in sizes.items()}
    return {
        "mu": {1: named(at.numbers)},
        "Lambda": {1: named(at.numbers)},
        "Sigma": {1: named(at.numbers)},
        "rate": {1: named(at.counts)},
        "odds": {0: named(at.covariates)},
        "beta": {0: named(at.covariates)},
        **{f"theta{d}": {1: tuple(f"{names[d]}={level}" for level in levels[d])} for d in at.categories},
    }


def items(params, settings):
    """The distribution of each column in each class; covariates have none."""
    D = settings["D"]
    at = layout(column_levels(settings.get("columns"), D))
    shape = np.shape(params["pi"])
    mean, variances = np.full((*shape, D), np.nan), np.full((*shape, D), np.nan)
    if len(at.numbers):
        mean[..., at.numbers], variances[..., at.numbers] = params["mu"], 1 / params["Lambda"]
    if len(at.counts):
        mean[..., at.counts] = variances[..., at.counts] = params["rate"]
    return Items(mean, variances, {int(d): params[f"theta{d}"] for d in at.categories})


CARD = Card(
    name="mixed_latent_class",
    title="Latent classes of mixed columns",
    citation="Linzer, D. A. and Lewis, J. B. (2011). poLCA: an R package for polytomous variable latent class "
    "analysis. Journal of Statistical Software 42(10). Hunt, L. and Jorgensen, M. (2003). Mixture model clustering for "
    "mixed data with missing information. Computational Statistics and Data Analysis 41, 429-440. Dayton, C. M. and "
    "Macready, G. B. (1988). Concomitant-variable latent-class models. Journal of the American Statistical Association "
    "83, 173-178.",
    latents={"pi": "simplex [K]", "mu": "real [K D]", "Lambda": "positive [K D]", "z": "category [N]"},
    groups=groups,
    observed={"x": "real [N D]"},
    enumerated=("z",),
    sizes={"N": 60, "D": 5, "K": 2},
    priors=priors,
    check=check,
    empirical=("loc", "scale", "spread", "mean", "covariate_mean", "covariate_sd"),
    derived={"Sigma": Derived(("Lambda",), variance), "beta": Derived(("odds",), effects)},
    columns="columns",
    column_words=WORDS,
    labels=labels,
    items=items,
    missing=("x",),
    exact=("enumeration", "posterior"),
    tags=("mixture", "discrete", "continuous", "counts", "covariates", "missing data"),
    shown_on="faithful",
)
