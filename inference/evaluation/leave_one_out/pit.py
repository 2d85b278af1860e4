"""``loo_pit``: where each value lies in its predictive distribution given the other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from inference.draws_model import check_program
from inference.evaluation.calibration.bands import band, counts_below, p_value
from inference.evaluation.column_labels import column_labels
from inference.evaluation.leave_one_out.pareto import array_statistics, leave_one_out
from inference.evaluation.weighted_draws import check_draws, log_weights_of
from inference.exact import spread_draws
from inference.plots.style import FIT_COLOURS, figure_style
from inference.predictive.replicates import predictive_draws
from inference.result import Fit
from inference.summaries.statistics import k_limit
from zoo import ZooError
from zoo.checks import check_seed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MAX_DRAWS = 1000  # which leave an error of at most 0.02 in each transform
POINTS = 100  # at which an ECDF is compared with a uniform one
ERROR_RATE = 0.05
MAX_PANELS = 12


@dataclass(frozen=True, eq=False)
class LooPIT:
    """The probability integral transform of each value under its predictive distribution given the other rows.

    Attributes
    ----------
    values : dict of str to array
        By observed site, in the shape of the data: p(a new value is below the observed one | the other rows), from 0 to
        1; NaN of a missing value. Where a new value can equal the observed one, as of counts, a uniform number
        between the probabilities below it and up to it.
    table : DataFrame
        A row for each column: ``n``, the number of values, and ``p``, of a test that their transforms are uniform.
    k_hat : array, (N,)
        Pareto k-hat of the weights of each row.
    k_limit : float
        The limit below which k-hat is good, for this many draws.
    warnings : tuple of str
    """

    values: Mapping[str, np.ndarray] = field(repr=False)
    table: pd.DataFrame
    columns: Mapping[str, np.ndarray] = field(repr=False)
    k_hat: np.ndarray = field(repr=False)
    k_limit: float
    warnings: tuple[str, ...] = ()

    @property
    def surprising(self) -> list[str]:
        """The columns whose p is below 5 percent after Bonferroni's correction for their number."""
        return [str(n) for n in self.table.index[self.table["p"] < ERROR_RATE / max(len(self.table), 1)]]

    def __str__(self) -> str:
        verdict = (
            "The transforms are uniform: the predictive distributions have the location and the spread of the data."
        )
        if self.surprising:
            verdict = f"The transforms are not uniform in: {', '.join(self.surprising)}."
        return "\n\n".join([self.table.round(3).to_string(), verdict, *self.warnings])

    def plot(self) -> Figure:
        """Draw the ECDF of the transforms less that of uniform ones, in its simultaneous 95% band; at most 12 columns.

        Where the curve falls from above 0 to below it, predictive distributions are too narrow; where it rises from
        below, too wide; above 0 throughout, they are too far up.
        """
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        shown = list(self.table.index[:MAX_PANELS])
        across = min(4, len(shown))
        down = -(-len(shown) // across)
        expected = np.arange(1, POINTS + 1) / (POINTS + 1)
        with rc_context(figure_style()):
            figure = Figure((2.6 * across + 0.4, 2.0 * down + 0.5), layout="constrained")
            panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
            for axes in panels[len(shown) :]:
                axes.set_axis_off()
            for axes, name in zip(panels, shown, strict=False):
                ranks = ranks_of(self.columns[name])
                low, high = band(len(ranks), POINTS, ERROR_RATE)
                n = len(ranks)
                axes.fill_between(expected, low / n - expected, high / n - expected, color="0.85", linewidth=0)
                axes.axhline(0, color="0.5", linewidth=0.8)
                colour = FIT_COLOURS[1 if name in self.surprising else 0]
                axes.step(expected, counts_below(ranks, POINTS) / n - expected, where="mid", color=colour)
                axes.set_title(f"{name}, p = {self.table.loc[name, 'p']:.2f}")
            figure.supxlabel("LOO-PIT")
            figure.supylabel("ECDF less uniform")
        return figure


def loo_pit(fit: Fit, *, seed: int = 0) -> LooPIT:
    """Compute where each value lies in its predictive distribution given the other rows.

    For data from the model the transforms are uniform: their distribution tells whether predictions are too wide, too
    narrow or shifted. New values are drawn at the draws of the fit, at most 1000, and count by the weights that leave
    the row out; where values of a column are dependent, as steps of a sequence are, or there are few, p is approximate.

    Parameters
    ----------
    fit : Fit
        A fit with draws, of rows that have a likelihood of their own (``loo``).
    seed : int, default 0
        Of the new values, and of the uniform numbers of discrete ones.

    Returns
    -------
    LooPIT

    Raises
    ------
    ZooError
        Where the fit has no draws, rows have no likelihood of their own, or they are documents.

    References
    ----------
    Gelfand, Dey and Chang (1992), "Model determination using predictive distributions with implementation via
    sampling-based methods". Säilynoja, Bürkner and Vehtari (2022), "Graphical test for discrete uniformity and its
    applications in goodness-of-fit evaluation and multiple sample comparison".

    Examples
    --------
    >>> inference.loo_pit(fit).plot()  # doctest: +SKIP
    """
    import pandas as pd

    check_seed(seed)
    check_program(fit.model)
    if fit.model.card.of_words:
        raise ZooError("loo_pit has no order of words: inference.topics.perplexity scores documents")
    check_draws(fit, "loo_pit")
    log_p = fit.log_likelihood()  # (chain, draw, N)
    at = spread_draws(min(MAX_DRAWS, log_p.shape[0] * log_p.shape[1]), log_p.shape[0] * log_p.shape[1])
    log_weight = log_weights_of(fit)
    thinned = log_p.reshape(-1, log_p.shape[-1])[at][None]
    estimates = leave_one_out(thinned, None if log_weight is None else log_weight[at][None])
    new, observed = predictive_draws(fit, at, seed), observed_sites(fit)
    sites = fit.model.card.sites(fit.keywords)
    values, columns = {}, {}
    for name, x in observed.items():
        axis = sites[name].dims.index("N") if "N" in sites[name].dims else None
        if axis is None or name not in new:
            continue
        pit = transforms(
            np.moveaxis(x, axis, 0), np.moveaxis(new[name], axis + 1, 1), estimates.log_weights[:, 0], seed
        )
        values[name] = np.moveaxis(pit, 0, axis)
        has_columns = pit.ndim > 1 and sites[name].dims[-1] not in ("N", "T")
        by_column = pit.reshape(-1, pit.shape[-1]) if has_columns else pit.reshape(-1, 1)
        for label, column in zip(column_labels(fit, x, by_column[0]), by_column.T, strict=True):
            if not np.isnan(column).all():
                columns[f"{name}{label}"] = column[~np.isnan(column)]
    if not values:
        raise ZooError(f"no observed site of {fit.model.name} is in its rows: predictive_check compares statistics")
    rows = {n: {"n": len(v), "p": p_value(ranks_of(v), POINTS)} for n, v in columns.items()}
    table = pd.DataFrame.from_dict(rows, orient="index")
    limit, warnings = k_limit(len(at)), []
    bad = int((estimates.k_hat > limit).sum())
    if bad:
        warnings.append(f"The weights of {bad} of {len(estimates.k_hat)} rows fail (k-hat above {limit:.2f}).")
    return LooPIT(values, table, columns, estimates.k_hat, limit, tuple(warnings))


def observed_sites(fit: Fit) -> dict[str, np.ndarray]:
    """The data by observed site, as floats."""
    return {n: np.asarray(v, float) for n, v in dict(fit.observed_data()).items() if n in fit.model.card.observed}


def transforms(x: np.ndarray, new: np.ndarray, log_weights: np.ndarray, seed: int) -> np.ndarray:
    """The transform of each value of x (N, ...), from new values (S, N, ...) and the log weights of rows (N, S).

    NaN of missing values, and of columns that are not drawn again.
    """
    flat, rng = x.reshape(len(x), -1), np.random.default_rng(seed)
    new_values = np.moveaxis(new.reshape(len(new), *flat.shape), 0, -1)  # (N, columns, S)
    pit = np.full(flat.shape, np.nan)
    for d in range(flat.shape[1]):
        is_present = ~np.isnan(flat[:, d])
        is_given = (new_values[is_present, d] == flat[is_present, d, None]).all()  # as covariates are
        if not is_given:
            pit[is_present, d] = array_statistics().loo_pit(
                new_values[is_present, d, None], flat[is_present, d], log_weights[is_present, None], random_state=rng
            )
    return np.clip(pit, 0.0, 1.0).reshape(x.shape)


def ranks_of(pit: np.ndarray) -> np.ndarray:
    """Transforms as ranks 0 .. POINTS of uniform probability.

    >>> ranks_of(np.array([0.0, 0.5, 1.0]))
    array([  0,  50, 100])
    """
    return np.minimum((pit * (POINTS + 1)).astype(int), POINTS)
