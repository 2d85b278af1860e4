"""``loo``: the expected log predictive density of a fit, rows left out by weights, by further fits, or by folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.evaluation.leave_one_out.leaving_out import check_rows, failure_of, leave_rows_out
from inference.evaluation.leave_one_out.record import LeaveOneOut
from inference.evaluation.selection.cross_validation import held_out_log_p, log_mean_over_draws, make_folds
from inference.result import Fit
from zoo.checks import check_seed

FEW_ROWS = 100  # with fewer the standard error over rows is too small (Sivula, Magnusson and Vehtari 2020)


def loo(fit: Fit, *, refits: int = 10, matches: int = 20, folds: int | None = None, seed: int = 0) -> LeaveOneOut:
    """Estimate how well a fit predicts rows that it has not seen, by leave-one-out cross-validation.

    The likelihood of a row has discrete latents summed out and normal ones integrated out. In a program of your own
    that has other latents of each row it is given those, as ``fit.log_likelihood()`` is; these rows cannot be left out
    by fits, which have no such latents of them.

    Parameters
    ----------
    fit : Fit
        A fit with draws, by ``nuts``, ``gibbs`` or a guide of ``svi``; with ``folds`` any fit.
    refits : int, default 10
        Where the weights of at most so many rows fail (k-hat above its limit), after draws have been moved, these are
        left out one by one by fits to the others, with the engine and the options of the fit.
    matches : int, default 20
        Where the weights of at most so many rows fail, the draws of chains are moved for each, so that their moments
        are those of the posterior without the row (moment matching), which takes a few evaluations of the density at
        all draws. Draws of a guide are not moved.
    folds : int, optional
        Leave out the rows of so many random folds by fits to the others, and use no weights.
    seed : int, default 0
        The seed of the folds.

    Returns
    -------
    LeaveOneOut

    Raises
    ------
    ZooError
        Where the fit has no draws, rows have no likelihood of their own, or rows are weighted.

    References
    ----------
    Vehtari, Gelman and Gabry (2017), "Practical Bayesian model evaluation using leave-one-out cross-validation and
    WAIC". Paananen, Piironen, Bürkner and Vehtari (2021), "Implicitly adaptive importance sampling". Magnusson et al.
    (2019), "Bayesian leave-one-out cross-validation for large data".

    Examples
    --------
    >>> print(inference.loo(fit))  # doctest: +SKIP
    """
    check_seed(seed)
    check_rows(fit, "loo")
    if folds is not None:
        return by_folds(fit, folds, seed)
    left_out = leave_rows_out(fit, "loo", "give folds=5, or fit by nuts or svi", refits, matches)
    estimates, refitted = left_out.estimates, left_out.refitted
    elpd, influence = estimates.elpd.copy(), estimates.influence.copy()
    for n, row in left_out.matched.rows.items():
        elpd[n], influence[n] = row.elpd, row.influence.reshape(influence[n].shape)
    if len(refitted):
        elpd[refitted] = held_out_log_p(fit, [np.array([n]) for n in refitted])[refitted]
    p_loo, rows = float(estimates.lpd.sum() - elpd.sum()), np.setdiff1d(np.arange(len(elpd)), refitted)
    error = estimates._replace(influence=influence).monte_carlo_error(rows)
    warnings = failure_of(left_out.k_hat, left_out.limit, left_out.obstacle, ", or folds=10")
    return result(elpd, p_loo, error, left_out.k_hat, left_out.limit, refitted, None, left_out.moved, warnings)


def by_folds(fit: Fit, folds: int, seed: int) -> LeaveOneOut:
    """The densities of rows under fits to the other folds."""
    elpd, lpd = held_out_log_p(fit, make_folds(fit, folds, seed)), log_mean_over_draws(fit.log_likelihood())
    nan = np.full(len(elpd), np.nan)
    return result(elpd, float((lpd - elpd).sum()), np.nan, nan, np.nan, np.arange(len(elpd)), folds)


def result(
    elpd: np.ndarray,
    p_loo: float,
    error: float,
    k_hat: np.ndarray,
    limit: float,
    refitted: np.ndarray,
    folds: int | None = None,
    matched: np.ndarray | None = None,
    failures: Sequence[str] = (),
) -> LeaveOneOut:
    """The record, with what makes it doubtful."""
    N, warnings = len(elpd), [*failures]
    if N < FEW_ROWS:
        warnings.append(f"With {N} rows the standard error is too small; count differences of a few nats as none.")
    se = float(np.sqrt(N) * elpd.std(ddof=1)) if N > 1 else np.nan
    moved = np.array([], int) if matched is None else matched
    return LeaveOneOut(float(elpd.sum()), se, error, p_loo, elpd, k_hat, limit, refitted, folds, tuple(warnings), moved)
