"""``loo_pit``: where each value lies in its predictive distribution given the other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from inference.evaluation.calibration.bands import band, counts_below, p_value
from inference.evaluation.column_labels import column_labels
from inference.evaluation.leave_one_out.leaving_out import RowsLeftOut, check_rows, failure_of, leave_rows_out
from inference.evaluation.leave_one_out.pareto import array_statistics
from inference.evaluation.selection.cross_validation import refit_folds
from inference.exact import spread_draws
from inference.plots.style import FIT_COLOURS, figure_style
from inference.predictive.replicates import draws_given, predictive_draws
from inference.result import Fit
from inference.run.random_streams import chain_seeds
from zoo import ZooError
from zoo.checks import check_seed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MAX_DRAWS = 1000  # which leave an error of at most 0.02 in each transform
POINTS = 100  # at which an ECDF is compared with a uniform one
ERROR_RATE = 0.05
MAX_PANELS = 12
FAILED_COLOUR = "0.15"


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
    columns : dict of str to array
        The transforms of each column that are not NaN.
    failed : dict of str to array
        Those of them that are of rows whose k-hat is above the limit.
    k_hat : array, (N,)
        Pareto k-hat of the weights of each row, of draws that were moved where it was above the limit; NaN of one that
        was left out by a fit.
    k_limit : float
        The limit below which k-hat is good, for this many draws.
    refitted, matched : array of int
        The rows that were left out by a fit, and those for which draws were moved.
    warnings : tuple of str
    """

    values: Mapping[str, np.ndarray] = field(repr=False)
    table: pd.DataFrame
    columns: Mapping[str, np.ndarray] = field(repr=False)
    failed: Mapping[str, np.ndarray] = field(repr=False)
    k_hat: np.ndarray = field(repr=False)
    k_limit: float
    refitted: np.ndarray = field(repr=False)
    matched: np.ndarray = field(repr=False)
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
        below, too wide; above 0 throughout, they are too far up. Triangles are transforms of rows whose weights fail.
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
                bad = self.failed[name]
                axes.plot(bad, np.zeros(len(bad)), "v", color=FAILED_COLOUR, markersize=4, label="k-hat too high")
                axes.set_title(f"{name}, p = {self.table.loc[name, 'p']:.2f}")
            if any(len(bad) for bad in self.failed.values()):
                panels[0].legend(handles=panels[0].lines[-1:], loc="best")
            figure.supxlabel("LOO-PIT")
            figure.supylabel("ECDF less uniform")
        return figure


def loo_pit(fit: Fit, *, refits: int = 10, matches: int = 20, seed: int = 0) -> LooPIT:
    """Compute where each value lies in its predictive distribution given the other rows.

    For data from the model the transforms are uniform: their distribution tells whether predictions are too wide, too
    narrow or shifted. New values are drawn at the draws of the fit, at most 1000, and count by the weights that leave
    the row out; where these fail, at draws that are moved, or at those of a fit to the other rows, as in ``loo``. Where
    values of a column are dependent, as steps of a sequence are, or there are few, p is approximate.

    Parameters
    ----------
    fit : Fit
        A fit with draws, of rows that have a likelihood of their own (``loo``).
    refits, matches : int, default 10, 20
        As in ``loo``: where the weights of at most so many rows fail, these are left out by further fits, and before
        that draws of chains are moved.
    seed : int, default 0
        Of the new values, and of the uniform numbers of discrete ones.

    Returns
    -------
    LooPIT

    Raises
    ------
    ZooError
        Where the fit has no draws, rows have no likelihood of their own or are weighted, or they are documents.

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
    if fit.model.card.of_words:
        raise ZooError("loo_pit has no order of words: inference.topics.perplexity scores documents")
    check_rows(fit, "loo_pit")
    left_out = leave_rows_out(fit, "loo_pit", "fit by nuts, gibbs or svi", refits, matches)
    by_site = site_transforms(fit, left_out, seed)
    sites, observed = fit.model.card.sites(fit.keywords), observed_sites(fit)
    values, columns, failed = {}, {}, {}
    is_bad = left_out.k_hat > left_out.limit
    for name, pit in by_site.items():
        values[name] = np.moveaxis(pit, 0, sites[name].dims.index("N"))
        has_columns = pit.ndim > 1 and sites[name].dims[-1] not in ("N", "T")
        by_column = pit.reshape(-1, pit.shape[-1]) if has_columns else pit.reshape(-1, 1)
        is_bad_value = np.repeat(is_bad, len(by_column) // len(is_bad))
        for label, column in zip(column_labels(fit, observed[name], by_column[0]), by_column.T, strict=True):
            is_present = ~np.isnan(column)
            if is_present.any():
                columns[f"{name}{label}"] = column[is_present]
                failed[f"{name}{label}"] = column[is_present & is_bad_value]
    rows = {n: {"n": len(v), "p": p_value(ranks_of(v), POINTS)} for n, v in columns.items()}
    table = pd.DataFrame.from_dict(rows, orient="index")
    k_hat, limit = left_out.k_hat, left_out.limit
    warnings = tuple(failure_of(k_hat, limit, left_out.obstacle))
    return LooPIT(values, table, columns, failed, k_hat, limit, left_out.refitted, left_out.moved, warnings)


def site_transforms(fit: Fit, left_out: RowsLeftOut, seed: int) -> dict[str, np.ndarray]:
    """The transforms of each observed site that is in the rows, {site: (N, ...)}."""
    observed, matched = rows_first(fit, observed_sites(fit), 0), left_out.matched
    log_weights = left_out.estimates.log_weights.reshape(len(left_out.k_hat), -1)  # (N, S)
    at = draws_at(log_weights.shape[1])
    new = rows_first(fit, predictive_draws(fit, at, seed), 1)
    by_site = {n: transforms(x, new[n], normalised(log_weights[:, at]), seed) for n, x in observed.items() if n in new}
    if not by_site:
        raise ZooError(f"no observed site of {fit.model.name} is in its rows: predictive_check compares statistics")
    seeds = iter(chain_seeds(seed, len(left_out.moved) + len(left_out.refitted)))

    def replace_row(n: int, new: dict[str, np.ndarray], weights: np.ndarray, row_seed: int) -> None:
        for name, pit in by_site.items():
            pit[n] = transforms(observed[name][[n]], new[name], weights, row_seed)[0]

    shuffled = np.random.default_rng(seed).permutation(log_weights.shape[1])[:MAX_DRAWS]  # every second draw is moved
    for n, row_seed in zip(left_out.moved, seeds, strict=False):
        new = rows_first(fit, draws_given(fit, matched.draws(n, shuffled), row_seed), 1)
        weights = normalised(matched.rows[n].log_weights[None, shuffled])
        replace_row(n, {name: v[:, [n]] for name, v in new.items()}, weights, row_seed)
    for ((n,), partial, data), row_seed in zip(
        refit_folds(fit, [np.array([n]) for n in left_out.refitted]), seeds, strict=False
    ):
        chains, draws = next(iter(partial.draws.values())).shape[:2]
        at = draws_at(chains * draws)
        new = rows_first(fit, predictive_draws(partial, at, row_seed, data), 1)
        replace_row(n, new, np.full((1, len(at)), -np.log(len(at))), row_seed)
    return by_site


def draws_at(num_draws: int) -> np.ndarray:
    """The indices of the draws at which new values are drawn."""
    return spread_draws(min(MAX_DRAWS, num_draws), num_draws)


def normalised(log_weights: np.ndarray) -> np.ndarray:
    """The logs of the weights of some of the draws, (N, S), so that those of each row have sum 1."""
    return log_weights - logsumexp(log_weights, axis=1, keepdims=True)


def rows_first(fit: Fit, values: Mapping[str, np.ndarray], axis: int) -> dict[str, np.ndarray]:
    """The values of the sites that are in the rows, with the rows as the given axis; those before it are of draws."""
    dims = {n: site.dims for n, site in fit.model.card.sites(fit.keywords).items() if "N" in site.dims}
    return {n: np.moveaxis(v, dims[n].index("N") + axis, axis) for n, v in values.items() if n in dims}


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
