"""``loo``: the expected log predictive density of a fit, rows left out by weights, by further fits, or by folds."""

from __future__ import annotations

import numpy as np

from inference.draws_model import check_program
from inference.evaluation.leave_one_out.draws import check_draws
from inference.evaluation.leave_one_out.pareto import leave_one_out
from inference.evaluation.leave_one_out.record import LeaveOneOut
from inference.evaluation.selection.cross_validation import held_out_log_p, log_mean_over_draws, make_folds
from inference.result import Fit
from inference.summaries.statistics import k_limit
from zoo import ZooError
from zoo.checks import check_seed, check_whole

FEW_ROWS = 100  # with fewer the standard error over rows is too small (Sivula, Magnusson and Vehtari 2020)


def loo(fit: Fit, *, refits: int = 10, folds: int | None = None, seed: int = 0) -> LeaveOneOut:
    """Estimate how well a fit predicts rows that it has not seen, by leave-one-out cross-validation.

    The likelihood of a row has discrete latents summed out and normal ones integrated out. In a program of your own
    that has other latents of each row it is given those, as ``fit.log_likelihood()`` is.

    Parameters
    ----------
    fit : Fit
        A fit with draws, by ``nuts``, ``gibbs`` or a guide of ``svi``; with ``folds`` any fit.
    refits : int, default 10
        Where the weights of at most so many rows fail (k-hat above its limit), these are left out one by one by fits
        to the others, with the engine and the options of the fit.
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
    WAIC". Magnusson et al. (2019), "Bayesian leave-one-out cross-validation for large data".

    Examples
    --------
    >>> print(inference.loo(fit))  # doctest: +SKIP
    """
    check_whole(0, refits=refits)
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
    elpd, k_hat = estimates.elpd.copy(), estimates.k_hat.copy()
    refitted = bad if len(bad) <= refits else bad[:0]
    if len(refitted):
        elpd[refitted] = held_out_log_p(fit, [np.array([n]) for n in refitted])[refitted]
        k_hat[refitted] = np.nan
    p_loo, rows = float(estimates.lpd.sum() - elpd.sum()), np.setdiff1d(np.arange(len(elpd)), refitted)
    return result(elpd, p_loo, estimates.monte_carlo_error(rows), k_hat, limit, refitted)


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
    return LeaveOneOut(float(elpd.sum()), se, error, p_loo, elpd, k_hat, limit, refitted, folds, tuple(warnings))
