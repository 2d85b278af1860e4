"""``predictive_check``: statistics of the data against those of data samples from the model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from inference.draws_model import check_program
from inference.evaluation.column_labels import column_labels
from inference.evaluation.leave_one_out.pit import loo_pit
from inference.evaluation.predictive_checks.record import PredictiveCheck
from inference.evaluation.predictive_checks.statistics import Statistic, category_shares, columns, statistics_of
from inference.predictive.replicates import posterior_replicates, prior_replicates
from inference.result import Fit
from zoo import ZooError
from zoo.checks import check_seed, check_whole

SEQUENCES = ("N", "T")


def predictive_check(
    fit: Fit,
    statistics: Mapping[str, Statistic] | None = None,
    *,
    draws: int = 500,
    seed: int = 0,
    prior: bool = False,
    pit: bool = False,
) -> PredictiveCheck:
    """Check whether data samples from a model looks like the data that it was fitted to.

    Parameters
    ----------
    fit : Fit
        A fit of any engine. Data is samples at its draws, or at a point estimate.
    statistics : dict of str to callable, optional
        Functions of the values of an observed site, as an array with NaN for missing values, that return a number, or
        one for each column. By default moments, extremes and skewness of numbers, dispersion and zeros of counts,
        shares of categories, the largest correlation of columns, and the autocorrelation of sequences.
    draws : int, default 500
        The number of data sets.
    seed : int, default 0
    prior : bool, default False
        Whether to draw from the prior in the place of the posterior.
    pit : bool, default False
        Whether to compute where each value lies in its predictive distribution given the other rows too (``loo_pit``),
        which needs a fit with draws.

    Returns
    -------
    PredictiveCheck

    Raises
    ------
    ZooError
        For documents, whose checks are those of topics, where a prior is improper, for a statistic that fails, and for
        ``pit`` of the prior or of a fit without draws.

    References
    ----------
    Rubin (1984), "Bayesianly justifiable and relevant frequency calculations for the applied statistician". Gelman,
    Meng and Stern (1996), "Posterior predictive assessment of model fitness via realized discrepancies".

    Examples
    --------
    >>> print(inference.predictive_check(fit))  # doctest: +SKIP
    """
    import pandas as pd

    check_whole(1, draws=draws)
    check_seed(seed)
    check_program(fit.model)
    if pit and prior:
        raise ZooError("pit is of the posterior, which has seen the other rows: leave prior out")
    if fit.model.card.of_words:
        raise ZooError("predictive_check has no statistics of documents: inference.topics.perplexity scores them")
    transforms = loo_pit(fit, seed=seed) if pit else None
    replicates = (prior_replicates if prior else posterior_replicates)(fit, draws, seed)
    data = {n: np.asarray(v, float) for n, v in fit.observed_data().items() if n in replicates}
    if not data:
        raise ZooError(f"the observed values of {fit.model.name} are computed in it: make them an argument")
    observed, samples = {}, {}
    for name, x in data.items():
        copies = np.where(np.isnan(x), np.nan, replicates[name])  # values are missing where those of the data are
        functions = functions_for(fit, name, x, statistics)
        prefix = f"{name} " if len(data) > 1 else ""
        for label, function in functions.items():
            value = evaluate(function, label, x)
            labels = column_labels(fit, x, value)
            values = np.stack([evaluate(function, label, copy) for copy in copies])
            for i, column in enumerate(labels):
                key = f"{prefix}{label}{column}"
                observed[key], samples[key] = float(value.ravel()[i]), values.reshape(len(values), -1)[:, i]
    rows = {
        key: {
            "observed": observed[key],
            "mean": np.nanmean(values),
            "5%": np.nanquantile(values, 0.05),
            "95%": np.nanquantile(values, 0.95),
            "p": (values > observed[key]).mean() + (values == observed[key]).mean() / 2,
        }
        for key, values in samples.items()
    }
    return PredictiveCheck(pd.DataFrame.from_dict(rows, orient="index"), samples, prior, transforms)


def functions_for(
    fit: Fit, name: str, x: np.ndarray, statistics: Mapping[str, Statistic] | None
) -> dict[str, Statistic]:
    """The functions of an observed site as it is."""
    if statistics is not None:
        return dict(statistics)
    site = fit.model.card.sites(fit.keywords)[name]
    is_sequence, has_columns = site.dims[:2] == SEQUENCES, len(site.dims) > 1 and site.dims[-1] not in SEQUENCES
    chosen = statistics_of(site.kind, is_sequence, x.shape[-1] if has_columns else 1)
    if site.kind == "category":
        chosen |= category_shares(x)

    def of_columns(function: Statistic) -> Statistic:
        return lambda values: function(columns(values, has_columns))

    return {n: f if n == "autocorrelation" else of_columns(f) for n, f in chosen.items()}


def evaluate(function: Statistic, label: str, x: np.ndarray) -> np.ndarray:
    """A statistic of a data set, as an array; raises ZooError where it fails."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # of a column that is missing
            return np.atleast_1d(np.asarray(function(x), float))
    except Exception as error:
        raise ZooError(f"the statistic {label!r} fails on data of shape {x.shape}: {error}") from error
