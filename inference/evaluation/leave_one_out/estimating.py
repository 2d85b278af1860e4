"""``loo``: the expected log predictive density of a fit, rows left out by weights, by further fits, or by folds."""

from __future__ import annotations

import numpy as np

from inference.draws_model import check_program
from inference.evaluation.leave_one_out.moment_matching import match_rows
from inference.evaluation.leave_one_out.pareto import leave_one_out
from inference.evaluation.leave_one_out.record import LeaveOneOut
from inference.evaluation.selection.cross_validation import held_out_log_p, log_mean_over_draws, make_folds
from inference.evaluation.weighted_draws import check_draws
from inference.result import Fit
from inference.summaries.statistics import k_limit
from zoo import ZooError
from zoo.checks import check_seed, check_whole

FEW_ROWS = 100  # with fewer the standard error over rows is too small (Sivula, Magnusson and Vehtari 2020)


def loo(fit: Fit, *, refits: int = 10, matches: int = 20, folds: int | None = None, seed: int = 0) -> LeaveOneOut:
    """Estimate how well a fit predicts rows that it has not seen, by leave-one-out cross-validation.

    The likelihood of a row has discrete latents summed out and normal ones integrated out. In a program of your own
    that has other latents of each row it is given those, as ``fit.log_likelihood()`` is.

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
    check_whole(0, refits=refits, matches=matches)
    check_seed(seed)
    check_program(fit.model)
    if fit.options.get("sample_weight") is not None:
        raise ZooError("loo leaves out rows that count once: fit without sample_weight, with a row for each")
    if folds is not None:
        return by_folds(fit, folds, seed)
    check_draws(fit, "loo", "give folds=5, or fit by nuts or svi")
    log_p = fit.log_likelihood()
    if not np.isfinite(log_p).any(axis=(0, 1)).all():
        raise ZooError("a row is impossible at every draw: its likelihood is 0")
    log_weight = fit.stats.get("log_weight") if fit.kind == "guide" else None
    estimates = leave_one_out(log_p, log_weight)
    limit = k_limit(log_p.shape[0] * log_p.shape[1])
    bad = np.flatnonzero(estimates.k_hat > limit)
    elpd, k_hat, influence = estimates.elpd.copy(), estimates.k_hat.copy(), estimates.influence.copy()
    matched = match_rows(fit, bad if len(bad) <= matches else bad[:0], limit, estimates.efficiency)
    for n, row in matched.items():
        elpd[n], k_hat[n], influence[n] = row.elpd, row.k_hat, row.influence.reshape(influence[n].shape)
    bad = np.flatnonzero(k_hat > limit)
    refitted = bad if len(bad) <= refits else bad[:0]
    if len(refitted):
        elpd[refitted] = held_out_log_p(fit, [np.array([n]) for n in refitted])[refitted]
        k_hat[refitted] = np.nan
    p_loo, rows = float(estimates.lpd.sum() - elpd.sum()), np.setdiff1d(np.arange(len(elpd)), refitted)
    error = estimates._replace(influence=influence).monte_carlo_error(rows)
    moved = np.setdiff1d(np.array(list(matched), int), refitted)
    return result(elpd, p_loo, error, k_hat, limit, refitted, matched=moved)


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
) -> LeaveOneOut:
    """The record, with what makes it doubtful."""
    N, warnings = len(elpd), []
    bad = int((k_hat > limit).sum())
    if bad:
        warnings.append(
            f"The weights of {bad} of {N} rows fail (k-hat above {limit:.2f}): give refits={bad} to leave each out by "
            "a fit, or folds=10."
        )
    if N < FEW_ROWS:
        warnings.append(f"With {N} rows the standard error is too small; count differences of a few nats as none.")
    se = float(np.sqrt(N) * elpd.std(ddof=1)) if N > 1 else np.nan
    moved = np.array([], int) if matched is None else matched
    return LeaveOneOut(float(elpd.sum()), se, error, p_loo, elpd, k_hat, limit, refitted, folds, tuple(warnings), moved)
