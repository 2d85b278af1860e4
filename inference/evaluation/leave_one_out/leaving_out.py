"""How each row is left out: by weights of the draws, by draws that are moved, or by a fit to the other rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.draws_model import check_program
from inference.evaluation.leave_one_out.moment_matching import MatchedRows, match_rows
from inference.evaluation.leave_one_out.pareto import Estimates, leave_one_out
from inference.evaluation.selection.cross_validation import refit_obstacle
from inference.evaluation.weighted_draws import check_draws, log_weights_of
from inference.result import Fit
from inference.summaries.statistics import k_limit
from zoo import ZooError
from zoo.checks import check_whole


class RowsLeftOut(NamedTuple):
    """The rows of a fit, left out.

    estimates: by the weights of the draws. matched: the rows for which draws are moved. k_hat: (N,), of the draws that
    are moved where there are any, NaN of rows to refit. limit: of k-hat. refitted: the rows that fits to the others
    are to leave out. obstacle: why no fits can, where that is so.
    """

    estimates: Estimates
    matched: MatchedRows
    k_hat: np.ndarray
    limit: float
    refitted: np.ndarray
    obstacle: str | None

    @property
    def moved(self) -> np.ndarray:
        """The rows whose result is that of draws that are moved."""
        return np.setdiff1d(np.array(list(self.matched.rows), int), self.refitted)


def failure_of(k_hat: np.ndarray, limit: float, obstacle: str | None, instead: str = "") -> list[str]:
    """A warning where the weights of some rows fail, with what helps.

    instead: what else does where fits can leave rows out.
    """
    bad = int((k_hat > limit).sum())
    if not bad:
        return []
    advice = f", and {obstacle}" if obstacle else f": give refits={bad} to leave each out by a fit{instead}"
    return [f"The weights of {bad} of {len(k_hat)} rows fail (k-hat above {limit:.2f}){advice}."]


def check_rows(fit: Fit, question: str) -> None:
    """Raise ZooError for a fit without a program, and for rows that are weighted."""
    check_program(fit.model)
    if fit.options.get("sample_weight") is not None:
        raise ZooError(f"{question} leaves out rows that count once: fit without sample_weight, with a row for each")


def leave_rows_out(fit: Fit, question: str, instead: str, refits: int, matches: int) -> RowsLeftOut:
    """Leave each row out by the weights of the draws, or by draws that are moved, and name those to refit.

    Parameters
    ----------
    fit : Fit
    question, instead : str
        What weighs the draws, and what to do about a fit without any, for errors.
    refits, matches : int
        As in ``loo``.

    Returns
    -------
    RowsLeftOut

    Raises
    ------
    ZooError
        Where the fit has no draws, rows have no likelihood of their own, or one is impossible.
    """
    check_whole(0, refits=refits, matches=matches)
    check_draws(fit, question, instead)
    log_p = fit.log_likelihood()  # (chain, draw, N)
    if not np.isfinite(log_p).any(axis=(0, 1)).all():
        raise ZooError("a row is impossible at every draw: its likelihood is 0")
    log_weight = log_weights_of(fit)
    estimates = leave_one_out(log_p, None if log_weight is None else log_weight.reshape(log_p.shape[:2]))
    limit, k_hat = k_limit(log_p.shape[0] * log_p.shape[1]), estimates.k_hat.copy()
    bad = np.flatnonzero(k_hat > limit)
    matched = match_rows(fit, bad if len(bad) <= matches else bad[:0], limit, estimates.efficiency)
    for n, row in matched.rows.items():
        k_hat[n] = row.k_hat
    bad = np.flatnonzero(k_hat > limit)
    obstacle = refit_obstacle(fit)
    refitted = bad if len(bad) <= refits and obstacle is None else bad[:0]
    k_hat[refitted] = np.nan
    return RowsLeftOut(estimates, matched, k_hat, limit, refitted, obstacle)
